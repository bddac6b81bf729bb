"""Work over many rows: some hundreds a transaction, in the order of their keys, beside clients."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from store.database.transactions import Database
from store.database.write import Write

BATCH = 300
"""How many rows one transaction works on: clients that write meanwhile wait for no more than these."""

Work = Callable[[Write, list[Any]], object]
"""What is done with the rows of one transaction, which are tuples."""

Progress = Callable[[int], object]
"""Called after each transaction with the number of rows that it worked on."""


def silent(_: int) -> None:
    """The progress of a sweep that nobody watches."""


class Mark(Protocol):
    """How far a sweep is, kept in the database: a sweep that was interrupted resumes there, and two share the work."""

    def read(self) -> int | None:
        """The key of the last row that was worked on, locked for this transaction; None if the sweep is over."""

    def keep(self, key: int) -> None:
        """Keep the key of the last row of this transaction."""


def sweep(
    database: Database,
    rows: Any,
    key: Any,
    work: Work,
    *,
    mark: Mark | None = None,
    after: int = 0,
    batch: int = BATCH,
) -> Iterator[int]:
    """Work on all rows of a query; yields after each transaction the number of its rows.

    `rows` is a query whose first column is `key`, a column of integers; what it finds is locked until the end of the
    transaction. Work that makes a row leave the query needs no `mark` to be resumable. Without a mark the sweep begins
    behind the key `after`. On SQLite it leaves the database to others for as long as each transaction took.
    """
    last = after

    def step(write: Write) -> list[Any]:
        start = last if mark is None else mark.read()
        found = [] if start is None else _locked(database, rows.where(key > start).order_by(key).limit(batch))
        if found:
            work(write, found)
        if found and mark is not None:
            mark.keep(found[-1][0])
        return found

    # A transaction may run twice, so the position moves only once it is committed.
    while found := database.write_aside(step):
        last = found[-1][0]
        yield len(found)


def _locked(database: Database, rows: Any) -> list[Any]:
    return list(database.dialect.for_update(rows).tuples().execute(database.db))


def sweep_out(database: Database, model: Any, chosen: Any, order: Any, *, batch: int = BATCH) -> Iterator[int]:
    """Delete the rows of a table that satisfy the condition, in that order; yields after each transaction the number
    of rows that it deleted. Interrupted, it is resumed by calling it again."""
    found = model.select(model.pk).where(chosen).order_by(order).limit(batch)
    while count := database.write_aside(lambda _: int(model.delete().where(model.pk.in_(found)).execute(database.db))):
        yield count
