"""The columns of a resource's row that are derived from its document, as one table. Nothing here reads the database."""

from collections.abc import Callable, Set
from typing import Any, NamedTuple

from scim import compare, identity, keys
from scim.attributes import ResourceType
from scim.document import Document, canonical, dumps
from scim.errors import InvalidValue
from scim.preset import Preset
from scim.schemas import ENTERPRISE_USER
from store.filters.indexable import CUT

MAX_KEY_BYTES = 2_600
"""The longest comparison key that a unique index accepts, in bytes: Postgres refuses index rows of more than 2,704."""


class _Subject(NamedTuple):
    """What columns are derived from: the stored document, and the same with comparison keys as values."""

    preset: Preset
    document: Document
    keys: Document
    display: str


class Column(NamedTuple):
    """A column, the attributes that it depends on (if empty, all of them), and its value."""

    name: str
    depends_on: frozenset[str]
    value: Callable[[_Subject], Any]


class Unique(NamedTuple):
    """A column that is unique in a tenant.

    `index_part` is part of the name of its index, `label` names the value in messages, `value` reads it from a
    document, `advice` is added to a refusal.
    """

    column: str
    index_part: str
    label: str
    value: Callable[[Preset, Document], Any]
    advice: str


def _key(attribute: str) -> Callable[[_Subject], Any]:
    return lambda subject: subject.keys.get(attribute)


def _cut_name(part: str) -> Callable[[_Subject], Any]:
    def value(subject: _Subject) -> Any:
        key = subject.keys.get("name", {}).get(part)
        return key and key[:CUT]

    return value


def identifier_key(preset: Preset, document: Document) -> str | None:
    """The comparison key of the work e-mail that identifies a user; None if the preset or the user has none."""
    email = identity.identifier(preset, document)
    return None if email is None else compare.email(email)


def display(document: Document) -> str:
    """The name that a reference to the resource shows: its displayName, else the parts of `name`, else the userName."""
    name = document.get("name", {})
    parts = [name[part] for part in ("givenName", "familyName") if part in name]
    shown = document.get("displayName") or " ".join(parts) or name.get("formatted") or document.get("userName")
    return str(shown or "")


_SHOWN = frozenset({"displayName", "name", "userName"})
_ALL = frozenset[str]()
_COMMON = (
    Column("document", _ALL, lambda subject: dumps(subject.document)),
    Column("keys", _ALL, lambda subject: dumps(subject.keys)),
    Column("display", _SHOWN, lambda subject: subject.display),
    Column("display_key", _SHOWN, lambda subject: compare.folded(subject.display)),
    Column("external_key", frozenset({"externalId"}), _key("externalId")),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "User": (
        *_COMMON,
        Column(
            "identifier_key", frozenset({"emails"}), lambda subject: identifier_key(subject.preset, subject.document)
        ),
        Column("name_key", frozenset({"userName"}), _key("userName")),
        Column("given_key", frozenset({"name"}), _cut_name("givenName")),
        Column("family_key", frozenset({"name"}), _cut_name("familyName")),
        Column("active", frozenset({"active"}), _key("active")),
    ),
    "Group": (*_COMMON, Column("name_key", frozenset({"displayName"}), _key("displayName"))),
}
"""By resource type. Each column in an UPDATE costs work on its index, so an UPDATE sets only the columns that depend on
what changed."""

UNIQUE: dict[str, tuple[Unique, ...]] = {
    "User": (
        Unique(
            "identifier_key", "identifier", "work e-mail", identity.identifier,
            ' To link that user, match on emails[type eq "work"].value first.',
        ),
        Unique("name_key", "name", "userName", lambda _, document: document.get("userName"), ""),
    ),
    "Group": (
        Unique(
            "name_key", "name", "displayName", lambda _, document: document.get("displayName"),
            " Group names are unique here: rename one of the two, or match on externalId first.",
        ),
    ),
}  # fmt: skip
"""By resource type. The message of a violation is searched for the names of the indexes in this order."""


def stored(document: Document) -> Document:
    """The document without what is stored elsewhere: members are rows, and the manager is a column."""
    kept = {name: value for name, value in document.items() if name != "members"}
    extension = kept.get(ENTERPRISE_USER)
    if extension is None or "manager" not in extension:
        return kept
    rest = {name: value for name, value in extension.items() if name != "manager"}
    del kept[ENTERPRISE_USER]
    return kept | {ENTERPRISE_USER: rest} if rest else kept


def derived(preset: Preset, type: ResourceType, document: Document, changed: Set[str] | None = None) -> dict[str, Any]:
    """The columns that are derived from a document; with `changed`, only those that depend on these attributes.

    Raises InvalidValue if the key of a unique column is too long for its index.
    """
    kept = canonical(type, stored(document))
    subject = _Subject(preset, kept, keys.keys(type.attributes, kept), display(kept))
    found = {
        column.name: column.value(subject)
        for column in COLUMNS[type.name]
        if changed is None or not column.depends_on or not column.depends_on.isdisjoint(changed)
    }
    for unique in UNIQUE[type.name]:
        key = found.get(unique.column)
        if key is not None and len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidValue(f"The {unique.label} is too long to be compared.")
    return found
