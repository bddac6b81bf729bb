"""A filter's names and literals checked against the attributes of a resource type (RFC 7644 §3.4.2.2).

In the bound filter every name is a Target and every literal a comparison key; `ne` and null have become negation and
presence. `ne` negates `eq`, so it holds for an unassigned attribute, and for a multi-valued one without an equal value.
"""

from typing import TypeAlias

from scim.attributes import Attribute, ResourceType, Target, unknown_key
from scim.errors import InvalidFilter
from scim.filter import Filter
from scim.keys import key_function
from scim.nodes import And, Compare, Node, Not, Or, Present, ValuePath
from scim.types import TYPES, Key

Bound: TypeAlias = Node[Target]


def bind(resource_type: ResourceType, tree: Filter, within: Target | None = None) -> Bound:
    """The filter with its names resolved in the resource type or, with `within`, in the elements of that attribute.
    Raises InvalidFilter for an unknown name, an operator that the type lacks, or a literal of the wrong type."""
    match tree:
        case Compare(name, op, value):
            return _comparison(_resolved(resource_type, name, within), op, value)
        case And(left, right):
            return And(bind(resource_type, left, within), bind(resource_type, right, within))
        case Or(left, right):
            return Or(bind(resource_type, left, within), bind(resource_type, right, within))
        case Not(operand):
            return Not(bind(resource_type, operand, within))
        case ValuePath(name, inner):
            target = _resolved(resource_type, name, within)
            return ValuePath(target, bind(resource_type, inner, target))
        case Present(name):
            return Present(_resolved(resource_type, name, within))


def _resolved(resource_type: ResourceType, name: str, within: Target | None) -> Target:
    """The target of a name. What is never returned cannot be filtered by, since that would reveal its value."""
    target = resource_type.resolve(name, InvalidFilter) if within is None else _element_target(within, name)
    if not target.is_returned:
        raise unknown_key(InvalidFilter, name)
    return target


def _element_target(within: Target, name: str) -> Target:
    """The target of a name between brackets; in a simple multi-valued attribute `value` is the element itself."""
    if within.attribute.type != "complex" and name.lower() == "value":
        return within
    target = within.sub(name)
    if target is None:
        raise unknown_key(InvalidFilter, f"{within.name}.{name}")
    return target


def _comparison(target: Target, op: str, value: object) -> Bound:
    if op == "ne":
        return Not(_comparison(target, "eq", value))
    if value is None:
        if op != "eq":
            raise InvalidFilter(f"{target.name} {op} null has no meaning; only eq and ne compare with null.")
        return Not(Present(target))
    # RFC 7644 §3.4.2.2 compares `emails co "…"`.
    simple = target.sub("value") if target.attribute.type == "complex" else target
    if simple is None:
        raise InvalidFilter(f"{target.name} is complex: name one of its sub-attributes to compare.")
    attribute = simple.attribute
    if op not in TYPES[attribute.type].operators:
        raise InvalidFilter(f"The operator {op} does not apply to {simple.name}, which is of type {attribute.type}.")
    key = _literal_key(attribute, value, simple.name)
    return Compare(simple, op, key, value if isinstance(value, str) and isinstance(key, str) else None)


def _literal_key(attribute: Attribute, value: object, name: str) -> Key:
    """The comparison key of a filter's literal."""
    incomparable = f"{name} is of type {attribute.type} and cannot be compared with the given value."
    try:
        literal = TYPES[attribute.type].literal(value)
    except TypeError as error:
        raise InvalidFilter(incomparable) from error
    except ValueError as error:
        raise InvalidFilter(f"{name} {error}.") from error
    try:
        return key_function(attribute)(literal)
    except ValueError as error:
        raise InvalidFilter(incomparable) from error
