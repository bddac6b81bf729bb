"""What stands in front of Flask: slashes that are too many, and the reads that identity providers send most.

The fast path answers two requests, GET of one user and GET of users without a projection, by the same functions as the
views, but without building a Flask request and response for it, which costs more than everything else in them. It
answers what succeeds; whatever is unusual or refused it leaves to Flask, which does it again and says what is wrong.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from app import log
from app.auth import Gate
from app.http import REFUSED, limits, page_headers, page_text, resource_headers, searched
from scim.document import etag
from scim.errors import TooMany
from store.journal import Call
from store.tenants import Access
from store.users import Users

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_USERS = re.compile(r"/scim/([a-z0-9-]{1,63})/v2/Users(?:/([0-9a-f-]{36}))?")
_CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})
_SEARCHED = frozenset({"filter", "startIndex", "count", "aadOptscim062020"})
_ROUTES = {False: "/scim/<tenant>/v2/Users", True: "/scim/<tenant>/v2/Users/<id>"}


class CollapsedSlashes:
    """Serves //Users and /Users/ as /Users: a Tenant URL pasted with a slash at its end must not lead to a redirect,
    which drops the token."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        path = environ.get("PATH_INFO", "")
        if "//" in path or path.endswith("/"):
            environ["PATH_INFO"] = re.sub("/{2,}", "/", path).rstrip("/") or "/"
        return self._application(environ, start_response)


class FastReads:
    """Answers GET of users without Flask; see the module."""

    def __init__(self, application: Application, gate: Gate, config: Mapping[str, Any]) -> None:
        self._application = application
        self._gate = gate
        self._config = config

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        if environ["REQUEST_METHOD"] != "GET" or not _CONDITIONS.isdisjoint(environ):
            return self._application(environ, start_response)
        found = _USERS.fullmatch(environ["PATH_INFO"])
        if found is None:
            return self._application(environ, start_response)
        began = time.perf_counter()
        try:
            answer = self._answer(environ, *found.groups())
        except TooMany as error:
            # Nobody waits for that twice.
            environ[REFUSED] = error
            answer = None
        except Exception:  # noqa: BLE001 (whatever it was, Flask meets it again and answers for it)
            answer = None
        if answer is None:
            return self._application(environ, start_response)
        text, headers = answer
        log.request_line(
            id=uuid.uuid4().hex[:12], tenant=found[1], method="GET", route=_ROUTES[found[2] is not None], status=200,
            seconds=time.perf_counter() - began,
        )  # fmt: skip
        body = text.encode()
        start_response("200 OK", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: dict[str, Any], tenant: str, id: str | None) -> tuple[str, dict[str, str]] | None:
        """The text and the headers of an answer, None where Flask has to see the request."""
        query = environ.get("QUERY_STRING", "")
        given = dict(reversed(parse_qsl(query, keep_blank_values=True, errors="strict"))) if query else {}
        if not given.keys() <= _SEARCHED or (id is not None and query):
            return None
        access = self._gate.access(tenant, environ.get("HTTP_AUTHORIZATION", ""))
        if access is None:
            return None
        users = self._users(access)
        accept = environ.get("HTTP_ACCEPT")
        if id is None:
            page = users.search(searched(given, limits(self._config)))
            answer = page_text(page, by_cursor=False), page_headers(accept)
        else:
            user = users.get(id)
            answer = user.text or "", resource_headers(etag(user.version), user.location, accept)
        self._gate.contacts.note(access.token, access.tenant.pk)
        return answer

    def _users(self, access: Access) -> Users:
        return Users(self._gate.database, access.tenant, self._gate.endpoint_url(access), Call())
