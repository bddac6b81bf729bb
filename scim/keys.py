"""A value's comparison key: what equality, order and uniqueness look at instead of the value (RFC 7643 §7, RFC 7644
§3.4.2.2)."""

from collections.abc import Callable, Iterable
from typing import Any

from scim.attributes import Attribute
from scim.compare import COMPARISONS, base64_of, exact, instant

type_of_key = str | int | float | bool


def _itself(value: Any) -> Any:
    return value


_BY_TYPE: dict[str, Callable[[Any], type_of_key]] = {
    "boolean": _itself,
    "integer": _itself,
    "decimal": _itself,
    "dateTime": instant,
    "binary": base64_of,
    "reference": exact,
}


def key_function(attribute: Attribute) -> Callable[[Any], type_of_key]:
    """The function that makes the comparison keys of a simple attribute's values."""
    if attribute.type != "string":
        return _BY_TYPE[attribute.type]
    return COMPARISONS[attribute.compare or ("exact" if attribute.case_exact else "folded")]


def keys(attributes: Iterable[Attribute], document: dict[str, Any]) -> dict[str, Any]:
    """The document with every value replaced by its comparison key; members that no attribute describes are left
    out."""
    return {
        attribute.name: _keys(attribute, document[attribute.name])
        for attribute in attributes
        if attribute.name in document
    }


def _keys(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, list):
        return [_keys(attribute, element) for element in value]
    if attribute.type == "complex":
        return keys(attribute.sub_attributes, value)
    return key_function(attribute)(value)
