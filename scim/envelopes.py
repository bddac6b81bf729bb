"""The envelopes of messages: their URNs, how they are made and how they are read (RFC 7644 §3.1, §3.12, §8.2)."""

from typing import Any

from scim.errors import InvalidSyntax, ScimError

_MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"

LIST_RESPONSE = f"{_MESSAGES}ListResponse"
SEARCH_REQUEST = f"{_MESSAGES}SearchRequest"
PATCH_OP = f"{_MESSAGES}PatchOp"
BULK_REQUEST = f"{_MESSAGES}BulkRequest"
BULK_RESPONSE = f"{_MESSAGES}BulkResponse"
ERROR = f"{_MESSAGES}Error"


def error_body(error: ScimError) -> dict[str, Any]:
    """The body of an error response; the status is text (RFC 7644 §3.12)."""
    body: dict[str, Any] = {"schemas": [ERROR], "status": str(int(error.status))}
    if error.scim_type is not None:
        body["scimType"] = error.scim_type
    return body | {"detail": error.detail}


def list_response(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """All these resources in one page (RFC 7644 §3.4.2)."""
    count = len(resources)
    page = {"totalResults": count, "startIndex": 1, "itemsPerPage": count, "Resources": resources}
    return {"schemas": [LIST_RESPONSE], **page}


def check_message(body: object, urn: str) -> dict[str, Any]:
    """The body, if it is a message with this URN. Raises InvalidSyntax for a body that is not an object, has a key
    twice, or names another message in `schemas`."""
    name = urn.rpartition(":")[2]
    if not isinstance(body, dict):
        raise InvalidSyntax(f"The body must be a JSON object, a {name} message.")
    refuse_repeated_keys(body)
    given = member(body, "schemas")
    # Okta and others leave `schemas` out; null and [] mean the same (RFC 7643 §2.5).
    if given is None or given == []:
        return body
    # One value in place of a list counts as a list of one, as in resources.
    urns = given if isinstance(given, list) else [given]
    if urn.lower() not in (item.lower() for item in urns if isinstance(item, str)):
        raise InvalidSyntax(f'The schemas of a {name} message must hold "{urn}".')
    return body


def member(body: dict[str, Any], name: str) -> Any:
    """The value of a member, its name in any letter case; None if there is none (RFC 7643 §2.1)."""
    if name in body:
        return body[name]
    lowered = name.lower()
    return next((value for key, value in body.items() if key.lower() == lowered), None)


def refuse_repeated_keys(body: dict[str, Any]) -> None:
    """Refuse a body with two keys that differ only in case. Raises InvalidSyntax."""
    seen: set[str] = set()
    for key in body:
        if key.lower() in seen:
            raise InvalidSyntax(f'The key "{key[:200]}" is given more than once.')
        seen.add(key.lower())
