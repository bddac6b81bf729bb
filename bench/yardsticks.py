"""What the costs are compared with: an empty WSGI application, and a Flask route that answers JSON (PEP 3333)."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

_BODY = b'{"id":"%s","userName":"%s"}' % (b"i" * 36, b"u" * 900)
_HEADERS = [("Content-Type", "application/scim+json"), ("Content-Length", str(len(_BODY)))]


def bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The least that a request can cost under this gunicorn: an answer as long as a user."""
    start_response("200 OK", _HEADERS)
    return [_BODY]


flask = Flask("yardstick", static_folder=None)


@flask.get("/<path:path>")
def flask_json(path: str) -> dict[str, str]:
    """The least that a JSON route of Flask can cost."""
    return {"id": path, "userName": "u" * 900}
