"""SCIM on the wire, without a web framework: bodies, query parameters, headers and list responses (RFC 7644 §3.1,
§3.4.2, §3.8, §3.9)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn
from wsgiref.types import StartResponse

from scim.attributes import ResourceType
from scim.document import Streamed, Text
from scim.envelopes import LIST_RESPONSE, SEARCH_REQUEST, check_message, member
from scim.errors import InvalidCount, InvalidSyntax, InvalidValue, ScimError, TooLarge, UnsupportedMediaType
from scim.projection import Projection
from scim.versions import Precondition
from store.resources.search import Page, Query

SCIM_JSON = "application/scim+json"
JSON = "application/json"
PROJECTIONS = ("attributes", "excludedAttributes")
"""The parameters that name attributes; they may be given more than once."""

_MAX_DIGITS = 400
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_SEARCH_MEMBERS = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", *PROJECTIONS)
_SORT_ORDERS = {"ascending": False, "descending": True}


class Parameters(NamedTuple):
    """How a client asks for an answer: the query parameters or the members of a SearchRequest, and the header Accept.

    `named` holds the first value of each parameter; those of PROJECTIONS may be lists.
    """

    named: Mapping[str, Any]
    accept: str | None = None


NO_PARAMETERS = Parameters({})


class Paging(NamedTuple):
    """How many resources a page holds where the client does not say, how many at most, and what signs cursors."""

    default: int
    most: int
    secret: bytes


def json_value(data: bytes) -> Any:
    """The JSON value of a body. Raises InvalidSyntax."""
    try:
        return parsed(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidSyntax("The body is not UTF-8 text.") from error


def parsed(text: str) -> Any:
    """The value of JSON text. Refuses a key given twice, NaN and Infinity, on which parsers do not agree."""
    try:
        # RFC 8259 §8.1: a byte order mark may be ignored.
        return _DECODER.decode(text.removeprefix("\ufeff"))
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
    raise InvalidSyntax(f"The body holds {name}, which is not a JSON value.")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidSyntax(f"The body holds a number of {len(digits)} digits.")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
"""Built once: json.loads builds a decoder for each call that has such hooks."""


def check_media_type(type: str, charset: str) -> None:
    """Refuse a body that is not SCIM JSON in UTF-8; "" as type is accepted. Raises UnsupportedMediaType."""
    if type not in (SCIM_JSON, JSON, ""):
        raise UnsupportedMediaType(f"Send the body as {SCIM_JSON}, not as {type[:80]}.")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"Send the body in UTF-8, not in {charset.lower()[:40]}.")


def too_large(limit: int) -> TooLarge:
    """The refusal of a body of more bytes than the limit."""
    return TooLarge(f"The body is larger than this server's limit of {limit} bytes.")


def check_query(query: bytes) -> None:
    """Refuse a query string that is not UTF-8 (RFC 3986 §2.5). Raises InvalidValue."""
    try:
        query.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue("The query string is not UTF-8 text: escape what is not ASCII, as in %C3%9C.") from error


def search_request(body: Any) -> dict[str, Any]:
    """The members of a SearchRequest, each by its name in the RFC (RFC 7644 §3.4.3). Raises InvalidSyntax."""
    message = check_message(body, SEARCH_REQUEST)
    return {name: member(message, name) for name in _SEARCH_MEMBERS}


def projection(resource_type: ResourceType, named: Mapping[str, Any]) -> Projection | None:
    """What the parameters attributes and excludedAttributes ask for. Raises InvalidValue."""
    attributes, excluded = named.get("attributes"), named.get("excludedAttributes")
    if attributes is None and excluded is None:
        return None
    return Projection.read(resource_type, _names(attributes), _names(excluded))


def _names(given: Any) -> list[str] | None:
    if given is None or (isinstance(given, list) and all(isinstance(name, str) for name in given)):
        return given
    if isinstance(given, str):
        return [given]
    raise InvalidValue("attributes and excludedAttributes must be lists of attribute names.")


def search_query(named: Mapping[str, Any], paging: Paging) -> Query:
    """What the parameters search for; unknown ones are ignored (RFC 7644 §3.4.2). Raises InvalidValue, InvalidCount."""
    order = str(named.get("sortOrder") or "ascending").lower()
    if order not in _SORT_ORDERS:
        raise InvalidValue("sortOrder must be ascending or descending.")
    cursor = _text(named, "cursor")
    if cursor is not None and named.get("startIndex") is not None:
        raise InvalidValue("startIndex and cursor exclude each other: page by one of them.")
    refusal = InvalidValue if cursor is None else InvalidCount
    return Query(
        filter=_text(named, "filter"),
        sort_by=_text(named, "sortBy") or None,
        descending=_SORT_ORDERS[order],
        start_index=max(1, _number(named, "startIndex", 1, InvalidValue)),
        count=min(paging.most, max(0, _number(named, "count", paging.default, refusal))),
        cursor=cursor,
    )


def _text(named: Mapping[str, Any], name: str) -> str | None:
    value = named.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{name} must be text.")
    return value


def _number(named: Mapping[str, Any], name: str, default: int, refusal: type[ScimError]) -> int:
    """A whole number, as text or as JSON; bounded, so that every database takes it."""
    value = named.get(name)
    if value is None or value == "":
        return default
    try:
        # int() would take True, 1.5, "1_0" and digits of other scripts as well.
        if isinstance(value, bool | float) or (isinstance(value, str) and _WHOLE.fullmatch(value) is None):
            raise ValueError(name)
        return max(-(2**31), min(2**31, int(value)))
    except (TypeError, ValueError) as error:
        raise refusal(f"{name} must be a whole number.") from error


def precondition(environ: Mapping[str, Any]) -> Precondition | None:
    """What If-Match and If-None-Match ask for, None without both (RFC 7644 §3.14)."""
    if_match, if_none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    return None if if_match is None and if_none_match is None else Precondition(if_match, if_none_match)


def text_headers(accept: str | None) -> dict[str, str]:
    """The headers of any JSON text; caches between client and server do not keep it.

    It is application/scim+json unless the header Accept admits only application/json (RFC 7644 §3.8).
    """
    is_scim = accept is None or "*" in accept or SCIM_JSON in accept.lower() or JSON not in accept.lower()
    media_type = SCIM_JSON if is_scim else JSON
    return {"Content-Type": media_type, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}


def encoded(text: Text) -> list[bytes] | Iterator[bytes]:
    """The body of an answer of JSON text: in one piece, or in many that are made while they are sent."""
    return [text.encode()] if isinstance(text, str) else map(str.encode, text)


def send(start: StartResponse, status: HTTPStatus, headers: Mapping[str, str], text: Text | None) -> Iterable[bytes]:
    """Answer a request by WSGI alone (PEP 3333); a body in one piece has its length in the headers."""
    # As Werkzeug spells it.
    line = f"{status.value} {status.phrase.upper()}"
    if text is None:
        start(line, list(headers.items()))
        return []
    body = encoded(text)
    length = [("Content-Length", str(len(body[0])))] if isinstance(body, list) else []
    start(line, [*headers.items(), *length])
    return body


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
