"""What the server says about itself, derived from the attributes (RFC 7643 §5, §6, §7; RFC 7644 §4; RFC 9865 §4)."""

from typing import Any

from scim.attributes import Attribute, ResourceType, Schema
from scim.cursor import TIMEOUT
from scim.preset import Profile
from scim.types import TYPES

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"

_BEARER_TOKEN = {
    "type": "oauthbearertoken",
    "name": "OAuth Bearer Token",
    "description": "A secret token of the tenant in the Authorization header.",
    "specUri": "https://www.rfc-editor.org/info/rfc6750",
    "primary": True,
}


def schemas(profile: Profile, base_url: str, id: str | None = None) -> list[dict[str, Any]]:
    """Every schema as /Schemas publishes it, exactly what is accepted; with `id`, those with this URN in any letter
    case. None has the common attributes (RFC 7643 §3.1): Microsoft's validator fails on one that lists `id`."""
    published = [schema for each in profile.types for schema in (each.schema, *each.extensions)]
    return [_schema(schema, base_url) for schema in published if id is None or schema.id.lower() == id.lower()]


def resource_types(profile: Profile, base_url: str) -> list[dict[str, Any]]:
    """Every resource type of the profile as /ResourceTypes publishes it."""
    return [_resource_type(resource_type, base_url) for resource_type in profile.types]


def service_provider_config(base_url: str, page_sizes: tuple[int, int], bulk: tuple[int, int]) -> dict[str, Any]:
    """The one object at /ServiceProviderConfig. `page_sizes`: the default and the most; `bulk`: the operations and the
    bytes that a job may have at most."""
    default_page_size, max_page_size = page_sizes
    max_operations, max_payload_size = bulk
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": max_operations, "maxPayloadSize": max_payload_size},
        "filter": {"supported": True, "maxResults": max_page_size},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [_BEARER_TOKEN],
        "pagination": {
            "cursor": True,
            "index": True,
            # The default stays index, for clients from before there were cursors (RFC 9865 §2.3).
            "defaultPaginationMethod": "index",
            "defaultPageSize": default_page_size,
            "maxPageSize": max_page_size,
            "cursorTimeout": TIMEOUT,
        },
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }


def _schema(schema: Schema, base_url: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": _attributes(schema.attributes),
        "meta": _meta("Schema", f"{base_url}/Schemas/{schema.id}"),
    }


def _attributes(attributes: tuple[Attribute, ...]) -> list[dict[str, Any]]:
    """The published attributes: those that are neither forbidden nor never returned."""
    return [_attribute(each) for each in attributes if not each.forbidden and each.returned != "never"]


def _attribute(attribute: Attribute) -> dict[str, Any]:
    """One attribute with the characteristics that its type can have; none is null (RFC 7643 §7)."""
    published: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.type,
        "multiValued": attribute.multi_valued,
        # A custom field may have been declared without a description.
        "description": attribute.description or "A custom field.",
        "required": attribute.required,
    }
    if attribute.canonical_values:
        published["canonicalValues"] = list(attribute.canonical_values)
    simple = TYPES.get(attribute.type)
    if simple and simple.has_case:
        published["caseExact"] = attribute.case_exact
    published |= {"mutability": attribute.mutability, "returned": attribute.returned}
    if simple and simple.has_uniqueness:
        published["uniqueness"] = attribute.uniqueness
    if attribute.reference_types:
        published["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub_attributes:
        published["subAttributes"] = _attributes(attribute.sub_attributes)
    return published


def _resource_type(resource_type: ResourceType, base_url: str) -> dict[str, Any]:
    extensions = [{"schema": extension.id, "required": False} for extension in resource_type.extensions]
    return {
        "schemas": [f"{_CORE}ResourceType"],
        "id": resource_type.name,
        "name": resource_type.name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.schema.id,
        **({"schemaExtensions": extensions} if extensions else {}),
        "meta": _meta("ResourceType", f"{base_url}/ResourceTypes/{resource_type.name}"),
    }


def _meta(resource_type: str, location: str) -> dict[str, Any]:
    return {"resourceType": resource_type, "location": location}
