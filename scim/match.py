"""Whether a value in memory satisfies a bound filter (RFC 7644 §3.4.2.2)."""

from collections.abc import Callable, Iterator
from operator import contains, eq, ge, gt, le, lt
from typing import Any

from scim.attributes import Target
from scim.binding import Bound
from scim.keys import key_function
from scim.nodes import And, Compare, Not, Or, Present, ValuePath

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq, "gt": gt, "ge": ge, "lt": lt, "le": le, "co": contains, "sw": str.startswith, "ew": str.endswith,
}  # fmt: skip


def matches(bound: Bound, value: Any, within: Target | None = None) -> bool:
    """Whether a document satisfies the filter; with `within`, whether an element of that attribute does."""
    match bound:
        case And(left, right):
            return matches(left, value, within) and matches(right, value, within)
        case Or(left, right):
            return matches(left, value, within) or matches(right, value, within)
        case Not(operand):
            return not matches(operand, value, within)
        case ValuePath(target, inner):
            return any(matches(inner, element, target) for element in _values(target, value, within))
        case Present(target):
            # null, "", [] and {} are unassigned (RFC 7643 §2.5).
            return any(found not in (None, "", [], {}) for found in _values(target, value, within))
        case Compare(target, op, operand):
            key, compare = key_function(target.attribute), _OPERATORS[op]
            return any(compare(key(found), operand) for found in _values(target, value, within))


def _values(target: Target, value: Any, within: Target | None) -> Iterator[Any]:
    """The values of the target in a document or element, those of all elements of a list."""
    return _below(value, target.path[len(within.path) if within else 0 :])


def _below(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _below(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _below(value[path[0]], path[1:])
