"""A WSGI environ that is malformed, or that lacks what may be absent, is answered in SCIM (PEP 3333)."""

import json

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from app.environ import NormalForm

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
LONG = "9" * 5_000


@pytest.fixture(params=["fast path", "Flask"])
def application(app, request):
    """The application by each of its two adapters."""
    return app.wsgi_app if request.param == "fast path" else NormalForm(app.wsgi_app._application._application)


@pytest.fixture
def ask(application, entra):
    """Sends a request whose environ is changed; None takes a variable out. Returns the status and the JSON answer."""
    bob = {"schemas": [USER], "userName": "bob", "emails": [{"type": "work", "value": "bob@example.com"}]}

    def ask(method, path, changes):
        body = json.dumps(bob) if method == "POST" else None
        environ = create_environ(f"/scim/{entra.name}/v2{path}", method=method, data=body)
        environ |= {"HTTP_AUTHORIZATION": f"Bearer {entra.token}", "CONTENT_TYPE": "application/scim+json"} | changes
        environ = {name: value for name, value in environ.items() if value is not None}
        content, status, headers = run_wsgi_app(application, environ, buffered=True)
        assert headers["Content-Type"] == "application/scim+json"
        return int(status.split()[0]), json.loads(b"".join(content))

    return ask


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"PATH_INFO": None}, {404}),
        ({"PATH_INFO": ""}, {404}),
        ({"PATH_INFO": "/scim/\u20ac/v2/Users"}, {400}),
        ({"SCRIPT_NAME": None}, {200}),
        ({"SCRIPT_NAME": "/below"}, {200}),
        ({"SCRIPT_NAME": "\u20ac"}, {400}),
        ({"QUERY_STRING": None}, {200}),
        ({"QUERY_STRING": "filter=%"}, {400}),
        ({"QUERY_STRING": "filter=\u20ac"}, {400}),
        ({"CONTENT_LENGTH": LONG}, {200}),
        ({"CONTENT_TYPE": None}, {200}),
        ({"HTTP_HOST": None}, {200}),
        ({"HTTP_HOST": "a b"}, {200, 400}),
        ({"HTTP_HOST": ""}, {200}),
        ({"HTTP_HOST": None, "SERVER_NAME": None, "SERVER_PORT": None}, {200, 400}),
        ({"SERVER_PORT": "many"}, {200, 400}),
        ({"REMOTE_ADDR": None}, {200}),
        ({"HTTP_AUTHORIZATION": "Bearer \u20ac"}, {401}),
        ({"HTTP_AUTHORIZATION": "\u20ac", "REMOTE_ADDR": "\udc80"}, {401}),
        ({"HTTP_ACCEPT": "\u20ac"}, {200}),
        ({"HTTP_IF_NONE_MATCH": "\u20ac"}, {200}),
        ({"HTTP_USER_AGENT": "\u20ac\udc80"}, {200}),
        ({"REQUEST_METHOD": None}, {400}),
        ({"REQUEST_METHOD": ""}, {400, 501}),
        ({"REQUEST_METHOD": "\u20ac"}, {400, 501}),
    ],
    ids=str,
)
def test_a_read_is_answered_whatever_the_environ_lacks(ask, changes, statuses):
    status, answer = ask("GET", "/Users", changes)
    assert status in statuses
    assert answer["schemas"] == [ERROR] or status == 200


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"CONTENT_LENGTH": None}, {400}),
        ({"CONTENT_LENGTH": ""}, {400}),
        ({"CONTENT_LENGTH": " "}, {400}),
        ({"CONTENT_LENGTH": "-1"}, {400}),
        ({"CONTENT_LENGTH": "+1"}, {400}),
        ({"CONTENT_LENGTH": "1_0"}, {400}),
        ({"CONTENT_LENGTH": "\u0664"}, {400}),
        ({"CONTENT_LENGTH": "many"}, {400}),
        ({"CONTENT_LENGTH": "0"}, {400}),
        ({"CONTENT_LENGTH": "9" * 18}, {413}),
        ({"CONTENT_LENGTH": LONG}, {400, 413}),
        ({"CONTENT_LENGTH": "0" * 5_000 + "1"}, {400, 413}),
        ({"CONTENT_TYPE": None}, {201}),
        ({"CONTENT_TYPE": "\u20ac"}, {415}),
        ({"wsgi.input": None}, {400}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_write_is_answered_whatever_the_environ_lacks(ask, changes, statuses):
    status, answer = ask("POST", "/Users", changes)
    assert status in statuses
    assert answer["schemas"] == [ERROR] or status == 201
