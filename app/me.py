"""/Me: a token stands for a client, not for one of the users (RFC 7644 §3.11)."""

from http import HTTPStatus
from typing import NoReturn

from flask import Blueprint

from scim.errors import ScimError

me = Blueprint("me", __name__)


@me.route("/Me", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def refuse() -> NoReturn:
    """Answer 501, as RFC 7644 §3.11 demands of a server without /Me."""
    raise ScimError(
        "The token belongs to a client, not to a user, so there is no /Me.", status=HTTPStatus.NOT_IMPLEMENTED
    )
