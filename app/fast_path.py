"""The adapter in front of Flask for the requests that identity providers send most.

The fast path answers reads, creates and patches of resources by the same functions as the views, but without building a
Flask request and response, which costs more than everything else in most of them. Unusual requests are left to Flask
before anything is done. A refused request is handed over to Flask together with the error, so nothing is done twice.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from gunicorn.http.errors import ParseException

from app import answers, auth, log
from app.answers import Reply
from app.auth import HANDED_OVER, Gate, HandedOver
from app.resources import RESOURCES
from app.wire import Application, Paging, Parameters, json_value, paging, send
from store.resources.writing import Resources
from store.tenants.tenants import Access

_UNUSUAL = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_TRANSFER_ENCODING"})
_LENGTH = re.compile("[0-9]{1,18}")
_JSON = frozenset({"application/scim+json", "application/json"})
_MEDIA_TYPES = _JSON | {f"{type}; charset=utf-8" for type in _JSON}
# Entra adds this flag to the URL of any request. It asks for behaviour that this server has anyway.
_FLAG = "aadOptscim062020"


class Usual(NamedTuple):
    """A usual request of a client that is known; `body` is the JSON value of its body."""

    resources: Resources
    id: str
    parameters: Parameters
    body: Any
    paging: Paging


class FastPath:
    """Answers the usual requests for resources without Flask; see the module."""

    def __init__(self, application: Application, gate: Gate, config: Mapping[str, Any]) -> None:
        self._application = application
        self._gate = gate
        self._path = re.compile(rf"/scim/([a-z0-9-]{{1,63}})/v2/({'|'.join(RESOURCES)})(?:/([0-9a-f-]{{36}}))?")
        self._paging = paging(config)
        self._max_body = config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer the request (PEP 3333)."""
        found = self._path.fullmatch(environ["PATH_INFO"])
        kind = _KINDS.get((environ["REQUEST_METHOD"], bool(found and found[3])))
        if found is None or kind is None or not _UNUSUAL.isdisjoint(environ):
            return self._application(environ, start_response)
        query = _query(environ["QUERY_STRING"])
        if query is None or not _is_usual(query, kind):
            return self._application(environ, start_response)
        return self._answer(environ, start_response, found, kind, query)

    def _answer(
        self,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        found: re.Match[str],
        kind: "_Kind",
        query: dict[str, str],
    ) -> Iterable[bytes]:
        began = time.perf_counter()
        access = self._access(environ, found[1], kind)
        content = self._content(environ) if kind.writes and access is not None else b""
        if access is None or content is None:
            return self._application(environ, start_response)
        call = auth.call(environ, access)
        resources = RESOURCES[found[2]](self._gate.database, access.tenant, self._gate.endpoint_url(access), call)
        try:
            body = json_value(content) if kind.writes else None
            parameters = Parameters(query, environ.get("HTTP_ACCEPT"))
            reply = kind.answer(Usual(resources, found[3], parameters, body, self._paging))
        except Exception as error:  # noqa: BLE001 (app/errors.py answers any error)
            environ[HANDED_OVER] = HandedOver(error, access, call, began)
            return self._application(environ, start_response)
        self._gate.last_used.note(access.token, access.tenant.pk)
        log.request_line(
            id=log.number(), tenant=found[1], method=environ["REQUEST_METHOD"], route=kind.route.format(found[2]),
            status=reply.status, seconds=time.perf_counter() - began,
        )  # fmt: skip
        return send(start_response, *reply)

    def _access(self, environ: dict[str, Any], tenant: str, kind: "_Kind") -> Access | None:
        """The token, if it is in force and allows what is asked."""
        try:
            access = self._gate.access(tenant, environ.get("HTTP_AUTHORIZATION", ""))
        except Exception:  # noqa: BLE001 (Flask asks again, and answers the error)
            return None
        return None if access is None or (kind.writes and access.scope == "read") else access

    def _content(self, environ: dict[str, Any]) -> bytes | None:
        """The body, which Flask may read again; None where it is not what clients usually send."""
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


def _query(text: str) -> dict[str, str] | None:
    """The parameters of a query string, None if one is given twice or is not UTF-8."""
    if not text:
        return {}
    if not text.isascii():
        # Bytes that a client did not escape, each as one character (PEP 3333).
        return None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    query = dict(pairs)
    query.pop(_FLAG, None)
    return query if len(query) + sum(name == _FLAG for name, _ in pairs) == len(pairs) else None


def _is_usual(query: dict[str, str], kind: "_Kind") -> bool:
    return query.keys() <= kind.parameters and query.get("excludedAttributes", "members") == "members"


class _Kind(NamedTuple):
    """A kind of request: how it is answered, which query parameters it may have, what the log calls its URL."""

    answer: Callable[[Usual], Reply]
    parameters: frozenset[str]
    route: str
    writes: bool = False


_ALL, _ONE = "/scim/<tenant>/v2/{}", "/scim/<tenant>/v2/{}/<id>"
_KINDS = {
    ("GET", False): _Kind(
        lambda usual: answers.search(usual.resources, usual.parameters, usual.paging),
        frozenset({"filter", "startIndex", "count", "excludedAttributes"}),
        _ALL,
    ),
    ("GET", True): _Kind(
        lambda usual: answers.get(usual.resources, usual.id, usual.parameters), frozenset({"excludedAttributes"}), _ONE
    ),
    ("POST", False): _Kind(
        lambda usual: answers.create(usual.resources, usual.body, usual.parameters), frozenset(), _ALL, writes=True
    ),
    ("PATCH", True): _Kind(
        lambda usual: answers.patch(usual.resources, usual.id, usual.body, usual.parameters),
        frozenset(),
        _ONE,
        writes=True,
    ),
}
