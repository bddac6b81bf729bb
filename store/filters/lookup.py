"""The index table `lookup`: keys of multi-valued attributes and custom fields, as rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from scim import compare, keys
from scim.attributes import Attribute, ResourceType, Target
from scim.document import Document
from store.database.statements import parameter
from store.database.transactions import Database
from store.filters.indexable import CUT, list_of
from store.filters.shape import stored_key
from store.tables import Lookup

_COLUMNS = ("resource", "attribute", "position", "tenant", "type", "value", "number", "primary")


def write(
    database: Database, tenant: int, indexes: dict[str, int], type: ResourceType, documents: Mapping[int, Document]
) -> None:
    """Insert the rows of resources that have none yet; `documents` are by the resources' keys."""
    for name, number in indexes.items():
        target = type.targets.get(name.lower())
        if target is not None:
            insert(database, (tenant, number), target, documents)


def insert(database: Database, index: tuple[int, int], target: Target, documents: Mapping[int, Document]) -> None:
    """Insert the rows of one index, given as tenant and number, for these resources."""
    of_index = {"tenant": index[0], "attribute": index[1]}
    found = [row | of_index | {"resource": pk} for pk, document in documents.items() for row in rows(target, document)]
    database.statement("lookup", lambda: Lookup.insert({name: parameter(name) for name in _COLUMNS})).many(found)


def erase(database: Database, index: int, pks: Iterable[int]) -> None:
    """Delete the rows of one index for these resources."""
    of_index = Lookup.attribute == parameter("index")
    listed = database.dialect.one_of(Lookup.resource, parameter("pks"))
    statement = database.statement("erase lookups", lambda: Lookup.delete().where(listed & of_index))
    statement(index=index, pks=database.dialect.list_of(list(pks)))


def differ(indexes: dict[str, int], type: ResourceType, before: Document, after: Document) -> bool:
    """Whether two documents of one resource have different rows."""
    found = (type.targets.get(name.lower()) for name in indexes)
    paths = [(list_of(target) or target).path for target in found if target is not None]
    return any(_value(path, before) != _value(path, after) for path in paths)


def clear(database: Database, pk: int) -> None:
    """Delete all rows of a resource."""
    of_resource = Lookup.resource == parameter("pk")
    database.statement("clear lookups", lambda: Lookup.delete().where(of_resource))(pk=pk)


def _value(path: tuple[str, ...], document: Document) -> Any:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(target: Target, document: Document) -> list[dict[str, Any]]:
    """The rows for an attribute of a document: one for each element of a list, one for a singular value."""
    held = list_of(target) or target
    value = _value(held.path, document)
    if not held.multi_valued:
        return [] if value is None else [_row(target.attribute, value, 0, {})]
    simple = target.attribute if held is not target else target.attribute.sub("value")
    return [
        _row(simple, None if simple is None else element.get(simple.name), position, element)
        for position, element in enumerate(value or ())
    ]


def _row(simple: Attribute | None, value: Any, position: int, element: Document) -> dict[str, Any]:
    key = None if value is None or simple is None else stored_key(keys.key_function(simple)(value))
    is_text = isinstance(key, str)
    return {
        "position": position,
        "type": compare.folded(element["type"])[:CUT] if element.get("type") else None,
        "value": key if is_text else None,
        "number": None if is_text else key,
        "primary": element.get("primary"),
    }
