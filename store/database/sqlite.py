"""SQLite, as store.dialect asks for it."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from peewee import SQL, Database, DatabaseError, Entity, Node, Select, SqliteDatabase, fn

from scim.types import TYPES
from store.database.dialect import OVERDUE, RETRY, TOO_LARGE, UNAVAILABLE
from store.database.sqlite_queue import NoTurn, SqliteQueue

_OPCODES = 50_000
"""After how many instructions SQLite checks the clock: every few milliseconds."""

LONGEST_WAL = 16 * 2**20
"""How many bytes the write-ahead log may keep; SQLite itself empties it at 4 MB, where no long read is in the way."""


class Sqlite:
    """SQLite: WAL, one writer at a time, durable at every commit."""

    locks_rows = False
    # SQLite finds rows while they are fetched from the driver's cursor, whose errors peewee does not wrap.
    errors: tuple[type[Exception], ...] = (DatabaseError, sqlite3.DatabaseError, NoTurn)

    _FATES: ClassVar = {
        "SQLITE_BUSY": UNAVAILABLE, "SQLITE_BUSY_SNAPSHOT": RETRY, "SQLITE_LOCKED": UNAVAILABLE,
        "SQLITE_FULL": UNAVAILABLE, "SQLITE_IOERR": UNAVAILABLE, "SQLITE_READONLY": UNAVAILABLE,
        "SQLITE_INTERRUPT": OVERDUE, "SQLITE_CANTOPEN": UNAVAILABLE, "SQLITE_CONSTRAINT_FOREIGNKEY": RETRY,
        "SQLITE_TOOBIG": TOO_LARGE,
    }  # fmt: skip

    def __init__(self, path: str, *, busy_timeout: float) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._busy_timeout = busy_timeout
        self._turn = SqliteQueue(f"{path}.turn", busy_timeout)
        pragmas = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": "full", "cache_size": -8_000}
        # A plain BEGIN reads first and cannot be upgraded to a write under concurrency: "database is locked".
        self.db: Database = SqliteDatabase(path, pragmas=pragmas, timeout=busy_timeout, lock_type="IMMEDIATE")

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
        """See Dialect: SQLite runs one write at a time, so a commit follows all earlier ones."""

    def step_aside(self, seconds: float) -> None:
        """See Dialect: waiting connections retry at intervals and miss short gaps."""
        time.sleep(seconds)

    def shrink_files(self) -> None:
        """See Dialect. The WAL is reused but never shorter than it once was: long reads under load let it grow."""
        try:
            if os.stat(f"{self.path}-wal").st_size <= LONGEST_WAL:
                return
        except FileNotFoundError:
            return
        # The first copies what it can beside others, so the second locks writers out for a moment only, or not at all.
        self._pragma("wal_checkpoint(PASSIVE)")
        self._pragma("busy_timeout = 0")
        try:
            self._pragma("wal_checkpoint(TRUNCATE)")
        finally:
            self._pragma(f"busy_timeout = {int(self._busy_timeout * 1000)}")

    def _pragma(self, pragma: str) -> None:
        self.db.execute_sql(f"PRAGMA {pragma}")  # type: ignore[no-untyped-call]

    def survey(self, table: str) -> None:
        """See Dialect: SQLite plans by the indexes that there are, which is all that we need."""

    @contextmanager
    def deadline(self, seconds: float, *, walks: bool) -> Iterator[None]:
        """See Dialect. SQLite has no timeout, but a progress handler can stop a statement; it is set for this thread's
        connection."""
        connection, end = self.db.connection(), time.monotonic() + seconds  # type: ignore[no-untyped-call]
        connection.set_progress_handler(lambda: time.monotonic() > end, _OPCODES)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)

    def renew_deadline(self) -> None:
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
        return int(key) if TYPES[type].stored == "boolean" else key

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
        """See Dialect: Python releases its lock at every row, and each time a waiting thread wakes up for nothing.

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

    def remedy(self, error: Exception) -> str | None:
        """See Dialect."""
        if isinstance(error, NoTurn):
            return UNAVAILABLE
        name = getattr(getattr(error, "orig", error), "sqlite_errorname", None) or ""
        start = next((start for start in self._FATES if name.startswith(start)), None)
        return self._FATES.get(name) or (None if start is None else self._FATES[start])

    def constraint(self, error: Exception) -> str:
        """See Dialect: SQLite names the columns."""
        return str(error)


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)
