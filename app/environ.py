"""The WSGI environ brought to one form before anything reads it (PEP 3333)."""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from app.answers import refusal
from app.wire import Application, send
from scim.errors import InvalidSyntax, ScimError

_URL = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")
"""The variables that hold the URL; each may be absent."""


class NormalForm:
    """Completes the environ, collapses slashes, and refuses what no adapter can read.

    //Users and /Users/ are served as /Users: a Tenant URL pasted with a slash at its end must not lead to a redirect,
    which drops the token.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        error = _completed(environ)
        if error is not None:
            return send(start_response, *refusal(error, None))
        path = environ["PATH_INFO"]
        if "//" in path or path.endswith("/"):
            environ["PATH_INFO"] = re.sub("/{2,}", "/", path).rstrip("/") or "/"
        return self._application(environ, start_response)


def _completed(environ: dict[str, Any]) -> ScimError | None:
    """Set the variables that are absent; why the request cannot be answered, if it cannot."""
    for name in _URL:
        if not environ.setdefault(name, "").isascii() and not _is_latin(environ[name]):
            return InvalidSyntax("The URL is malformed: escape what is not ASCII, as in %C3%9C.")
    if not environ.get("REQUEST_METHOD"):
        return InvalidSyntax("The request has no method.")
    if "wsgi.input" not in environ:
        environ["wsgi.input"] = BytesIO()
    return None


def _is_latin(text: str) -> bool:
    """Whether every character stands for a byte."""
    return max(text) <= "\xff"
