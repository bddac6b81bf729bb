"""Everything in which SQLite and Postgres differ, as one interface."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from peewee import Database, Node

RETRY, UNAVAILABLE, LOST, OVERDUE, UNCONFIRMED = "retry", "unavailable", "lost", "overdue", "unconfirmed"
TOO_LARGE = "too large"
"""Remedies for a failure: run the transaction again; ask the client to retry later; open a new connection; ask the
client for a cheaper search; report that the outcome is unknown; ask the client for a smaller page."""


class Dialect(Protocol):
    """What the store needs from a database."""

    db: Database
    locks_rows: bool
    """Whether writes lock single rows instead of the whole database."""
    turn: AbstractContextManager[Any]
    """A context manager that a transaction enters before it begins; writers take turns."""
    errors: tuple[type[Exception], ...]
    """The errors that `remedy` understands."""

    def migration_lock(self) -> Any:
        """A context manager that only one process can hold at a time."""

    def serialize(self, number: int) -> None:
        """Let only one transaction at a time continue that serializes on this number."""

    def settle(self) -> None:
        """Wait for the end of every other transaction that has already changed something."""

    def shrink_files(self) -> None:
        """Free the disk space of files that grew under load, unless they are in use at this moment."""

    def analyze(self, *tables: str) -> None:
        """Refresh the planner's statistics of tables after many writes; outside a transaction or in one."""

    def deadline(self, seconds: float, *, walks: bool) -> AbstractContextManager[None]:
        """A context manager whose statements are cancelled after this many seconds; `walks`: they read many rows."""

    def renew_deadline(self) -> None:
        """Limit the next statement to the rest of the deadline."""

    def new_keys(self, table: str, count: int) -> list[int]:
        """Reserve this many keys for new rows of the table; inside a transaction."""

    def for_update(self, query: Any, *, referable: bool = True) -> Any:
        """The query, which locks the rows it finds until the transaction is over; `referable`: new rows may refer to
        them meanwhile."""

    def value(self, document: Node, path: Sequence[str], type: str) -> Node:
        """The comparison key at that path of a JSON document of keys, or NULL."""

    def present(self, document: Node, path: Sequence[str]) -> Any:
        """Whether the JSON document has anything at that path."""

    def operand(self, type: str, key: Any) -> Any:
        """A comparison key as a parameter that can be compared with `value`."""

    def elements(self, document: Node, path: Sequence[str], alias: str) -> Node:
        """A row source with one row for each element of the JSON array at that path: `value`, ordered by `key`."""

    def contains(self, text: Node, operand: Any) -> Any:
        """Whether the text contains the operand."""

    def one_of(self, column: Node, values: Any, many: str | None = None) -> Any:
        """Whether the column's value is in a list, a single parameter made by `list_of`; `many` is the type of the
        values, bigint or text, if they may be tens of thousands."""

    def none_of(self, key: Node, query: Any, column: Node) -> Any:
        """Whether the key is missing from the query's only column, which may have millions of values."""

    def list_of(self, values: Sequence[Any]) -> Any:
        """A list of numbers or texts as the parameter of `one_of`."""

    def text(self, key: Node) -> Node:
        """A text expression that is compared in byte order."""

    def gathered(self, query: Any, columns: int, long_columns: Sequence[int]) -> Any:
        """The query changed so that all its rows are fetched in one step, where steps are expensive. Its columns are
        named c0, c1, …; `long_columns` are the numbers of those with JSON text, without line breaks."""

    def rows(self, cursor: Any, long_columns: Sequence[int]) -> list[Any]:
        """The rows that a gathered query found, each as a sequence of its columns."""

    def json_list(self, *columns: Node) -> Node:
        """The JSON text of a list with the list of these columns for each row; in no particular order."""

    def remedy(self, error: Exception) -> str | None:
        """The remedy for a database error: RETRY or one of the others; None if there is none."""

    def constraint(self, error: Exception) -> str:
        """The name of a violated constraint, or the database's message about it."""
