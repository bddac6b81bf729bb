"""The fast path answers as Flask does, byte for byte, and leaves to Flask what it does not answer."""

import pytest
from webtest import TestApp

from app import auth
from app.front import FastReads


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
    fast = TestApp(FastReads(flask, auth.gate(app), app.config))

    def both(path, method="GET", **headers):
        headers = {"Authorization": f"Bearer {entra.token}"} | headers
        url = f"/scim/{entra.name}/v2{path}"
        quick = fast.request(url, method=method, headers=headers, expect_errors=True)
        asked, flask.asked = flask.asked, 0
        slow = TestApp(flask).request(url, method=method, headers=headers, expect_errors=True)
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
    return bob


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
    ],
)
def test_both_paths_give_the_same_answer(paths, bob, path):
    quick, slow, asked = paths(path.format(id=bob["id"]))
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
        ("/Groups", {}),
    ],
)
def test_what_is_unusual_or_refused_is_left_to_flask(paths, bob, path, headers):
    quick, slow, asked = paths(path.format(id=bob["id"]), **headers)
    assert asked
    assert (quick.status, quick.body) == (slow.status, slow.body)


def test_a_write_is_left_to_flask(paths, bob):
    assert paths(f"/Users/{bob['id']}", "DELETE")[2]
