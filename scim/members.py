"""Changes of a group's members, which are rows in the database and not part of the document (RFC 7644 §3.5.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from scim.binding import Bound
from scim.document import Document
from scim.errors import InvalidValue, Mutability, NoTarget
from scim.operations import ABSENT, Operation
from scim.patch import describe


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A change of a group's members in normal form. It is of the members with `ids`; if that is None, of those that
    `filter` selects; without a filter, of all."""

    op: str
    ids: tuple[str, ...] | None = None
    filter: Bound | None = None


def member_changes(operations: Iterable[Operation]) -> tuple[list[MemberChange], list[Operation]]:
    """The operations on `members`, which change rows, and the others, which change the document; both in order."""
    changes: list[MemberChange] = []
    rest: list[Operation] = []
    for operation in operations:
        if operation.target.attributes[0].name == "members":
            changes.append(_member_change(operation))
        else:
            rest.append(operation)
    return changes, rest


def _member_change(operation: Operation) -> MemberChange:
    if operation.filter is None:
        return MemberChange(operation.op, None if operation.value is ABSENT else member_ids(operation.value))
    if operation.op == "remove":
        return MemberChange("remove", _pinned(operation.filter), operation.filter)
    # The sub-attributes of a member are immutable, so a value path can only name a member to add.
    described: Document = {}
    if not describe(operation.filter, described) or "value" not in described:
        raise NoTarget('Members are added by their id: use the path members and the value [{"value": "id"}].')
    if (operation.value or {}).get("value", described["value"]) != described["value"]:
        raise Mutability("members.value is immutable: remove the member and add the other one.")
    return MemberChange("add", (described["value"],))


def _pinned(condition: Bound) -> tuple[str, ...] | None:
    """The id in the filter `value eq "id"`; None for any other filter."""
    described: Document = {}
    return (described["value"],) if describe(condition, described) and list(described) == ["value"] else None


def member_ids(members: list[Document] | None) -> tuple[str, ...]:
    """The ids in a list of members, each once, in order. Raises InvalidValue for a member without an id."""
    ids = dict.fromkeys(member.get("value") for member in members or [])
    if None in ids:
        raise InvalidValue('Each member needs a value: the id of a user or group, as in {"value": "id"}.')
    return tuple(str(id) for id in ids)
