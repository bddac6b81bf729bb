"""What the server says about itself, and the envelopes of its messages (RFC 7643 §5-7, RFC 7644 §3.12, §4)."""

import pytest

from scim import envelopes
from scim.discovery import resource_types, schemas, service_provider_config
from scim.errors import InvalidFilter, InvalidSyntax, NotFound, Uniqueness
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER

BASE = "https://scim.example/scim/acme/v2"
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
LEARNING = profile(PRESETS["360learning"])
RFC = profile(
    PRESETS["rfc"],
    [
        CustomField("shoeSize", "integer", "In Paris points"),
        CustomField("badge", "reference"),
        CustomField("hired", "dateTime"),
    ],
)


def published(tenant):
    return {schema["id"]: schema for schema in schemas(tenant, BASE)}


def attribute(tenant, urn, path):
    attributes = published(tenant)[urn]["attributes"]
    found = {}
    for name in path.split("."):
        found = next(each for each in attributes if each["name"] == name)
        attributes = found.get("subAttributes", [])
    return found


def everything(tenant):
    """Every attribute and sub-attribute of every published schema, with its path."""
    for urn, schema in published(tenant).items():
        for outer in schema["attributes"]:
            yield f"{urn}:{outer['name']}", outer
            for inner in outer.get("subAttributes", []):
                yield f"{urn}:{outer['name']}.{inner['name']}", inner


def values(document):
    """Every value inside a JSON value."""
    yield document
    if isinstance(document, (dict, list)):
        for inner in document.values() if isinstance(document, dict) else document:
            yield from values(inner)


def test_the_schemas_are_those_of_the_resource_types_and_their_extensions():
    assert [*published(LEARNING)] == [CORE_USER, ENTERPRISE_USER, CORE_GROUP]
    assert [*published(RFC)] == [CORE_USER, FIELDS, ENTERPRISE_USER, CORE_GROUP]


def test_a_schema_says_what_it_is_and_where():
    group = published(LEARNING)[CORE_GROUP]
    assert group["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
    assert group["name"] == "Group"
    assert group["description"]
    assert group["meta"] == {"resourceType": "Schema", "location": f"{BASE}/Schemas/{CORE_GROUP}"}


def test_a_forbidden_attribute_is_published_nowhere_and_an_allowed_one_is():
    assert f"{CORE_USER}:displayName" not in dict(everything(LEARNING))
    assert f"{CORE_USER}:displayName" in dict(everything(RFC))
    assert f"{CORE_GROUP}:displayName" in dict(everything(LEARNING))


@pytest.mark.parametrize("tenant", [LEARNING, RFC])
def test_neither_the_password_nor_a_common_attribute_is_published(tenant):
    top = {each["name"] for schema in schemas(tenant, BASE) for each in schema["attributes"]}
    assert not top & {"password", "schemas", "id", "externalId", "meta"}


def test_what_a_preset_requires_is_published_as_required():
    assert attribute(LEARNING, CORE_USER, "emails")["required"] is True
    assert attribute(RFC, CORE_USER, "emails")["required"] is False
    assert attribute(RFC, CORE_USER, "userName")["required"] is True
    assert attribute(RFC, CORE_GROUP, "displayName")["required"] is True


@pytest.mark.parametrize("tenant", [LEARNING, RFC])
def test_nothing_published_is_null_or_lacks_a_description(tenant):
    assert None not in [*values(schemas(tenant, BASE)), *values(resource_types(tenant, BASE))]
    assert [path for path, each in everything(tenant) if not each["description"]] == []


@pytest.mark.parametrize("tenant", [LEARNING, RFC])
def test_an_attribute_has_only_the_characteristics_that_its_type_can_have(tenant):
    always = {"name", "type", "multiValued", "description", "required", "mutability", "returned"}
    more = {
        "string": {"caseExact", "uniqueness"},
        "reference": {"caseExact", "uniqueness", "referenceTypes"},
        "binary": {"caseExact"},
        "integer": {"uniqueness"},
        "decimal": {"uniqueness"},
        "complex": {"subAttributes"},
    }
    wrong = [
        path
        for path, each in everything(tenant)
        if each.keys() - {"canonicalValues"} != always | more.get(each["type"], set())
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("urn", "path", "characteristics"),
    [
        (
            CORE_USER,
            "userName",
            {"type": "string", "multiValued": False, "caseExact": False, "uniqueness": "server", "returned": "default"},
        ),
        (CORE_USER, "name.familyName", {"type": "string", "caseExact": False, "mutability": "readWrite"}),
        (CORE_USER, "profileUrl", {"type": "reference", "caseExact": True, "referenceTypes": ["external"]}),
        (CORE_USER, "emails", {"type": "complex", "multiValued": True, "mutability": "readWrite"}),
        (CORE_USER, "emails.type", {"canonicalValues": ["work", "home", "other"]}),
        (CORE_USER, "phoneNumbers.type", {"canonicalValues": ["work", "home", "mobile", "fax", "pager", "other"]}),
        (CORE_USER, "photos.type", {"canonicalValues": ["photo", "thumbnail"]}),
        (CORE_USER, "addresses.type", {"canonicalValues": ["work", "home", "other"]}),
        (CORE_USER, "groups", {"multiValued": True, "mutability": "readOnly"}),
        (CORE_USER, "groups.$ref", {"referenceTypes": ["Group"], "mutability": "readOnly"}),
        (CORE_USER, "groups.type", {"canonicalValues": ["direct", "indirect"]}),
        (CORE_USER, "x509Certificates.value", {"type": "binary", "caseExact": True}),
        (ENTERPRISE_USER, "manager.value", {"type": "string", "caseExact": True}),
        (ENTERPRISE_USER, "manager.displayName", {"mutability": "readOnly"}),
        (CORE_GROUP, "displayName", {"uniqueness": "server", "caseExact": False}),
        (CORE_GROUP, "members.value", {"mutability": "immutable", "caseExact": True}),
        (CORE_GROUP, "members.$ref", {"type": "reference", "referenceTypes": ["User", "Group"]}),
        (CORE_GROUP, "members.type", {"canonicalValues": ["User", "Group"]}),
        (FIELDS, "shoeSize", {"type": "integer", "description": "In Paris points", "required": False}),
        (FIELDS, "badge", {"type": "reference", "caseExact": True, "referenceTypes": ["external"]}),
        (FIELDS, "hired", {"type": "dateTime", "multiValued": False}),
    ],
)
def test_an_attribute_is_published_with_its_characteristics(urn, path, characteristics):
    assert attribute(RFC, urn, path).items() >= characteristics.items()


def test_the_resource_types_name_their_endpoint_schema_and_extensions():
    user, group = resource_types(RFC, BASE)
    assert user == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": CORE_USER,
        "schemaExtensions": [{"schema": FIELDS, "required": False}, {"schema": ENTERPRISE_USER, "required": False}],
        "meta": {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"},
    }
    assert (group["id"], group["endpoint"], group["schema"]) == ("Group", "/Groups", CORE_GROUP)
    assert "schemaExtensions" not in group


@pytest.mark.parametrize("tenant", [LEARNING, RFC])
def test_every_schema_that_a_resource_type_names_is_published(tenant):
    for resource_type in resource_types(tenant, BASE):
        extensions = [each["schema"] for each in resource_type.get("schemaExtensions", [])]
        assert published(tenant).keys() >= {resource_type["schema"], *extensions}


def test_the_configuration_says_what_is_served_and_what_is_not():
    config = service_provider_config(BASE, (100, 200), (1000, 1_048_576))
    assert {name: value for name, value in config.items() if name not in ("bulk", "pagination")} == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": True},
        "filter": {"supported": True, "maxResults": 200},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A secret token of the tenant in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{BASE}/ServiceProviderConfig"},
    }


def test_the_configuration_names_the_limits_of_bulk_and_pages():
    config = service_provider_config(BASE, (100, 200), (1000, 1_048_576))
    assert config["bulk"] == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1_048_576}
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    }


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (
            InvalidFilter("The filter is empty."),
            {"status": "400", "scimType": "invalidFilter", "detail": "The filter is empty."},
        ),
        (
            Uniqueness("userName is taken."),
            {"status": "409", "scimType": "uniqueness", "detail": "userName is taken."},
        ),
        (NotFound("There is no such user."), {"status": "404", "detail": "There is no such user."}),
    ],
)
def test_an_error_goes_out_with_its_status_as_text(error, body):
    assert envelopes.error_body(error) == {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], **body}


def test_a_list_counts_what_it_holds():
    listed = envelopes.list_response([{"id": "a"}, {"id": "b"}])
    assert listed == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 2,
        "startIndex": 1,
        "itemsPerPage": 2,
        "Resources": [{"id": "a"}, {"id": "b"}],
    }
    assert envelopes.list_response([])["Resources"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]},
        {"Schemas": ["URN:ietf:params:scim:api:messages:2.0:patchop"]},
        {"schemas": "urn:ietf:params:scim:api:messages:2.0:PatchOp"},
        {"schemas": None},
        {"schemas": []},
        {},
    ],
)
def test_a_message_may_leave_its_urn_out_but_not_get_it_wrong(body):
    assert envelopes.check_message(body, envelopes.PATCH_OP) is body


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "The body must be a JSON object, a PatchOp message."),
        ("x", "The body must be a JSON object, a PatchOp message."),
        (None, "The body must be a JSON object, a PatchOp message."),
        ({"schemas": [envelopes.BULK_REQUEST]}, f'The schemas of a PatchOp message must hold "{envelopes.PATCH_OP}".'),
        ({"schemas": [CORE_USER]}, f'The schemas of a PatchOp message must hold "{envelopes.PATCH_OP}".'),
        ({"schemas": [7]}, f'The schemas of a PatchOp message must hold "{envelopes.PATCH_OP}".'),
        ({"schemas": {}}, f'The schemas of a PatchOp message must hold "{envelopes.PATCH_OP}".'),
        ({"Operations": [], "operations": []}, 'The key "operations" is given more than once.'),
    ],
)
def test_what_is_no_such_message_is_refused(body, sentence):
    with pytest.raises(InvalidSyntax) as refused:
        envelopes.check_message(body, envelopes.PATCH_OP)
    assert refused.value.detail == sentence


@pytest.mark.parametrize(
    ("body", "value"),
    [({"Operations": 1}, 1), ({"operations": 2}, 2), ({"OPERATIONS": None}, None), ({"operation": 3}, None)],
)
def test_a_member_is_found_in_any_letter_case(body, value):
    assert envelopes.member(body, "Operations") == value
