"""The identifier of a user: the work e-mail of the preset `360learning`, which a client cannot change."""

from dataclasses import dataclass

from scim.compare import email, folded
from scim.document import Document
from scim.errors import InvalidValue
from scim.preset import Preset


def missing() -> InvalidValue:
    """The refusal of a user without a work e-mail."""
    remedy = 'in Entra, map mail to emails[type eq "work"].value and give the user a mail address'
    return InvalidValue(f"A work e-mail is required, since it identifies the user: {remedy}.", hint="no work e-mail")


@dataclass(frozen=True, slots=True)
class Kept:
    """A document whose identifier is what it was. `offered`: the other address that the client wanted, if any.
    `confirmed`: the client named the stored address."""

    document: Document
    offered: str | None = None
    confirmed: bool = False


def identifier(preset: Preset, document: Document) -> str | None:
    """The work e-mail that identifies the user, None where the preset does not use it or the user has none. It is the
    value of the e-mail of type work, in any letter case; of several, of the primary one, else of the first."""
    own = _identifying(preset, document)
    return None if own is None else str(own["value"])


def _identifying(preset: Preset, document: Document) -> Document | None:
    return _work_email(document.get("emails", [])) if preset.email_identifies else None


def readdressed(preset: Preset, document: Document, address: str) -> Document:
    """The document with another work e-mail in place of the one that identifies the user. Other work e-mails with the
    same address are removed, so that it is listed once. Raises LookupError where the user has no work e-mail."""
    own = _identifying(preset, document)
    if own is None:
        raise LookupError("the user has no work e-mail that identifies it")
    others = [e for e in document["emails"] if e is own or not _is_work(e) or not _has_address(e, address)]
    return document | {"emails": [e | {"value": address} if e is own else e for e in others]}


def keep_identifier(preset: Preset, before: Document, after: Document) -> Kept:
    """`after` with the work e-mail of `before`, everything else as the client wants it (docs/entra.md). A change of
    letter case does not change the identity and is applied. A client that removes the address, changes its type or
    offers another one must not fail: a leaver's `active: false` is part of the same PATCH."""
    own, offered = _identifying(preset, before), identifier(preset, after)
    if own is None:
        return Kept(after)
    if offered is not None and email(offered) == email(own["value"]):
        return Kept(after, confirmed=True)
    emails = [dict(element) for element in after.get("emails", [])]
    return Kept(after | {"emails": _restored(emails, own, before["emails"].index(own))}, offered)


def _restored(emails: list[Document], own: Document, position: int) -> list[Document]:
    """The list in which the person's own work e-mail is the one that identifies."""
    same = [element for element in emails if _has_address(element, own["value"])]
    outranked = next((element for element in same if _is_work(element)), None)
    chosen = _work_email(emails)
    if outranked is not None and chosen is not None:
        if chosen.pop("primary", None):
            outranked["primary"] = True
    elif chosen is not None:
        chosen["value"] = own["value"]
    elif same:
        same[0]["type"] = own["type"]
    elif (emptied := next((e for e in emails if _is_work(e) and not e.get("value")), None)) is not None:
        emptied["value"] = own["value"]
    else:
        taken = any(element.get("primary") for element in emails)
        emails.insert(min(position, len(emails)), {k: v for k, v in own.items() if k != "primary" or not taken})
    return _first_among_equals(emails, own)


def _first_among_equals(emails: list[Document], own: Document) -> list[Document]:
    """The list with the own address before other work e-mails, where no primary decides between them."""
    chosen = _work_email(emails)
    if chosen is None or _has_address(chosen, own["value"]):
        return emails
    first = next(element for element in emails if _has_address(element, own["value"]))
    return [first, *(element for element in emails if element is not first)]


def _work_email(emails: list[Document]) -> Document | None:
    """The e-mail that identifies its user."""
    work = [element for element in emails if element.get("value") and _is_work(element)]
    return next((element for element in work if element.get("primary") is True), work[0] if work else None)


def _is_work(element: Document) -> bool:
    return folded(element.get("type", "")) == "work"


def _has_address(element: Document, address: str) -> bool:
    return email(element.get("value", "")) == email(address)
