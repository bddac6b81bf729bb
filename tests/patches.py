"""Operations of a PATCH and a user to apply them to, for the tests of scim."""

from typing import Any

from scim.operations import read_operations
from scim.patch import apply
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import ENTERPRISE_USER
from scim.types import TYPES
from scim.validation import check_required

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
RFC = profile(PRESETS["rfc"], [CustomField(f"{kind}Field", kind) for kind in TYPES])
ID = "2819c223"

WORK = {"type": "work", "value": "babs@work.example", "primary": True}
HOME = {"type": "home", "value": "babs@home.example"}
OTHER = {"type": "other", "value": "babs@other.example"}
NOTHING: tuple[Any, ...] = (None, "", [])
BARE: dict[str, Any] = {"userName": "babs"}
BABS: dict[str, Any] = BARE | {
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "title": "Guide",
    "active": True,
    "emails": [WORK, HOME],
    ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
}


def patched(document, *operations, resource_type=RFC.user):
    """The document after the operations, as the store applies them."""
    changed = apply(resource_type, document, read_operations(resource_type, [*operations], ID).operations)
    check_required(resource_type, changed)
    return changed


def op(name, path=None, *value):
    """An operation; without a value where none is given."""
    return {"op": name} | ({} if path is None else {"path": path}) | ({"value": value[0]} if value else {})


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}


def emails(*elements):
    return BABS | {"emails": [*elements]}
