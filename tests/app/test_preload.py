"""Workers that are forked from the process that made the application, as `gunicorn --preload` does."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import auth, create_app
from app.settings import Settings
from tests import live
from tests.postgres import create_database, drop_database

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture(params=["sqlite", "postgres"])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of each kind that nobody else uses."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/vestibule.db"
        assert live.vestibule("migrate", database_url=url).returncode == 0
        yield url
        return
    server = request.getfixturevalue("postgres")
    url = create_database(server, "preload")
    assert live.vestibule("migrate", database_url=url).returncode == 0
    yield url
    drop_database(server, "preload")


def test_an_application_that_was_just_made_holds_no_connection(own_url):
    app = create_app(Settings(database_url=own_url, log_level="error"))
    assert auth.gate(app).database.db.is_closed()


def test_workers_forked_from_a_preloaded_application_serve_at_once(own_url):
    made = live.vestibule("tenant", "create", "acme", "--json", database_url=own_url)
    token = json.loads(made.stdout)["token"]["secret"]
    options = ("--preload", "--workers", "3", "--worker-class", "gthread", "--threads", "4")
    with live.serving_by_gunicorn(*options, database_url=own_url) as server:

        def create(number: int) -> int:
            emails = [{"type": "work", "value": f"p{number}@example.com"}]
            body = {"schemas": [USER], "userName": f"p{number}", "emails": emails}
            return server.request("POST", "/scim/acme/v2/Users", body, token).status

        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(create, range(48)))
        total = server.request("GET", "/scim/acme/v2/Users?count=0", token=token).json["totalResults"]
    assert (set(statuses), total) == ({201}, 48)
