"""A transaction as a write receives it, with the work that is left for its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NamedTuple

from peewee import Database

Run = Callable[[Sequence[Any]], None]
"""Processes all items of one kind that were left for the end of a transaction."""


class Place(IntEnum):
    """The order of the work that is left for the end of a transaction.

    Rows that many writers share come last, so writers hold them only briefly, and in one order, so that writers cannot
    deadlock.
    """

    COUNTERS = 1
    LOG = 2


class _Left(NamedTuple):
    place: Place
    run: Run
    item: Any


class Write:
    """One transaction. A bulk batch or an import batch is one transaction with many writes and one end."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._left: list[_Left] = []

    def leave(self, place: Place, run: Run, item: Any) -> None:
        """Leave an item for the end, which calls `run` once with all its items."""
        self._left.append(_Left(place, run, item))

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
            for left in self._left:
                if left.place is place:
                    runs.setdefault(left.run, []).append(left.item)
            for run, items in runs.items():
                run(items)
        self._left.clear()
