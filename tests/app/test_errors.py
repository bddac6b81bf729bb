"""Every failure is a SCIM error: status, scimType, one sentence, the media type (RFC 7644 §3.12, §3.8)."""

import json
import warnings

import pytest

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
NOBODY = "2819c223-7f76-453a-919d-413861904646"
BOB = {"schemas": [CORE_USER], "userName": "bob", "emails": [{"type": "work", "value": "bob@example.com"}]}
TEAM = {"schemas": [CORE_GROUP], "displayName": "Team"}


def check_error(answer, status, scim_type=None):
    """The answer is a SCIM error of that status, whole and alone; returns its sentence."""
    assert answer.status_int == status, answer.text
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert body["schemas"] == [ERROR]
    assert body["status"] == str(status)
    assert body.get("scimType") == scim_type
    assert body.keys() <= {"schemas", "status", "scimType", "detail"}
    assert isinstance(body["detail"], str)
    assert 0 < len(body["detail"]) < 1_000
    return body["detail"]


def send(client, path, body, **headers):
    """POST these bytes with these headers."""
    return client.request("POST", path, body, {name.replace("_", "-"): text for name, text in headers.items()})


def patch(client, path, text):
    """PATCH with this JSON text as the operations."""
    return client.request("PATCH", path, f'{{"schemas": ["{PATCH_OP}"], "Operations": {text}}}'.encode())


def test_an_unknown_url_is_404(entra):
    for path in ("/Nothing", "/Users/a/b", "/users", "/Users.scim", "/Schema", "/v2/Users"):
        check_error(entra.get(path), 404)


@pytest.mark.parametrize("kind", ["Users", "Groups", "Schemas", "ResourceTypes"])
def test_an_unknown_id_is_404(entra, kind):
    for id in (NOBODY, "0", "a b", "%00", "a%00b", "%FF", "a%0Ab", "%F0%9F%98%80", "x" * 2_000, "'", '"'):
        check_error(entra.get(f"/{kind}/{id}"), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_an_unknown_id_cannot_be_written_either(entra, method):
    operations = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "externalId", "value": "1"}]}
    for id in (NOBODY, "a%00b", "a%0Ab", "%FF"):
        for kind, body in (("Users", BOB), ("Groups", TEAM)):
            sent = {"PUT": body, "PATCH": operations, "DELETE": None}[method]
            check_error(entra.request(method, f"/{kind}/{id}", sent), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Users", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", "/Groups", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("DELETE", "/Users", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", f"/Users/{NOBODY}", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("POST", f"/Groups/{NOBODY}", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("POST", "/ServiceProviderConfig", {"GET", "HEAD", "OPTIONS"}),
        ("PUT", "/ResourceTypes", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/Schemas", {"GET", "HEAD", "OPTIONS"}),
        ("PATCH", f"/Schemas/{CORE_USER}", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/Users", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_a_method_that_a_url_does_not_answer_is_405_and_says_which_do(entra, method, path, allowed):
    answer = entra.request(method, path)
    check_error(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/Users", f"/Groups/{NOBODY}", "/Schemas"])
def test_a_method_that_nobody_knows_is_501(entra, path):
    with warnings.catch_warnings():
        # WebTest's lint has not heard of it either.
        warnings.simplefilter("ignore")
        check_error(entra.request("PROPOSE", path), 501)


def test_no_header_makes_another_method_of_a_post(entra):
    bob = entra.user("bob")
    answer = send(entra, f"/Users/{bob['id']}", b"", X_HTTP_Method_Override="DELETE")
    check_error(answer, 405)
    assert entra.get(f"/Users/{bob['id']}").status_int == 200


@pytest.mark.parametrize(
    "type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_a_body_of_another_media_type_is_415(entra, type):
    check_error(send(entra, "/Users", json.dumps(BOB).encode(), Content_Type=type), 415)


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "nonsense"])
def test_a_body_in_another_charset_is_415(entra, charset):
    type = f"application/scim+json; charset={charset}"
    check_error(send(entra, "/Users", json.dumps(BOB).encode(), Content_Type=type), 415)


@pytest.mark.parametrize(
    "type",
    [
        "application/scim+json",
        "application/json",
        "APPLICATION/SCIM+JSON; Charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/scim+json;charset=utf8",
        "",
    ],
)
def test_these_media_types_are_served(entra, type):
    assert send(entra, "/Users", json.dumps(BOB).encode(), Content_Type=type).status_int == 201


def test_a_body_over_the_limit_is_413(entra, app):
    detail = check_error(send(entra, "/Users", b" " * (app.config["MAX_CONTENT_LENGTH"] + 1)), 413)
    assert str(app.config["MAX_CONTENT_LENGTH"]) in detail


NO_OBJECTS = [
    b"", b" ", b"{", b'{"a"', b"[", b"]", b"null", b"42", b'"text"', b"true", b"[]", b"[{}]", b"{} {}", b"\xff{}",
    b"\x00", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 1}}', b'{"a": ' + b"9" * 5_000 + b"}", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": 01}',
    b'"\\ud800"',
]  # fmt: skip


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_a_body_that_is_no_json_object_is_invalid_syntax(entra, path):
    for body in NO_OBJECTS:
        check_error(send(entra, path, body), 400, "invalidSyntax")
        check_error(entra.request("PUT", f"{path}/{NOBODY}", body), 400, "invalidSyntax")
        check_error(entra.request("PATCH", f"{path}/{NOBODY}", body), 400, "invalidSyntax")


@pytest.mark.parametrize(
    "key", [r"\ud800", r"a\udfffb", r"\u0000", r"a\u0000b", "x" * 9_000, r"\uffff", "é", r"\n", ""]
)
def test_whatever_a_key_is_made_of_its_refusal_can_be_read(entra, key):
    text = f'{{"schemas": ["{CORE_USER}"], "userName": "bob", "{key}": 1}}'
    detail = check_error(send(entra, "/Users", text.encode()), 400, "invalidSyntax")
    assert detail.startswith("Invalid or forbidden key found: ")
    twice = f'{{"{key}": 1, "{key}": 1}}'
    check_error(send(entra, "/Users", twice.encode()), 400, "invalidSyntax")
    schemas = f'{{"schemas": ["{CORE_USER}", "{key}"], "userName": "bob"}}'
    check_error(send(entra, "/Users", schemas.encode()), 400, "invalidSyntax")
    assert len([entry for entry in entra.log() if entry["scimType"] == "invalidSyntax"]) == 3


@pytest.mark.parametrize("value", [r"\ud800", r"a\u0000"])
def test_a_value_that_cannot_be_stored_is_invalid(entra, value):
    bob = entra.user("bob")
    team = entra.group("Team")
    body = f'{{"schemas": ["{CORE_GROUP}"], "displayName": "{value}"}}'
    check_error(send(entra, "/Groups", body.encode()), 400, "invalidValue")
    for path in (f"/Users/{bob['id']}", f"/Groups/{team['id']}"):
        operation = f'[{{"op": "add", "path": "externalId", "value": "{value}"}}]'
        check_error(patch(entra, path, operation), 400, "invalidValue")
    manager = f'[{{"op": "add", "path": "manager", "value": "{value}"}}]'
    check_error(patch(entra, f"/Users/{bob['id']}", manager), 400, "invalidValue")
    members = f'[{{"op": "add", "path": "members", "value": [{{"value": "{value}"}}]}}]'
    check_error(patch(entra, f"/Groups/{team['id']}", members), 400, "invalidValue")


@pytest.mark.parametrize("text", [r"\\ud800", r"a\\u0000", r"\ud800", r"\u0000"])
def test_nor_can_it_be_asked_for(entra, text):
    team = entra.group("Team")
    path = rf"members[value eq \"{text}\"]"
    for op in ("add", "remove", "replace"):
        operation = f'[{{"op": "{op}", "path": "{path}", "value": {{}}}}]'
        check_error(patch(entra, f"/Groups/{team['id']}", operation), 400, "invalidFilter")


def test_a_filter_by_what_no_text_can_hold_is_refused(entra):
    for name in ("userName", "id", "emails.value", "meta.location", "profileUrl", "x509Certificates"):
        for text in ("a%00b", r"a\u0000b", r"\ud800"):
            check_error(entra.get(f'/Users?filter={name}+eq+"{text}"'), 400, "invalidFilter")


def test_the_sentence_names_the_value_but_bounded(entra):
    answer = send(entra, "/Users", json.dumps(BOB | {"x" * 100_000: 1}).encode())
    assert len(answer.text) < 1_000
    answer = entra.get("/Users?filter=" + "x" * 3_000 + "+eq+1")
    assert len(answer.text) < 1_000
    answer = entra.get("/Users/" + "x" * 3_000)
    assert len(answer.text) < 1_000


def test_no_refusal_repeats_the_token(entra):
    answers = [
        entra.request("GET", "/Users", headers={"Authorization": f"Basic {entra.token}"}),
        entra.request("GET", "/Nothing"),
        entra.post("/Users", {"schemas": [CORE_USER], "password": entra.token, "nope": 1}),
        entra.get("/Users?sortOrder=nope"),
    ]
    assert all(entra.token not in answer.text + str(answer.headers) for answer in answers)


def test_a_refused_head_has_the_headers_of_the_error_and_no_body(entra):
    answer = entra.request("HEAD", f"/Users/{NOBODY}")
    assert (answer.status_int, answer.body) == (404, b"")
    assert answer.headers["Content-Type"] == "application/scim+json"


def test_an_error_in_json_for_who_admits_nothing_else(entra):
    answer = entra.get("/Nothing", Accept="application/json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["status"] == "404"


def test_discovery_takes_no_filter(entra):
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig", f"/Schemas/{CORE_USER}"):
        check_error(entra.get(f'{path}?filter=id+eq+"x"'), 403)


@pytest.fixture
def broken(database):
    """A table that everything counts with is gone."""
    database.db.execute_sql("ALTER TABLE counter RENAME TO hidden")
    yield
    database.db.execute_sql("ALTER TABLE hidden RENAME TO counter")


def test_what_nobody_foresaw_is_500_with_a_number_and_nothing_of_the_inside(entra, broken, capsys):
    answer = entra.get("/Users?count=0")
    detail = check_error(answer, 500)
    number = detail.rpartition(" ")[2].rstrip(".")
    assert "counter" not in answer.text
    assert number in capsys.readouterr().err
    assert number in entra.log()[0]["detail"]


def test_a_write_that_failed_leaves_nothing(entra, broken, database):
    check_error(entra.post("/Users", BOB), 500)
    database.db.execute_sql("ALTER TABLE hidden RENAME TO counter")
    try:
        assert entra.get("/Users").json["totalResults"] == 0
        assert entra.post("/Users", BOB).status_int == 201
    finally:
        database.db.execute_sql("ALTER TABLE counter RENAME TO hidden")


@pytest.mark.parametrize("bulk", [False, True])
def test_a_byte_order_mark_in_front_of_a_body_is_skipped(entra, bulk):
    body = {"Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": BOB}]} if bulk else BOB
    answer = send(entra, "/Bulk" if bulk else "/Users", "\ufeff".encode() + json.dumps(body).encode())
    assert answer.status_int == (200 if bulk else 201), answer.text
    assert entra.get("/Users").json["totalResults"] == 1
    twice = send(entra, "/Users", "\ufeff\ufeff".encode() + json.dumps(BOB).encode())
    check_error(twice, 400, "invalidSyntax")
