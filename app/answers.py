"""What each endpoint answers: every rule of the protocol about status, headers and text stands here once (RFC 7644
§3).

The fast path, the Flask views and bulk operations all call these functions. `resources` are the users or groups of one
tenant for one request; their `call` holds the request's precondition and gathers what the log says.
"""

import hashlib
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from app.wire import NO_PARAMETERS, Paging, Parameters, page_text, projection, search_query, text_headers
from scim.document import Document, Text, dumps, etag
from scim.envelopes import PATCH_OP, check_message, error_body, member
from scim.errors import ScimError
from scim.operations import read_operations
from scim.validation import load
from scim.versions import Precondition
from store.resources import search_all_types
from store.resources.reading import Answer
from store.resources.writing import Resources
from store.tenants.log import Call

MAX_AGE = 60
"""For how many seconds a client may keep what it discovered; a custom field shows soon after its declaration."""


class Reply(NamedTuple):
    """An answer: its status, all its headers but Content-Length, and its JSON text, None where it has no body."""

    status: HTTPStatus
    headers: dict[str, str]
    text: Text | None


def search(resources: Resources, parameters: Parameters, paging: Paging) -> Reply:
    """A page of resources of one type (RFC 7644 §3.4.2). Raises what `Searching.search` raises."""
    query = search_query(parameters.named, paging)
    page = resources.search(query, projection(resources.type, parameters.named), secret=paging.secret)
    return _ok(page_text(page, by_cursor=query.cursor is not None), parameters.accept)


def search_all(sources: Sequence[Resources], parameters: Parameters, paging: Paging) -> Reply:
    """A page of resources of all types (RFC 7644 §3.4.2.1). Raises what `search_all_types.search` raises."""
    query = search_query(parameters.named, paging)
    projections = [projection(source.type, parameters.named) for source in sources]
    return _ok(page_text(search_all_types.search(sources, query, projections), by_cursor=False), parameters.accept)


def get(resources: Resources, id: str, parameters: Parameters = NO_PARAMETERS) -> Reply:
    """One resource, or 304 where the client has this version already (RFC 7644 §3.4.1, §3.14).

    Raises NotFound, or PreconditionFailed where If-Match names another version.
    """
    answer = resources.get(id, projection(resources.type, parameters.named))
    condition = resources.call.precondition
    if condition is not None:
        condition.require(answer.version)
        if condition.is_known(answer.version):
            return Reply(HTTPStatus.NOT_MODIFIED, _place(answer), None)
    return _resource(answer, HTTPStatus.OK, parameters)


def create(resources: Resources, body: Any, parameters: Parameters = NO_PARAMETERS) -> Reply:
    """A new resource from a POST body (RFC 7644 §3.3). Raises InvalidSyntax, InvalidValue or Uniqueness."""
    wanted = projection(resources.type, parameters.named)
    # A body that is refused is found in the log by the name in it.
    resources.call.resource_type, resources.call.name = resources.name, resources.given_name(body)
    answer = resources.create(_loaded(resources, body), wanted)
    return _resource(answer, HTTPStatus.CREATED, parameters)


def replace(resources: Resources, id: str, body: Any, parameters: Parameters = NO_PARAMETERS) -> Reply:
    """The resource as a PUT body describes it (RFC 7644 §3.5.1). Raises NotFound and what `create` raises."""
    wanted = projection(resources.type, parameters.named)
    resources.about(id)
    document = _loaded(resources, body)
    answer = resources.replace(id, document, frozenset(key.lower() for key in body), wanted)
    return _resource(answer, HTTPStatus.OK, parameters)


def patch(
    resources: Resources, id: str, body: Any, parameters: Parameters = NO_PARAMETERS, status: HTTPStatus | None = None
) -> Reply:
    """The resource after the operations of a PatchOp message, all of them or none (RFC 7644 §3.5.2).

    A type with members answers 204 unless `attributes` is asked for, since members may be many. An operation of a bulk
    job gives its `status`; its result has no text for any type (RFC 7644 §3.7.3). Raises NotFound, the errors of
    `scim.patch`, InvalidValue or Uniqueness.
    """
    operations = member(check_message(body, PATCH_OP), "Operations")
    wanted = projection(resources.type, parameters.named)
    resources.about(id)
    read = read_operations(resources.type, operations, id)
    _warn(resources.call, read.dropped)
    is_short = "members" in resources.type.targets and parameters.named.get("attributes") is None
    text = status is None and not is_short
    # Decided once, for the answer and for the log.
    status = status or (HTTPStatus.NO_CONTENT if is_short else HTTPStatus.OK)
    answer = resources.patch(id, read.operations, wanted, body=text, status=status)
    return _resource(answer, status, parameters)


def delete(resources: Resources, id: str) -> Reply:
    """Remove a resource (RFC 7644 §3.6). Raises NotFound."""
    resources.delete(id)
    return Reply(HTTPStatus.NO_CONTENT, {}, None)


def discovered(value: Any, accept: str | None, condition: Precondition | None) -> Reply:
    """What a client may keep for a while, and then ask whether it changed (RFC 7644 §4, RFC 9110 §13.1.2)."""
    text = dumps(value)
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    headers = {"ETag": etag(version), "Cache-Control": f"private, max-age={MAX_AGE}"}
    if condition is not None and condition.is_known(version):
        return Reply(HTTPStatus.NOT_MODIFIED, headers, None)
    return Reply(HTTPStatus.OK, text_headers(accept) | headers, text)


def message(value: Any, accept: str | None) -> Reply:
    """A message of the protocol that is not a resource (RFC 7644 §3.1)."""
    return _ok(dumps(value), accept)


def refusal(error: ScimError, accept: str | None) -> Reply:
    """A request that is refused (RFC 7644 §3.12)."""
    headers = text_headers(accept) | error.headers | {"Cache-Control": "no-store"}
    return Reply(HTTPStatus(error.status), headers, dumps(error_body(error)))


def _ok(text: Text, accept: str | None) -> Reply:
    return Reply(HTTPStatus.OK, text_headers(accept), text)


def _resource(answer: Answer, status: HTTPStatus, parameters: Parameters) -> Reply:
    """A resource with its place, in both headers that clients look for (RFC 7644 §3.3, RFC 7643 §3.1)."""
    if answer.text is None:
        return Reply(status, _place(answer), None)
    headers = {**text_headers(parameters.accept), **_place(answer), "Content-Location": answer.location}
    return Reply(status, headers, answer.text)


def _place(answer: Answer) -> dict[str, str]:
    """What an answer without a body says of a resource: its version and its URL."""
    return {"ETag": etag(answer.version), "Location": answer.location}


def _loaded(resources: Resources, body: Any) -> Document:
    loaded = load(resources.type, body)
    _warn(resources.call, loaded.dropped)
    return loaded.document


def _warn(call: Call, dropped: Iterable[str]) -> None:
    """Note the attributes that are accepted and not stored; each is a warning in the log."""
    call.warnings += [f"{name} was accepted but is never stored." for name in dropped]
