"""The OpenAPI 3.1 document of a tenant's endpoint, derived from the attributes like /Schemas.

It describes what clients should send, which is narrower than what is accepted: tolerances and letter cases stay out.
"""

from typing import Any

from scim import envelopes
from scim.attributes import Attribute, ResourceType
from scim.bulk import METHODS
from scim.preset import Profile
from scim.types import TYPES

Json = dict[str, Any]

PATH = "/openapi.json"

_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer"}
_STATUS: Json = {"type": "string", "pattern": "^[1-5][0-9][0-9]$"}
_OPERATION: Json = {
    "type": "object",
    "properties": {"op": {"enum": ["add", "remove", "replace"]}, "path": _TEXT, "value": {}},
    "required": ["op"],
}
"""One of the Operations of a PatchOp message (RFC 7644 §3.5.2)."""
_SCIM_JSON = "application/scim+json"

_PARAMETERS: dict[str, tuple[str, Json]] = {
    "id": ("The resource's id.", _TEXT),
    "filter": ('Which resources, such as userName eq "bob" (RFC 7644 §3.4.2.2).', _TEXT),
    "sortBy": ("The attribute to sort by (RFC 7644 §3.4.2.3).", _TEXT),
    "sortOrder": ("ascending or descending.", {"enum": ["ascending", "descending"]}),
    "startIndex": ("The number of the first resource of the page, from 1 (RFC 7644 §3.4.2.4).", _COUNT),
    "count": ("How many resources the page may hold.", _COUNT),
    "cursor": ("Empty for the first page, then nextCursor or previousCursor (RFC 9865).", _TEXT),
    "attributes": ("Only these attributes, separated by commas (RFC 7644 §3.9).", _TEXT),
    "excludedAttributes": ("All attributes but these, separated by commas (RFC 7644 §3.9).", _TEXT),
    "If-Match": ("The ETag that the resource must still have (RFC 7644 §3.14).", _TEXT),
    "If-None-Match": ("The ETag that the client has already (RFC 7644 §3.14).", _TEXT),
}
_HEADERS = ("If-Match", "If-None-Match")
_PROJECTION = ("attributes", "excludedAttributes")
_QUERY = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", *_PROJECTION)

_DISCOVERY = {
    "/ServiceProviderConfig": ("getServiceProviderConfig", "What this server can do"),
    "/ResourceTypes": ("getResourceTypes", "The kinds of resources"),
    "/ResourceTypes/{id}": ("getResourceType", "One kind of resource"),
    "/Schemas": ("getSchemas", "Every schema"),
    "/Schemas/{id}": ("getSchema", "One schema"),
    PATH: ("getOpenapi", "This document"),
}


def document(profile: Profile, endpoint_url: str) -> Json:
    """The OpenAPI document of a tenant with this profile at this Endpoint URL."""
    served = f"{_all(profile).capitalize()} by RFC 7643, 7644 and 9865"
    preset = f"preset {profile.preset.name}, {profile.preset.description}"
    return {
        "openapi": "3.1.0",
        "info": {"title": "SCIM 2.0", "version": "2.0", "description": f"{served}; {preset}."},
        "servers": [{"url": endpoint_url}],
        "security": [{"token": []}],
        "paths": _paths(profile),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "parameters": {name: _parameter(name, *said) for name, said in _PARAMETERS.items()},
            "responses": {"Error": _content("The request was refused; detail says why.", _ref("Error"))},
            "schemas": _schemas(profile),
        },
    }


def _all(profile: Profile) -> str:
    """What the endpoint serves, in words: "users and groups"."""
    *others, last = (resource_type.endpoint.strip("/").lower() for resource_type in profile.types)
    return f"{', '.join(others)} and {last}"


def _parameter(name: str, description: str, schema: Json) -> Json:
    place = "path" if name == "id" else "header" if name in _HEADERS else "query"
    return {"name": name, "in": place, "required": name == "id", "description": description, "schema": schema}


def _ref(name: str, section: str = "schemas") -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


def _content(description: str, schema: Json, type: str = _SCIM_JSON) -> Json:
    return {"description": description, "content": {type: {"schema": schema}}}


def _operation(id: str, summary: str, responses: Json, parameters: tuple[str, ...] = (), body: str = "") -> Json:
    operation: Json = {"operationId": id, "summary": summary}
    if parameters:
        operation["parameters"] = [_ref(name, "parameters") for name in parameters]
    if body:
        operation["requestBody"] = {"required": True, "content": {_SCIM_JSON: {"schema": _ref(body)}}}
    return operation | {"responses": responses | {"default": _ref("Error", "responses")}}


def _paths(profile: Profile) -> Json:
    paths: Json = {}
    for resource_type in profile.types:
        paths |= _paths_of(resource_type)
    every = f"A page of {_all(profile)}"
    page = {"200": _content(f"{every}.", _ref("ListResponse"))}
    paths["/"] = {"get": _operation("search", every, page, _QUERY)}
    paths["/.search"] = {"post": _operation("searchByPost", "The same", page, body="SearchRequest")}
    results = {"200": _content("The results, one for each operation that was tried.", _ref("BulkResponse"))}
    paths["/Bulk"] = {"post": _operation("bulk", "Many operations", results, body="BulkRequest")}
    for path, (id, summary) in _DISCOVERY.items():
        found = _content(f"{summary}.", {"type": "object"}, "application/json" if path == PATH else _SCIM_JSON)
        paths[path] = {"get": _operation(id, summary, {"200": found}, ("id",) if "{id}" in path else ())}
    return paths


def _paths_of(resource_type: ResourceType) -> Json:
    """The paths of one resource type (RFC 7644 §3.2)."""
    name, endpoint = resource_type.name, resource_type.endpoint
    resource = _content(f"The {name}.", _ref(name))
    one, page = {"200": resource}, {"200": _content("A page.", _ref(f"{name}ListResponse"))}
    gone = {"204": {"description": "Done; there is nothing to show."}}
    same = {"304": {"description": "The client has this version."}}
    new, conditions = f"New{name}", ("id", *_HEADERS)
    parameters = (*conditions, *_PROJECTION)
    return {
        endpoint: {
            "get": _operation(f"search{name}s", f"A page of {name}s", page, _QUERY),
            "post": _operation(f"create{name}", f"A new {name}", {"201": resource}, _PROJECTION, new),
        },
        f"{endpoint}/{{id}}": {
            "get": _operation(f"get{name}", f"One {name}", one | same, parameters),
            "put": _operation(f"replace{name}", f"A {name} replaced", one, parameters, new),
            "patch": _operation(f"patch{name}", f"A {name} changed", one | gone, parameters, "PatchOp"),
            "delete": _operation(f"delete{name}", f"A {name} removed", gone, conditions),
        },
        f"{endpoint}/.search": {
            "post": _operation(f"search{name}sByPost", f"A page of {name}s", page, body="SearchRequest")
        },
    }


def _schemas(profile: Profile) -> Json:
    """The bodies: resources in requests and in answers, and the messages around them."""
    found: Json = {}
    for resource_type in profile.types:
        found[resource_type.name] = _resource(resource_type, writing=False)
        found[f"New{resource_type.name}"] = _resource(resource_type, writing=True)
        found[f"{resource_type.name}ListResponse"] = _list_response(_ref(resource_type.name))
    found["ListResponse"] = _list_response({"anyOf": [_ref(resource_type.name) for resource_type in profile.types]})
    return found | _messages()


def _resource(resource_type: ResourceType, *, writing: bool) -> Json:
    """A resource, which names its schema and those extensions that it uses (RFC 7643 §3)."""
    found = _object(resource_type.attributes, writing=writing)
    items, core = {"enum": [*resource_type.urns.values()]}, {"const": resource_type.schema.id}
    found["properties"]["schemas"] |= {"items": items, "contains": core, "uniqueItems": True}
    return found


def _object(attributes: tuple[Attribute, ...], *, writing: bool) -> Json:
    """An object of these attributes. What is read may lack every attribute that a projection can leave out."""
    seen = [each for each in attributes if not each.forbidden and each.returned != "never"]
    if writing:
        seen = [each for each in seen if each.mutability != "readOnly"]
    required = [each.name for each in seen if (each.required if writing else each.returned == "always")]
    properties = {each.name: _value(each, writing=writing) for each in seen}
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        **({"required": required} if required else {}),
    }  # fmt: skip


def _value(attribute: Attribute, *, writing: bool) -> Json:
    is_complex = attribute.type == "complex"
    schema = _object(attribute.sub_attributes, writing=writing) if is_complex else dict(TYPES[attribute.type].openapi)
    if attribute.required and attribute.type == "string":
        schema["minLength"] = 1
    if attribute.max_length is not None:
        schema["maxLength"] = attribute.max_length
    if attribute.rule is not None:
        schema["pattern"] = f"^{attribute.rule.pattern.pattern}$"
    if attribute.canonical_values:
        schema["examples"] = list(attribute.canonical_values)
    described = {"description": attribute.description} if attribute.description else {}
    if attribute.multi_valued:
        return {"type": "array", "items": schema, **({"minItems": 1} if attribute.required else {}), **described}
    return schema | described


def _message(urn: str, required: tuple[str, ...] = (), /, **properties: Json) -> Json:
    """A message that names its URN (RFC 7644 §8.2)."""
    schemas = {"type": "array", "items": _TEXT, "contains": {"const": urn}}
    return _record({"schemas": schemas, **properties}, "schemas", *required)


def _record(properties: Json, *required: str) -> Json:
    return {"type": "object", "properties": properties, "required": [*required]}


def _list_response(resource: Json) -> Json:
    natural = {"type": "integer", "minimum": 0}
    return _message(
        envelopes.LIST_RESPONSE, ("totalResults", "itemsPerPage", "Resources"), totalResults=natural,
        itemsPerPage=natural, startIndex={"type": "integer", "minimum": 1}, nextCursor=_TEXT, previousCursor=_TEXT,
        Resources=_array(resource),
    )  # fmt: skip


def _messages() -> Json:
    error = _message(envelopes.ERROR, ("status",), status=_STATUS, scimType=_TEXT, detail=_TEXT)
    operations = ("Operations",)
    job = {"method": {"enum": [*METHODS]}, "path": _TEXT, "bulkId": _TEXT, "version": _TEXT}
    asked = _array(_record(job | {"data": {"type": "object"}}, "method", "path"))
    # What failed may have named any method.
    result = job | {"method": _TEXT, "location": _TEXT, "status": _STATUS, "response": _ref("Error")}
    answered = _array(_record(result, "method", "status"))
    limit = {"type": "integer", "minimum": 1}
    query = {name: _PARAMETERS[name][1] for name in _QUERY} | dict.fromkeys(_PROJECTION, _array(_TEXT))
    return {
        "Error": error | {"additionalProperties": False},
        "PatchOp": _message(envelopes.PATCH_OP, operations, Operations=_array(_OPERATION) | {"minItems": 1}),
        "SearchRequest": _message(envelopes.SEARCH_REQUEST, **query),
        "BulkRequest": _message(envelopes.BULK_REQUEST, operations, failOnErrors=limit, Operations=asked),
        "BulkResponse": _message(envelopes.BULK_RESPONSE, operations, Operations=answered),
    }


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}
