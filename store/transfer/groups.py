"""Groups from a file: checked like POST bodies, with their parent and with members whose origin the file may give."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from scim.changes import differences
from scim.document import Document
from scim.envelopes import member
from scim.errors import InvalidValue
from scim.types import json_type_name
from scim.validation import check_required, load, with_defaults
from store.database.transactions import now
from store.database.write import Write
from store.platform.groups import PlatformGroups
from store.resources import columns
from store.resources.groups import Groups
from store.resources.members import MANUAL, SCIM, Memberships
from store.tenants.log import LISTED
from store.transfer.references import GROUP, Found, Reference, References
from store.transfer.users import Outcome, Problem, kept_ids, refuse_difference

MEMBERS_AT_ONCE = 5_000
"""How many members of a line are looked up and written together."""

_OWN_KEYS = frozenset({"members", "parent"})
_TYPES = {"user": "User", "group": GROUP}


class MemberLine(NamedTuple):
    """A member as a line names it, and where the membership came from."""

    reference: Reference
    origin: str


class GroupLine(NamedTuple):
    """A line that describes a group, or more members of one."""

    line: int
    id: str | None
    document: Document
    columns: dict[str, Any]
    members: list[MemberLine]
    parent: Reference | None


class GroupLink(NamedTuple):
    """The members and parent of a line that were not there yet."""

    line: int
    group: str
    members: list[MemberLine]
    parent: Reference | None


Line = TypeVar("Line", GroupLine, GroupLink)


class ImportGroups:
    """The groups of one tenant, as an import adds to them."""

    def __init__(self, groups: Groups, references: References) -> None:
        self.groups = groups
        self._references = references
        self._platform = PlatformGroups(groups)

    def read(self, line: int, body: dict[str, Any]) -> GroupLine:
        """A line, checked. Raises what a POST with this body would raise."""
        type = self.groups.type
        rest = {key: value for key, value in body.items() if key.lower() not in _OWN_KEYS}
        document = columns.stored(with_defaults(type, load(type, rest).document))
        check_required(type, document)
        id, parent = member(body, "id"), member(body, "parent")
        return GroupLine(
            line,
            id if isinstance(id, str) else None,
            document,
            columns.derived(self.groups.tenant.profile.preset, type, document),
            _members(member(body, "members")),
            None if parent is None else _reference("parent", parent, GROUP),
        )

    def add(self, write: Write, groups: Sequence[GroupLine]) -> Outcome:
        """Create the groups that are not there yet, and add the members that are, inside a transaction."""
        return self._each(write, groups, self._add)

    def link(self, write: Write, links: Sequence[GroupLink]) -> Outcome:
        """Add members and parents that were not there when their lines were written, inside a transaction."""
        return self._each(write, links, self._link)

    def _each(self, write: Write, lines: Sequence[Line], work: Callable[[Write, Line, Outcome], None]) -> Outcome:
        """Do the work for each line completely or not at all; the outcome tells which lines were refused."""
        outcome = Outcome()
        for each in lines:
            try:
                with write.part():
                    work(write, each, outcome)
            except InvalidValue as error:
                outcome.problems.append(Problem(each.line, error.detail))
        return outcome

    def _add(self, write: Write, group: GroupLine, outcome: Outcome) -> None:
        found = self._same(group)
        if found is not None:
            refuse_difference(f"The group {group.columns['display']}", found.document, group.document)
        id = self._created(write, group) if found is None else found.id
        if group.id is not None and group.id != id:
            self._references.remember(GROUP, group.id, id)
        grown, late = self._join(write, id, group.members, new=found is None)
        outcome.groups += found is None
        outcome.unchanged += found is not None and not grown
        if late or group.parent is not None:
            outcome.links.append(GroupLink(group.line, id, late, group.parent))

    def _same(self, group: GroupLine) -> Found | None:
        """The existing group with the line's id or name. Raises InvalidValue if these are two."""
        ids = [] if group.id is None else [self._references.id_here(GROUP, group.id)]
        named = self._references.rows(GROUP, "name_key", [group.columns["name_key"]])
        found = {each.pk: each for each in (*self._references.rows(GROUP, "id", ids), *named)}
        if len(found) > 1:
            raise InvalidValue("The line has the id of one group and the name of another.")
        return next(iter(found.values()), None)

    def _created(self, write: Write, group: GroupLine) -> str:
        """Create the group, without members yet; returns its id."""
        id, time = next(iter(kept_ids(GROUP, [group.id], self._references)), None) or str(uuid.uuid4()), now()
        self.groups.rows.insert(write, group.columns | {"id": id, "created": time, "modified": time}, group.document)
        return id

    def _join(
        self, write: Write, id: str, members: Sequence[MemberLine], *, new: bool
    ) -> tuple[bool, list[MemberLine]]:
        """Add the members that are known, to a group that is `new` itself or was there before.

        Returns whether any of them is new, and the members that are not known.
        """
        self.groups.call.resource = id
        row = self.groups.locked(id)
        changes, late = self._joined(self.groups.memberships(row.pk), members)
        document = self.groups.document(row)
        if new:
            self.groups.log.record(write, self.groups.call, 201, [*differences({}, document), *changes])
        elif changes:
            self.groups.store(write, row, document, document, row.links, changes)
        return bool(changes), late

    def _joined(
        self, memberships: Memberships, members: Sequence[MemberLine]
    ) -> tuple[list[dict[str, Any]], list[MemberLine]]:
        """Add the members that are known; returns the changes for the log, and the members that are not known.

        It works part by part, so that the rows of a million members are never in memory together.
        """
        count, first, late = 0, list[dict[str, Any]](), list[MemberLine]()
        for start in range(0, len(members), MEMBERS_AT_ONCE):
            part = members[start : start + MEMBERS_AT_ONCE]
            known = self._references.resolve(each.reference for each in part)
            late += [each for each in part if each.reference not in known]
            for origin in (SCIM, MANUAL):
                named = [known[each.reference].id for each in part if each.origin == origin and each.reference in known]
                memberships.add(list(dict.fromkeys(named)), origin)
            added = [member for change in memberships.changes for member in change["after"]]
            memberships.changes.clear()
            count += len(added)
            first += added[: LISTED - len(first)]
        shown = {"count": count, "first": first} if count > LISTED else first
        return [{"attribute": "members", "after": shown}] if count else [], late

    def _link(self, write: Write, link: GroupLink, outcome: Outcome) -> None:
        """Add the members and the parent that are there by now. Raises InvalidValue for a cycle."""
        _, late = self._join(write, link.group, link.members, new=False)
        missing = [each.reference.value[:100] for each in late]
        if link.parent is not None:
            parent = self._references.resolve([link.parent]).get(link.parent)
            if parent is None:
                missing.append(link.parent.value[:100])
            else:
                self._place(write, link.group, parent)
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            detail = f"The group {self.groups.call.name} lacks members or a parent that were not found: {shown}."
            outcome.problems.append(Problem(link.line, detail))

    def _place(self, write: Write, id: str, parent: Found) -> None:
        before = self._platform.parent_of(id)
        if before is not None and before != parent.id:
            raise InvalidValue(f"The group {self.groups.call.name} has another parent, which was kept.")
        if before is None:
            self._platform.set_parent_within(write, id, parent.id)


def _members(given: Any) -> list[MemberLine]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise InvalidValue(f"members must be a list, not {json_type_name(given)}.")
    return [_member(each) for each in given]


def _member(given: Any) -> MemberLine:
    reference = _reference("A member", given, None)
    origin = given.get("origin", MANUAL) if isinstance(given, dict) else MANUAL
    if origin not in (SCIM, MANUAL):
        raise InvalidValue(f"The origin of a member must be {SCIM} or {MANUAL}.")
    return MemberLine(reference, origin)


def _reference(what: str, given: Any, type: str | None) -> Reference:
    """An id or name, alone or as the value of an object, whose type distinguishes names of groups and of users."""
    value = given.get("value") if isinstance(given, dict) else given
    if not isinstance(value, str) or not value:
        raise InvalidValue(f'{what} must be an id or a name, as in {{"value": "id"}}.')
    named = given.get("type") if isinstance(given, dict) else None
    return Reference(value, type or (_TYPES.get(named.lower()) if isinstance(named, str) else None))
