"""Comparison keys: what equality, order and uniqueness look at instead of values (RFC 7643 §7, RFC 7644 §3.4.2.2)."""

from collections.abc import Callable, Iterable
from typing import Any

from scim.attributes import Attribute
from scim.compare import COMPARISONS
from scim.types import TYPES, Key


def key_function(attribute: Attribute) -> Callable[[Any], Key]:
    """The function that makes the comparison keys of a simple attribute's values, looked up once for each attribute."""
    function: Callable[[Any], Key] | None = attribute.cache.get("key")
    if function is None:
        rule = attribute.compare or ("exact" if attribute.case_exact else "folded")
        function = attribute.cache["key"] = TYPES[attribute.type].key or COMPARISONS[rule]
    return function


def keys(attributes: Iterable[Attribute], document: dict[str, Any]) -> dict[str, Any]:
    """The document with comparison keys instead of values, without members that no attribute describes."""
    return {each.name: _keys(each, document[each.name]) for each in attributes if each.name in document}


def _keys(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, list):
        return [_keys(attribute, element) for element in value]
    if attribute.type == "complex":
        return keys(attribute.sub_attributes, value)
    return key_function(attribute)(value)
