"""SCIM servers that get the same users over HTTP, and then the same requests."""

import http.client
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from bench.directories import user_body, user_name
from bench.scenarios import PATCH_OP, raw_request
from bench.servers import Server, gunicorn

MEMBERS = 1_000
"""How many members the group has, before any joins."""

_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Contender:
    """One server: how to start it, the URL of its resources, and the ids that it assigned."""

    def __init__(self, name: str, application: str, prefix: str, token: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.prefix = prefix
        self.token = token
        self.users: list[str] = []
        self.group = ""
        self._application = application
        self._environ = environ

    def served(self, folder: Path, python: str) -> AbstractContextManager[Server]:
        """The server, by gunicorn with one worker, until the block ends."""
        return gunicorn(self._application, folder, self._environ, python=python)

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """A raw request."""
        return raw_request(method, f"{self.prefix}{path}", self.token, body)

    def ask(self, server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request; the status and the body's JSON value, None where there is no body."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        connection.request(method, f"{self.prefix}{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def made(self, server: Server, path: str, body: Any) -> str:
        """Create a resource; returns its id."""
        status, answer = self.ask(server, "POST", path, body)
        if status != 201:
            raise RuntimeError(f"{self.name} answered {status}: {answer}")
        return str(answer["id"])

    def fill(self, server: Server, newcomers: int) -> None:
        """Create the members of the group, the group, and that many other users."""
        self.users = [self.made(server, "/Users", user_body(number)) for number in range(MEMBERS + newcomers)]
        members = [{"value": id} for id in self.users[:MEMBERS]]
        self.group = self.made(server, "/Groups", {"schemas": [_GROUP], "displayName": "All", "members": members})


class Work(NamedTuple):
    """The requests that every server gets in a round; rounds count from 0."""

    name: str
    number: int
    requests: Callable[[Contender, int, int], list[bytes]]


def _create(to: Contender, round: int, number: int) -> list[bytes]:
    first = 1_000_000 + round * number
    return [to.request("POST", "/Users", user_body(first + index)) for index in range(number)]


def _read(to: Contender, round: int, number: int) -> list[bytes]:
    return [to.request("GET", f"/Users/{id}") for id in to.users[:number]]


def _find(to: Contender, round: int, number: int) -> list[bytes]:
    filters = (quote(f'userName eq "{user_name(index)}"') for index in range(number))
    return [to.request("GET", f"/Users?filter={each}") for each in filters]


def _list(to: Contender, round: int, number: int) -> list[bytes]:
    return [to.request("GET", "/Users?count=100")] * number


def _patch(to: Contender, path: str, operation: dict[str, Any]) -> bytes:
    return to.request("PATCH", path, {"schemas": [PATCH_OP], "Operations": [operation]})


def _suspend(to: Contender, round: int, number: int) -> list[bytes]:
    operation = {"op": "replace", "path": "active", "value": bool(round % 2)}
    return [_patch(to, f"/Users/{id}", operation) for id in to.users[:number]]


def _members(op: str, to: Contender, round: int, number: int) -> list[bytes]:
    path = f"/Groups/{to.group}"
    newcomers = to.users[MEMBERS : MEMBERS + number]
    if op == "add":
        return [_patch(to, path, {"op": op, "path": "members", "value": [{"value": id}]}) for id in newcomers]
    return [_patch(to, path, {"op": op, "path": f'members[value eq "{id}"]'}) for id in newcomers]


WORKS = (
    Work("POST user", 100, _create),
    Work("GET one user", 200, _read),
    Work("userName eq", 200, _find),
    Work("list of 100 users", 20, _list),
    Work("PATCH active", 100, _suspend),
    Work(f"add a member to a group of {MEMBERS:,}", 20, partial(_members, "add")),
    Work(f"remove a member of a group of {MEMBERS:,}", 20, partial(_members, "remove")),
)
"""In this order, so that a member who joined leaves again."""

NEWCOMERS = max(work.number for work in WORKS)
