"""An open database: a connection for each thread, transactions that are run again as a whole, compiled statements."""

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from playhouse.migrations import Runner

from scim.errors import TooMany, Unavailable
from store.database.dialect import LOST, OVERDUE, TOO_LARGE, UNAVAILABLE, UNCONFIRMED, Dialect
from store.database.postgres import Postgres
from store.database.sqlite import Sqlite
from store.database.statements import Statements
from store.database.write import Write
from store.tables import proxy

Result = TypeVar("Result")

ATTEMPTS = 3
"""The number of times a write that loses a race is run before the client is asked to retry."""

PAUSE = 0.05
"""The longest pause in seconds between a lost race and the second attempt; twice as long before the third."""

LONGEST_PAUSE = 0.2
"""The longest pause of background work between two transactions, in seconds."""

BUSY = "The database cannot take this request now; it was not applied, and may be sent again."

TOO_MUCH = "The page is larger than the database can return at once: request fewer resources with count."

DOUBTFUL = "The database did not confirm that this was stored: check whether it is there before you send it again."

_SQLITE = "sqlite:///"


class Unconfirmed(Unavailable):
    """The outcome of a commit is unknown."""


class Overdue(Unavailable):
    """A statement exceeded its time limit; nothing was applied."""


class MigrationNeeded(Exception):
    """The database's tables are older than this version."""


class NewerDatabase(Exception):
    """The database's tables are newer than this version."""


class Database:
    """The database that the store's modules share. `url` is sqlite:///path or postgresql://…; times are in seconds;
    `deadline` is the time limit of a search, 0 for none."""

    def __init__(
        self,
        url: str,
        *,
        busy_timeout: float = 15.0,
        statement_timeout: float = 20.0,
        prepared_statements: bool = True,
        deadline: float = 10.0,
    ) -> None:
        self.dialect: Dialect = (
            Sqlite(url.removeprefix(_SQLITE), busy_timeout=busy_timeout)
            if url.startswith(_SQLITE)
            else Postgres(url, statement_timeout=statement_timeout, prepared_statements=prepared_statements)
        )
        self.db = self.dialect.db
        self.deadline = deadline
        self.statements = Statements(self.db)
        self.statement = self.statements.get
        self.use()

    def use(self) -> None:
        """Make this the database of the models; a process uses one at a time."""
        proxy.initialize(self.db)

    def read(self, work: Callable[[], Result]) -> Result:
        """Run statements that change nothing; again over a new connection if the old one was lost."""
        return self._run(work)

    def write(self, work: Callable[[Write], Result], within: Write | None = None) -> Result:
        """Run `work` in a transaction, or as a part of the transaction `within`.

        A write is a function of the request: if it loses a race (deadlock, serialization failure, deleted foreign key)
        it is rolled back and run again as a whole. Raises Unavailable if that does not help, or if the database is
        busy, full or unreachable; then nothing was applied. Raises Unconfirmed if the answer to the commit was lost or
        says that a failover may undo it; such a write is not run again, since it may already be there.
        """
        if within is not None:
            with within.part():
                return work(within)
        if self.db.in_transaction():
            raise AssertionError("a write in a transaction needs that transaction as `within`")
        worked = False

        def transaction() -> Result:
            nonlocal worked
            worked = False
            with self.dialect.turn, self.db.atomic():
                write = Write(self.db, self.statements)
                result = work(write)
                write.end()
                worked = True
            return result

        return self._run(transaction, lambda: worked)

    def write_aside(self, work: Callable[[Write], Result]) -> Result:
        """Run one of many pieces of background work in a transaction, then let waiting writers proceed."""
        began = time.monotonic()
        result = self.write(work)
        if not self.dialect.locks_rows:
            # Waiting connections retry at intervals and miss short gaps.
            time.sleep(min(time.monotonic() - began, LONGEST_PAUSE))
        return result

    def _run(self, work: Callable[[], Result], commits: Callable[[], bool] = lambda: False) -> Result:
        """Run the work, again if that helps; `commits`: whether it had reached its commit."""
        nested = self.db.in_transaction()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return work()
            except self.dialect.errors as error:
                remedy = self.dialect.remedy(error)
                # A nested transaction cannot be run again alone; the outermost one is.
                if remedy is None or nested:
                    raise
                if remedy == LOST:
                    self.close()
                if remedy == UNCONFIRMED or (remedy == LOST and commits()):
                    raise Unconfirmed(DOUBTFUL, headers={"Retry-After": "5"}) from error
                if remedy == TOO_LARGE:
                    raise TooMany(TOO_MUCH) from error
                if remedy == OVERDUE:
                    raise Overdue(BUSY, headers={"Retry-After": "5"}) from error
                if remedy == UNAVAILABLE or attempt == ATTEMPTS:
                    raise Unavailable(BUSY, headers={"Retry-After": "5"}) from error
            # Without a pause this transaction may meet those that won the race again.
            time.sleep(random.uniform(0.0, PAUSE) * attempt)  # noqa: S311 (not a secret)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close this thread's connection; the next statement opens another."""
        if not self.db.is_closed():
            while self.db.transaction_depth():
                self.db.pop_transaction()  # type: ignore[no-untyped-call]
            self.db.close()

    def migrate(self) -> list[str]:
        """Bring the tables up to date, one process at a time; returns the names of the applied steps. Raises
        NewerDatabase."""
        with self.dialect.migration_lock():
            applied: list[str] = self._runner().up()
        return applied

    def check_migrated(self) -> None:
        """Raise MigrationNeeded if a step is missing, NewerDatabase if a newer version applied further ones."""
        pending = [step.name for step in self._runner().status() if step.applied is None]
        if pending:
            raise MigrationNeeded(f"The database lacks {', '.join(pending)}: run `vestibule migrate` first.")

    def _runner(self) -> Runner:
        directory = os.fspath(Path(__file__).parents[1] / "migrations")
        runner = Runner(self.db, directory=directory, table_name="migration")
        unknown = [step.name for step in runner.status() if step.path is None]
        if unknown:
            raise NewerDatabase(
                f"The database was migrated by a newer version of Vestibule ({', '.join(unknown)}): install that"
                " version, or restore a backup from before its migration."
            )
        return runner


def now() -> str:
    """The current time as the store keeps it: the comparison key of a dateTime, in UTC."""
    return instant_at(time.time())


def instant_at(seconds: float) -> str:
    """A time in seconds since 1970 as the store keeps it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:26] + "000Z"
