"""The SCIM errors: an HTTP status, a scimType and one sentence for the client's administrator (RFC 7644 §3.12)."""

import re
from http import HTTPStatus
from typing import ClassVar

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def sendable(text: str) -> str:
    """A client's text without the characters that JSON in UTF-8 or the databases cannot hold."""
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class ScimError(Exception):
    """A request that is refused. `detail` is the one sentence an administrator reads in Entra's or Okta's log.

    `status` is the class's own unless another is given, `hint` is a key of `scim.hints.HINTS`, `headers` are those that
    the answer has besides.
    """

    status: int = HTTPStatus.BAD_REQUEST
    scim_type: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = sendable(detail)
        self.hint = hint
        self.headers = headers or {}
        if status is not None:
            self.status = status


class InvalidFilter(ScimError):
    """A filter, or the part of a PATCH path between brackets, is malformed or compares what cannot be compared."""

    scim_type = "invalidFilter"


class TooMany(ScimError):
    """The query would cost more than the server is willing to spend."""

    scim_type = "tooMany"


class InvalidSyntax(ScimError):
    """The body is not the JSON object, or not the message, that the endpoint expects."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """The path of a PATCH operation is malformed or names an unknown attribute."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """The path of a PATCH operation selects nothing that could be changed."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing, of the wrong type, or against a rule of its attribute."""

    scim_type = "invalidValue"


class Mutability(ScimError):
    """The operation would change what clients cannot change."""

    scim_type = "mutability"


class InvalidVers(ScimError):
    """The URL names a SCIM version other than 2."""

    scim_type = "invalidVers"


class InvalidCursor(ScimError):
    """The cursor was not issued for this query (RFC 9865 §2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """The cursor was issued too long ago (RFC 9865 §2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """The count cannot be served with this cursor (RFC 9865 §2.1)."""

    scim_type = "invalidCount"


class Unauthorized(ScimError):
    """No token, or not one of this tenant's."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(ScimError):
    """The token is valid but may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(ScimError):
    """There is no such resource or endpoint in this tenant."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(ScimError):
    """The endpoint does not answer this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Uniqueness(ScimError):
    """Another resource of the tenant already has a value that must be unique."""

    status = HTTPStatus.CONFLICT
    scim_type = "uniqueness"


class PreconditionFailed(ScimError):
    """The resource is not at the version that If-Match or If-None-Match asks for (RFC 7644 §3.14)."""

    status = HTTPStatus.PRECONDITION_FAILED


class TooLarge(ScimError):
    """The body, or a bulk job, is over the server's limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(ScimError):
    """The body is neither application/scim+json nor application/json in UTF-8."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooManyRequests(ScimError):
    """The client must wait before its next request."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NotImplementedHere(ScimError):
    """The protocol has this, but this server does not."""

    status = HTTPStatus.NOT_IMPLEMENTED


class Unavailable(ScimError):
    """The database cannot take the request now; the client may repeat it unchanged."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
