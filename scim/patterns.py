"""Filters that differ only by the text at their end, as identity providers send them, parsed and bound once.

Measured: without patterns a search for `userName eq "…"` takes 12 % more CPU, 96 µs instead of 85 without gunicorn's
share, and one for `emails[type eq "work"].value eq "…"` 20 %, 140 µs instead of 117.
"""

import re
from collections.abc import Callable

from scim.attributes import ResourceType
from scim.binding import Bound, bind
from scim.errors import InvalidFilter
from scim.filter import parse_filter
from scim.keys import key_function
from scim.nodes import And, Compare, Or, ValuePath

PATTERNS = 64
"""How many patterns are kept for each resource type; clients send a handful."""

Pattern = Callable[[str], Bound]
"""Makes the filter that has this text at its end."""

# The start may hold one more text, in front of a closing bracket. The grammar reads other filters with two texts, since
# both may vary, and each of them would leave a pattern of its own.
_ENDING = re.compile('((?:[^"]{1,100}"[^"\\\\]{0,50}"\\])?[^"]{1,100} eq )"([^"\\\\\\x00-\\x1f\ud800-\udfff]{0,1000})"')


def bind_text(resource_type: ResourceType, text: str) -> Bound:
    """The bound filter of a text. Raises InvalidFilter."""
    match = _ENDING.fullmatch(text)
    pattern = _pattern(resource_type, match[1]) if match else None
    return pattern(match[2]) if match and pattern else bind(resource_type, parse_filter(text))


def _pattern(resource_type: ResourceType, start: str) -> Pattern | None:
    """The pattern of filters with this start, kept with the resource type; None if the grammar must read them."""
    patterns: dict[str, Pattern | None] = resource_type.cache.setdefault("patterns", {})
    if start not in patterns:
        if len(patterns) >= PATTERNS:
            patterns.clear()
        try:
            patterns[start] = _ending(bind(resource_type, parse_filter(f'{start}"x"')))
        except InvalidFilter:
            patterns[start] = None
    return patterns.get(start)


def _ending(tree: Bound) -> Pattern | None:
    """The pattern that makes this tree with another text at its end; None if it does not end with the text x."""
    match tree:
        case And(left, right) | Or(left, right):
            kind, end = type(tree), _ending(right)
            return None if end is None else lambda text: kind(left, end(text))
        case ValuePath(target, inner):
            inner_end = _ending(inner)
            return None if inner_end is None else lambda text: ValuePath(target, inner_end(text))
        # The literal is longer than x in a filter that is read from its first quote to its last.
        case Compare(target, op, _, "x") if target.attribute.type == "string":
            key = key_function(target.attribute)
            return lambda text: Compare(target, op, key(text), text)
    return None
