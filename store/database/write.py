"""A transaction as a write receives it, and what its outermost end does last."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NamedTuple

from peewee import Database

Run = Callable[[Sequence[Any]], None]
"""What the end does with everything that was left for it."""


class Place(IntEnum):
    """The order in which the end of a transaction does what was left for it.

    Rows that many writers share come last and in one order. Writers hold them for the shortest time, and no two of
    them wait for each other in a circle.
    """

    COUNTERS = 1
    LOG = 2


class _Left(NamedTuple):
    place: Place
    run: Run
    item: Any


class Write:
    """One transaction. A bulk batch or an import batch is one with many writes in it, and one end."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._left: list[_Left] = []

    def leave(self, place: Place, run: Run, item: Any) -> None:
        """Leave something for the end, where `run` is called once with all items that were left for it."""
        self._left.append(_Left(place, run, item))

    @contextmanager
    def part(self) -> Iterator["Write"]:
        """A part of the transaction that is undone by itself: where it raises, its statements are rolled back, and
        what it left for the end is forgotten."""
        before = len(self._left)
        try:
            with self._db.atomic():
                yield self
        except BaseException:
            del self._left[before:]
            raise

    def end(self) -> None:
        """Do what was left, place by place; nothing may follow but the commit."""
        runs = {(left.place, left.run): None for left in self._left}
        for place, run in sorted(runs, key=lambda each: each[0]):
            run([left.item for left in self._left if (left.place, left.run) == (place, run)])
        self._left.clear()
