"""Which attributes have an index from the start, in a column or in `lookup`, and what another index can be on."""

from typing import NamedTuple

from scim.attributes import ResourceType, Target
from scim.schemas import ENTERPRISE_USER

CUT = 256
"""How much of a text the indexes hold, in characters: Postgres refuses index rows of more than 2,704 bytes."""

MANAGER = f"{ENTERPRISE_USER}:manager"


class Column(NamedTuple):
    """The column of `resource` that holds the keys of an attribute; `is_cut`: their first characters only."""

    name: str
    is_cut: bool = False


_COLUMNS = {
    ("User", "id"): Column("id"),
    ("User", "externalId"): Column("external_key"),
    ("User", "userName"): Column("name_key"),
    ("User", "name.givenName"): Column("given_key", is_cut=True),
    ("User", "name.familyName"): Column("family_key", is_cut=True),
    ("Group", "id"): Column("id"),
    ("Group", "externalId"): Column("external_key"),
    ("Group", "displayName"): Column("name_key"),
}
"""The attributes that have a column with an index in every tenant."""

CUT_COLUMNS = frozenset(column.name for column in _COLUMNS.values() if column.is_cut)

INDEXED_AT_FIRST = (("User", "emails"),)
"""The attributes whose values `lookup` holds in every tenant."""

REFERENCES = frozenset({MANAGER, "members"})
"""The attributes that stand in columns of numbers, which refer to other resources. Their indexes lead back to few
resources each: the reports of a manager, the groups of a member."""


def column_of(type: ResourceType, target: Target) -> str | None:
    """The column that holds an attribute's keys, beside the document; None where there is none."""
    column = _COLUMNS.get((type.name, target.name))
    return None if column is None else column.name


def index_name(target: Target) -> str:
    """The name of an index on an attribute; an index on the values of a list has the name of the list."""
    container = target.container
    by_value = container is not None and container.multi_valued and target.attribute.name == "value"
    return container.name if container is not None and by_value else target.name


def reason_against(type: ResourceType, target: Target) -> str | None:
    """The reason why an attribute cannot get an index, in one sentence; None if it can."""
    name, attribute = target.name, target.attribute
    if any(each.forbidden or each.returned == "never" for each in target.attributes):
        return f"{attribute.name} is not stored in this tenant, so there is nothing to index."
    if column_of(type, target) is not None or name.removesuffix(".value") in REFERENCES:
        return f"{name} is indexed already, by a column of its own."
    if any(each.computed for each in target.attributes) or name.startswith((f"{MANAGER}.", "members.")):
        return f"{name} is computed by the server from other resources, so it cannot be indexed."
    if attribute.type == "complex" and (not target.multi_valued or attribute.sub("value") is None):
        return f"{name} is complex: name one of its sub-attributes."
    return None
