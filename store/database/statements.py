"""Statements whose SQL is built once and run many times. Building it with peewee takes ten times as long."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from peewee import Database, Node, Value, __exception_wrapper__  # type: ignore[attr-defined]

from store.database.bounded import Bounded


@dataclass(slots=True)
class _Slot:
    """The place of a parameter whose value is passed when the statement runs."""

    name: str


def parameter(name: str) -> Node:
    """A named parameter for a statement that will be compiled."""
    return Value(_Slot(name), converter=False)


class Compiled:
    """A query's SQL with its parameters: constants and slots."""

    __slots__ = ("_database", "_parameters", "_slots", "sql")

    def __init__(self, database: Database, query: Any) -> None:
        self._database = database
        self.sql, parameters = database.get_sql_context().sql(query).query()  # type: ignore[no-untyped-call]
        self._parameters = list(parameters)
        self._slots = [(i, value.name) for i, value in enumerate(parameters) if isinstance(value, _Slot)]

    def __call__(self, **values: Any) -> Any:
        """Run the statement; returns the driver's cursor."""
        return self._database.execute_sql(self.sql, self._filled(values))  # type: ignore[no-untyped-call]

    def many(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the statement once for each set of values; the driver sends many before it waits for answers."""
        filled = [self._filled(row) for row in rows]
        if len(filled) == 1:
            self._database.execute_sql(self.sql, filled[0])  # type: ignore[no-untyped-call]
        elif filled:
            cursor = self._database.cursor()  # type: ignore[no-untyped-call]
            with __exception_wrapper__:
                cursor.executemany(self.sql, filled)

    def _filled(self, values: Mapping[str, Any]) -> list[Any]:
        parameters = self._parameters.copy()
        for index, name in self._slots:
            parameters[index] = values[name]
        return parameters


OVERHEAD = 1_000
"""The weight of a statement beside its SQL, in characters."""


class Statements:
    """The most recently used compiled statements of one database; `size` limits the characters of their SQL rather than
    their number, since a filter may be long."""

    def __init__(self, database: Database, size: int = 4_000_000) -> None:
        self._database = database
        self._statements: Bounded[object, Compiled] = Bounded(size)

    def __len__(self) -> int:
        return len(self._statements)

    def get(self, shape: object, build: Callable[[], Any]) -> Compiled:
        """The statement of that shape; `build` makes its peewee query the first time."""
        statement = self._statements.get(shape)
        if statement is None:
            statement = Compiled(self._database, build())
            self._statements.put(shape, statement, OVERHEAD + len(statement.sql))
        return statement
