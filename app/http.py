"""The adapter of Flask: a request's body and parameters as answers.py takes them, and its replies as responses."""

from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Response, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.answers import Reply
from app.wire import PROJECTIONS, Paging, Parameters, check_media_type, encoded, json_value, search_request, too_large
from scim.errors import InvalidSyntax


def body() -> Any:
    """The JSON value of the request's body. Raises UnsupportedMediaType, TooLarge or InvalidSyntax."""
    check_media_type(request.mimetype, request.mimetype_params.get("charset", "utf-8"))
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise too_large(limit) from error
    except (OSError, ClientDisconnected, ParseException) as error:
        raise InvalidSyntax("The body broke off before its end.") from error
    if request.content_length is None and len(data) >= limit:
        # A body in chunks ends at the limit, whatever else was sent.
        raise too_large(limit)
    return json_value(data)


def parameters() -> Parameters:
    """The query parameters."""
    named: dict[str, Any] = request.args.to_dict()
    named |= {name: request.args.getlist(name) for name in PROJECTIONS if name in named}
    return Parameters(named, request.headers.get("Accept"))


def asked() -> Parameters:
    """What a search asks for: the query parameters or, of a POST, the SearchRequest in the body, which access logs do
    not keep (RFC 7644 §3.4.3). Raises what `body` raises."""
    if request.method != "POST":
        return parameters()
    return Parameters(search_request(body()), request.headers.get("Accept"))


def paging() -> Paging:
    """How the application pages."""
    found: Paging = current_app.config["PAGING"]
    return found


class ScimResponse(Response):
    """An answer whose headers are sent as they stand: our URIs are absolute already, and parsing each of them again is
    a good part of what a small answer costs."""

    autocorrect_location_header = False

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The headers, with the length of the body where there may be one (RFC 9110 §8.6)."""
        is_whole = isinstance(self.response, list)
        if is_whole and self.status_code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.headers["Content-Length"] = str(sum(map(len, self.response)))
        return self.headers


def response(reply: Reply) -> Response:
    """The reply as Flask sends it."""
    if reply.text is not None:
        return ScimResponse(encoded(reply.text), reply.status, reply.headers)
    empty = ScimResponse(status=reply.status, headers=reply.headers)
    # Werkzeug gives even what has no body a type.
    empty.headers.pop("Content-Type", None)
    return empty
