"""Marshmallow schemas made from attributes: bodies and PATCH values checked, coerced to their type, named as the
schema does
(RFC 7643 §2, RFC 7644 §3.3, §3.5).

They load and never dump: what goes out is the stored text (docs/architecture.md). Client tolerances that concern a
value
end here: booleans and numbers as text, one value where a list belongs, a bare id where an object belongs.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, fields
from marshmallow.error_store import ErrorStore

from scim import keys
from scim.attributes import FORBIDDEN_KEY, Attribute, ResourceType
from scim.document import Document
from scim.errors import InvalidSyntax, InvalidValue, ScimError

MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 15
MAX_EXPONENT = 307
"""Decimals of so many significant digits and such an exponent read the same in every JSON parser and database."""

_JSON_TYPES: dict[type, str] = {
    str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object", type(None):
    "null",
}  # fmt: skip
_PARSED = {"dateTime": "a date and time such as 2026-11-23T08:00:00Z", "binary": "base64"}
_BOOLEAN_WORDS = {"true": True, "false": False}
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_REFERENCE = re.compile(r"[^\s\x00-\x20<>\"{}|\\^`]+")
_STORABLE = re.compile(r"[^\x00\ud800-\udfff]*")


def json_type_name(value: object) -> str:
    """What a JSON value is, in words."""
    return _JSON_TYPES.get(type(value), "something else")


class Loaded(NamedTuple):
    """A body as it was read: the document, and the names of the attributes that are accepted but never stored."""

    document: Document
    dropped: list[str]


def load(resource_type: ResourceType, body: object) -> Loaded:
    """The document that a POST or PUT body describes: canonical names, typed values, nothing unassigned (RFC 7643
    §2.5).

    Read-only attributes are left out (RFC 7644 §3.3). Raises InvalidSyntax for an unknown or forbidden key or wrong
    `schemas`, InvalidValue for a wrong value.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(
            f"The body must be a JSON object that describes a {resource_type.name}, not {json_type_name(body)}."
        )
    _check_schemas(resource_type, body)
    return _loaded(_resource_schema(resource_type), body)


def load_value(attribute: Attribute, value: object, name: str, *, nulls: bool = False) -> Any:
    """The value of an attribute as a PATCH operation gives it; None where it unassigns (RFC 7644 §3.5.2).

    With `nulls`, sub-attributes that the value unassigns stay in it as None. Raises InvalidValue or InvalidSyntax.
    """
    try:
        return _field(attribute).read(value, name, nulls)
    except ValidationError as error:
        raise InvalidValue(_sentence(error)) from error


def load_element(attribute: Attribute, value: object, name: str) -> Any:
    """One element of a multi-valued attribute as a PATCH operation gives it, sub-attributes it unassigns as None."""
    try:
        return _field(attribute).element.read(value, name, True)
    except ValidationError as error:
        raise InvalidValue(_sentence(error)) from error


def check_required(resource_type: ResourceType, document: Document) -> None:
    """Refuse a document that lacks a required attribute (RFC 7643 §2.2), or has a list without end."""
    for attribute in resource_type.schema.attributes:
        if attribute.required and not attribute.computed and attribute.name not in document:
            raise InvalidValue(f"{attribute.name} is required and must have a value.")
        check_elements(attribute, document)


def check_elements(attribute: Attribute, document: Document) -> None:
    """Refuse a list without end."""
    if attribute.max_elements is not None and len(document.get(attribute.name, ())) > attribute.max_elements:
        raise InvalidValue(f"{attribute.name} must have at most {attribute.max_elements} elements.")


def with_defaults(resource_type: ResourceType, document: Document) -> Document:
    """The document with the default of each attribute that has one and no value."""
    defaults = {
        attribute.name: attribute.default
        for attribute in resource_type.schema.attributes
        if attribute.default is not None and attribute.name not in document
    }
    return document | defaults if defaults else document


def _check_schemas(resource_type: ResourceType, body: Mapping[str, Any]) -> None:
    """A body names the schema of its type; foreign URNs are refused but those that clients are known to add."""
    given = next((value for key, value in body.items() if key.lower() == "schemas"), None)
    if not isinstance(given, list) or not all(isinstance(urn, str) for urn in given):
        raise InvalidSyntax(f'schemas must be a list of schema URNs that holds "{resource_type.schema.id}".')
    lowered = {urn.lower() for urn in given}
    if resource_type.schema.id.lower() not in lowered:
        raise InvalidSyntax(f'schemas must hold "{resource_type.schema.id}".')
    for urn in given:
        if urn.lower() not in resource_type.urns and urn.lower() not in resource_type.tolerated_schemas:
            raise _foreign(resource_type, urn, next((body[key] for key in body if key.lower() == urn.lower()), None))


def _foreign(resource_type: ResourceType, urn: str, values: object) -> InvalidSyntax:
    """The refusal of a schema that is none here, or of the first of its values in the body."""
    if isinstance(values, dict) and values:
        return _unknown(urn, values)
    return InvalidSyntax(f'schemas holds "{urn[:200]}", which is no schema of a {resource_type.name} here.')


def _unknown(key: str, value: object, prefix: str = "") -> InvalidSyntax:
    """The refusal of an unknown key. Of a schema that is none here, the first value is the key to look for: custom
    fields have a schema once one is declared."""
    inner = f":{next(iter(value))}" if ":" in key and isinstance(value, dict) and value else ""
    return InvalidSyntax(FORBIDDEN_KEY.format(f"{prefix}{key}{inner}"[:200]))


class _Loading(Schema):
    """A marshmallow schema that walks the keys that came in, whatever their case, instead of those it declares.

    Fields are made for attributes that somebody names: a tenant may have declared thousands of others.
    """

    table: dict[str, Attribute]
    resource_type: ResourceType | None = None
    ignored: frozenset[str] = frozenset()

    def _deserialize(self, data: Any, *, error_store: ErrorStore, partial: Any = None, **_: Any) -> Document:
        names, complaints = self.walked(data, partial)
        for complaint in complaints:
            error_store.store_error(complaint.messages)  # type: ignore[no-untyped-call]
        return names

    def nested(self, data: Document, place: "_Place") -> Document:
        """What an object inside a body says. marshmallow's own load would do the same, at twice the price."""
        names, complaints = self.walked(data, place)
        if complaints:
            raise ValidationError([message for complaint in complaints for message in complaint.messages])
        return names

    def walked(self, data: Document, place: "_Place") -> tuple[Document, list[ValidationError]]:
        """The values of all keys, and what is wrong with others."""
        names: dict[str, Any] = {}
        complaints: list[ValidationError] = []
        for key, value in data.items():
            lowered = key.lower()
            if lowered in self.ignored and lowered not in self.table:
                continue
            attribute = self._known(key, value, place)
            if attribute.name in names:
                raise InvalidSyntax(f'The key "{place.prefix}{attribute.name}" is given more than once.')
            names[attribute.name] = None
            if attribute.returned == "never":
                place.dropped.append(attribute.name)
            elif not attribute.computed and attribute.mutability != "readOnly":
                try:
                    names[attribute.name] = _field(attribute).read(value, place.prefix + attribute.name, place.nulls)
                except ValidationError as error:
                    complaints.append(error)
        found = names if place.nulls else {name: value for name, value in names.items() if value is not None}
        return found, complaints

    def _known(self, key: str, value: object, place: "_Place") -> Attribute:
        known = self.table.get(key.lower())
        if known is not None and not known.forbidden:
            return known
        if self.resource_type is not None:
            target = self.resource_type.targets.get(key.lower())
            if target is not None and target.attribute.forbidden:
                raise InvalidSyntax(FORBIDDEN_KEY.format(target.attribute.name))
        raise _unknown(key, value, place.prefix)


class _Place:
    """Where in the body a schema is loading: what stands before its keys, and what the caller wants to know."""

    __slots__ = ("dropped", "nulls", "prefix")

    def __init__(self, prefix: str = "", nulls: bool = False) -> None:
        self.prefix = prefix
        self.nulls = nulls
        self.dropped: list[str] = []


def _loaded(schema: _Loading, data: Mapping[str, Any]) -> Loaded:
    place = _Place()
    try:
        return Loaded(schema.load(data, partial=place), place.dropped)  # type: ignore[arg-type]
    except ValidationError as error:
        raise InvalidValue(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    """The first three complaints of a marshmallow error as one text."""
    messages: list[str] = []
    stack: list[Any] = [error.messages]
    while stack:
        item = stack.pop(0)
        stack = (
            [*(item.values() if isinstance(item, dict) else item), *stack] if isinstance(item, (dict, list)) else stack
        )
        if isinstance(item, str):
            messages.append(item)
    return " ".join(messages[:3])


class ScimField(fields.Field[Any]):
    """A marshmallow field of one attribute. `read` takes any JSON value and gives the value to store, None for
    unassigned."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(data_key=attribute.name)
        self.scim = attribute
        self.element: ScimField = self

    def read(self, value: object, name: str, nulls: bool) -> Any:
        """The value to store. `name` is what messages call the attribute; `nulls` keeps unassigned sub-attributes."""
        return None if value is None or value == "" else self.typed(value, name, nulls)

    def typed(self, value: Any, name: str, nulls: bool) -> Any:
        """The value, which is neither null nor empty, in the attribute's type."""
        raise NotImplementedError

    def wrong(self, value: object, name: str, wanted: str) -> ValidationError:
        """The complaint about a value of the wrong type; the value itself is never echoed."""
        return ValidationError(f"{name} must be {wanted}, not {json_type_name(value)}.")


class Simple(ScimField):
    """A singular simple attribute; a list of one is taken for its element, {"value": x} for x, [] for null."""

    def read(self, value: object, name: str, nulls: bool) -> Any:
        """See ScimField.read."""
        if isinstance(value, list) and len(value) <= 1:
            value = value[0] if value else None
        if isinstance(value, dict) and [key.lower() for key in value] == ["value"]:
            value = next(iter(value.values()))
        return super().read(value, name, nulls)

    def wrong(self, value: object, name: str, wanted: str) -> ValidationError:
        """The complaint names the type as well; text of the wrong form is "other text"."""
        shown = "other text" if isinstance(value, str) else json_type_name(value)
        return ValidationError(f"{name} must be {wanted} (type {self.scim.type}), not {shown}.")


class Text(Simple):
    """A string."""

    def typed(self, value: Any, name: str, nulls: bool) -> str:
        """See ScimField.typed."""
        if not isinstance(value, str):
            raise self.wrong(value, name, "text")
        if _STORABLE.fullmatch(value) is None:
            raise ValidationError(f"{name} holds a NUL character or half a surrogate pair, which cannot be stored.")
        if self.scim.max_length is not None and len(value) > self.scim.max_length:
            raise ValidationError(f"{name} must have at most {self.scim.max_length} characters, not {len(value)}.")
        if self.scim.rule is not None and self.scim.rule.pattern.fullmatch(value) is None:
            raise ValidationError(f"{name} {self.scim.rule.sentence}.")
        return value


class Reference(Text):
    """A URI, absolute or relative (RFC 7643 §2.3.7)."""

    def typed(self, value: Any, name: str, nulls: bool) -> str:
        """See ScimField.typed."""
        if not isinstance(value, str) or _REFERENCE.fullmatch(value) is None:
            raise self.wrong(value, name, "a URI")
        return super().typed(value, name, nulls)


class Boolean(Simple):
    """true, false, or these words in any case, as Entra sends them."""

    def typed(self, value: Any, name: str, nulls: bool) -> bool:
        """See ScimField.typed."""
        boolean = _BOOLEAN_WORDS.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(boolean, bool):
            raise self.wrong(value, name, "true or false")
        return boolean


class Integer(Simple):
    """A whole number without fraction or exponent (RFC 7643 §2.3.4), or its digits as text."""

    def typed(self, value: Any, name: str, nulls: bool) -> int:
        """See ScimField.typed."""
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, float):
            raise ValidationError(f"{name} must be a whole number (type integer), not a fraction.")
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(value, name, "a whole number")
        if abs(value) > MAX_INTEGER:
            raise ValidationError(f"{name} must lie between -{MAX_INTEGER} and {MAX_INTEGER}.")
        return value


class DecimalNumber(Simple):
    """A number (RFC 7643 §2.3.3), or its digits as text."""

    def typed(self, value: Any, name: str, nulls: bool) -> int | float:
        """See ScimField.typed."""
        number = decimal_of(value)
        if number is None:
            raise self.wrong(value, name, "a number")
        if not fits(number):
            limits = f"at most {MAX_DIGITS} significant digits and an exponent of at most {MAX_EXPONENT}"
            raise ValidationError(f"{name} must have {limits}.")
        return int(number) if number == number.to_integral_value() and abs(number) < 10**MAX_DIGITS else float(number)


def decimal_of(value: object) -> Decimal | None:
    """A JSON number or its digits as text as a Decimal, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value) is None:
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def fits(number: Decimal) -> bool:
    """Whether a double gives the decimal back unchanged. (Decimal.normalize would round it to 28 digits first.)"""
    significant = "".join(map(str, number.as_tuple().digits)).strip("0")
    return len(significant) <= MAX_DIGITS and (not number or abs(number.adjusted()) <= MAX_EXPONENT)


class Parsed(Text):
    """Text that must parse: a dateTime or base64."""

    def typed(self, value: Any, name: str, nulls: bool) -> str:
        """See ScimField.typed."""
        wanted = _PARSED[self.scim.type]
        if not isinstance(value, str):
            raise self.wrong(value, name, wanted)
        try:
            keys.key_function(self.scim)(value)
        except ValueError as error:
            raise self.wrong(value, name, wanted) from error
        return super().typed(value, name, nulls)


class Complex(ScimField):
    """A singular complex attribute; a bare value stands for {"value": value}, as Entra sends managers."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(attribute)
        self.separator = ":" if attribute.is_extension else "."
        self.nested = _schema(attribute.name, attribute.sub_attributes)
        self.nested.ignored = attribute.ignored

    def read(self, value: object, name: str, nulls: bool) -> Any:
        """See ScimField.read."""
        if isinstance(value, list) and len(value) <= 1:
            value = value[0] if value else None
        return super().read(value, name, nulls)

    def typed(self, value: Any, name: str, nulls: bool) -> Document | None:
        """See ScimField.typed."""
        if isinstance(value, str) and self.scim.sub("value") is not None:
            value = {"value": value}
        if not isinstance(value, dict):
            raise self.wrong(value, name, "an object")
        return self.nested.nested(value, _Place(name + self.separator, nulls)) or None


class Plural(ScimField):
    """A multi-valued attribute; one value where a list belongs is a list of one."""

    def __init__(self, attribute: Attribute, element: ScimField) -> None:
        super().__init__(attribute)
        self.element = element
        # An element that is nothing but a reference: were an empty one passed over, a replace would take all away.
        value = attribute.sub("value")
        self.refers = value is not None and value.mutability == "immutable"

    def typed(self, value: Any, name: str, nulls: bool) -> list[Any] | None:
        """See ScimField.typed."""
        distinct: dict[Any, Any] = {}
        if self.scim.max_elements is not None and isinstance(value, list) and len(value) > self.scim.max_elements:
            raise ValidationError(f"{name} must have at most {self.scim.max_elements} elements, not {len(value)}.")
        for item in value if isinstance(value, list) else [value]:
            # Nested keys are named without an index (`emails.foo`), so that they can be searched for.
            element = self.element.read(item, name, False)
            if element is None and self.refers:
                raise ValidationError(f'Each of {name} needs a value: an id, as in {{"value": "id"}}.')
            if element is not None:
                # Sub-attributes are simple (RFC 7643 §2.3.8): no need to compare the elements of a long list in pairs.
                distinct.setdefault(frozenset(element.items()) if isinstance(element, dict) else element, element)
        elements = [*distinct.values()]
        if sum(element.get("primary") is True for element in elements if isinstance(element, dict)) > 1:
            raise ValidationError(f"{name} must have at most one element whose primary is true.")
        return elements or None


_SIMPLE: dict[str, Callable[[Attribute], ScimField]] = {
    "string": Text,
    "boolean": Boolean,
    "integer": Integer,
    "decimal": DecimalNumber,
    "dateTime": Parsed,
    "binary": Parsed,
    "reference": Reference,
}


def _field(attribute: Attribute) -> ScimField:
    """The field of an attribute, made once for as long as the attribute is in use."""
    made: ScimField | None = attribute.cache.get("field")
    if made is None:
        single = Complex(attribute) if attribute.type == "complex" else _SIMPLE[attribute.type](attribute)
        made = attribute.cache["field"] = Plural(attribute, single) if attribute.multi_valued else single
    return made


def _schema(name: str, attributes: tuple[Attribute, ...], resource_type: ResourceType | None = None) -> _Loading:
    """A loading schema of these attributes."""
    built: type[_Loading] = type(f"{name} schema", (_Loading,), {"resource_type": resource_type})
    schema = built()
    schema.table = {attribute.name.lower(): attribute for attribute in attributes}
    return schema


def _resource_schema(resource_type: ResourceType) -> _Loading:
    """The loading schema of a resource type, made once for as long as the type is in use."""
    made: _Loading | None = resource_type.cache.get("schema")
    if made is None:
        made = _schema(resource_type.name, resource_type.attributes, resource_type)
        resource_type.cache["schema"] = made
    return made


__all__ = [
    "Document",
    "Loaded",
    "ScimError",
    "check_required",
    "decimal_of",
    "fits",
    "json_type_name",
    "load",
    "load_value",
    "with_defaults",
]
