"""The SCIM errors: an HTTP status, a scimType and one sentence for the client's administrator (RFC 7644 §3.12)."""

import re
from http import HTTPStatus
from typing import ClassVar

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def sendable(text: str) -> str:
    """A client's text without the characters that JSON in UTF-8 or the databases cannot hold."""
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class ScimError(Exception):
    """A request that is refused. `detail` is the one sentence an administrator reads in Entra's or Okta's log, `hint` a
    key of `scim.hints.HINTS`; `headers` are further ones of the answer, `status` replaces that of the class."""

    status: int = HTTPStatus.BAD_REQUEST
    scim_type: ClassVar[str | None] = None

    def __init_subclass__(cls, status: int | None = None, scim_type: str | None = None) -> None:
        """Take the status and scimType of a class from its first line; it inherits the others."""
        cls.status, cls.scim_type = status or cls.status, scim_type or cls.scim_type

    def __init__(
        self, detail: str, *, status: int | None = None, hint: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = sendable(detail)
        self.hint = hint
        self.headers = headers or {}
        self.status = status or self.status


class InvalidFilter(ScimError, scim_type="invalidFilter"):
    """A filter, or the part of a PATCH path between brackets, is malformed or compares what cannot be compared."""


class TooMany(ScimError, scim_type="tooMany"):
    """The query would cost more than the server is willing to spend."""


class InvalidSyntax(ScimError, scim_type="invalidSyntax"):
    """The body is not the JSON object, or not the message, that the endpoint expects."""


class InvalidPath(ScimError, scim_type="invalidPath"):
    """The path of a PATCH operation is malformed or names an unknown attribute."""


class NoTarget(ScimError, scim_type="noTarget"):
    """The path of a PATCH operation selects nothing that could be changed."""


class InvalidValue(ScimError, scim_type="invalidValue"):
    """A value is missing, of the wrong type, or against a rule of its attribute."""


class Mutability(ScimError, scim_type="mutability"):
    """The operation would change what clients cannot change."""


class InvalidVers(ScimError, scim_type="invalidVers"):
    """The URL names a SCIM version other than 2."""


class InvalidCursor(ScimError, scim_type="invalidCursor"):
    """The cursor was not issued for this query (RFC 9865 §2.1)."""


class ExpiredCursor(ScimError, scim_type="expiredCursor"):
    """The cursor was issued too long ago (RFC 9865 §2.1)."""


class InvalidCount(ScimError, scim_type="invalidCount"):
    """The count cannot be served with this cursor (RFC 9865 §2.1)."""


class Unauthorized(ScimError, status=HTTPStatus.UNAUTHORIZED):
    """No token, or not one of this tenant's."""


class Forbidden(ScimError, status=HTTPStatus.FORBIDDEN):
    """The token is valid but may not do this."""


class NotFound(ScimError, status=HTTPStatus.NOT_FOUND):
    """There is no such resource or endpoint in this tenant."""


class MethodNotAllowed(ScimError, status=HTTPStatus.METHOD_NOT_ALLOWED):
    """The endpoint does not answer this method."""


class Uniqueness(ScimError, status=HTTPStatus.CONFLICT, scim_type="uniqueness"):
    """Another resource of the tenant already has a value that must be unique."""


class PreconditionFailed(ScimError, status=HTTPStatus.PRECONDITION_FAILED):
    """The resource is not at the version that If-Match or If-None-Match asks for (RFC 7644 §3.14)."""


class TooLarge(ScimError, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
    """The body, or a bulk job, is over the server's limit."""


class UnsupportedMediaType(ScimError, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE):
    """The body is neither application/scim+json nor application/json in UTF-8."""


class TooManyRequests(ScimError, status=HTTPStatus.TOO_MANY_REQUESTS):
    """The client must wait before its next request."""


class Unavailable(ScimError, status=HTTPStatus.SERVICE_UNAVAILABLE):
    """The database cannot take the request now; the client may repeat it unchanged."""
