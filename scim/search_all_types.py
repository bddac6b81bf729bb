"""Filters for searches over all resource types at once, below the base URL itself (RFC 7644 §3.4.2.1)."""

from collections.abc import Sequence

from scim.attributes import ResourceType, unknown_key
from scim.errors import InvalidFilter
from scim.filter import Filter
from scim.nodes import And, Compare, Not, Or, Present, ValuePath

_NEVER = Not(Present("id"))
"""A filter that no resource satisfies, since each has an id."""


def for_type(resource_type: ResourceType, tree: Filter) -> Filter:
    """The filter for resources of this type: an attribute that the type lacks counts as unassigned."""
    match tree:
        case And(left, right) | Or(left, right):
            return type(tree)(for_type(resource_type, left), for_type(resource_type, right))
        case Not(operand):
            return Not(for_type(resource_type, operand))
        case Compare(path, op, value):
            absent = Not(_NEVER) if (op == "ne") != (value is None) else _NEVER
            return tree if _knows(resource_type, path) else absent
        case Present(path) | ValuePath(path, _):
            return tree if _knows(resource_type, path) else _NEVER


def _knows(resource_type: ResourceType, path: str) -> bool:
    target = resource_type.targets.get(path.lower())
    return target is not None and not any(attribute.forbidden for attribute in target.attributes)


def check_known(resource_types: Sequence[ResourceType], tree: Filter) -> None:
    """Refuse a filter with a name that no type knows, which is a mistake. Raises InvalidFilter."""
    match tree:
        case And(left, right) | Or(left, right):
            check_known(resource_types, left)
            check_known(resource_types, right)
        case Not(operand):
            check_known(resource_types, operand)
        case Compare(path) | Present(path) | ValuePath(path):
            if not any(_knows(resource_type, path) for resource_type in resource_types):
                raise unknown_key(InvalidFilter, path)
