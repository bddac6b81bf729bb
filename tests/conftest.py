"""The cast: databases, and clients that speak to the application as an identity provider does."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from webtest import TestApp, TestResponse

from app import auth, create_app
from app.settings import Settings
from store.database.transactions import Database
from store.tables import LogEntry
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes
from store.tenants.log import Call, Log
from store.tenants.tenants import Tenants
from store.tenants.tokens import Tokens
from tests.pgbouncer import pooled
from tests.postgres import create_database, drop_database, postgres_url

BASE_URL = "https://scim.example.com"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database on a Postgres for the session."""
    with postgres_url() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database of each kind; tests that use it run once on each.

    A test may ask for a third kind, "pgbouncer": Postgres behind a pooler of transactions.
    """
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/vestibule.db"
        _migrate(url)
        yield url
        return
    server = request.getfixturevalue("postgres")
    url = create_database(server, "suite")
    with pooled(url) if request.param == "pgbouncer" else nullcontext(url) as reached:
        _migrate(reached)
        yield reached
    drop_database(server, "suite")


def _migrate(url: str) -> None:
    database = _opened(url)
    database.migrate()
    database.close()


def _opened(url: str) -> Database:
    """The database; a pooler of transactions knows nothing of prepared statements."""
    return Database(url, prepared_statements="pgbouncer" not in url)


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    """The open database. Tests share its tables and keep apart by their tenants."""
    database = _opened(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def app(database: Database) -> Iterator[Flask]:
    """The application over the database."""
    settings = Settings(database_url="sqlite:///unused", public_url=BASE_URL, log_level="error", token_cache=0.0)
    app = create_app(settings, database)
    yield app
    auth.gate(app).background.close()


_numbers = itertools.count(1)


class Client:
    """An identity provider with a tenant of its own; paths are relative to the Endpoint URL."""

    def __init__(self, app: Flask, preset: str = "360learning") -> None:
        database = auth.gate(app).database
        self.database = database
        self.background = auth.gate(app).background
        self.name = f"tenant-{next(_numbers)}"
        self.tenants = Tenants(database)
        self.tenant = self.tenants.create(self.name, preset, call=Call())
        self.token = Tokens(database, self.tenant.pk).create("test", call=Call())
        # The log of a test begins with what the test does.
        database.write(lambda _: LogEntry.delete().where(LogEntry.tenant == self.tenant.pk).execute())
        self.app = TestApp(app)
        self.endpoint = f"{BASE_URL}/scim/{self.name}/v2"

    def request(self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None) -> TestResponse:
        """Send a request, any status; `json` is text as it stands, or a value."""
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        body = b""
        if json is not None:
            body = json if isinstance(json, bytes) else _text(json).encode()
            sent = {"Content-Type": "application/scim+json; charset=utf-8"} | sent
        return self.app.request(
            f"/scim/{self.name}/v2{path}", method=method, headers=sent, body=body, expect_errors=True
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET."""
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any) -> TestResponse:
        """POST."""
        return self.request("POST", path, body)

    def put(self, path: str, body: Any) -> TestResponse:
        """PUT."""
        return self.request("PUT", path, body)

    def patch(self, path: str, *operations: dict[str, Any]) -> TestResponse:
        """PATCH with these operations."""
        message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.request("PATCH", path, message)

    def delete(self, path: str) -> TestResponse:
        """DELETE."""
        return self.request("DELETE", path)

    def user(self, user_name: str, **attributes: Any) -> dict[str, Any]:
        """Create a user with a work e-mail; returns the answer."""
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
            "emails": [{"type": "work", "value": f"{user_name}@example.com", "primary": True}],
        }
        answer = self.post("/Users", body | attributes)
        assert answer.status_int == 201, answer.text
        return dict(answer.json)

    def group(self, name: str, *members: str) -> dict[str, Any]:
        """Create a group of these member ids; returns the answer."""
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": [{"value": id} for id in members],
        }
        answer = self.post("/Groups", body)
        assert answer.status_int == 201, answer.text
        return dict(answer.json)

    def field(self, name: str, type: str, *, indexed: bool = False) -> None:
        """Declare a custom field."""
        tenant = self.tenants.get(self.name)
        fields = Fields(self.database, tenant)
        fields.add(name, type, indexed=indexed, call=Call(operation="platform: field add"))
        if indexed:
            Indexes(self.database, tenant).build(fields.indexed(name))

    def log(self, limit: int = 500) -> list[dict[str, Any]]:
        """The provisioning log, newest first, with the refusals that are on their way to it."""
        self.background.flush()
        return Log(self.database, self.tenant.pk).entries(limit=limit)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def make_client(app: Flask) -> Callable[..., Client]:
    """Makes clients of a preset, each with a tenant of its own."""
    return lambda preset="360learning": Client(app, preset)


@pytest.fixture
def entra(make_client: Callable[..., Client]) -> Client:
    """Microsoft Entra ID, with a tenant of the preset 360learning."""
    return make_client("360learning")


@pytest.fixture
def okta(make_client: Callable[..., Client]) -> Client:
    """Okta, with a tenant of the preset rfc."""
    return make_client("rfc")


@pytest.fixture
def stranger(make_client: Callable[..., Client]) -> Client:
    """Somebody else's client, with a tenant of its own."""
    return make_client("rfc")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parent.parent
