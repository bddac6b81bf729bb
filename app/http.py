"""SCIM on the wire: bodies, query parameters, projections, answers (RFC 7644 §3.1, §3.4.2, §3.8, §3.9)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from flask import Response, current_app, g, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from scim.attributes import ResourceType
from scim.document import Streamed, Text, dumps, etag
from scim.envelopes import LIST_RESPONSE, PATCH_OP, check_message, member
from scim.errors import InvalidCount, InvalidSyntax, InvalidValue, ScimError, TooLarge, UnsupportedMediaType
from scim.projection import Projection
from scim.versions import Precondition
from store.resources.groups import Groups
from store.resources.reading import Answer
from store.resources.search import Page, Query
from store.resources.users import Users

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SCIM_JSON = "application/scim+json"
_JSON = "application/json"
_MAX_DIGITS = 400
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_SEARCHED = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor")
_SORT_ORDERS = {"ascending": False, "descending": True}


def body() -> Any:
    """The JSON value of the request's body. Raises UnsupportedMediaType, TooLarge or InvalidSyntax."""
    _check_media_type()
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise _too_large(limit) from error
    except (OSError, ClientDisconnected, ParseException) as error:
        raise InvalidSyntax("The body broke off before its end.") from error
    if request.content_length is None and len(data) >= limit:
        # A body in chunks ends at the limit, whatever else was sent.
        raise _too_large(limit)
    return json_value(data)


def json_value(data: bytes) -> Any:
    """The JSON value of a body. Raises InvalidSyntax."""
    try:
        return parsed(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidSyntax("The body is not UTF-8 text.") from error


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than this server's limit of {limit} bytes.")


def _check_media_type() -> None:
    if request.mimetype not in (SCIM_JSON, _JSON, ""):
        raise UnsupportedMediaType(f"Send the body as {SCIM_JSON}, not as {request.mimetype[:80]}.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"Send the body in UTF-8, not in {charset[:40]}.")


def parsed(text: str) -> Any:
    """The value of JSON text. A key given twice, NaN and Infinity are refused: parsers do not agree on them."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError as error:
        raise InvalidSyntax("The body is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body is not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}."
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1) if len(keys) < 1_000 else "one"
        raise InvalidSyntax(f'The key "{twice[:100]}" is given more than once.')
    return found


def _no_constant(name: str) -> NoReturn:
    raise InvalidSyntax(f"The body holds {name}, which is no JSON value.")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidSyntax(f"The body holds a number of {len(digits)} digits.")
    return int(digits)


def check_query() -> None:
    """Refuse a query string that is no UTF-8 (RFC 3986 §2.5). Raises InvalidValue."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue("The query string is not UTF-8 text: escape what is not ASCII, as in %C3%9C.") from error


def operations() -> Any:
    """The Operations of the PatchOp message in the body (RFC 7644 §3.5.2)."""
    return member(check_message(body(), PATCH_OP), "Operations")


def projection(resource_type: ResourceType) -> Projection | None:
    """What the parameters attributes and excludedAttributes ask for."""
    if not request.args:
        return None
    named = {name: request.args.getlist(name) or None for name in ("attributes", "excludedAttributes")}
    return Projection.read(resource_type, named["attributes"], named["excludedAttributes"])


def projection_of(resource_type: ResourceType, message: Mapping[str, Any] | None) -> Projection | None:
    """What a SearchRequest's members attributes and excludedAttributes ask for, or the query parameters."""
    if message is None:
        return projection(resource_type)
    named = [member(dict(message), name) for name in ("attributes", "excludedAttributes")]
    for names in named:
        if names is not None and not (isinstance(names, str) or _are_texts(names)):
            raise InvalidValue("attributes and excludedAttributes must be lists of attribute names.")
    attributes, excluded = ([names] if isinstance(names, str) else names for names in named)
    return Projection.read(resource_type, attributes, excluded)


def _are_texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def query() -> Query:
    """What the query parameters of a list search for; those that we do not know are ignored (RFC 7644 §3.4.2)."""
    return searched(request.args, limits(current_app.config))


class Limits(NamedTuple):
    """How many resources a page holds where the client does not say, and at most."""

    default: int
    most: int


def limits(config: Mapping[str, Any]) -> Limits:
    """The limits that an application's configuration names."""
    return Limits(config["DEFAULT_COUNT"], config["MAX_COUNT"])


def searched(given: Any, limits: Limits) -> Query:
    """A Query of named values: query parameters, or the members of a SearchRequest."""
    order = str(given.get("sortOrder") or "ascending").lower()
    if order not in _SORT_ORDERS:
        raise InvalidValue("sortOrder must be ascending or descending.")
    cursor = _text(given, "cursor")
    if cursor is not None and given.get("startIndex") is not None:
        raise InvalidValue("startIndex and cursor exclude each other: page by one of them.")
    refusal = InvalidValue if cursor is None else InvalidCount
    return Query(
        filter=_text(given, "filter"),
        sort_by=_text(given, "sortBy") or None,
        descending=_SORT_ORDERS[order],
        start_index=max(1, _number(given, "startIndex", 1, InvalidValue)),
        count=min(limits.most, max(0, _number(given, "count", limits.default, refusal))),
        cursor=cursor,
    )


def _text(given: Any, name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{name} must be text.")
    return value


def _number(given: Any, name: str, default: int, refusal: type[ScimError]) -> int:
    """A whole number, as text or as JSON; bounded, so that every database takes it."""
    value = given.get(name)
    if value is None or value == "":
        return default
    try:
        # int() would take True, 1.5, "1_0" and digits of other scripts as well.
        if isinstance(value, bool | float) or (isinstance(value, str) and _WHOLE.fullmatch(value) is None):
            raise ValueError(name)
        return max(-(2**31), min(2**31, int(value)))
    except (TypeError, ValueError) as error:
        raise refusal(f"{name} must be a whole number.") from error


def media_type(accept: str | None) -> str:
    """application/scim+json, unless the header Accept admits only application/json (RFC 7644 §3.8)."""
    if accept is None or "*" in accept or SCIM_JSON in accept.lower() or _JSON not in accept.lower():
        return SCIM_JSON
    return _JSON


class ScimResponse(Response):
    """An answer whose headers go out as they stand: our URIs are absolute already, and parsing each of them again is a
    good part of what a small answer costs."""

    autocorrect_location_header = False

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """The headers, with the length of the body where there may be one (RFC 9110 §8.6)."""
        is_whole = isinstance(self.response, list)
        if is_whole and self.status_code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.headers["Content-Length"] = str(sum(map(len, self.response)))
        return self.headers


def encoded(text: Text) -> list[bytes] | Iterator[bytes]:
    """The body of an answer of JSON text: in one piece, or in many that are made while it goes out."""
    return [text.encode()] if isinstance(text, str) else map(str.encode, text)


def json_response(text: Text, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of JSON text."""
    return ScimResponse(encoded(text), status, page_headers(request.headers.get("Accept")) | (headers or {}))


def page_headers(accept: str | None) -> dict[str, str]:
    """The headers of any JSON text: its type, and that nobody in between is to keep it."""
    return {
        "Content-Type": media_type(accept),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
    }


def resource_headers(etag: str, location: str, accept: str | None) -> dict[str, str]:
    """The headers of a resource: where it is, in both ways that clients look for (RFC 7644 §3.3, RFC 7643 §3.1)."""
    return page_headers(accept) | {"ETag": etag, "Location": location, "Content-Location": location}


def precondition(environ: Mapping[str, Any]) -> Precondition | None:
    """What If-Match and If-None-Match ask for; nobody has to send them (RFC 7644 §3.14)."""
    if_match, if_none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    return None if if_match is None and if_none_match is None else Precondition(if_match, if_none_match)


def resource_response(answer: Answer, status: int = 200) -> Response:
    """A resource with its Location and ETag; 204 where there is no text (RFC 7644 §3.3, §3.5.2, §3.14).

    304 where a reader has the version already. Raises PreconditionFailed where a reader's If-Match names another.
    """
    headers = {"ETag": etag(answer.version), "Location": answer.location}
    condition = g.call.precondition
    if request.method in ("GET", "HEAD") and condition is not None:
        condition.require(answer.version)
        if condition.is_known(answer.version):
            return _without_body(HTTPStatus.NOT_MODIFIED, headers)
    if answer.text is None:
        return no_content(headers)
    accept = request.headers.get("Accept")
    return ScimResponse(encoded(answer.text), status, resource_headers(headers["ETag"], answer.location, accept))


def no_content(headers: dict[str, str] | None = None) -> Response:
    """204."""
    return _without_body(HTTPStatus.NO_CONTENT, headers or {})


def _without_body(status: int, headers: dict[str, str]) -> Response:
    """No body, so no type of one either."""
    response = ScimResponse(status=status, headers=headers)
    response.headers.pop("Content-Type", None)
    return response


def searched_page(resources: Users | Groups, message: dict[str, Any] | None = None) -> Response:
    """A page of what the query parameters, or a SearchRequest, search for."""
    wanted = query() if message is None else requested(message)
    secret = current_app.config["SIGNING_KEY"].encode()
    page = resources.search(wanted, projection_of(resources.type, message), secret=secret)
    return page_response(page, by_cursor=wanted.cursor is not None)


def requested(message: dict[str, Any]) -> Query:
    """What a SearchRequest searches for; its members may be spelled in any letter case."""
    return searched({name: member(message, name) for name in _SEARCHED}, limits(current_app.config))


def page_response(page: Page, *, by_cursor: bool) -> Response:
    """A ListResponse."""
    return json_response(page_text(page, by_cursor=by_cursor))


def page_text(page: Page, *, by_cursor: bool) -> Text:
    """A ListResponse, joined from the texts of its resources (RFC 7644 §3.4.2, RFC 9865 §2)."""
    around = {"nextCursor": page.next_cursor, "previousCursor": page.previous_cursor}
    place = "".join(f'"{name}":"{cursor}",' for name, cursor in around.items() if cursor)
    if not by_cursor:
        place = f'"startIndex":{page.start_index},'
    before = (
        f'{{"schemas":["{LIST_RESPONSE}"],"totalResults":{page.total},'
        f"{place}"
        f'"itemsPerPage":{len(page.resources)},"Resources":['
    )
    if any(isinstance(text, Streamed) for text in page.resources):
        return Streamed(_streamed_page(before, page.resources))
    return f"{before}{','.join(map(str, page.resources))}]}}"


def _streamed_page(before: str, texts: Iterable[Text]) -> Iterator[str]:
    yield before
    for index, text in enumerate(texts):
        yield "," if index else ""
        yield from [text] if isinstance(text, str) else text
    yield "]}"


def value_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer made from Python values."""
    return json_response(dumps(value), status, headers)
