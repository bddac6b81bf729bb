"""The discovery endpoints over HTTP: content, caching, and agreement with the OpenAPI document (RFC 7644 §4)."""

import pytest
from openapi_spec_validator import validate
from webtest import TestApp

from app import auth, create_app
from app.settings import Settings
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER

PATHS = [
    "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", f"/Schemas/{CORE_USER}",
    "/openapi.json",
]  # fmt: skip
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


@pytest.fixture(params=["360learning", "rfc"])
def client(request, make_client):
    return make_client(request.param)


@pytest.mark.parametrize("path", PATHS)
def test_what_was_discovered_may_be_kept_for_a_minute(entra, path):
    """(RFC 9110 §13.1.2)"""
    first = entra.get(path)
    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert entra.get(path, **{"If-None-Match": first.headers["ETag"]}).status_int == 304
    assert entra.get(path, **{"If-None-Match": 'W/"another"'}).json == first.json


@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes", "/openapi.json"])
def test_a_new_field_changes_what_is_discovered(entra, path):
    """(RFC 9110 §13.1.2)"""
    before = entra.get(path).headers["ETag"]
    entra.field("badge", "string")
    answer = entra.get(path, **{"If-None-Match": before})
    assert answer.status_int == 200
    assert FIELDS in answer.text


@pytest.mark.parametrize("parameters", ["sortBy=id", "startIndex=5&count=1", "attributes=id", "count=x"])
def test_sorting_paging_and_projection_are_ignored(entra, parameters):
    """(RFC 7644 §4)"""
    assert entra.get(f"/Schemas?{parameters}").json == entra.get("/Schemas").json


def test_a_filter_is_403_on_the_openapi_document_too(entra):
    """(RFC 7644 §4)"""
    assert entra.get('/openapi.json?filter=id+eq+"x"').status_int == 403


def test_every_type_has_canonical_values(client):
    """(RFC 7643 §7)"""
    for schema in client.get("/Schemas").json["Resources"]:
        for attribute in schema["attributes"]:
            for sub in attribute.get("subAttributes", ()):
                assert sub["name"] != "type" or sub["canonicalValues"], attribute["name"]


def test_the_openapi_document_is_valid(client):
    """(OpenAPI 3.1)"""
    for type in ("string", "integer", "decimal", "boolean", "dateTime", "reference", "binary"):
        client.field(f"field-{type}", type)
    answer = client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    validate(answer.json)


def test_the_openapi_document_describes_what_schemas_publish(client):
    """(RFC 7643 §7)"""
    client.field("badge", "string")
    described = client.get("/openapi.json").json["components"]["schemas"]
    published = {schema["id"]: schema["attributes"] for schema in client.get("/Schemas").json["Resources"]}
    for name, urn, extensions in (("User", CORE_USER, (FIELDS, ENTERPRISE_USER)), ("Group", CORE_GROUP, ())):
        names = {"schemas", "id", "externalId", "meta"} | {attribute["name"] for attribute in published[urn]}
        assert described[name]["properties"].keys() == names | {*extensions}
        for extension in extensions:
            inside = {attribute["name"] for attribute in published[extension]}
            assert described[name]["properties"][extension]["properties"].keys() == inside


def test_the_openapi_document_names_every_route(app, entra):
    """(RFC 7644 §3.2)"""
    routes = {
        (rule.rule.removeprefix("/scim/<tenant>/v2").replace("<id>", "{id}").replace("<urn>", "{id}") or "/", method)
        for rule in app.url_map.iter_rules() if rule.rule.startswith("/scim/<tenant>/v2")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    described = entra.get("/openapi.json").json["paths"]
    named = {(path, method.upper()) for path, methods in described.items() for method in methods}
    assert {route for route in routes if route[0] not in ("/Me", "/<path:path>")} == named


@pytest.fixture(scope="module")
def open_app(database):
    """A server that tells everybody what it speaks."""
    app = create_app(Settings(database_url="sqlite:///unused", log_level="error", public_discovery=True), database)
    yield TestApp(app)
    auth.gate(app).background.close()


def anonymous(open_app, tenant, path, method="GET", **headers):
    return open_app.request(f"/scim/{tenant}/v2{path}", method=method, headers=headers, expect_errors=True)


@pytest.mark.parametrize("path", PATHS)
def test_discovery_needs_no_token_where_the_operator_says_so(open_app, entra, path):
    """(RFC 7643 §5)"""
    assert anonymous(open_app, entra.name, path).status_int == 200
    assert anonymous(open_app, entra.name, path, "HEAD").status_int == 200
    assert entra.app.get(f"/scim/{entra.name}/v2{path}", expect_errors=True).status_int == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/Users"),
        ("GET", "/Schemas/a/b"),
        ("POST", "/Schemas"),
        ("GET", "/Me"),
        ("GET", "/Schemasx"),
        ("GET", ""),
    ],
)
def test_all_else_needs_one_still(open_app, entra, method, path):
    """(RFC 7644 §2)"""
    assert anonymous(open_app, entra.name, path, method).status_int == 401


@pytest.mark.parametrize("tenant", ["nobody", "NOBODY", "%00", "a%0Ab"])
def test_an_unknown_tenant_is_the_same_401_without_a_token(open_app, entra, tenant):
    """(RFC 7644 §2)"""
    answer = anonymous(open_app, tenant, "/Schemas", REMOTE_ADDR="192.0.2.1")
    refused = entra.app.get(f"/scim/{entra.name}/v2/Users", expect_errors=True)
    assert (answer.status_int, answer.text) == (401, refused.text)
    assert answer.headers["WWW-Authenticate"]


def test_a_wrong_token_is_refused_where_none_is_needed(open_app, entra):
    """(RFC 6750 §3.1)"""
    assert anonymous(open_app, entra.name, "/Schemas", Authorization="Bearer wrong").status_int == 401


def test_who_comes_without_a_token_leaves_no_trace(open_app, entra):
    """(RFC 7643 §5)"""
    assert anonymous(open_app, entra.name, '/Schemas?filter=id+eq+"x"').status_int == 403
    assert anonymous(open_app, entra.name, "/Schemas/nothing").status_int == 404
    assert entra.log() == []
