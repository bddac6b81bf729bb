"""Cursors: the place where a page ends, signed, so that the server stores nothing (RFC 9865).

A cursor holds the position of the page's edge in the order of the query. It grants no access: every page is authorized
like any other request. It is bound to tenant, filter and order, so it is valid for no other query.
"""

import base64
import hashlib
import hmac
import json
import math
from dataclasses import dataclass
from typing import Any

from scim.errors import ExpiredCursor, InvalidCount, InvalidCursor

TIMEOUT = 3_600
"""The seconds for which a cursor is valid at least (RFC 9865 §4, cursorTimeout)."""

_SIGNATURE = 16


@dataclass(frozen=True, slots=True)
class Position:
    """The edge of a page: the sort keys and the tie-breaker of the resource there, and the direction of the next page.
    `inclusive`: the next page holds this resource too, as it does when it goes back from the end of the list."""

    values: tuple[Any, ...]
    backwards: bool
    count: int
    inclusive: bool = False


def encode(secret: bytes, query: str, position: Position, now: float) -> str:
    """The cursor of a position, in characters that need no escape in a URL (RFC 9865 §2). `query` is what the cursor is
    bound to, `now` the time in seconds."""
    expires = math.ceil(now) + TIMEOUT
    way = position.backwards + 2 * position.inclusive
    content = json.dumps([position.values, way, position.count, expires])
    signed = _signature(secret, query, content.encode()) + content.encode()
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def decode(secret: bytes, query: str, cursor: str, count: int, now: float) -> Position:
    """The position that a cursor stands for. Raises InvalidCursor unless this server made it for this query,
    ExpiredCursor, or InvalidCount if the page size is another one."""
    try:
        signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        signed = b""
    signature, content = signed[:_SIGNATURE], signed[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(secret, query, content)):
        raise InvalidCursor("The cursor does not belong to this query: start again with an empty cursor.")
    values, way, first_count, expires = json.loads(content)
    if expires < now:
        raise ExpiredCursor("The cursor has expired: start again with an empty cursor.")
    if first_count != count:
        raise InvalidCount(f"The cursor belongs to pages of {first_count} resources: keep count as it was.")
    return Position(tuple(values), bool(way & 1), first_count, bool(way & 2))


def _signature(secret: bytes, query: str, content: bytes) -> bytes:
    message = hashlib.sha256(query.encode()).digest() + content
    return hmac.new(secret, message, hashlib.sha256).digest()[:_SIGNATURE]
