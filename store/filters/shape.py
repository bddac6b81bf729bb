"""What is known of a bound filter before its SQL is built: its shape without literals, the values of its parameters,
and the indexes that answer it (RFC 7644 §3.4.2.2)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scim.attributes import ResourceType, Target
from scim.binding import Bound
from scim.nodes import And, Compare, Not, Or, Present, ValuePath
from scim.types import TYPES
from store.database.dialect import Dialect
from store.filters.indexable import CUT, list_of

INDEXABLE = frozenset({"eq", "sw", "gt", "ge", "lt", "le"})
"""The operators that an index answers without being read in full."""

NUMBERS = frozenset(name for name, each in TYPES.items() if each.stored == "number")
"""The types whose keys are numbers."""


class Scope(NamedTuple):
    """The resources that a filter is about, of one type in one tenant; `indexes` are the attributes in `lookup` with
    their numbers there."""

    dialect: Dialect
    type: ResourceType
    indexes: dict[str, int]


def shape(bound: Bound | None) -> str:
    """A filter without its literals, as text; filters of one shape share a statement."""
    match bound:
        case None:
            return ""
        case And(left, right):
            return f"({shape(left)} and {shape(right)})"
        case Or(left, right):
            return f"({shape(left)} or {shape(right)})"
        case Not(operand):
            return f"not ({shape(operand)})"
        case ValuePath(target, inner):
            return f"{target.name}[{shape(inner)}]"
        case Present(target):
            return f"{target.name} pr"
        case Compare(target, _, operand, _):
            # Two tenants may have fields with the same name and different types.
            return f"{target.name} {target.attribute.type} {operator_of(bound)} {'long' if is_long(operand) else '?'}"


def operator_of(bound: Compare[Target]) -> str:
    """The operator; `ge` for a prefix that no text comes after: an empty one, or one of only the last character."""
    return "ge" if bound.op == "sw" and _after(str(bound.operand)) is None else bound.op


NEARLY_UNIQUE = frozenset({"id", "externalId", "userName", "displayName", "emails.value"})
"""The attributes of which few resources share a value. References to other resources are excluded: a group may have any
number of members, and a manager any number of reports."""


def finds_few(bound: Bound, attributes: frozenset[str] = NEARLY_UNIQUE) -> bool:
    """Whether the filter finds at most a few resources, by a value of one of these attributes."""
    match bound:
        case And(left, right):
            return finds_few(left, attributes) or finds_few(right, attributes)
        case Or(left, right):
            # If the attributes differ, SQLite reads all resources.
            is_one = len({each.name for each in targets(bound)}) == 1
            return is_one and finds_few(left, attributes) and finds_few(right, attributes)
        case ValuePath(_, inner):
            return finds_few(inner, attributes)
        case Compare(target, "eq", _, _):
            return target.name in attributes
    return False


def is_long(operand: object) -> bool:
    """Whether a literal is longer than the texts in the indexes, which are cut."""
    return isinstance(operand, str) and len(operand) >= CUT


def _parts(bound: Bound | None) -> list[ValuePath[Target] | Present[Target] | Compare[Target]]:
    """The parts of a filter that name an attribute, from left to right, an outer one before those in its brackets."""
    match bound:
        case Compare() | Present():
            return [bound]
        case And(left, right) | Or(left, right):
            return [*_parts(left), *_parts(right)]
        case Not(inner):
            return _parts(inner)
        case ValuePath(_, inner):
            return [bound, *_parts(inner)]
    return []


def comparisons(bound: Bound | None) -> Iterator[Compare[Target]]:
    """The comparisons of a filter, in the order of their parameters' numbers."""
    return (part for part in _parts(bound) if isinstance(part, Compare))


def targets(bound: Bound | None) -> Iterator[Target]:
    """The attributes that a filter names."""
    return (part.target for part in _parts(bound))


def operands(dialect: Dialect, bound: Bound | None) -> dict[str, Any]:
    """The values of the condition's parameters: the key of each literal, and the end of each prefix."""
    values: dict[str, Any] = {}
    for number, comparison in enumerate(comparisons(bound)):
        key = comparison.operand
        values[f"operand{number}"] = dialect.operand(comparison.target.attribute.type, key)
        values[f"indexed{number}"] = stored_key(key)
        if comparison.op == "sw":
            values[f"end{number}"] = _after(str(key))
    return values


def used_indexes(indexes: Mapping[str, int], bound: Bound | None) -> dict[str, int]:
    """The indexes that a filter's statement may use, with their numbers: those on the attributes that it names."""
    if not indexes:
        return {}
    held = {each.name: each for each in (list_of(target) or target for target in targets(bound))}
    return {name: indexes[name] for each in held.values() for name in _index_names(each) if name in indexes}


def _index_names(held: Target) -> tuple[str, ...]:
    """The names of all possible indexes on an attribute; a list can have one for each sub-attribute."""
    if not held.attribute.multi_valued:
        return (held.name,)
    known: tuple[str, ...] | None = held.attribute.cache.get("indexes")
    if known is None:
        known = (held.name, *(f"{held.name}.{sub.name}" for sub in held.attribute.sub_attributes))
        held.attribute.cache["indexes"] = known
    return known


def index_parameter(name: str) -> str:
    """The name of the parameter for an index's number, which differs between tenants."""
    return f"index {name}"


def stored_key(key: Any) -> str | float:
    """A comparison key as `lookup` stores it: texts cut, numbers as doubles."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return key[:CUT] if isinstance(key, str) else float(key)


def _after(prefix: str) -> str | None:
    """The first text in code point order after all texts that start with the prefix, None if there is none."""
    for index in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[index]) + 1
        if following <= 0x10FFFF:
            # Surrogates are not characters.
            return prefix[:index] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None


def indexable(bound: Compare[Target]) -> bool:
    """Whether a column that holds the first characters of each value answers the comparison exactly."""
    return bound.op in INDEXABLE and not is_long(bound.operand)


def all_indexable(inner: Bound) -> bool:
    """Whether an index can answer all comparisons in the filter of an element."""
    match inner:
        case And(left, right):
            return all_indexable(left) and all_indexable(right)
        case Compare():
            return inner.op in INDEXABLE
    return False


def element_index(indexes: Iterable[str], target: Target, inner: Bound) -> str | None:
    """The index that answers the filter of a list's element: one on the sub-attribute that is compared, beside `type`
    and `primary`."""
    if not all_indexable(inner):
        return None
    wanted = {each.attribute.name for each in targets(inner)}
    held = {name: held_value(name) for name in indexes if name.partition(".")[0] == target.name}
    fitting = [name for name, sub in held.items() if wanted <= {sub, "type", "primary"}]
    return min(fitting, key=lambda name: (held[name] not in wanted, name), default=None)


def held_value(index: str) -> str:
    """The sub-attribute whose values the rows of an index on a list contain."""
    return index.partition(".")[2] or "value"
