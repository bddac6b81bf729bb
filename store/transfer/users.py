"""Users from a file, many at a time: checked like POST bodies, and inserted in sets."""

import json
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scim import compare
from scim.changes import differences
from scim.document import Document
from scim.envelopes import member
from scim.errors import InvalidValue
from scim.schemas import ENTERPRISE_USER
from scim.validation import load, with_defaults
from store.database.statements import parameter
from store.database.transactions import now
from store.database.write import Write
from store.filters.indexable import MANAGER
from store.resources import columns
from store.resources.users import Users
from store.resources.writing import Changes
from store.tables import Resource
from store.transfer.references import USER, Found, Reference, References

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Problem(NamedTuple):
    """Why a line, or a part of it, was refused: the number of the line and one sentence."""

    line: int
    detail: str


class UserLine(NamedTuple):
    """A line that describes a user: its number, the id in the file, the document, its row, and the manager."""

    line: int
    id: str | None
    document: Document
    columns: dict[str, Any]
    manager: Reference | None


class ManagerLink(NamedTuple):
    """A manager that was not there yet: the line, the key of the user, and how the line names the manager."""

    line: int
    user: int
    manager: Reference


@dataclass(slots=True)
class Outcome:
    """The result of some lines: how many users and groups are new, and which links have to be made later."""

    users: int = 0
    groups: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    links: list[Any] = field(default_factory=list)


def kept_ids(type: str, ids: Iterable[str | None], references: References) -> set[str]:
    """Which ids of a file are kept: UUIDs, since ids are parts of URLs, that no resource of another tenant or type has
    (RFC 7643 §3.1)."""
    proper = {id for id in ids if id is not None and _UUID.fullmatch(id)}
    return proper - references.taken(type, proper)


def refuse_difference(what: str, before: str, after: Document) -> None:
    """Raise InvalidValue if a line differs from the existing resource."""
    changed = [change["attribute"] for change in differences(json.loads(before), after)]
    if changed:
        raise InvalidValue(
            f"{what} already exists and differs in {', '.join(changed[:5])}: an import only adds resources."
        )


class ImportUsers:
    """The users of one tenant, as an import adds to them."""

    def __init__(self, users: Users, references: References) -> None:
        self.users = users
        self._references = references

    def read(self, line: int, body: Any) -> UserLine:
        """A line, checked. Raises what a POST with this body would raise."""
        users = self.users
        after = with_defaults(users.type, load(users.type, body).document)
        manager = after.get(ENTERPRISE_USER, {}).get("manager", {}).get("value")
        checked = columns.stored(after)
        users.check_complete(checked)
        id = member(body, "id")
        reference = None if manager is None else Reference(manager, USER)
        derived = columns.derived(users.tenant.profile.preset, users.type, checked)
        return UserLine(line, id if isinstance(id, str) else None, checked, derived, reference)

    def add(self, write: Write, users: Sequence[UserLine]) -> Outcome:
        """Insert the users that are not there yet; the others are compared and never changed."""
        batch = _Batch(self._references, users)
        keys = self.users.database.dialect.new_keys("resource", len(users))
        for user, pk in zip(users, keys, strict=True):
            try:
                batch.add(user, pk)
            except InvalidValue as error:
                batch.outcome.problems.append(Problem(user.line, error.detail))
        self._insert_all(write, batch.fresh)
        return batch.outcome

    def _insert_all(self, write: Write, fresh: Sequence["_New"]) -> None:
        time = now()
        rows = [
            user.columns | {"pk": found.pk, "id": found.id, "manager": found.manager, "created": time, "modified": time}
            for user, found, _ in fresh
        ]
        self.users.rows.insert_all(write, rows, {found.pk: user.document for user, found, _ in fresh})
        for user, found, manager in fresh:
            changes = differences({}, user.document)
            changes += [] if manager is None else [_manager_change(manager.id)]
            self._enter(write, 201, found.id, user.columns["display"], changes)

    def _enter(self, write: Write, status: int, id: str, name: str, changes: Changes) -> None:
        """Enter the change of one user in the log, so that each is found there."""
        call = self.users.call.about(USER, id, name)
        self.users.log.record(write, call, status, changes)

    def link(self, write: Write, links: Sequence[ManagerLink]) -> Outcome:
        """Set the managers of users that have none yet."""
        outcome, linked = Outcome(), list[dict[str, Any]]()
        managers = self._references.resolve(link.manager for link in links)
        present = self._present([link.user for link in links])
        for link in links:
            if link.user not in present:
                # The user was deleted since its line was read.
                continue
            found, (id, display, manager) = managers.get(link.manager), present[link.user]
            if found is None:
                detail = f'The user has no manager: there is no user with the id or name "{link.manager.value[:200]}".'
                outcome.problems.append(Problem(link.line, detail))
            elif manager is None:
                linked.append({"pk": link.user, "manager": found.pk})
                present[link.user][-1] = found.pk
                self._enter(write, 200, id, display, [_manager_change(found.id)])
            elif manager != found.pk:
                outcome.problems.append(Problem(link.line, "The user has another manager, which was kept."))
        self.users.rows.update_each(linked)
        return outcome

    def _present(self, pks: Sequence[int]) -> dict[int, list[Any]]:
        """Id, display and manager of the users with these keys, which are locked: no other write sets a manager."""
        dialect = self.users.database.dialect
        shown = (Resource.pk, Resource.id, Resource.display, Resource.manager)
        query = Resource.select(*shown).where(dialect.one_of(Resource.pk, parameter("pks"))).order_by(Resource.pk)
        statement = self.users.database.statement("users to link", lambda: dialect.for_update(query))
        return {pk: shown for pk, *shown in statement(pks=dialect.list_of(pks)).fetchall()}


def _manager_change(id: str) -> dict[str, Any]:
    return {"attribute": f"{MANAGER}.value", "after": id}


_New = tuple[UserLine, Found, Found | None]
"""A user that is not there yet: the line, the new row, and the manager if the row can refer to one."""


class _Batch:
    """Some lines, added one by one; what they are compared with is read in one step."""

    def __init__(self, references: References, users: Sequence[UserLine]) -> None:
        self.outcome = Outcome()
        self._references = references
        self.fresh: list[_New] = []
        self._by_key: dict[tuple[str, str | None], Found] = {}
        self._managers = references.resolve(user.manager for user in users if user.manager is not None)
        self._kept_ids = kept_ids(USER, (user.id for user in users), references)
        ids = [references.id_here(USER, user.id) for user in users if user.id is not None]
        names = [user.columns["name_key"] for user in users]
        emails = [user.columns["identifier_key"] for user in users]
        for column, values in (("id", ids), ("name_key", names), ("identifier_key", emails)):
            for found in references.rows(USER, column, values):
                self._note(found)

    def add(self, user: UserLine, pk: int) -> None:
        """Add a line; a new user gets this key. Raises InvalidValue."""
        found = self._same(user)
        if found is None:
            self._add_new(user, pk)
            return
        refuse_difference(f"The user {user.columns['display']}", found.document, json.loads(user.columns["document"]))
        self.outcome.unchanged += 1
        self._remember(user, found)
        manager = self._manager(user)
        if user.manager is not None and (manager is None or manager.pk != found.manager):
            self.outcome.links.append(ManagerLink(user.line, found.pk, user.manager))

    def _add_new(self, user: UserLine, pk: int) -> None:
        manager = self._manager(user)
        # A row can only refer to rows that were inserted before; other managers are linked at the end.
        linked = manager if manager is not None and manager.pk < pk else None
        if user.manager is not None and linked is None:
            self.outcome.links.append(ManagerLink(user.line, pk, user.manager))
        id = user.id if user.id in self._kept_ids else None
        names = (user.columns["name_key"], user.columns["identifier_key"])
        found = Found(pk, id or str(uuid.uuid4()), *names, user.columns["document"], linked and linked.pk)
        self._note(found)
        self._remember(user, found)
        self.fresh.append((user, found, linked))
        self.outcome.users += 1

    def _same(self, user: UserLine) -> Found | None:
        """The existing user with the line's id, userName or work e-mail. Raises InvalidValue if there are several."""
        wanted = [("id", user.id), *((column, user.columns[column]) for column in ("name_key", "identifier_key"))]
        found = {
            self._by_key[key].pk: self._by_key[key] for key in wanted if key[1] is not None and key in self._by_key
        }
        if len(found) > 1:
            ids = " and ".join(each.id for each in found.values())
            raise InvalidValue(f"The line has the id, userName or work e-mail of more than one user: {ids}.")
        return next(iter(found.values()), None)

    def _manager(self, user: UserLine) -> Found | None:
        """The manager, if it is known by now."""
        if user.manager is None:
            return None
        value = user.manager.value
        keys = (("id", value), ("name_key", compare.user_name(value)), ("identifier_key", compare.email(value)))
        return self._managers.get(user.manager) or next((self._by_key[k] for k in keys if k in self._by_key), None)

    def _note(self, found: Found) -> None:
        for column in ("id", "name_key", "identifier_key"):
            self._by_key[column, getattr(found, column)] = found

    def _remember(self, user: UserLine, found: Found) -> None:
        """Remember the id that later lines may refer to, if the user has another one here."""
        if user.id is not None and user.id != found.id:
            self._references.remember(USER, user.id, found.id)
            self._by_key["id", user.id] = found
