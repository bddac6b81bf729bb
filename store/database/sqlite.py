"""SQLite as a `Dialect`."""

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
"""The number of instructions after which SQLite checks the clock: every few milliseconds."""

LONGEST_WAL = 16 * 2**20
"""The size in bytes beyond which the write-ahead log is truncated. SQLite itself starts to reuse it at 4 MB, unless a
long read is running."""


class Sqlite:
    """SQLite with a write-ahead log (WAL), one writer at a time, durable at every commit."""

    locks_rows = False
    # SQLite still runs while rows are fetched from the driver's cursor, whose errors peewee does not wrap.
    errors: tuple[type[Exception], ...] = (DatabaseError, sqlite3.DatabaseError, NoTurn)

    _REMEDIES: ClassVar = {
        "SQLITE_BUSY": UNAVAILABLE, "SQLITE_BUSY_SNAPSHOT": RETRY, "SQLITE_LOCKED": UNAVAILABLE,
        "SQLITE_FULL": UNAVAILABLE, "SQLITE_IOERR": UNAVAILABLE, "SQLITE_READONLY": UNAVAILABLE,
        "SQLITE_INTERRUPT": OVERDUE, "SQLITE_CANTOPEN": UNAVAILABLE, "SQLITE_CONSTRAINT_FOREIGNKEY": RETRY,
        "SQLITE_TOOBIG": TOO_LARGE,
    }  # fmt: skip

    def __init__(self, path: str, *, busy_timeout: float) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._busy_timeout = busy_timeout
        self.turn: AbstractContextManager[Any] = SqliteQueue(f"{path}.turn", busy_timeout)
        pragmas = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": "full", "cache_size": -8_000}
        # Under concurrency a plain BEGIN, which reads first, cannot become a write: "database is locked".
        self.db: Database = SqliteDatabase(path, pragmas=pragmas, timeout=busy_timeout, lock_type="IMMEDIATE")

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        descriptor = os.open(f"{self.path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def serialize(self, number: int) -> None:
        """BEGIN IMMEDIATE has locked the whole database already."""

    def settle(self) -> None:
        """SQLite runs one write at a time, so all earlier ones are over."""

    def shrink_files(self) -> None:
        # The WAL grows under load while long reads last; SQLite reuses it but never shortens it.
        try:
            if os.stat(f"{self.path}-wal").st_size <= LONGEST_WAL:
                return
        except FileNotFoundError:
            return
        # The passive checkpoint does most of the work beside others, so TRUNCATE locks out writers only briefly.
        self._pragma("wal_checkpoint(PASSIVE)")
        self._pragma("busy_timeout = 0")
        try:
            self._pragma("wal_checkpoint(TRUNCATE)")
        finally:
            self._pragma(f"busy_timeout = {int(self._busy_timeout * 1000)}")

    def _pragma(self, pragma: str) -> None:
        self.db.execute_sql(f"PRAGMA {pragma}")  # type: ignore[no-untyped-call]

    def analyze(self, *tables: str) -> None:
        """SQLite without statistics uses the indexes that the statements are written for."""

    @contextmanager
    def deadline(self, seconds: float, *, walks: bool) -> Iterator[None]:
        # SQLite has no timeout, but a progress handler can stop a statement of this thread's connection.
        connection, end = self.db.connection(), time.monotonic() + seconds  # type: ignore[no-untyped-call]
        connection.set_progress_handler(lambda: time.monotonic() > end, _OPCODES)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)

    def renew_deadline(self) -> None:
        """The progress handler compares with one point in time."""

    def new_keys(self, table: str, count: int) -> list[int]:
        # Rows that are inserted with their keys advance the sequence.
        sequence = self.db.execute_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))  # type: ignore[no-untyped-call]
        last = (sequence.fetchone() or (0,))[0]
        return list(range(last + 1, last + count + 1))

    def for_update(self, query: Any, *, referable: bool = True) -> Any:
        # BEGIN IMMEDIATE has locked the whole database already.
        return query

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        return fn.json_extract(document, _json_path(path))

    def present(self, document: Node, path: Sequence[str]) -> Node:
        return fn.json_type(document, _json_path(path)).is_null(False)

    def operand(self, type: str, key: Any) -> Any:
        # json_extract returns 1 and 0 for true and false.
        return int(key) if TYPES[type].stored == "boolean" else key

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        return fn.json_each(document, _json_path(path)).alias(alias)

    def contains(self, text: Node, operand: Any) -> Any:
        # LIKE has wildcards and case rules of its own.
        return fn.instr(text, operand) > 0

    def one_of(self, column: Any, values: Any, many: str | None = None) -> Any:
        return column.in_(Select([fn.json_each(values).alias("listed")], [Entity("listed", "value")]))

    def none_of(self, key: Any, query: Any, column: Node) -> Any:
        # NOT IN runs its query once and keeps the result in a tree.
        return key.not_in(query)

    def list_of(self, values: Sequence[Any]) -> str:
        return json.dumps(list(values))

    def text(self, key: Node) -> Node:
        return key

    def gathered(self, query: Any, columns: int, long_columns: Sequence[int]) -> Any:
        # One JSON list: for each fetched row Python releases its lock and another thread wakes up for nothing.
        # JSON texts, which are free of line breaks, are joined by lines, since JSON would escape them again.
        shown = [Entity("gathered", f"c{number}") for number in range(columns)]
        short = [SQL("0") if number in long_columns else each for number, each in enumerate(shown)]
        texts = [fn.group_concat(shown[number], SQL("char(10)")) for number in long_columns]
        return Select([query.alias("gathered")], [fn.json_group_array(fn.json_array(*short)), *texts])

    def rows(self, cursor: Any, long_columns: Sequence[int]) -> list[Any]:
        listed, *texts = cursor.fetchone()
        rows: list[Any] = json.loads(listed)
        for number, text in zip(long_columns, texts, strict=True):
            for row, line in zip(rows, text.split("\n") if rows else (), strict=True):
                row[number] = line
        return rows

    def json_list(self, *columns: Node) -> Node:
        return fn.json_group_array(fn.json_array(*columns))

    def remedy(self, error: Exception) -> str | None:
        if isinstance(error, NoTurn):
            return UNAVAILABLE
        name = getattr(getattr(error, "orig", error), "sqlite_errorname", None) or ""
        of_family = (remedy for start, remedy in self._REMEDIES.items() if name.startswith(start))
        return self._REMEDIES.get(name) or next(of_family, None)

    def constraint(self, error: Exception) -> str:
        # The message names the columns.
        return str(error)


def _json_path(path: Sequence[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)
