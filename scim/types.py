"""The types that a value can have (RFC 7643 §2.3), one entry each: a new type is a new entry and nothing else.

Complex attributes are made of attributes of these types. Custom fields are declared by their names.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from scim import numbers
from scim.compare import base64_of, exact, instant

Key = str | int | float | bool

_JSON_TYPES: dict[type, str] = {
    str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object", type(None):
    "null",
}  # fmt: skip
_BOOLEAN_WORDS = {"true": True, "false": False}
_URI = re.compile(r"[^\s\x00-\x20<>\"{}|\\^`]+")

_EQUALITY = frozenset({"eq"})
_ORDER = frozenset({"eq", "gt", "ge", "lt", "le"})
_TEXT = _ORDER | {"co", "sw", "ew"}


def json_type_name(value: object) -> str:
    """What messages call the type of a JSON value."""
    return _JSON_TYPES.get(type(value), "something else")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A type of values, wherever the server has to know it.

    `entra`: the type to choose for it in Entra's attribute list. `words`: what messages say a value must be.
    `load`: the value to store of a JSON value; TypeError where it is of another type, with what it is unless its JSON
    type says it; ValueError with the rest of the sentence where it cannot be stored.
    `literal`: what a filter compares with, from its literal; the same errors.
    `operators`: those that compare it, `ne` and `pr` apart (RFC 7644 §3.4.2.2 Table 3).
    `key`: its comparison key, ValueError where it has none; without one the attribute's rule decides (scim.compare).
    `openapi`: its JSON schema. `stored`: the JSON type of its keys.
    `has_case`, `has_uniqueness`: whether /Schemas says so of it (RFC 7643 §2.3, with erratum 6004).
    `case_exact`, `reference_types`: the characteristics of a custom field of this type.
    """

    name: str
    entra: str
    words: str
    load: Callable[[Any], Any]
    literal: Callable[[Any], Any]
    operators: frozenset[str]
    key: Callable[[Any], Key] | None = None
    openapi: dict[str, Any] = field(default_factory=dict)
    stored: Literal["text", "number", "boolean"] = "text"
    has_case: bool = False
    has_uniqueness: bool = False
    case_exact: bool = False
    reference_types: tuple[str, ...] = ()


def text(value: Any) -> str:
    """Text as it is. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError
    return value


def text_literal(value: Any) -> str:
    """The text that a filter compares with. Raises TypeError, ValueError for what no database takes."""
    if "\x00" in text(value):
        # No stored text holds one, and Postgres takes none as a parameter.
        raise ValueError("cannot hold a NUL character: leave it out of the filter")
    return str(value)


def _reference(value: Any) -> str:
    """A URI, absolute or relative (RFC 7643 §2.3.7)."""
    if _URI.fullmatch(text(value)) is None:
        raise TypeError
    return str(value)


def boolean(value: Any) -> bool:
    """true, false, or these words in any letter case, as Entra sends them, in filters too. Raises TypeError."""
    found = _BOOLEAN_WORDS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise TypeError
    return found


def parsed_by(key: Callable[[str], str]) -> Callable[[Any], str]:
    """Takes text as it is where it has a key; raises TypeError otherwise."""

    def load(value: Any) -> str:
        try:
            key(text(value))
        except ValueError as error:
            raise TypeError from error
        return str(value)

    return load


def _itself(value: Any) -> Any:
    return value


TYPES: dict[str, ValueType] = {
    each.name: each
    for each in (
        ValueType(
            "string", "String", "text",
            text, text_literal, _TEXT,
            openapi={"type": "string"}, has_case=True, has_uniqueness=True,
        ),
        ValueType(
            "integer", "Integer", "a whole number",
            numbers.integer, numbers.integer_literal, _ORDER, _itself,
            openapi={"type": "integer", "minimum": -numbers.MAX_INTEGER, "maximum": numbers.MAX_INTEGER},
            stored="number", has_uniqueness=True,
        ),
        ValueType(
            "decimal", "String", "a number",
            numbers.decimal, numbers.decimal_literal, _ORDER, _itself,
            openapi={"type": "number"}, stored="number", has_uniqueness=True,
        ),
        ValueType(
            "boolean", "Boolean", "true or false",
            boolean, boolean, _EQUALITY, _itself,
            openapi={"type": "boolean"}, stored="boolean",
        ),
        ValueType(
            "dateTime", "DateTime", "a date and time such as 2026-11-23T08:00:00Z",
            parsed_by(instant), text_literal, _ORDER, instant,
            openapi={"type": "string", "format": "date-time"},
        ),
        ValueType(
            "reference", "String", "a URI",
            _reference, text_literal, _TEXT, exact,
            openapi={"type": "string", "format": "uri-reference"},
            has_case=True, has_uniqueness=True, case_exact=True, reference_types=("external",),
        ),
        ValueType(
            "binary", "Binary", "base64",
            parsed_by(base64_of), text_literal, _EQUALITY, base64_of,
            openapi={"type": "string", "contentEncoding": "base64"}, has_case=True, case_exact=True,
        ),
    )
}  # fmt: skip
"""Every type by its name, in the order in which they are offered."""
