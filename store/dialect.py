"""Everything in which SQLite and Postgres differ: two small classes, one of which is chosen once, from the URL."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import local
from typing import Any, ClassVar, Protocol

from peewee import SQL, Cast, DatabaseError, Entity, Node, NodeList, PostgresqlDatabase, Select, SqliteDatabase, fn
from peewee import Database as PeeweeDatabase

from store.turns import Turns

RETRY, UNAVAILABLE, LOST, OVERDUE, UNCONFIRMED = "retry", "unavailable", "lost", "overdue", "unconfirmed"
TOO_LARGE = "too large"
"""What can be done about a failure: run the transaction again; ask the client to come back; connect anew; ask for
less; say that nobody knows; ask for less at once."""

_OPCODES = 50_000
"""After how many of its instructions SQLite looks at the clock: every few milliseconds."""


_GLANCE = 0.02
"""After how many seconds to look again whether others are done."""


class Dialect(Protocol):
    """What the rest of the store asks of a database."""

    db: PeeweeDatabase
    locks_rows: bool
    """Whether writes lock rows one by one, instead of the whole database."""
    errors: tuple[type[Exception], ...]
    """What `fate` judges."""

    def migration_lock(self) -> Any:
        """A context manager that one process at a time holds."""

    def turn(self) -> AbstractContextManager[Any]:
        """What a transaction waits for before it begins, so that writes of this process do not crowd each other out."""

    def serialize(self, number: int) -> None:
        """Make this transaction wait for others that serialize on the same number."""

    def settle(self) -> None:
        """Wait until every other transaction that has changed something by now is over."""

    def step_aside(self, seconds: float) -> None:
        """Leave others their turn, after a transaction of many that took so long."""

    def survey(self, table: str) -> None:
        """Let the planner know a table as it is now, after much was written; outside a transaction or in one."""

    def deadline(self, seconds: float, *, walks: bool) -> AbstractContextManager[None]:
        """What statements run in that must end after so many seconds; `walks`: they may well take that long."""

    def hurry(self) -> None:
        """Let the next statement within a deadline have what is left of it."""

    def new_keys(self, table: str, count: int) -> list[int]:
        """So many keys for new rows of the table, which nobody else gets; inside a transaction."""

    def gather_statistics(self) -> None:
        """Let the database see how its tables have grown, where its plans depend on that."""

    def for_update(self, query: Any) -> Any:
        """The query, locking the rows it finds until the transaction ends; others may still begin to refer to them."""

    def for_delete(self, query: Any) -> Any:
        """The query, locking the rows it finds so that nobody begins to refer to them either."""

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        """The comparison key at that path of a JSON document of keys, None where there is none."""

    def present(self, document: Node, path: Sequence[str]) -> Any:
        """Whether the JSON document has anything at that path."""

    def operand(self, type: str, key: Any) -> Any:
        """A comparison key as a parameter that compares with `value`."""

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        """A source of rows, one for each element of the JSON array there: `value`, in the order of `position`."""

    def position(self, alias: str) -> Node:
        """The position of such a row's element in its array."""

    def contains(self, text: Node, operand: Any) -> Any:
        """Whether the text holds the operand."""

    def one_of(self, column: Node, values: Any) -> Any:
        """Whether the column's value is in the list that the one parameter `values` holds."""

    def none_of(self, key: Node, query: Any, column: Node) -> Any:
        """Whether the key is not among the values of the query's one column, of which there may be millions."""

    def list_of(self, values: Sequence[Any]) -> Any:
        """A list of numbers or texts as the one parameter of `one_of`."""

    def text(self, key: Node) -> Node:
        """An expression that makes text, in byte order when it is compared."""

    def gathered(self, query: Any, columns: int, long: Sequence[int]) -> Any:
        """The query, whose columns are called c0, c1, …, so that all its rows come in one step where steps are dear.

        `long` are the numbers of the columns that hold JSON text, which is all on one line.
        """

    def rows(self, cursor: Any, long: Sequence[int]) -> list[Any]:
        """The rows that a gathered query found, each a sequence of its columns."""

    def json_row(self, *columns: Node) -> Node:
        """The JSON list of these columns of a row."""

    def json_list(self, element: Node) -> Node:
        """The JSON text of a list with this JSON element, made by `json_row`, of every row; in no particular order."""

    def typed(self, value: Node, type: str) -> Node:
        """A parameter whose type nothing else tells: bigint or text."""

    def fate(self, error: Exception) -> str | None:
        """What can be done about a database error: RETRY and the others, None where nothing can."""

    def constraint(self, error: Exception) -> str:
        """What a violated constraint is called, or what the database says of it."""


class Sqlite:
    """SQLite: WAL, one writer at a time, durable at every commit."""

    locks_rows = False
    # Rows are found while they are fetched, from the driver's own cursor: there its errors come without peewee's cover.
    errors: tuple[type[Exception], ...] = (DatabaseError, sqlite3.DatabaseError)

    _FATES: ClassVar = {
        "SQLITE_BUSY": UNAVAILABLE, "SQLITE_BUSY_SNAPSHOT": RETRY, "SQLITE_LOCKED": UNAVAILABLE,
        "SQLITE_FULL": UNAVAILABLE, "SQLITE_IOERR": UNAVAILABLE, "SQLITE_READONLY": UNAVAILABLE,
        "SQLITE_INTERRUPT": OVERDUE, "SQLITE_CANTOPEN": UNAVAILABLE, "SQLITE_CONSTRAINT_FOREIGNKEY": RETRY,
        "SQLITE_TOOBIG": TOO_LARGE,
    }  # fmt: skip

    def __init__(self, path: str, *, busy_timeout: float) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._turn = Turns(f"{path}.turn", busy_timeout)
        pragmas = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": "full", "cache_size": -8_000}
        # A plain BEGIN reads first and cannot be upgraded to a write under concurrency: "database is locked".
        self.db: PeeweeDatabase = SqliteDatabase(path, pragmas=pragmas, timeout=busy_timeout, lock_type="IMMEDIATE")

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        """See Dialect."""
        descriptor = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def turn(self) -> AbstractContextManager[Any]:
        """See Dialect."""
        return self._turn

    def serialize(self, number: int) -> None:
        """See Dialect: BEGIN IMMEDIATE has locked the whole database already."""

    def settle(self) -> None:
        """See Dialect: who has committed came after all others."""

    def step_aside(self, seconds: float) -> None:
        """See Dialect: those who wait for the database try again now and then, and miss gaps that are too short."""
        time.sleep(seconds)

    def survey(self, table: str) -> None:
        """See Dialect: SQLite plans by the indexes that there are, which is all that we need."""

    @contextmanager
    def deadline(self, seconds: float, *, walks: bool) -> Iterator[None]:
        """See Dialect: SQLite has no timeout, but asks whether to go on; of this thread's connection, and for now."""
        connection, end = self.db.connection(), time.monotonic() + seconds  # type: ignore[no-untyped-call]
        connection.set_progress_handler(lambda: time.monotonic() > end, _OPCODES)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)

    def hurry(self) -> None:
        """See Dialect: the deadline is one point in time."""

    def new_keys(self, table: str, count: int) -> list[int]:
        """See Dialect: rows that are inserted with their keys move the sequence on."""
        sequence = self.db.execute_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))  # type: ignore[no-untyped-call]
        last = (sequence.fetchone() or (0,))[0]
        return list(range(last + 1, last + count + 1))

    def gather_statistics(self) -> None:
        """See Dialect: without statistics SQLite takes the indexes that the statements are written for."""

    def for_update(self, query: Any) -> Any:
        """See Dialect: BEGIN IMMEDIATE has locked the whole database already."""
        return query

    def for_delete(self, query: Any) -> Any:
        """See Dialect: BEGIN IMMEDIATE has locked the whole database already."""
        return query

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        """See Dialect."""
        return fn.json_extract(document, _json_path(path))

    def present(self, document: Node, path: Sequence[str]) -> Node:
        """See Dialect."""
        return fn.json_type(document, _json_path(path)).is_null(False)

    def operand(self, type: str, key: Any) -> Any:
        """See Dialect: json_extract gives 1 and 0 for true and false."""
        return int(key) if type == "boolean" else key

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        """See Dialect."""
        return fn.json_each(document, _json_path(path)).alias(alias)

    def position(self, alias: str) -> Node:
        """See Dialect."""
        return Entity(alias, "key")

    def contains(self, text: Node, operand: Any) -> Any:
        """See Dialect: LIKE has wildcards and case rules of its own."""
        return fn.instr(text, operand) > 0

    def one_of(self, column: Any, values: Any) -> Any:
        """See Dialect."""
        return column.in_(Select([fn.json_each(values).alias("listed")], [Entity("listed", "value")]))

    def none_of(self, key: Any, query: Any, column: Node) -> Any:
        """See Dialect: what NOT IN excludes is gathered once, in a tree."""
        return key.not_in(query)

    def list_of(self, values: Sequence[Any]) -> str:
        """See Dialect."""
        return json.dumps(list(values))

    def text(self, key: Node) -> Node:
        """See Dialect."""
        return key

    def gathered(self, query: Any, columns: int, long: Sequence[int]) -> Any:
        """See Dialect: Python lets go of its lock at every row, and whoever waits for it wakes up in vain.

        Long texts come apart, since JSON would escape them, each on its line: an escaped text has no line breaks.
        """
        shown = [Entity("gathered", f"c{number}") for number in range(columns)]
        short = [SQL("0") if number in long else each for number, each in enumerate(shown)]
        texts = [fn.group_concat(shown[number], SQL("char(10)")) for number in long]
        return Select([query.alias("gathered")], [fn.json_group_array(fn.json_array(*short)), *texts])

    def rows(self, cursor: Any, long: Sequence[int]) -> list[Any]:
        """See Dialect."""
        listed, *texts = cursor.fetchone()
        rows: list[Any] = json.loads(listed)
        for number, text in zip(long, texts, strict=True):
            for row, line in zip(rows, text.split("\n") if rows else (), strict=True):
                row[number] = line
        return rows

    def json_row(self, *columns: Node) -> Node:
        """See Dialect."""
        return fn.json_array(*columns)

    def json_list(self, element: Node) -> Node:
        """See Dialect."""
        return fn.json_group_array(element)

    def typed(self, value: Node, type: str) -> Node:
        """See Dialect: SQLite asks for no type."""
        return value

    def fate(self, error: Exception) -> str | None:
        """See Dialect."""
        name = getattr(getattr(error, "orig", error), "sqlite_errorname", None) or ""
        start = next((start for start in self._FATES if name.startswith(start)), None)
        return self._FATES.get(name) or (None if start is None else self._FATES[start])

    def constraint(self, error: Exception) -> str:
        """See Dialect: SQLite names the columns."""
        return str(error)


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)


class _Replicated(PostgresqlDatabase):
    """Postgres whose connections remember when a commit was reported as done but not replicated as configured."""

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]
        connection.unreplicated = False

        def noticed(diagnostic: Any) -> None:
            # "canceling wait for synchronous replication due to user request"
            if diagnostic.sqlstate == "01000" and "synchronous replication" in (diagnostic.message_primary or ""):
                connection.unreplicated = True

        connection.add_notice_handler(noticed)
        return connection

    def commit(self) -> Any:
        """Commit; a commit that a failover may lose counts as failed."""
        result = super().commit()
        connection = self.connection()  # type: ignore[no-untyped-call]
        if connection.unreplicated:
            connection.unreplicated = False
            raise UnreplicatedCommit("The commit was not replicated as configured.")
        return result


class UnreplicatedCommit(Exception):
    """Postgres stopped waiting for the standby, so the write may not survive the loss of the primary."""


class Postgres:
    """Postgres over psycopg 3. No session state is used, so a transaction pooler may stand in between."""

    locks_rows = True
    errors: tuple[type[Exception], ...] = (DatabaseError, UnreplicatedCommit)

    _FATES: ClassVar = {
        "40P01": RETRY, "40001": RETRY, "23503": RETRY,
        "57014": OVERDUE, "53100": UNAVAILABLE, "53200": UNAVAILABLE, "53300": UNAVAILABLE, "55P03": UNAVAILABLE,
        "25006": LOST, "57P01": LOST, "57P02": LOST, "57P03": UNAVAILABLE,
    }  # fmt: skip

    def __init__(self, url: str, *, statement_timeout: float, prepared_statements: bool) -> None:
        self._within = local()
        self.db: PeeweeDatabase = _Replicated(
            url,
            prefer_psycopg3=True,
            prepare_threshold=5 if prepared_statements else None,
            connect_timeout=10,
            options=f"-c statement_timeout={int(statement_timeout * 1000)}",
        )

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        """See Dialect."""
        with self.db.atomic():
            self.serialize(0)
            yield

    def turn(self) -> AbstractContextManager[Any]:
        """See Dialect: Postgres locks rows, and queues for them."""
        return nullcontext()

    def serialize(self, number: int) -> None:
        """See Dialect; the first number only keeps us apart from other programs in the same database."""
        lock = "SELECT pg_advisory_xact_lock(72248, %s)"
        self.db.execute_sql(lock, (number % 2**31,))  # type: ignore[no-untyped-call]

    def settle(self) -> None:
        """See Dialect. Whoever was given a number before ours is under way until no snapshot names it any more."""
        (last,) = self.db.execute_sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()  # type: ignore[no-untyped-call]
        running = "SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) AS other WHERE other < %s::xid8"
        while self.db.execute_sql(running, (last,)).fetchone() is not None:  # type: ignore[no-untyped-call]
            time.sleep(_GLANCE)

    def step_aside(self, seconds: float) -> None:
        """See Dialect: only whoever changes the same rows has to wait."""

    def survey(self, table: str) -> None:
        """See Dialect. Autovacuum would do it, some minutes later."""
        self.db.execute_sql(f'ANALYZE "{table}"')  # type: ignore[no-untyped-call]

    @contextmanager
    def deadline(self, seconds: float, *, walks: bool) -> Iterator[None]:
        """See Dialect. A transaction for it is two more round trips, so what an index serves has the time that every
        statement has."""
        if not walks:
            yield
            return
        with self.db.atomic():
            self._within.end = time.monotonic() + seconds
            try:
                self.hurry()
                yield
            finally:
                del self._within.end

    def hurry(self) -> None:
        """See Dialect. SET LOCAL ends with the transaction: a transaction pooler may stand in between."""
        end = getattr(self._within, "end", None)
        if end is not None:
            left = max(1, int((end - time.monotonic()) * 1000))
            self.db.execute_sql("SELECT set_config('statement_timeout', %s, true)", (str(left),))  # type: ignore[no-untyped-call]

    def new_keys(self, table: str, count: int) -> list[int]:
        """See Dialect."""
        keys = "SELECT nextval(pg_get_serial_sequence(%s, 'pk')) FROM generate_series(1, %s)"
        return [key for (key,) in self.db.execute_sql(keys, (table, count)).fetchall()]  # type: ignore[no-untyped-call]

    def gather_statistics(self) -> None:
        """See Dialect: Postgres does so by itself, but a minute late; until then it reads whole tables."""
        self.db.execute_sql("ANALYZE resource, membership, lookup")  # type: ignore[no-untyped-call]

    def for_update(self, query: Any) -> Any:
        """See Dialect. Rows that only refer to a locked one, as new memberships do, need not wait for it."""
        return query.for_update("FOR NO KEY UPDATE")

    def for_delete(self, query: Any) -> Any:
        """See Dialect."""
        return query.for_update()

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        """See Dialect."""
        text = fn.jsonb_extract_path_text(document, *path)
        return Cast(text, "numeric") if type in ("integer", "decimal") else self.text(text)

    def present(self, document: Node, path: Sequence[str]) -> Node:
        """See Dialect."""
        return fn.jsonb_extract_path(document, *path).is_null(False)

    def operand(self, type: str, key: Any) -> Any:
        """See Dialect: the text of JSON true is "true"."""
        return ("true" if key else "false") if type == "boolean" else key

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        """See Dialect."""
        array = fn.jsonb_array_elements(fn.jsonb_extract_path(document, *path))
        return NodeList((array, SQL(f'WITH ORDINALITY AS "{alias}" ("value", "position")')))

    def position(self, alias: str) -> Node:
        """See Dialect."""
        return Entity(alias, "position")

    def contains(self, text: Node, operand: Any) -> Any:
        """See Dialect: LIKE has wildcards of its own."""
        return fn.strpos(text, operand) > 0

    def one_of(self, column: Any, values: Any) -> Any:
        """See Dialect."""
        return column == fn.ANY(values)

    def none_of(self, key: Any, query: Any, column: Any) -> Any:
        """See Dialect: what NOT IN excludes is read anew for every row, once it is more than work_mem holds."""
        return ~fn.EXISTS(query.where(column == key))

    def list_of(self, values: Sequence[Any]) -> list[Any]:
        """See Dialect."""
        return list(values)

    def text(self, key: Node) -> Node:
        """See Dialect."""
        return NodeList((key, SQL('COLLATE "C"')), parens=True)

    def gathered(self, query: Any, columns: int, long: Sequence[int]) -> Any:
        """See Dialect: the driver has all rows at once."""
        return query

    def rows(self, cursor: Any, long: Sequence[int]) -> list[Any]:
        """See Dialect."""
        found: list[Any] = cursor.fetchall()
        return found

    def json_row(self, *columns: Node) -> Node:
        """See Dialect."""
        return fn.json_build_array(*columns)

    def json_list(self, element: Node) -> Node:
        """See Dialect."""
        return fn.COALESCE(Cast(fn.json_agg(element), "text"), "[]")

    def typed(self, value: Node, type: str) -> Node:
        """See Dialect."""
        return Cast(value, type)

    def fate(self, error: Exception) -> str | None:
        """See Dialect. Without a code the connection itself was lost."""
        if isinstance(error, UnreplicatedCommit):
            return UNCONFIRMED
        original = getattr(error, "orig", error)
        state = getattr(original, "sqlstate", None)
        if state is None:
            return LOST if type(original).__name__ in ("OperationalError", "InterfaceError") else None
        return self._FATES.get(state) or (LOST if state.startswith("08") else None)

    def constraint(self, error: Exception) -> str:
        """See Dialect."""
        diagnostic = getattr(getattr(error, "orig", error), "diag", None)
        return str(getattr(diagnostic, "constraint_name", None) or error)


def dialect(url: str, *, busy_timeout: float, statement_timeout: float, prepared_statements: bool) -> Dialect:
    """The dialect of a database URL, sqlite:///path or postgresql://…; the times are in seconds."""
    if url.startswith("sqlite:///"):
        return Sqlite(url.removeprefix("sqlite:///"), busy_timeout=busy_timeout)
    return Postgres(url, statement_timeout=statement_timeout, prepared_statements=prepared_statements)
