"""Hostile requests are refused at once, with a SCIM error, and change nothing (RFC 7644 §7)."""

import json
import time

import pytest

from tests import live

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIMIT = 8 * 2**20


def body(**attributes):
    return {"schemas": [USER], "userName": "bob", **attributes}


def refused(answer, began, *statuses):
    """The answer is an SCIM error with one of the statuses, given within a second or so of a busy machine."""
    assert time.monotonic() - began < 3
    assert answer.status_int in statuses, answer.text[:300]
    assert answer.content_type == "application/scim+json"
    assert answer.json["schemas"] == [ERROR]
    assert answer.json["status"] == str(answer.status_int)
    assert len(answer.json["detail"]) < 1_000


@pytest.mark.parametrize(
    "sent",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"[1,2", b"", b"null", b'"text"', b"5", b"[]", b"\xff\xfe",
        b'{"a": "\xc3\x28"}',
        b'{"schemas": [], "schemas": []}', b'{"userName": NaN}', b'{"userName": Infinity}',
        b'{"n": 1' + b"0" * 5_000 + b"}",
        b'{"userName": "a", "USERNAME": "b"}', b"\x00", b"{" + b'"k":1,' * 200_000 + b'"z":1}',
    ],
    ids=range(17),
)  # fmt: skip
def test_what_is_no_resource_is_refused(okta, sent):
    began = time.monotonic()
    refused(okta.request("POST", "/Users", sent), began, 400)
    assert okta.get("/Users?count=0").json["totalResults"] == 0


@pytest.mark.parametrize(
    "attributes",
    [
        {"userName": "a\x00b"}, {"userName": "\ud800"}, {"userName": "a" * 513}, {"userName": 10**400},
        {"userName": ["a", "b"]},
        {"userName": {"value": {"value": "x"}}}, {"emails": [{"value": "x"}] * 2 + [[[[]]]]},
        {"title": 1e308}, {"active": 1},
        {"emails": [{"value": f"{n}@x.com"} for n in range(50_000)]}, {"name": "Bob"},
        {"x509Certificates": [{"value": "%"}]},
        {"a" * 100_000: 1}, {"urn:x": {}},
        {"emails": [{"primary": True, "value": "a"}, {"primary": True, "value": "b"}]},
    ],
    ids=range(15),
)  # fmt: skip
def test_values_that_cannot_be_are_refused(okta, attributes):
    began = time.monotonic()
    refused(okta.request("POST", "/Users", json.dumps(body(**attributes)).encode()), began, 400)


def test_a_patch_of_100_000_operations_is_refused(okta):
    bob = okta.user("bob")
    began = time.monotonic()
    operation = {"op": "replace", "path": "title", "value": "x"}
    answer = okta.patch(f"/Users/{bob['id']}", *[operation] * 100_000)
    refused(answer, began, 413)
    assert "2000" in answer.json["detail"]
    assert okta.get(f"/Users/{bob['id']}").json == bob


def test_lists_do_not_grow_without_end(okta):
    bob = okta.user("bob")
    began = time.monotonic()
    adds = [
        {"op": "add", "path": "roles", "value": [{"value": f"{chunk}-{n}"} for n in range(900)]} for chunk in range(2)
    ]
    refused(okta.patch(f"/Users/{bob['id']}", *adds), began, 400)
    assert okta.get(f"/Users/{bob['id']}").json == bob


ROLES = [{"value": str(number)} for number in range(1_000)]


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        (
            [{"op": "add", "path": "roles", "value": [{"value": f"{n}-{i}"} for i in range(50)]} for n in range(2_000)],
            400,
        ),
        (
            [
                {"op": "add", "path": "roles", "value": ROLES},
                *[{"op": "add", "path": "roles", "value": ROLES[:1]}] * 999,
            ],
            413,
        ),
        (
            [{"op": "add", "path": "roles", "value": ROLES}]
            + [{"op": "replace", "path": "roles[value pr].display", "value": str(n)} for n in range(1_000)],
            413,
        ),
    ],
    ids=["growing", "merging", "selecting"],
)
def test_a_patch_that_goes_through_long_lists_again_and_again_is_refused(okta, operations, status):
    bob = okta.user("bob")
    began = time.monotonic()
    refused(okta.patch(f"/Users/{bob['id']}", *operations), began, status)
    assert okta.get(f"/Users/{bob['id']}").json == bob


def test_many_operations_beside_long_lists_cost_what_they_touch(okta):
    lists = {name: [{"value": str(number)} for number in range(1_000)] for name in ("roles", "entitlements", "ims")}
    bob = okta.user("bob", **lists)
    began = time.monotonic()
    operations = [{"op": "replace", "path": "title", "value": str(number)} for number in range(2_000)]
    assert okta.patch(f"/Users/{bob['id']}", *operations).json["title"] == "1999"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("id", ["%00", "a%00b", "%FF", "..%2f..", "x" * 3_000, "'--", "%F0%9F%92%A9"])
def test_ids_that_cannot_be_are_not_found(okta, method, id):
    began = time.monotonic()
    sent = (
        None
        if method in ("GET", "DELETE")
        else body()
        if method == "PUT"
        else {"Operations": [{"op": "remove", "path": "title"}]}
    )
    refused(okta.request(method, f"/Users/{id}", sent), began, 404)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3_000, "(" * 3_000 + "title pr" + ")" * 3_000, "not (" * 500 + "title pr" + ")" * 500,
        " or ".join(["title pr"] * 5_000),
        'userName eq "' + "x" * 1_000_000 + '"', "userName eq " + "9" * 10_000,
        'userName eq "\\ud800"', 'userName eq "\\u0000"',
        "emails[" * 100, 'title co "a" and', "a" * 100_000 + " pr", "'; DROP TABLE resource; --",
    ],
    ids=range(12),
)  # fmt: skip
def test_filters_that_cannot_be_are_refused(okta, text):
    began = time.monotonic()
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": text}
    answer = okta.post("/Users/.search", search)
    refused(answer, began, 400)
    assert answer.json["scimType"] == "invalidFilter"


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/", "/Schemas", "/Nothing"])
def test_a_query_that_is_no_utf_8_is_refused(okta, path):
    began = time.monotonic()
    refused(okta.get(f"{path}?attributes=\xdc"), began, 400)


@pytest.mark.parametrize("sent", ["\u00dc".encode().decode("latin-1"), "%C3%9C"], ids=["bytes", "escaped"])
def test_a_query_that_is_utf_8_is_understood_escaped_or_not(okta, sent):
    made = okta.user("\u00dc"), okta.group("\u00dc")
    for kind, name, one in (("Users", "userName", made[0]), ("Groups", "displayName", made[1])):
        assert okta.get(f'/{kind}?filter={name} eq "{sent}"').json["Resources"] == [one]


def test_a_body_over_the_limit_is_refused(okta):
    began = time.monotonic()
    refused(okta.request("POST", "/Users", b" " * (LIMIT + 1)), began, 413)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server on SQLite with a tenant."""
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile')}/v.db"
    live.vestibule("migrate", database_url=url)
    made = live.vestibule("tenant", "create", "demo", "--preset", "rfc", database_url=url)
    token = made.stdout.split("Secret token: ")[1].strip()
    with live.serving("--workers", "1", database_url=url) as server:
        yield server, token


def raw(token, *rest):
    head = f"POST /scim/demo/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
    head += "Content-Type: application/scim+json\r\n"
    return head.encode() + b"".join(rest)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("rest", "statuses"),
    [
        ((CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"), (400,)),
        ((CHUNKED, b"-5\r\n{}\r\n0\r\n\r\n"), (400,)),
        ((CHUNKED, b"5\r\n{}xxxxxxxx\r\n0\r\n\r\n"), (400,)),
        ((CHUNKED, b"%x\r\n" % (LIMIT + 9), b" " * (LIMIT + 9), b"\r\n0\r\n\r\n"), (413,)),
        ((b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",), (400,)),
        ((b"Content-Length: -1\r\n\r\n",), (400,)),
    ],
    ids=range(6),
)
def test_malformed_http_is_refused_in_scim_without_a_trace_of_a_failure(server, rest, statuses):
    running, token = server
    seen = len(running.lines)
    reply = running.send(raw(token, *rest))
    assert reply.status in statuses
    assert reply.headers["Content-Type"] == "application/scim+json"
    assert json.loads(reply.body)["schemas"] == [ERROR]
    assert running.request("GET", "/scim/demo/v2/Users", token=token).status == 200
    assert not any("Traceback" in line or '"status":500' in line for line in running.lines[seen:])


def test_a_job_in_chunks_over_the_limit_is_refused_with_the_limits_name(server):
    running, token = server
    chunks = b"%x\r\n" % (LIMIT + 9) + b" " * (LIMIT + 9) + b"\r\n0\r\n\r\n"
    reply = running.send(raw(token, CHUNKED, chunks).replace(b"/v2/Users", b"/v2/Bulk", 1))
    assert (reply.status, "maxPayloadSize" in reply.json["detail"]) == (413, True)
