"""Every failure as a SCIM error (RFC 7644 §3.12), and every refusal in the provisioning log."""

from http import HTTPStatus

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app import answers, auth
from app.answers import Reply
from app.http import response
from app.log import LOGGER
from app.resources import RESOURCES
from scim.errors import ScimError
from store.tenants.log import Call, Entry, refusal

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SENTENCES = {
    404: "There is nothing at this URL: below the Endpoint URL there are Users, Groups, Schemas, ResourceTypes and"
    " ServiceProviderConfig.",
    405: "This URL does not answer this method; see the header Allow.",
    413: "The body is larger than this server's limit.",
    501: "This server does not know this method.",
}


def init(app: Flask) -> None:
    """Answer every failure of the app in SCIM."""
    app.register_error_handler(ScimError, refused)
    app.register_error_handler(HTTPException, _http_refused)
    app.register_error_handler(Exception, _failed)


def refused(error: ScimError) -> Response:
    """The answer to a refused request; it is entered in the tenant's log."""
    g.scim_type = error.scim_type
    if "access" in g and g.access.token != auth.ANONYMOUS:
        auth.gate(current_app).refusals.add(entry(error, g.call))
    elif "refused_tenant" in g:
        auth.gate(current_app).refusals.count(g.refused_tenant)
    return response(answers.refusal(error, request.headers.get("Accept")))


def _http_refused(error: HTTPException) -> Response:
    """What Flask refuses by itself: unknown routes, methods, sizes."""
    if isinstance(error, MethodNotAllowed):
        return _method_refused(error)
    status = HTTPStatus(error.code or 500)
    hint = "URL" if status == HTTPStatus.NOT_FOUND else None
    return refused(ScimError(_SENTENCES.get(status, f"{status.phrase}."), status=status, hint=hint))


def _method_refused(error: MethodNotAllowed) -> Response:
    """The answer to OPTIONS, or to a method that the URL does not support (RFC 9110 §9.3.7, §15.5.6)."""
    headers = {"Allow": ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))}
    if request.method == "OPTIONS":
        return response(Reply(HTTPStatus.NO_CONTENT, headers, None))
    status = HTTPStatus.METHOD_NOT_ALLOWED if request.method in _METHODS else HTTPStatus.NOT_IMPLEMENTED
    return refused(ScimError(_SENTENCES[status], status=status, headers=headers))


def _failed(error: Exception) -> Response:
    return refused(failure(error, g.request_id))


def failure(error: Exception, number: str) -> ScimError:
    """The refusal for an unexpected error: it has a number to ask about, and the server's log holds the rest."""
    LOGGER.error("request failed", exc_info=error, extra={"fields": {"request": number}})
    detail = f"The server failed; its log says why under the number {number}."
    return ScimError(detail, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def entry(error: ScimError, call: Call) -> Entry:
    """What the log says of a refusal."""
    blueprint = (request.blueprint or "").rpartition(".")[2]
    names = (resources.name for endpoint, resources in RESOURCES.items() if endpoint.lower() == blueprint)
    call.resource_type = call.resource_type or next(names, None)
    return refusal(g.access.tenant.pk, call, error)
