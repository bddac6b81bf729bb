"""The adapter in front of Flask for the requests that identity providers send most.

The fast path answers reads, creates and patches of resources by the same functions as the views, but without building a
Flask request and response, which costs more than everything else in most of them. Unusual requests are left to Flask
before anything is done. A refused request is handed over to Flask together with the error, so nothing is done twice.
"""

import re
import time
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.http.errors import ParseException

from app import answers, auth, log
from app.answers import Reply
from app.auth import HANDED_OVER, Gate, HandedOver
from app.resources import RESOURCES
from app.wire import JSON, SCIM_JSON, Parameters, json_value, send
from store.resources.writing import Resources
from store.tenants.tenants import Access

_UNUSUAL = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_TRANSFER_ENCODING"})
_LENGTH = re.compile("[0-9]{1,18}")
_MEDIA_TYPES = frozenset({SCIM_JSON, JSON, f"{SCIM_JSON}; charset=utf-8", f"{JSON}; charset=utf-8"})
# Entra adds this flag to the URL of any request. It asks for behaviour that this server has anyway.
_FLAG = "aadOptscim062020"


_PARAMETERS = {
    ("GET", False): frozenset({"filter", "startIndex", "count", "excludedAttributes"}),
    ("GET", True): frozenset({"excludedAttributes"}),
    ("POST", False): frozenset(),
    ("PATCH", True): frozenset(),
}
"""The usual requests by method and whether the URL has an id, each with the query parameters that it may have."""


class FastPath:
    """Answers the usual requests for resources without Flask; see the module."""

    def __init__(self, application: WSGIApplication, gate: Gate, config: Mapping[str, Any]) -> None:
        self._application = application
        self._gate = gate
        self._path = re.compile(rf"/scim/([a-z0-9-]{{1,63}})/v2/({'|'.join(RESOURCES)})(?:/([0-9a-f-]{{36}}))?")
        self._paging = config["PAGING"]
        self._max_body = config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        began = time.perf_counter()
        found = self._path.fullmatch(environ["PATH_INFO"])
        if (
            found is None
            or (query := _query(environ, found[3] is not None)) is None
            or (access := self._access(environ, found[1])) is None
            or (content := self._content(environ)) is None
        ):
            return self._application(environ, start_response)
        call = auth.call(environ, access)
        resources = RESOURCES[found[2]](self._gate.database, access.tenant, self._gate.endpoint_url(access), call)
        try:
            parameters = Parameters(query, environ.get("HTTP_ACCEPT"))
            reply = self._reply(call.operation, resources, found[3], content, parameters)
        except Exception as error:  # noqa: BLE001 (app/errors.py answers any error)
            environ[HANDED_OVER] = HandedOver(error, access, call, began)
            return self._application(environ, start_response)
        self._gate.last_used.note(access.token, access.tenant.pk)
        log.request_line(
            id=log.number(), tenant=found[1], method=call.operation,
            route=f"/scim/<tenant>/v2/{found[2]}{'/<id>' if found[3] else ''}",
            status=reply.status, seconds=time.perf_counter() - began,
        )  # fmt: skip
        return send(start_response, *reply)

    def _reply(self, method: str, resources: Resources, id: str, content: bytes, parameters: Parameters) -> Reply:
        if method == "GET":
            return answers.get(resources, id, parameters) if id else answers.search(resources, parameters, self._paging)
        body = json_value(content)
        return answers.patch(resources, id, body, parameters) if id else answers.create(resources, body, parameters)

    def _access(self, environ: WSGIEnvironment, tenant: str) -> Access | None:
        """The token, if it is in force and allows what is asked."""
        try:
            access = self._gate.access(tenant, environ.get("HTTP_AUTHORIZATION", ""))
        except Exception:  # noqa: BLE001 (Flask asks again, and answers the error)
            return None
        return None if access is None or (access.scope == "read" and environ["REQUEST_METHOD"] != "GET") else access

    def _content(self, environ: WSGIEnvironment) -> bytes | None:
        """The body of a write, which Flask may read again; None where it is not what clients usually send."""
        if environ["REQUEST_METHOD"] == "GET":
            return b""
        length = environ.get("CONTENT_LENGTH", "")
        usual = environ.get("CONTENT_TYPE", "").lower() in _MEDIA_TYPES and _LENGTH.fullmatch(length) is not None
        if not usual or int(length) > self._max_body:
            return None
        try:
            content: bytes = environ["wsgi.input"].read(int(length))
        except (OSError, ParseException):
            return None
        environ["wsgi.input"] = BytesIO(content)
        return content if len(content) == int(length) else None


def _query(environ: WSGIEnvironment, has_id: bool) -> dict[str, str] | None:
    """The query parameters of a usual request, None if the request is unusual."""
    allowed = _PARAMETERS.get((environ["REQUEST_METHOD"], has_id))
    text = environ["QUERY_STRING"]
    # What is not ASCII are bytes that a client did not escape, each as one character (PEP 3333).
    if allowed is None or not _UNUSUAL.isdisjoint(environ) or not text.isascii():
        return None
    if not text:
        return {}
    try:
        pairs = [pair for pair in parse_qsl(text, keep_blank_values=True, errors="strict") if pair[0] != _FLAG]
    except ValueError:
        return None
    query = dict(pairs)
    is_usual = len(query) == len(pairs) and query.keys() <= allowed
    return query if is_usual and query.get("excludedAttributes", "members") == "members" else None
