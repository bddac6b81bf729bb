"""The fast path answers as Flask does, byte for byte, and leaves to Flask what it does not answer (RFC 7644 §3.4.1,
§3.4.2)."""

import json
import re

import pytest
from webtest import TestApp

from app import auth
from app.fast_path import FastPath
from store.tenants.log import Call
from store.tenants.tokens import Tokens


class Spy:
    """Flask, which notes that it was asked."""

    def __init__(self, app):
        self.asked = 0
        self._app = app

    def __call__(self, environ, start_response):
        self.asked += 1
        return self._app.wsgi_app._application._application(environ, start_response)


@pytest.fixture
def paths(app, entra):
    """The same request by the fast path and by Flask alone: both answers, and whether Flask was asked by the first."""
    flask = Spy(app)
    fast = TestApp(FastPath(flask, auth.gate(app), app.config))

    def both(path, method="GET", bodies=("", ""), **headers):
        headers = {"Authorization": f"Bearer {entra.token}"} | headers
        headers = ({"Content-Type": "application/scim+json; charset=utf-8"} if bodies[0] else {}) | headers
        url = f"/scim/{entra.name}/v2{path}"
        flask.asked = 0
        quick = fast.request(url, method=method, headers=headers, body=bodies[0].encode(), expect_errors=True)
        asked = flask.asked
        slow = TestApp(flask).request(url, method=method, headers=headers, body=bodies[1].encode(), expect_errors=True)
        return quick, slow, bool(asked)

    return both


@pytest.fixture
def bob(entra):
    boss = entra.user("boss", name={"givenName": "É", "familyName": 'O"Neil'})
    enterprise = {
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": boss["id"], "department": "D"}
    }
    bob = entra.user("bob", title="Ünter", externalId="7", **enterprise)
    inner = entra.group("Inner", bob["id"])
    entra.group("Outer", inner["id"], bob["id"])
    entra.group("Outermost", inner["id"])
    return bob | {"group": inner["id"]}


@pytest.mark.parametrize(
    "path",
    [
        "/Users/{id}",
        "/Users",
        "/Users?count=1",
        "/Users?count=1&startIndex=2",
        "/Users?filter=userName+eq+%22BOB%22",
        "/Users?filter=emails[type+eq+%22work%22].value+eq+%22bob@example.com%22&startIndex=1&count=5",
        "/Users?aadOptscim062020&filter=externalId+eq+%227%22",
        "/Users?filter=userName+eq+%22nobody%22",
        "/Users?filter=title+co+%22%C3%BC%22",
        "/Users/{id}?aadOptscim062020",
        "/Groups",
        "/Groups?count=2&excludedAttributes=members",
        "/Groups?excludedAttributes=members&filter=displayName+eq+%22inner%22",
        "/Groups?filter=members.value+eq+%22{id}%22",
        "/Groups/{group}",
        "/Groups/{group}?excludedAttributes=members",
    ],
)
def test_both_paths_give_the_same_answer(paths, bob, path):
    quick, slow, asked = paths(path.format(id=bob["id"], group=bob["group"]))
    assert not asked
    assert (quick.status, quick.body) == (slow.status, slow.body)
    assert sorted(quick.headerlist) == sorted(slow.headerlist)


def test_both_paths_heed_what_the_client_accepts(paths, bob):
    quick, slow, asked = paths(f"/Users/{bob['id']}", Accept="application/json")
    assert (asked, quick.content_type, slow.content_type) == (False, "application/json", "application/json")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/Users/{id}", {"If-None-Match": "*"}),
        ("/Users/{id}", {"Authorization": "Bearer wrong"}),
        ("/Users/{id}", {"Authorization": ""}),
        ("/Users/{id}?attributes=userName", {}),
        ("/Users/00000000-0000-0000-0000-000000000000", {}),
        ("/Users?filter=userName", {}),
        ("/Users?filter=shoe+eq+%22x%22", {}),
        ("/Users?count=many", {}),
        ("/Users?sortBy=title", {}),
        ("/Users?cursor=", {}),
        ("/Users?filter=userName+eq+%22%FF%22", {}),
        ("/Groups?excludedAttributes=displayName", {}),
        ("/Groups?excludedAttributes=members&excludedAttributes=externalId", {}),
        ("/Users?excludedAttributes=groups", {}),
    ],
)
def test_what_is_unusual_or_refused_is_left_to_flask(paths, bob, path, headers):
    quick, slow, asked = paths(path.format(id=bob["id"]), **headers)
    assert asked
    assert (quick.status, quick.body) == (slow.status, slow.body)


def patch_op(path, value, op="Replace"):
    operation = {"op": op, "path": path, "value": value}
    return json.dumps({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})


def new_user(name):
    emails = [{"type": "work", "value": f"{name}@example.com"}]
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    return json.dumps({"schemas": schemas, "userName": name, "emails": emails, "name": {"givenName": "Zoë"}})


def new_group(name, *members):
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
    return json.dumps({"schemas": schemas, "displayName": name, "members": [{"value": id} for id in members]})


BROKEN = '{"userName": '


def alike(answer):
    """An answer without what no two writes share: ids of new resources, times, versions, and the numbered names."""
    return pattern(f"{answer.status} {sorted(answer.headerlist)} {answer.text}".replace("\\", ""))


def pattern(text):
    """The text without ids, times, versions and numbered names."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[\d-]+T[\d:.]+Z|W/\"\d+|name\d", "*", text)


WRITES = {
    "create a user": ("POST", "/Users", lambda bob, name: new_user(name)),
    "create a user with the flag": ("POST", "/Users?aadOptscim062020", lambda bob, name: new_user(name)),
    "create a group": ("POST", "/Groups", lambda bob, name: new_group(name, bob["id"])),
    "change a title": ("PATCH", "/Users/{id}", lambda bob, name: patch_op("title", name)),
    "change nothing": ("PATCH", "/Users/{id}", lambda bob, name: patch_op("active", "True")),
    "be one's own manager": ("PATCH", "/Users/{id}", lambda bob, name: patch_op("manager", bob["id"])),
    "rename a group": ("PATCH", "/Groups/{group}", lambda bob, name: patch_op("displayName", name)),
    "leave a group": (
        "PATCH",
        "/Groups/{group}",
        lambda bob, name: patch_op("members", [{"value": bob["id"]}], "Remove"),
    ),
}


@pytest.mark.parametrize(("method", "path", "body"), WRITES.values(), ids=WRITES)
def test_both_paths_write_the_same(paths, bob, method, path, body):
    bodies = (body(bob, "name1"), body(bob, "name2"))
    quick, slow, asked = paths(path.format(id=bob["id"], group=bob["group"]), method, bodies)
    assert not asked
    assert quick.status_int < 300
    assert alike(quick) == alike(slow)


REFUSED = [
    ("POST", "/Users", new_user("bob"), 409),
    ("POST", "/Users", BROKEN, 400),
    ("POST", "/Users", '{"displayName": "Bob"}', 400),
    ("PATCH", "/Users/{id}", patch_op("shoeSize", 43), 400),
    ("PATCH", "/Users/00000000-0000-0000-0000-000000000000", patch_op("title", "T"), 404),
    ("PATCH", "/Groups/{group}", patch_op("members", [{"value": "nobody"}], "Add"), 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_a_refused_write_is_answered_by_flask_and_not_done_again(paths, entra, bob, method, path, body, status):
    known = len(entra.log())
    quick, slow, asked = paths(path.format(id=bob["id"], group=bob["group"]), method, (body, body))
    assert asked
    assert (quick.status_int, quick.status_int) == (status, slow.status_int)
    assert (quick.body, sorted(quick.headerlist)) == (slow.body, sorted(slow.headerlist))
    second, first = entra.log()[: len(entra.log()) - known]
    for entry in (first, second):
        entry.pop("time")
    assert first == second


def test_what_does_not_write_or_may_not_is_left_to_flask(paths, entra, bob):
    assert paths(f"/Users/{bob['id']}", "DELETE")[2]
    entra.token = Tokens(entra.database, entra.tenant.pk).create("reader", "read", call=Call())
    quick, _, asked = paths("/Users", "POST", (new_user("eve"), new_user("eve")))
    assert (asked, quick.status_int) == (True, 403)
    quick, _, asked = paths("/Users")
    assert (asked, quick.status_int) == (False, 200)


@pytest.mark.parametrize("media_type", ["text/plain", "application/scim+json; charset=utf-16", ""])
def test_a_body_of_an_unusual_kind_is_left_to_flask(paths, media_type):
    bodies = (new_user("eve"), new_user("adam"))
    quick, slow, asked = paths("/Users", "POST", bodies, **{"Content-Type": media_type})
    assert asked
    assert quick.status_int == slow.status_int


def in_bulk(entra, method, path, body):
    """The result of the same request as an operation of a bulk job."""
    operation = {"method": method, "path": path, "data": json.loads(body)}
    if method == "POST":
        operation["bulkId"] = "x"
    return entra.post("/Bulk", {"Operations": [operation]}).json["Operations"][0]


@pytest.mark.parametrize(("method", "path", "body"), WRITES.values(), ids=WRITES)
def test_a_bulk_job_writes_the_same(entra, bob, method, path, body):
    path = path.partition("?")[0].format(id=bob["id"], group=bob["group"])
    alone = entra.request(method, path, body(bob, "name1"))
    result = in_bulk(entra, method, path, body(bob, "name2"))
    assert int(result["status"]) == (201 if method == "POST" else 200)
    place = f"{alone.headers['Location']} {alone.headers['ETag']}"
    assert pattern(f"{result['location']} {result['version']}") == pattern(place)


@pytest.mark.parametrize(("method", "path", "body", "status"), [each for each in REFUSED if each[2] != BROKEN])
def test_a_bulk_job_is_refused_the_same(entra, bob, method, path, body, status):
    path = path.format(id=bob["id"], group=bob["group"])
    alone = entra.request(method, path, body)
    result = in_bulk(entra, method, path, body)
    assert (result["status"], result["response"]) == (str(status), alone.json)
    bulk, single = entra.log()[:2]
    for entry in (bulk, single):
        entry.pop("time")
    assert bulk.pop("operation") == f"{single.pop('operation')} (bulk)"
    assert bulk == single
