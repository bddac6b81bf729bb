"""What is measured under load: each scenario makes the raw requests of one round, and says what it may cost."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from bench.directories import LARGE, NEWCOMERS, Directory, external_id, user_body, user_name, work_email

PAGE = 100
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_STRIDE = 7_919
"""A prime: a round visits users all over the directory, none twice."""


class Budget(NamedTuple):
    """The most that a request may cost, in multiples of the bare WSGI application, without the database's share."""

    sqlite: float
    postgres: float


def raw_request(method: str, target: str, token: str, body: Any = None) -> bytes:
    """The bytes of a request; a body is sent as SCIM JSON."""
    lines = [
        f"{method} {target} HTTP/1.1", "Host: scim.example.com", f"Authorization: Bearer {token}",
        "Accept: application/scim+json", "User-Agent: bench",
    ]  # fmt: skip
    content = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        lines += ["Content-Type: application/scim+json; charset=utf-8", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Site(NamedTuple):
    """A served directory: its token, and cursors by the number of resources before the page."""

    directory: Directory
    token: str
    cursors: Mapping[int, str] = MappingProxyType({})

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """A raw request below the Endpoint URL."""
        return raw_request(method, f"/scim/{self.directory.tenant}/v2{path}", self.token, body)

    def patch(self, path: str, op: str, attribute: str, value: Any) -> bytes:
        """A raw PATCH of one operation, as Entra sends it."""
        operation = {"op": op, "path": attribute, "value": value}
        return self.request("PATCH", path, {"schemas": [PATCH_OP], "Operations": [operation]})

    def search(self, **parameters: Any) -> bytes:
        """A raw search for users."""
        asked = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
        return self.request("GET", f"/Users?{asked}")


Requests = Callable[[Site, int, int], list[bytes]]
"""Makes that many requests for a round; rounds count from 0."""


class Scenario(NamedTuple):
    """What is measured. If a `kind` should cost the same at several points, it is measured at each of them."""

    kind: str
    requests: Requests
    budget: Budget | None = None
    number: int = 1_000
    point: str = ""
    members: int = 0
    """How many members the group of the request has."""
    connections: int = 8
    flat: bool = True
    """Whether it must cost the same in a large directory as in a small one."""
    most_ms: float | None = None
    """The most milliseconds that one client may wait on SQLite."""

    @property
    def name(self) -> str:
        """The kind and the point."""
        return f"{self.kind}: {self.point}" if self.point else self.kind

    def fits(self, directory: Directory) -> bool:
        """Whether the directory has that group."""
        return self.members <= directory.size


def numbers(site: Site, round: int, count: int) -> list[int]:
    """Numbers of users, different in every round, spread over the directory."""
    size = site.directory.size
    return [NEWCOMERS + (round * count + index) * _STRIDE % size for index in range(count)]


def get_user(site: Site, round: int, count: int) -> list[bytes]:
    """One user by id."""
    return [site.request("GET", f"/Users/{site.directory.user_id(number)}") for number in numbers(site, round, count)]


def find_by(expression: str, value: Callable[[int], str]) -> Requests:
    """One user by a filter."""
    return lambda site, round, count: [
        site.search(filter=expression.format(value(number))) for number in numbers(site, round, count)
    ]


def find_nobody(site: Site, round: int, count: int) -> list[bytes]:
    """A filter that finds no user: Entra's Test Connection, and the start of every cycle."""
    return [site.search(filter=f'userName eq "{uuid4()}"') for _ in range(count)]


def list_users(site: Site, round: int, count: int) -> list[bytes]:
    """The first hundred users."""
    return [site.search(count=PAGE)] * count


def offset(directory: Directory, part: float) -> int:
    """How many users are before the page; 0.0 is the first page, 1.0 the last."""
    return int((directory.users - PAGE) * part)


def page_by_index(part: float) -> Requests:
    """A page by startIndex."""
    return lambda site, round, count: [site.search(startIndex=offset(site.directory, part) + 1, count=PAGE)] * count


def page_by_cursor(part: float) -> Requests:
    """A page by cursor."""
    return lambda site, round, count: (
        [site.search(cursor=site.cursors[offset(site.directory, part)], count=PAGE)] * count
    )


def create_user(site: Site, round: int, count: int) -> list[bytes]:
    """New users."""
    first = 1_000_000_000 + round * count
    return [site.request("POST", "/Users", user_body(first + index)) for index in range(count)]


def suspend_user(site: Site, round: int, count: int) -> list[bytes]:
    """`active` to false, and in the next round to true: always a change."""
    chosen = [NEWCOMERS + index * _STRIDE % site.directory.size for index in range(count)]
    return [
        site.patch(f"/Users/{site.directory.user_id(number)}", "Replace", "active", str(bool(round % 2)))
        for number in chosen
    ]


def change_member(op: str, members: int) -> Requests:
    """A newcomer joins or leaves a group with that many other members."""

    def requests(site: Site, round: int, count: int) -> list[bytes]:
        path = f"/Groups/{site.directory.large_id(members)}"
        return [site.patch(path, op, "members", [{"value": site.directory.user_id(number)}]) for number in range(count)]

    return requests


def get_group(members: int) -> Requests:
    """A group without its members, as Entra reads it."""
    return lambda site, round, count: (
        [site.request("GET", f"/Groups/{site.directory.large_id(members)}?excludedAttributes=members")] * count
    )


ONE, FOUND, LIST, WRITE = Budget(2.2, 3.0), Budget(2.8, 3.5), Budget(7, 7), Budget(7, 7)
PARTS = {"start": 0.0, "middle": 0.5, "end": 1.0}


def _of_pages() -> list[Scenario]:
    found = []
    for point, part in PARTS.items():
        found += [
            Scenario("page by cursor", page_by_cursor(part), None, 200, point),
            # What is passed over costs its time, so its latency is shown as one client sees it.
            Scenario(
                "page by startIndex", page_by_index(part), None, 40, point, connections=1, flat=point == "start",
                most_ms=60.0,
            ),
        ]  # fmt: skip
    return sorted(found, key=lambda scenario: scenario.kind)


def _of_groups() -> list[Scenario]:
    found = []
    for size in LARGE:
        point = f"{size:,}"
        found += [
            Scenario("add a member to a group", change_member("Add", size), WRITE, 500, point, size),
            Scenario("remove a member of a group", change_member("Remove", size), WRITE, 500, point, size),
            Scenario("GET a group without members", get_group(size), None, 1_000, point, size),
        ]
    return found


SCENARIOS = (
    Scenario("GET one user", get_user, ONE),
    Scenario("Test Connection", find_nobody, FOUND),
    Scenario("userName eq", find_by('userName eq "{}"', user_name), FOUND),
    Scenario("externalId eq", find_by('externalId eq "{}"', external_id), FOUND),
    Scenario('emails[type eq "work"].value eq', find_by('emails[type eq "work"].value eq "{}"', work_email), FOUND),
    Scenario("list of 100 users", list_users, LIST, 300),
    *_of_pages(),
    Scenario("POST user", create_user, WRITE, 500),
    Scenario("PATCH active", suspend_user, WRITE, 500),
    *_of_groups(),
)
"""Everything that is measured under load. A member who joins leaves again, so that every round begins the same."""
