"""The WSGI environ brought to one form before anything reads it (PEP 3333)."""

import re
from collections.abc import Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from app.answers import refusal
from app.wire import send
from scim.errors import InvalidSyntax


class NormalForm:
    """Completes the environ, collapses slashes, and refuses what no adapter can read.

    //Users and /Users/ are served as /Users: a Tenant URL pasted with a slash at its end must not lead to a redirect,
    which drops the token.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        try:
            environ["wsgi.input"]
            url = environ["SCRIPT_NAME"] + environ["PATH_INFO"] + environ["QUERY_STRING"]
        except KeyError:
            # Any of these may be absent.
            environ.setdefault("wsgi.input", BytesIO())
            url = "".join(environ.setdefault(name, "") for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"))
        if not url.isascii() and max(url) > "\xff":
            # Each character stands for a byte.
            error = InvalidSyntax("The URL is malformed: escape what is not ASCII, as in %C3%9C.")
            return send(start_response, *refusal(error, None))
        if not environ.get("REQUEST_METHOD"):
            return send(start_response, *refusal(InvalidSyntax("The request has no method."), None))
        path = environ["PATH_INFO"]
        if "//" in path or path.endswith("/"):
            environ["PATH_INFO"] = re.sub("/{2,}", "/", path).rstrip("/") or "/"
        return self._application(environ, start_response)
