"""The index table: rows of keys for multi-valued attributes and custom fields, beside the resources' columns."""

from collections.abc import Iterator, Mapping
from typing import Any

from scim import keys
from scim.attributes import Attribute, ResourceType, Target
from store.compiled import parameter
from store.database import Database
from store.filters import CUT
from store.models import Lookup

Document = dict[str, Any]

_COLUMNS = ("resource", "attribute", "position", "tenant", "type", "value", "number", "primary")


def write(
    database: Database, tenant: int, indexes: dict[str, int], type: ResourceType, pk: int, document: Document
) -> None:
    """Insert the rows of a resource that has none."""
    for row in _all_rows(tenant, indexes, type, pk, document):
        database.statement("lookup", _insert_query)(**row)


def write_all(
    database: Database, tenant: int, indexes: dict[str, int], type: ResourceType, documents: Mapping[int, Document]
) -> None:
    """Insert the rows of many resources that have none, by their keys."""
    found = [row for pk, document in documents.items() for row in _all_rows(tenant, indexes, type, pk, document)]
    if found:
        database.statement("lookup", _insert_query).many(found)


def _insert_query() -> Any:
    return Lookup.insert({column: parameter(column) for column in _COLUMNS})


def _all_rows(
    tenant: int, indexes: dict[str, int], type: ResourceType, pk: int, document: Document
) -> Iterator[dict[str, Any]]:
    for name, number in indexes.items():
        target = type.targets.get(name.lower())
        for row in rows(target, document) if target is not None else ():
            yield row | {"resource": pk, "attribute": number, "tenant": tenant}


def differ(indexes: dict[str, int], type: ResourceType, before: Document, after: Document) -> bool:
    """Whether two documents of one resource have different rows."""
    targets = [target for name in indexes if (target := type.targets.get(name.lower())) is not None]
    return any(_value(target, before) != _value(target, after) for target in targets)


def clear(database: Database, pk: int) -> None:
    """Remove the rows of a resource."""
    of_resource = Lookup.resource == parameter("pk")
    database.statement("clear lookups", lambda: Lookup.delete().where(of_resource))(pk=pk)


def _value(target: Target, document: Document) -> Any:
    value: Any = document
    for name in target.path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rows(target: Target, document: Document) -> list[dict[str, Any]]:
    """The rows of `lookup` for an attribute of a document: one an element, one for a singular value; texts are cut."""
    value = _value(target, document)
    if value is None:
        return []
    elements = value if isinstance(value, list) else [{"value": value}]
    attribute = target.attribute
    simple = attribute.sub("value") if attribute.type == "complex" else attribute
    return [_row(attribute, simple, position, element) for position, element in enumerate(elements)]


def _row(attribute: Attribute, simple: Attribute | None, position: int, element: Document) -> dict[str, Any]:
    value = element.get("value")
    key = None if value is None or simple is None else keys.key_function(simple)(value)
    is_number = isinstance(key, int | float) and not isinstance(key, bool)
    text = None if key is None or is_number else ("true" if key else "false") if isinstance(key, bool) else str(key)
    return {
        "position": position,
        "type": keys.folded(element["type"])[:CUT] if element.get("type") else None,
        "value": None if text is None else text[:CUT],
        "number": key if is_number else None,
        "primary": element.get("primary"),
    }
