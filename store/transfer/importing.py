"""Imports users and groups from a file into a tenant: one SCIM resource on each line, many lines a transaction.

An import adds resources and never changes existing ones, which it compares. An interrupted import is finished by
running it again.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import peewee

from scim.errors import InvalidSyntax, ScimError
from scim.schemas import CORE_GROUP
from scim.types import json_type_name
from store.database.transactions import Database
from store.database.write import Write
from store.resources.groups import Groups
from store.resources.reading import Reading, current
from store.resources.users import Users
from store.tenants.log import Call
from store.tenants.tenants import Tenant
from store.transfer.groups import GroupLine, GroupLink, ImportGroups
from store.transfer.references import References
from store.transfer.users import ImportUsers, ManagerLink, Outcome, Problem, UserLine

Item = TypeVar("Item")

BATCH_LINES, BATCH_BYTES = 1_000, 4_000_000
"""How much a transaction writes at most."""

ATTEMPTS = 3
"""How often a batch is tried if another transaction takes a name meanwhile."""


class Import:
    """An import into one tenant. `totals` counts its results.

    `parse` returns the value of a line's JSON text, or raises ScimError.
    """

    def __init__(self, database: Database, tenant: Tenant, endpoint_url: str, parse: Callable[[str], Any]) -> None:
        self._database = database
        self._parse = parse
        references = References(database, tenant)
        self._users = ImportUsers(Users(database, tenant, endpoint_url, _call("User")), references)
        self._groups = ImportGroups(Groups(database, tenant, endpoint_url, _call("Group")), references)
        self._manager_links: list[ManagerLink] = []
        self._group_links: list[GroupLink] = []
        self.totals = {"users": 0, "groups": 0, "unchanged": 0, "refused": 0}

    def run(self, lines: Iterable[bytes]) -> Iterator[list[Problem]]:
        """Import the lines; yields after each transaction which of them were refused.

        References to later lines are resolved at the end. Raises Unavailable if the database is not available; what was
        written by then stays.
        """
        numbered, doubled = enumerate(lines, 1), BATCH_LINES
        while batch := _batch(numbered):
            yield self._settled(*self._add(batch))
            if self.totals["users"] + self.totals["groups"] >= doubled:
                doubled *= 2
                self._database.write(lambda _: self._database.dialect.analyze("resource", "membership", "lookup"))
        for managers in _chunks(self._manager_links):
            yield self._settled(self._write(self._users.users, self._users.link, managers))
        for members in _chunks(self._group_links):
            yield self._settled(self._write(self._groups.groups, self._groups.link, members))

    def _settled(self, *outcomes: Outcome) -> list[Problem]:
        """Count the outcomes of a transaction; returns the problems in the order of lines."""
        for outcome in outcomes:
            for name in ("users", "groups", "unchanged"):
                self.totals[name] += getattr(outcome, name)
            self.totals["refused"] += len(outcome.problems)
        return sorted(problem for outcome in outcomes for problem in outcome.problems)

    def _add(self, batch: Sequence[tuple[int, bytes]]) -> tuple[Outcome, ...]:
        """Check and write some lines: the users in one transaction, then the groups in another."""
        unread, users, groups = self._checked(batch)
        added_users = self._write(self._users.users, self._users.add, users)
        self._manager_links += added_users.links
        added_groups = self._write(self._groups.groups, self._groups.add, groups)
        self._group_links += added_groups.links
        return unread, added_users, added_groups

    def _checked(self, batch: Sequence[tuple[int, bytes]]) -> tuple[Outcome, list[UserLine], list[GroupLine]]:
        """The problems, the users and the groups of some lines."""
        unread, users, groups = Outcome(), list[UserLine](), list[GroupLine]()
        for number, line in batch:
            try:
                read = self._read(number, line)
            except ScimError as error:
                unread.problems.append(Problem(number, error.detail))
                continue
            if isinstance(read, UserLine):
                users.append(read)
            elif read is not None:
                groups.append(read)
        return unread, users, groups

    def _write(self, resources: Reading, work: Callable[[Write, list[Item]], Outcome], items: list[Item]) -> Outcome:
        """Write some lines or links in one transaction, again if another one took a name while it ran."""
        if not items:
            return Outcome()
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(peewee.IntegrityError):
                return current([resources], lambda: self._database.write(lambda write: work(write, items)))
        return current([resources], lambda: self._database.write(lambda write: work(write, items)))

    def _read(self, number: int, line: bytes) -> UserLine | GroupLine | None:
        """A line, checked; None if it is blank. Raises ScimError."""
        if not line.strip():
            return None
        try:
            body = self._parse(line.decode())
        except UnicodeDecodeError as error:
            raise InvalidSyntax("The line is not UTF-8 text.") from error
        if not isinstance(body, dict):
            raise InvalidSyntax(f"The line must be a JSON object, a User or a Group, not {json_type_name(body)}.")
        schemas = body.get("schemas")
        named = [urn.lower() for urn in schemas if isinstance(urn, str)] if isinstance(schemas, list) else []
        return (self._groups if CORE_GROUP.lower() in named else self._users).read(number, body)


def _call(type: str) -> Call:
    return Call(operation="platform: import", client="command line", resource_type=type)


def _batch(numbered: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The next lines, as many as one transaction takes."""
    lines, size = [], 0
    for number, line in numbered:
        lines.append((number, line))
        size += len(line)
        if len(lines) == BATCH_LINES or size >= BATCH_BYTES:
            break
    return lines


def _chunks(links: list[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(links), BATCH_LINES):
        yield links[start : start + BATCH_LINES]
