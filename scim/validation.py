"""Bodies and PATCH values, checked, in the form in which they are stored (RFC 7643 §2, RFC 7644 §3.3, §3.5).

The schemas load and never dump: the stored text is what goes out (docs/architecture.md).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from marshmallow import EXCLUDE, Schema, post_load

from scim.attributes import Attribute, ResourceType, is_custom_field
from scim.document import Document
from scim.envelopes import member
from scim.errors import InvalidSyntax, InvalidValue
from scim.fields import Members, Mistake, assigned, field_of, unknown_member
from scim.types import json_type_name

_SHOWN = 3
"""How many mistakes a refusal names."""


class Loaded(NamedTuple):
    """A body as it was read: the document, and the names of the attributes that are accepted but never stored."""

    document: Document
    dropped: list[str]


class ResourceSchema(Schema):
    """The marshmallow schema of a resource type. It declares no fields: those of the keys that arrive are looked up."""

    def __init__(self, resource_type: ResourceType) -> None:
        super().__init__(unknown=EXCLUDE)
        self._members = Members(resource_type.attributes, resource_type=resource_type)
        self._never = {attribute.name for attribute in resource_type.attributes if attribute.returned == "never"}

    @post_load(pass_original=True)
    def members(self, _: Document, body: Document, **options: Any) -> Loaded:
        """What the body holds, by the keys that it has. Raises InvalidSyntax or InvalidValue."""
        values = _loaded(self._members.load, body, "", False)
        return Loaded(assigned(values), [name for name in values if name in self._never])


def load(resource_type: ResourceType, body: object) -> Loaded:
    """What a POST or PUT body describes: canonical names, typed values, nothing unassigned (RFC 7643 §2.5) or read-only
    (RFC 7644 §3.3). Raises InvalidSyntax for a wrong key or wrong `schemas`, InvalidValue for a wrong value."""
    if not isinstance(body, dict):
        wanted = f"a JSON object that describes a {resource_type.name}"
        raise InvalidSyntax(f"The body must be {wanted}, not {json_type_name(body)}.")
    _check_schemas(resource_type, body)
    return cast(Loaded, _schema(resource_type).load(body))


def load_value(attribute: Attribute, value: object, name: str, *, nulls: bool = False) -> Any:
    """The value of an attribute as a PATCH operation gives it; None where it unassigns (RFC 7644 §3.5.2). With `nulls`,
    sub-attributes that the value unassigns stay in it as None. Raises InvalidValue or InvalidSyntax."""
    return _loaded(field_of(attribute).deserialize, value, name, nulls)


def load_element(attribute: Attribute, value: object, name: str) -> Any:
    """One element of a multi-valued attribute as a PATCH operation gives it, sub-attributes it unassigns as None."""
    return _loaded(field_of(attribute).element.deserialize, value, name, True)


def check_required(resource_type: ResourceType, document: Document) -> None:
    """Refuse a document that lacks a required attribute (RFC 7643 §2.2), or has too long a list."""
    for attribute in resource_type.schema.attributes:
        if attribute.name in document:
            if attribute.max_elements is not None:
                check_elements(attribute, document)
        elif attribute.required and not attribute.computed:
            raise InvalidValue(f"{attribute.name} is required and must have a value.", hint="required")


def check_elements(attribute: Attribute, document: Document) -> None:
    """Refuse a list that is longer than the attribute's may be."""
    if attribute.max_elements is not None and len(document.get(attribute.name, ())) > attribute.max_elements:
        raise InvalidValue(f"{attribute.name} must have at most {attribute.max_elements} elements.", hint="limit")


def with_defaults(resource_type: ResourceType, document: Document) -> Document:
    """The document with the default of each attribute that has one and no value."""
    defaults = {
        attribute.name: attribute.default
        for attribute in resource_type.schema.attributes
        if attribute.default is not None and attribute.name not in document
    }
    return document | defaults if defaults else document


def _check_schemas(resource_type: ResourceType, body: Document) -> None:
    """Refuse a body that does not name the schema of its type, or that names a foreign one."""
    given = member(body, "schemas")
    if not isinstance(given, list) or not all(isinstance(urn, str) for urn in given):
        raise InvalidSyntax(f'schemas must be a list of schema URNs that holds "{resource_type.schema.id}".')
    if resource_type.schema.id.lower() not in map(str.lower, given):
        raise InvalidSyntax(f'schemas must hold "{resource_type.schema.id}".')
    for urn in given:
        if not resource_type.takes(urn):
            values = member(body, urn)
            if isinstance(values, dict) and values:
                raise unknown_member(urn, values)
            sentence = f'schemas holds "{urn[:200]}", which is not a schema of a {resource_type.name} here.'
            raise InvalidSyntax(sentence, hint="undeclared field" if is_custom_field(urn) else None)


def _loaded(load: Callable[..., Any], value: object, name: str, nulls: bool) -> Any:
    """What `load` returns; its mistakes become an InvalidValue."""
    try:
        return load(value, name, nulls=nulls)
    except Mistake as mistake:
        raise InvalidValue(" ".join(mistake.sentences[:_SHOWN]), hint=mistake.hint) from mistake


def _schema(resource_type: ResourceType) -> ResourceSchema:
    """The schema of a resource type, built once for as long as the type exists."""
    schema: ResourceSchema | None = resource_type.cache.get("schema")
    if schema is None:
        schema = resource_type.cache["schema"] = ResourceSchema(resource_type)
    return schema
