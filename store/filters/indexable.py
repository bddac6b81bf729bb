"""The attributes that have an index from the start, in a column or in `lookup`, and those that can get one."""

from scim.attributes import ResourceType, Target
from scim.schemas import ENTERPRISE_USER

CUT = 256
"""The number of a text's characters in the indexes: Postgres refuses index rows of more than 2,704 bytes."""

MANAGER = f"{ENTERPRISE_USER}:manager"


_COLUMNS = {
    ("User", "id"): "id",
    ("User", "externalId"): "external_key",
    ("User", "userName"): "name_key",
    ("User", "name.givenName"): "given_key",
    ("User", "name.familyName"): "family_key",
    ("Group", "id"): "id",
    ("Group", "externalId"): "external_key",
    ("Group", "displayName"): "name_key",
}
"""The attributes that have an indexed column of `resource` for their keys in every tenant."""

CUT_COLUMNS = frozenset({"given_key", "family_key"})
"""The columns that have only the first characters of a key."""

INDEXED_AT_FIRST = (("User", "emails"),)
"""The attributes whose values are in `lookup` in every tenant."""

REFERENCES = frozenset({MANAGER, "members"})
"""The attributes that are stored as references to other resources, in indexed columns: a manager leads to the reports,
a member to the groups."""


def list_of(target: Target) -> Target | None:
    """The list whose elements have the attribute, None if there is none."""
    container = target.container
    return container if container is not None and container.attribute.multi_valued else None


def elements_of(target: Target) -> Target | None:
    """The list, or the manager, whose elements have the attribute, None if there is neither."""
    container = target.container
    return container if container is not None and container.name == MANAGER else list_of(target)


def column_of(type: ResourceType, target: Target) -> str | None:
    """The column with an attribute's keys, None if there is none."""
    return _COLUMNS.get((type.name, target.name))


def index_name(target: Target) -> str:
    """The name of an index on an attribute; an index on the values of a list has the name of the list."""
    container = list_of(target)
    return container.name if container is not None and target.attribute.name == "value" else target.name


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
