"""A live server on each database, and tenants with users and groups."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from httpx2 import Client

from store.database.transactions import Database
from store.tenants.fields import Fields
from store.tenants.log import Call
from store.tenants.tenants import Tenants
from store.tenants.tokens import Tokens
from tests.live import Server, serving
from tests.postgres import postgres_url

CORE = "urn:ietf:params:scim:schemas:core:2.0"
FIELDS = {"badge": "string", "floor": "integer", "hired": "dateTime", "remote": "boolean", "score": "decimal"}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Endpoint:
    """The two values that an identity provider asks for: the Endpoint URL of a tenant and a token."""

    url: str
    token: str

    def connect(self) -> Client:
        """An HTTP client that sends the token."""
        return Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database, on SQLite and on Postgres."""
    if request.param == "sqlite":
        yield migrated(f"sqlite:///{tmp_path_factory.mktemp('live')}/vestibule.db")
        return
    with postgres_url() as url:
        yield migrated(url)


def migrated(url: str) -> str:
    """Create the tables of the database; returns its URL."""
    database = Database(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture(scope="session")
def server(database_url: str) -> Iterator[Server]:
    """A live server; at the end its log must have no failure."""
    with serving("--workers", "2", database_url=database_url) as server:
        yield server
    check_log(server.lines)


def check_log(lines: list[str]) -> None:
    """The log has requests, and none of them failed."""
    events = [json.loads(line) for line in lines]
    assert any(event["event"] == "request" for event in events)
    failures = [event for event in events if event["level"] == "error" and event.get("route") != "/scim/<tenant>/v2/Me"]
    assert failures == []


@pytest.fixture
def make_endpoint(server: Server, database_url: str) -> Callable[[str], Endpoint]:
    """Creates tenants of a preset, each with custom fields, 25 users and 3 groups."""

    def make(preset: str) -> Endpoint:
        name = f"tenant-{next(_numbers)}"
        endpoint = Endpoint(f"http://127.0.0.1:{server.port}/scim/{name}/v2", create_tenant(database_url, name, preset))
        with endpoint.connect() as client:
            seed(client)
        return endpoint

    return make


def create_tenant(database_url: str, name: str, preset: str) -> str:
    """Create a tenant; returns its token."""
    database = Database(database_url)
    try:
        tenants = Tenants(database)
        tenant = tenants.create(name, preset, call=Call())
        for field, type in FIELDS.items():
            Fields(database, tenants.get(name)).add(field, type, call=Call())
        return Tokens(database, tenant.pk).create("suite", call=Call())
    finally:
        database.close()


def seed(client: Client) -> None:
    """Create users and groups."""
    ids = []
    for number in range(25):
        name = f"person{number}@example.com"
        user = {
            "schemas": [f"{CORE}:User"], "userName": name, "emails": [{"type": "work", "value": name}],
            "name": {"givenName": "Ann", "familyName": f"Person {number}"},
        }  # fmt: skip
        answer = client.post("/Users", json=user)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    for number in range(3):
        members = [{"value": id} for id in ids[number::3]]
        group = {"schemas": [f"{CORE}:Group"], "displayName": f"Group {number}", "members": members}
        assert client.post("/Groups", json=group).status_code == 201
