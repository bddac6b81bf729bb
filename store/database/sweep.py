"""Work over many rows: some hundreds in each transaction, in the order of their keys, while clients continue."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from store.database.transactions import Database
from store.database.write import Write

BATCH = 300
"""The number of rows in one transaction; a client's write waits for these at most."""

Work = Callable[[Write, list[Any]], object]
"""Processes the rows of one transaction, given as tuples."""


class Mark(Protocol):
    """The position of a sweep, kept in the database. An interrupted sweep resumes there, and two share the work."""

    def read(self) -> int | None:
        """The key of the last processed row, locked for this transaction; None if the sweep is over."""

    def keep(self, key: int) -> None:
        """Keep the key of the last row of this transaction."""


def sweep(
    database: Database, rows: Any, key: Any, work: Work, *, mark: Mark | None = None, batch: int = BATCH
) -> Iterator[int]:
    """Process all rows of a query; yields the number of rows after each transaction.

    `rows` is a query whose first column is `key`, a column of integers; the rows it finds are locked during the
    transaction. Work that removes rows from the query can be resumed without a `mark`. On SQLite the sweep pauses for
    as long as each transaction took.
    """
    last = 0

    def step(write: Write) -> list[Any]:
        start = last if mark is None else mark.read()
        if start is None:
            return []
        following = rows.where(key > start).order_by(key).limit(batch)
        found = list(database.dialect.for_update(following).tuples().execute(database.db))
        if found:
            work(write, found)
            if mark is not None:
                mark.keep(found[-1][0])
        return found

    while found := database.write_aside(step):
        # A transaction may run twice, so the position moves only after the commit.
        last = found[-1][0]
        yield len(found)


def sweep_out(database: Database, model: Any, chosen: Any, order: Any, *, batch: int = BATCH) -> Iterator[int]:
    """Delete the rows of a table that satisfy the condition, in that order; yields the number of deleted rows after
    each transaction. An interrupted call is resumed by another one."""
    found = model.select(model.pk).where(chosen).order_by(order).limit(batch)
    while count := database.write_aside(lambda _: int(model.delete().where(model.pk.in_(found)).execute(database.db))):
        yield count
