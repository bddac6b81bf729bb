"""Postgres as a `Dialect`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import local
from typing import Any, ClassVar

from peewee import (  # type: ignore[attr-defined]
    SQL,
    Cast,
    Database,
    DatabaseError,
    Node,
    NodeList,
    PostgresqlDatabase,
    Select,
    __exception_wrapper__,
    fn,
)
from psycopg import OperationalError

from scim.types import TYPES
from store.database.dialect import LOST, OVERDUE, RETRY, UNAVAILABLE, UNCONFIRMED

_GLANCE = 0.02
"""The interval in seconds at which running transactions are polled."""


class _Connected(PostgresqlDatabase):
    """Postgres whose connections have two flags.

    `unreplicated`: a commit was reported as done but not replicated as configured. `limited`: the session already has
    the statement timeout, from the connection's options or from the role. A transaction pooler refuses or ignores the
    options; then every transaction sets the timeout in the same message as BEGIN.
    """

    statement_timeout = 0
    """In milliseconds."""

    def _connect(self) -> Any:
        try:
            connection = super()._connect()  # type: ignore[misc]
        except OperationalError as error:
            # PgBouncer's message is not translated and has no code.
            if "unsupported startup parameter" not in str(error) or "options" not in self.connect_params:
                raise
            self.connect_params = {name: value for name, value in self.connect_params.items() if name != "options"}
            connection = super()._connect()  # type: ignore[misc]
        connection.unreplicated = False

        def noticed(diagnostic: Any) -> None:
            connection.unreplicated = connection.unreplicated or stopped_waiting(diagnostic)

        connection.add_notice_handler(noticed)
        in_force = "SELECT extract(epoch FROM current_setting('statement_timeout')::interval) * 1000"
        connection.limited = connection.execute(in_force).fetchone()[0] == self.statement_timeout
        return connection

    def begin(self, isolation_level: Any = None) -> None:
        """Begin a transaction; set the timeout if the session has another."""
        if self.connection().limited:  # type: ignore[no-untyped-call]
            super().begin(isolation_level)
            return
        with __exception_wrapper__:
            # Two statements in one message cannot be prepared.
            begin = f"BEGIN; SET LOCAL statement_timeout = {self.statement_timeout}"
            self.cursor().execute(begin, prepare=False)  # type: ignore[no-untyped-call]

    def commit(self) -> Any:
        """Commit; a commit that a failover may lose counts as failed."""
        result = super().commit()
        connection = self.connection()  # type: ignore[no-untyped-call]
        if connection.unreplicated:
            connection.unreplicated = False
            raise UnreplicatedCommit("The commit was not replicated as configured.")
        return result


def stopped_waiting(diagnostic: Any) -> bool:
    """Whether a notice says that a commit stopped waiting for the standby, in any language."""
    # The message "canceling wait for synchronous replication" is translated (lc_messages).
    return bool(diagnostic.source_function == "SyncRepWaitForLSN")


class UnreplicatedCommit(Exception):
    """Postgres stopped waiting for the standby: the write may be lost with the primary."""


class Postgres:
    """Postgres over psycopg 3. No session state is used, so a transaction pooler may stand in between."""

    locks_rows = True
    # Writers queue for rows.
    turn: AbstractContextManager[Any] = nullcontext()
    errors: tuple[type[Exception], ...] = (DatabaseError, UnreplicatedCommit)

    _REMEDIES: ClassVar = {
        "40P01": RETRY, "40001": RETRY, "23503": RETRY,
        "57014": OVERDUE, "53100": UNAVAILABLE, "53200": UNAVAILABLE, "53300": UNAVAILABLE, "55P03": UNAVAILABLE,
        "25006": LOST, "57P01": LOST, "57P02": LOST, "57P03": UNAVAILABLE,
    }  # fmt: skip

    def __init__(self, url: str, *, statement_timeout: float, prepared_statements: bool) -> None:
        self._within = local()
        milliseconds = int(statement_timeout * 1000)
        self.db: Database = _Connected(
            url,
            prefer_psycopg3=True,
            prepare_threshold=5 if prepared_statements else None,
            connect_timeout=10,
            options=f"-c statement_timeout={milliseconds}",
        )
        self.db.statement_timeout = milliseconds

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        with self.db.atomic():
            self.serialize(0)
            yield

    def serialize(self, number: int) -> None:
        # The first number separates these locks from those of other programs in the same database.
        lock = "SELECT pg_advisory_xact_lock(72248, %s)"
        self.db.execute_sql(lock, (number % 2**31,))  # type: ignore[no-untyped-call]

    def settle(self) -> None:
        # A transaction with an older id is running as long as a snapshot lists it.
        (last,) = self.db.execute_sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()  # type: ignore[no-untyped-call]
        running = "SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) AS other WHERE other < %s::xid8"
        while self.db.execute_sql(running, (last,)).fetchone() is not None:  # type: ignore[no-untyped-call]
            time.sleep(_GLANCE)

    def shrink_files(self) -> None:
        """Postgres recycles its write-ahead log."""

    def analyze(self, *tables: str) -> None:
        # Autovacuum does so too, but minutes later; until then whole tables are read.
        self.db.execute_sql(f"ANALYZE {', '.join(tables)}")  # type: ignore[no-untyped-call]

    @contextmanager
    def deadline(self, seconds: float, *, walks: bool) -> Iterator[None]:
        # A transaction costs two more round trips, so a search that an index serves keeps the general timeout.
        if not walks:
            yield
            return
        with self.db.atomic():
            self._within.end = time.monotonic() + seconds
            try:
                self.renew_deadline()
                yield
            finally:
                del self._within.end

    def renew_deadline(self) -> None:
        # The setting is local to the transaction, since a transaction pooler may stand in between.
        end = getattr(self._within, "end", None)
        if end is not None:
            left = max(1, int((end - time.monotonic()) * 1000))
            self.db.execute_sql("SELECT set_config('statement_timeout', %s, true)", (str(left),))  # type: ignore[no-untyped-call]

    def new_keys(self, table: str, count: int) -> list[int]:
        keys = "SELECT nextval(pg_get_serial_sequence(%s, 'pk')) FROM generate_series(1, %s)"
        return [key for (key,) in self.db.execute_sql(keys, (table, count)).fetchall()]  # type: ignore[no-untyped-call]

    def for_update(self, query: Any, *, referable: bool = True) -> Any:
        # New rows that refer to a locked one, such as memberships, need not wait for it.
        return query.for_update("FOR NO KEY UPDATE" if referable else True)

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        text = fn.jsonb_extract_path_text(document, *path)
        return Cast(text, "numeric") if TYPES[type].stored == "number" else self.text(text)

    def present(self, document: Node, path: Sequence[str]) -> Node:
        return fn.jsonb_extract_path(document, *path).is_null(False)

    def operand(self, type: str, key: Any) -> Any:
        # The text of JSON true is "true".
        return ("true" if key else "false") if TYPES[type].stored == "boolean" else key

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        array = fn.jsonb_array_elements(fn.jsonb_extract_path(document, *path))
        return NodeList((array, SQL(f'WITH ORDINALITY AS "{alias}" ("value", "key")')))

    def contains(self, text: Node, operand: Any) -> Any:
        # LIKE has wildcards of its own.
        return fn.strpos(text, operand) > 0

    def one_of(self, column: Any, values: Any, many: str | None = None) -> Any:
        if many is None:
            return column == fn.ANY(values)
        # Without an index, ANY compares each row with each value in turn. A query is hashed; it costs small lists more.
        return column.in_(Select([], [fn.unnest(Cast(values, f"{many}[]"))]))

    def none_of(self, key: Any, query: Any, column: Any) -> Any:
        # NOT IN reads its query again for every row once the result exceeds work_mem.
        return ~fn.EXISTS(query.where(column == key))

    def list_of(self, values: Sequence[Any]) -> list[Any]:
        return list(values)

    def text(self, key: Node) -> Node:
        return NodeList((key, SQL('COLLATE "C"')), parens=True)

    def gathered(self, query: Any, columns: int, long_columns: Sequence[int]) -> Any:
        # The driver receives all rows at once.
        return query

    def rows(self, cursor: Any, long_columns: Sequence[int]) -> list[Any]:
        found: list[Any] = cursor.fetchall()
        return found

    def json_list(self, *columns: Node) -> Node:
        return fn.COALESCE(Cast(fn.json_agg(fn.json_build_array(*columns)), "text"), "[]")

    def remedy(self, error: Exception) -> str | None:
        # An error without a code means that the connection was lost.
        if isinstance(error, UnreplicatedCommit):
            return UNCONFIRMED
        original = getattr(error, "orig", error)
        state = getattr(original, "sqlstate", None)
        if state is None:
            return LOST if type(original).__name__ in ("OperationalError", "InterfaceError") else None
        return self._REMEDIES.get(state) or (LOST if state.startswith("08") else None)

    def constraint(self, error: Exception) -> str:
        diagnostic = getattr(getattr(error, "orig", error), "diag", None)
        return str(getattr(diagnostic, "constraint_name", None) or error)
