"""A resource's own values as SQL expressions: its columns, the keys of its document, and its metadata."""

from collections.abc import Callable
from typing import Any

from peewee import SQL, Cast, Value, fn

from scim.attributes import ResourceType, Target
from scim.nodes import Compare
from store.database.statements import parameter
from store.filters.indexable import CUT_COLUMNS, column_of
from store.filters.shape import Scope, indexable
from store.tables import Resource

ROW = Resource.alias("row")
"""The resource that a condition is about. It has one name everywhere, so that recursive subqueries can refer to it."""


def own_value(scope: Scope, target: Target, comparison: Compare[Target] | None = None) -> Any:
    """The comparison key of a resource's singular attribute, NULL if it is unassigned. A column that holds only the
    first characters is not used for a `comparison` that needs all of them."""
    column = column_of(scope.type, target)
    too_short = column in CUT_COLUMNS and comparison is not None and not indexable(comparison)
    if column is not None and not too_short:
        return getattr(ROW, column)
    if target.name in _METADATA:
        return _METADATA[target.name](scope.type)
    return scope.dialect.value(ROW.keys, target.path, target.attribute.type)


def _shown(time: Any) -> Any:
    """A time in milliseconds, as it is sent: a client compares it with what it received."""
    return fn.SUBSTR(time, 1, 23).concat(SQL("'000000Z'"))


_METADATA: dict[str, Callable[[ResourceType], Any]] = {
    "meta.created": lambda _: _shown(ROW.created),
    "meta.lastModified": lambda _: _shown(ROW.modified),
    "meta.resourceType": lambda type: Cast(Value(type.name), "text"),
    "meta.location": lambda type: Cast(parameter("endpoint"), "text").concat(SQL(f"'{type.endpoint}/'")).concat(ROW.id),
    "meta.version": lambda _: SQL("'W/\"'").concat(Cast(ROW.version, "text")).concat(SQL("'\"'")),
}
