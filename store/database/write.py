"""A transaction as a write receives it, with the work that is left for its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from peewee import Database

from store.database.statements import Statements

Run = Callable[[Statements, Sequence[Any]], None]
"""Processes all items of one kind that were left for the end of a transaction, by compiled statements."""


class Place(IntEnum):
    """The order of the work that is left for the end of a transaction: rows that many writers share come last, so
    writers hold them only briefly, and in one order, so that writers cannot deadlock."""

    COUNTERS = 1
    LOG = 2


class Write:
    """One transaction. A bulk batch or an import batch is one transaction with many writes and one end."""

    def __init__(self, db: Database, statements: Statements) -> None:
        self._db = db
        self._statements = statements
        self._left: list[tuple[Place, Run, Any]] = []

    def leave(self, place: Place, run: Run, item: Any) -> None:
        """Leave an item for the end, which calls `run` once with all its items."""
        self._left.append((place, run, item))

    @contextmanager
    def part(self) -> Iterator["Write"]:
        """A part of the transaction. If it raises, its statements are rolled back and the items that it left are
        discarded."""
        before = len(self._left)
        try:
            with self._db.atomic():
                yield self
        except BaseException:
            del self._left[before:]
            raise

    def end(self) -> None:
        """Process the items that were left, in the order of their places; only the commit may follow."""
        for place in Place:
            runs: dict[Run, list[Any]] = {}
            for wanted, run, item in self._left:
                if wanted is place:
                    runs.setdefault(run, []).append(item)
            for run, items in runs.items():
                run(self._statements, items)
        self._left.clear()
