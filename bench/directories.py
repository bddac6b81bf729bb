"""Which people and groups a measured directory has: everything follows from its size, so that requests can be made
without asking it.

The first users, the newcomers, belong to nobody's large group: they are listed, and joined to groups. The others are
the crowd; the large groups hold the first so many of them.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scim.schemas import ENTERPRISE_USER

NEWCOMERS = 1_000
LARGE = (10, 1_000, 100_000, 1_000_000)
"""How many members the large groups have, if the directory has as many users."""

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_GIVEN = ("Ada", "Björn", "Chloé", "Dai", "Émile", "Fatima", "Grace", "Hans", "Ines", "João")
_FAMILY = ("Lovelace", "Åberg", "Dupont", "Evans", "Zola", "Haddad", "Hopper", "Müller", "Silva", "Costa")


class Directory(NamedTuple):
    """A tenant of `size` people in the crowd. Users have numbers from 0 on; teams too, and behind them the large
    groups."""

    tenant: str
    size: int

    @property
    def users(self) -> int:
        """How many users there are."""
        return NEWCOMERS + self.size

    @property
    def teams(self) -> int:
        """How many small groups there are."""
        return max(10, self.size // 50)

    @property
    def large(self) -> tuple[int, ...]:
        """The sizes of the large groups."""
        return tuple(size for size in LARGE if size <= self.size)

    @property
    def groups_in_all(self) -> int:
        """How many groups there are, small and large."""
        return self.teams + len(self.large)

    def user_id(self, number: int) -> str:
        """The id of a user, which looks random."""
        return _id(f"{self.tenant} user {number}")

    def group_id(self, number: int) -> str:
        """The id of a group."""
        return _id(f"{self.tenant} group {number}")

    def large_id(self, size: int) -> str:
        """The id of the group with so many members."""
        return self.group_id(self.teams + self.large.index(size))

    def manager(self, number: int) -> int | None:
        """Half of the users have one."""
        return number // 2 if number % 2 else None

    def groups(self, number: int) -> list[int]:
        """0 to 3 groups: newcomers are in teams only; others are in at most two teams and in the largest group, which
        has all of them."""
        kinds = number % (4 if number < NEWCOMERS else 3)
        found = {(number * 7 + kind * (self.teams // 3 + 1)) % self.teams for kind in range(kinds)}
        held = [self.teams + place for place, size in enumerate(self.large) if 0 <= number - NEWCOMERS < size]
        return sorted(found) + held

    def resources(self) -> Iterator[dict[str, Any]]:
        """All users and groups as SCIM resources, in the form that `vestibule import` takes."""
        members: list[list[int]] = [[] for _ in range(self.groups_in_all)]
        for number in range(self.users):
            manager = self.manager(number)
            yield {"id": self.user_id(number)} | user_body(number, None if manager is None else self.user_id(manager))
            for group in self.groups(number):
                members[group].append(number)
        for group, numbers in enumerate(members):
            yield group_body(f"{self.tenant} group {group}", map(self.user_id, numbers)) | {"id": self.group_id(group)}


def _id(name: str) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(name.encode(), digest_size=16).digest(), version=4))


def user_name(number: int) -> str:
    """The userName of a user; of fixed width, so that a request can be made from another."""
    return f"user{number:010}@example.com"


def work_email(number: int) -> str:
    """The work e-mail of a user."""
    return f"mail{number:010}@example.com"


def external_id(number: int) -> str:
    """The externalId of a user, as Entra maps it: the mailNickname or the objectId."""
    return f"ext{number:010}"


def title(number: int) -> str:
    """The title of a user: one of a hundred."""
    return f"Engineer {number % 100:02}"


def user_body(number: int, manager: str | None = None) -> dict[str, Any]:
    """A user as Entra sends one."""
    kind = number % 100
    given, family = _GIVEN[kind % 10], _FAMILY[kind // 10]
    body: dict[str, Any] = {
        "schemas": [_USER, ENTERPRISE_USER],
        "userName": user_name(number),
        "externalId": external_id(number),
        "active": True,
        "name": {"givenName": given, "familyName": family, "formatted": f"{given} {family}"},
        "title": title(number),
        "preferredLanguage": "fr",
        "emails": [{"type": "work", "value": work_email(number), "primary": True}],
        "phoneNumbers": [{"type": "work", "value": "+33 1 99 00 12 34"}, {"type": "mobile", "value": "+33 6 39 98 00"}],
        "addresses": [
            {"type": "work", "formatted": "1 rue A", "locality": "Paris", "postalCode": "75002", "country": "FR"}
        ],
        ENTERPRISE_USER: {"employeeNumber": f"{number:010}", "department": f"Department {kind}"},
    }
    if manager is not None:
        body[ENTERPRISE_USER]["manager"] = {"value": manager}
    return body


def group_body(name: str, members: Iterable[str]) -> dict[str, Any]:
    """A group whose members came by SCIM."""
    listed = [{"value": id, "origin": "scim"} for id in members]
    return {"schemas": [_GROUP], "displayName": name, "externalId": name, "members": listed}
