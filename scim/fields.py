"""Marshmallow fields made from attributes, which check JSON values and coerce them (RFC 7643 §2, RFC 7644 §3.5).

They accept what clients are known to send: booleans and numbers as text, one value where a list belongs, a bare id
where an object belongs.
"""

import re
from collections.abc import Sequence, Set
from itertools import chain
from typing import Any

from marshmallow import ValidationError, fields

from scim.attributes import Attribute, ResourceType, forbidden_key, unknown_key
from scim.document import Document
from scim.errors import InvalidSyntax, ScimError
from scim.types import TYPES, json_type_name

_STORABLE = re.compile(r"[^\x00\ud800-\udfff]*")


class Mistake(ValidationError):
    """What is wrong with a value: one sentence for each mistake, and the hint for the first that has one."""

    def __init__(self, *sentences: str, hint: str | None = None) -> None:
        super().__init__([*sentences])
        self.sentences = sentences
        self.hint = hint


class AttributeField(fields.Field[Any]):
    """The field of one attribute. `deserialize` takes any JSON value and returns the one to store, None for unassigned.
    `attr` is what messages call the attribute; the option `nulls` keeps unassigned sub-attributes. Raises Mistake."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(data_key=attribute.name)
        self.scim = attribute
        self.element: AttributeField = self

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """See marshmallow. Its own method also builds a chain of validators for each value; these fields have none, and
        load() would take half as long again."""
        return None if value is None or value == "" else self._deserialize(value, attr, data, **options)


class SimpleField(AttributeField):
    """A singular simple attribute. A list of one counts as its element, {"value": x} as x, and [] as null."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(attribute)
        self._type = TYPES[attribute.type]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if isinstance(value, (list, dict)):
            value = _alone(value)
            if value is None or value == "":
                return None
        try:
            loaded = self._type.load(value)
        except TypeError as error:
            # The value is never echoed. Text of the wrong form is "other text".
            shown = str(error) or ("other text" if isinstance(value, str) else json_type_name(value))
            sentence = f"{attr} must be {self._type.words} (type {self._type.name}), not {shown}."
            raise Mistake(sentence, hint=self.scim.hint or "type") from error
        except ValueError as error:
            raise Mistake(f"{attr} {error}.", hint="limit") from error
        if isinstance(loaded, str):
            self._check(loaded, attr)
        return loaded

    def _check(self, value: str, attr: str | None) -> None:
        """Refuse text that cannot be stored or breaks a rule of the attribute."""
        if _STORABLE.fullmatch(value) is None:
            raise Mistake(f"{attr} holds a NUL character or half a surrogate pair, which cannot be stored.")
        limit = self.scim.max_length
        if limit is not None and len(value) > limit:
            raise Mistake(f"{attr} must have at most {limit} characters, not {len(value)}.", hint="limit")
        if self.scim.rule is not None and self.scim.rule.pattern.fullmatch(value) is None:
            raise Mistake(f"{attr} {self.scim.rule.sentence}.", hint=self.scim.hint)


def _alone(value: Any) -> Any:
    """The one value that a list or an object stands for where a simple value belongs, else the same."""
    value = _element(value)
    if isinstance(value, dict) and [key.lower() for key in value] == ["value"]:
        return next(iter(value.values()))
    return value


def _element(value: Any) -> Any:
    """The element of a list of one, None for an empty list, else the same."""
    if isinstance(value, list) and len(value) <= 1:
        return value[0] if value else None
    return value


class ComplexField(AttributeField):
    """A singular complex attribute; a bare value stands for {"value": value}, as Entra sends managers."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(attribute)
        self._separator = ":" if attribute.is_extension else "."
        self._members = Members(attribute.sub_attributes, attribute.ignored)

    def _deserialize(self, value: Any, attr: str | None, data: Any, *, nulls: bool = False, **options: Any) -> Any:
        value = _element(value)
        if value is None or value == "":
            return None
        if isinstance(value, str) and self.scim.sub("value") is not None:
            value = {"value": value}
        if not isinstance(value, dict):
            raise Mistake(f"{attr} must be an object, not {json_type_name(value)}.")
        values = self._members.load(value, f"{attr}{self._separator}", nulls)
        return (values if nulls else assigned(values)) or None


class MultiValuedField(AttributeField):
    """A multi-valued attribute; one value where a list belongs is a list of one."""

    def __init__(self, attribute: Attribute, element: AttributeField) -> None:
        super().__init__(attribute)
        self.element = element
        # The element is only a reference. If an empty one were skipped, a replace would remove all elements.
        value = attribute.sub("value")
        self._refers = value is not None and value.mutability == "immutable"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any] | None:
        items = value if isinstance(value, list) else [value]
        limit = self.scim.max_elements
        if limit is not None and len(items) > limit:
            raise Mistake(f"{attr} must have at most {limit} elements, not {len(items)}.", hint="limit")
        elements = self._distinct(items, attr)
        if len(elements) > 1 and sum(e.get("primary") is True for e in elements if isinstance(e, dict)) > 1:
            raise Mistake(f"{attr} must have at most one element whose primary is true.", hint="limit")
        return elements or None

    def _distinct(self, items: list[Any], attr: str | None) -> list[Any]:
        """The elements to store, equal ones once."""
        distinct: dict[Any, Any] = {}
        for item in items:
            # Nested keys are named without an index (`emails.foo`), so that they can be searched for.
            element = self.element.deserialize(item, attr)
            if element is None and self._refers:
                raise Mistake(f'Each of {attr} needs a value: an id, as in {{"value": "id"}}.')
            if element is not None:
                # Sub-attributes are simple (RFC 7643 §2.3.8): no need to compare the elements of a long list in pairs.
                distinct.setdefault(frozenset(element.items()) if isinstance(element, dict) else element, element)
        return [*distinct.values()]


class Members:
    """The members that an object may have, each found by its name in any letter case. It looks up the keys that arrive
    instead of walking over its attributes, since a tenant may have declared thousands. `ignored` are names in lower
    case that say nothing; `resource_type` is given for a resource's own members."""

    def __init__(
        self,
        attributes: Sequence[Attribute],
        ignored: Set[str] = frozenset(),
        resource_type: ResourceType | None = None,
    ) -> None:
        self._attributes = {each.name.lower(): each for each in attributes if not each.forbidden}
        self._ignored = ignored - self._attributes.keys()
        self._resource_type = resource_type

    def load(self, data: Document, prefix: str = "", nulls: bool = False) -> Document:
        """The values by name, None for what is unassigned or not taken from clients; `prefix` precedes names in
        messages. Raises Mistake for all wrong values, InvalidSyntax for an unknown, forbidden or repeated key."""
        values: Document = {}
        mistakes: list[Mistake] = []
        for key, value in data.items():
            lowered = key.lower()
            if lowered in self._ignored:
                continue
            attribute = self._attributes.get(lowered)
            if attribute is None:
                raise self._refusal(key, value, prefix)
            name = attribute.name
            if name in values:
                raise InvalidSyntax(f'The key "{prefix}{name}" is given more than once.')
            values[name] = None
            if attribute.computed or attribute.mutability == "readOnly" or attribute.returned == "never":
                continue
            try:
                values[name] = field_of(attribute).deserialize(value, prefix + name, nulls=nulls)
            except Mistake as mistake:
                mistakes.append(mistake)
        if mistakes:
            hint = next((mistake.hint for mistake in mistakes if mistake.hint), None)
            raise Mistake(*chain.from_iterable(mistake.sentences for mistake in mistakes), hint=hint)
        return values

    def _refusal(self, key: str, value: object, prefix: str) -> ScimError:
        target = self._resource_type.targets.get(key.lower()) if self._resource_type else None
        if target is not None and target.attribute.forbidden:
            return forbidden_key(InvalidSyntax, target.attribute)
        return unknown_member(key, value, prefix)


def unknown_member(key: str, value: object, prefix: str = "") -> ScimError:
    """The refusal of an unknown key. Of a schema that is not served, the first value is the key to look for: custom
    fields have a schema once one is declared."""
    inner = f":{next(iter(value))}" if ":" in key and isinstance(value, dict) and value else ""
    return unknown_key(InvalidSyntax, f"{prefix}{key}{inner}")


def assigned(values: Document) -> Document:
    """The members that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def field_of(attribute: Attribute) -> AttributeField:
    """The field of an attribute, built once for as long as the attribute exists."""
    field: AttributeField | None = attribute.cache.get("field")
    if field is None:
        single = ComplexField(attribute) if attribute.type == "complex" else SimpleField(attribute)
        field = attribute.cache["field"] = MultiValuedField(attribute, single) if attribute.multi_valued else single
    return field
