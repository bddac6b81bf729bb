"""What an index can be on."""

from scim.attributes import ResourceType, Target
from store.filters.shape import column_of
from store.filters.where import MANAGER

_REFERENCES = frozenset({MANAGER, f"{MANAGER}.value", "members", "members.value"})
"""What stands in columns of numbers that refer to other resources."""


def index_name(target: Target) -> str:
    """What an index on an attribute is called: a list is indexed by its values."""
    container = target.container
    by_value = container is not None and container.multi_valued and target.attribute.name == "value"
    return container.name if container is not None and by_value else target.name


def reason_against(type: ResourceType, target: Target) -> str | None:
    """Why there can be no further index on an attribute, in one sentence; None where there can."""
    name, attribute = target.name, target.attribute
    if any(each.forbidden or each.returned == "never" for each in target.attributes):
        return f"{attribute.name} is not stored in this tenant, so there is nothing to index."
    if column_of(type, target) is not None or name in _REFERENCES:
        return f"{name} is indexed already, by a column of its own."
    if any(each.computed for each in target.attributes) or name.startswith((f"{MANAGER}.", "members.")):
        return f"{name} is computed by the server from other resources, so it cannot be indexed."
    if attribute.type == "complex" and (not target.multi_valued or attribute.sub("value") is None):
        return f"{name} is complex: name one of its sub-attributes."
    return None
