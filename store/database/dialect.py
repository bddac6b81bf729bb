"""What the rest of the store asks of a database: everything in which SQLite and Postgres differ."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from peewee import Database, Node

RETRY, UNAVAILABLE, LOST, OVERDUE, UNCONFIRMED = "retry", "unavailable", "lost", "overdue", "unconfirmed"
TOO_LARGE = "too large"
"""Remedies of a failure: run the transaction again; ask the client to retry later; open a new connection; ask the
client for less; say that the outcome is unknown; ask the client for a smaller page."""


class Dialect(Protocol):
    """What the rest of the store asks of a database."""

    db: Database
    locks_rows: bool
    """Whether writes lock rows one by one, instead of the whole database."""
    errors: tuple[type[Exception], ...]
    """What `remedy` judges."""

    def migration_lock(self) -> Any:
        """A context manager that one process at a time holds."""

    def turn(self) -> AbstractContextManager[Any]:
        """A context manager that a transaction enters before it begins, so that writers take turns."""

    def serialize(self, number: int) -> None:
        """Make this transaction wait for others that serialize on the same number."""

    def settle(self) -> None:
        """Wait until every other transaction that has changed something by now is over."""

    def step_aside(self, seconds: float) -> None:
        """Let other writers proceed, after one transaction of many that took so many seconds."""

    def shrink_files(self) -> None:
        """Return the disk space of files that grew under load, unless they are in use at this moment."""

    def survey(self, table: str) -> None:
        """Refresh the planner's statistics of a table after many writes; outside a transaction or in one."""

    def deadline(self, seconds: float, *, walks: bool) -> AbstractContextManager[None]:
        """A context manager whose statements are cancelled after so many seconds; `walks`: they may take that long."""

    def renew_deadline(self) -> None:
        """Give the next statement the rest of the deadline."""

    def new_keys(self, table: str, count: int) -> list[int]:
        """Reserve this many keys for new rows of the table; inside a transaction."""

    def gather_statistics(self) -> None:
        """Refresh the statistics of the tables, where plans depend on them."""

    def for_update(self, query: Any) -> Any:
        """The query, locking the rows it finds until the transaction ends; others may still begin to refer to them."""

    def for_delete(self, query: Any) -> Any:
        """The query, locking the rows it finds also against new references."""

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
        """The query, whose columns are called c0, c1, …, so that all its rows come in one step if steps are expensive.

        `long` are the numbers of the columns that hold JSON text, which is all on one line.
        """

    def rows(self, cursor: Any, long: Sequence[int]) -> list[Any]:
        """The rows that a gathered query found, each a sequence of its columns."""

    def json_row(self, *columns: Node) -> Node:
        """The JSON list of these columns of a row."""

    def json_list(self, element: Node) -> Node:
        """The JSON text of a list with this JSON element, made by `json_row`, of every row; in no particular order."""

    def typed(self, value: Node, type: str) -> Node:
        """A parameter with an explicit type, bigint or text, where the statement does not imply one."""

    def remedy(self, error: Exception) -> str | None:
        """What can be done about a database error: RETRY and the others, None where nothing can."""

    def constraint(self, error: Exception) -> str:
        """What a violated constraint is called, or what the database says of it."""
