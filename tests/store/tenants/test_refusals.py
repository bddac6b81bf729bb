"""Refusals reach the provisioning log in the background: no request waits for its entry, and entries are lost only
beyond a bound or if a worker is killed."""

import sqlite3
import time
from contextlib import contextmanager
from threading import Semaphore

import pytest

from app import create_app
from app.settings import Settings
from scim.errors import InvalidValue, Unavailable
from store.database.transactions import Database
from store.tables import LogEntry, Refusal, Tenant
from store.tenants import refusals
from store.tenants.background import Background
from store.tenants.log import Call, Log, refusal
from store.tenants.refusals import Refusals
from tests.conftest import Client

NOBODY = "2819c223-7f76-453a-919d-413861904646"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="session")


class Idle(Background):
    """A background without a thread, which writes only when it is flushed."""

    def wake(self, *, at_once: bool = False) -> None:
        """Start no thread."""


class Gathered(Refusals):
    """The refusals of a worker, which are written only when `flush` is called."""

    def __init__(self, database):
        self.background = Idle(database)
        super().__init__(database, self.background)

    def flush(self):
        self.background.flush()


@pytest.fixture
def gathered(database):
    return Gathered(database)


def entry(entra, name="bob", **call):
    return refusal(entra.tenant.pk, Call(operation="POST", name=name, **call), InvalidValue("title must be a string."))


def names(client):
    return [each.get("name") for each in Log(client.database, client.tenant.pk).entries(limit=10_000)]


@pytest.fixture
def writer(database_url):
    """Another process that holds the write lock of the SQLite database."""
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.fixture
def impatient(entra, database, database_url):
    """A client of a server that waits at most a second for another writer."""
    own = Database(database_url, busy_timeout=1.0)
    app = create_app(Settings(public_url="https://scim.example.com", log_level="error", token_cache=0.0), own)
    client = Client(app)
    yield client
    client.background.close()
    own.close()
    database.use()


# Refused requests do not wait.


@ON_SQLITE
def test_a_read_that_is_refused_does_not_wait_for_a_writer(impatient, writer):
    began = time.monotonic()
    assert impatient.get(f"/Users/{NOBODY}").status_int == 404
    assert impatient.request("GET", "/Users", headers={"Authorization": "Bearer wrong"}).status_int == 401
    assert time.monotonic() - began < 1.0
    writer.execute("ROLLBACK")
    assert sorted(each["status"] for each in impatient.log()) == [401, 404]


@ON_SQLITE
def test_a_write_that_is_refused_has_waited_once(impatient, writer):
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Team"}
    began = time.monotonic()
    assert impatient.post("/Groups", group).status_int == 503
    assert time.monotonic() - began < 1.8
    writer.execute("ROLLBACK")
    assert [each["status"] for each in impatient.log()] == [503]


@ON_SQLITE
def test_refusals_that_cannot_be_written_now_are_written_later(impatient, writer):
    gathered = Gathered(impatient.database)
    gathered.add(entry(impatient, "bob"))
    gathered.count(impatient.name)
    for _ in range(2):
        with pytest.raises(Unavailable):
            gathered.flush()
    gathered.add(entry(impatient, "cleo"))
    gathered.count(impatient.name)
    writer.execute("ROLLBACK")
    gathered.flush()
    assert names(impatient) == ["cleo", None, "bob"]
    assert Refusal.get(Refusal.tenant == impatient.tenant.pk).total == 2


def test_an_entry_has_the_time_of_its_refusal_and_is_shown_in_its_order(entra, gathered):
    gathered.add(entry(entra, "first"))
    entra.user("second")
    gathered.add(entry(entra, "third"))
    gathered.flush()
    assert names(entra) == ["third", "second", "first"]


def test_an_entry_gets_the_name_of_a_resource_known_by_id(entra, okta, gathered):
    bob, cleo = entra.user("bob"), okta.user("cleo")
    gathered.add(entry(entra, None, resource=bob["id"]))
    gathered.add(entry(entra, None, resource=cleo["id"]))
    gathered.flush()
    assert names(entra)[:2] == [None, "bob"], "another tenant's user has no name here"


# The memory is bounded.


def test_refusals_beyond_the_bound_are_counted_in_one_entry(entra, okta, gathered, monkeypatch):
    monkeypatch.setattr(refusals, "ENTRIES", 3)
    for number in range(5):
        gathered.add(entry(entra, f"u{number}"))
    gathered.add(entry(okta, "bob"))
    gathered.flush()
    assert names(entra) == [None, "u2", "u1", "u0"]
    shown = Log(entra.database, entra.tenant.pk).entries(limit=1)[0]
    assert (shown["operation"], shown["status"], shown["level"]) == ("refusals", 400, "error")
    assert shown["detail"] == "2 more requests were refused than could be logged; the last one had this status."
    assert Log(okta.database, okta.tenant.pk).entries(limit=1)[0]["detail"].startswith("1 more request was refused")
    gathered.add(entry(entra, "again"))
    gathered.flush()
    assert names(entra)[0] == "again"


@ON_SQLITE
def test_the_number_of_left_out_refusals_survives_failed_attempts(impatient, writer, monkeypatch):
    monkeypatch.setattr(refusals, "ENTRIES", 1)
    gathered = Gathered(impatient.database)
    for number in range(4):
        gathered.add(entry(impatient, f"u{number}"))
        with pytest.raises(Unavailable):
            gathered.flush()
    writer.execute("ROLLBACK")
    gathered.flush()
    assert names(impatient) == [None, "u0"]
    assert Log(impatient.database, impatient.tenant.pk).entries(limit=1)[0]["detail"].startswith("3 more requests")


def test_fewer_long_entries_are_kept(entra, gathered, monkeypatch):
    monkeypatch.setattr(refusals, "CHARACTERS", 1_000)
    for number in range(5):
        gathered.add(entry(entra, f"u{number}", client="x" * 300))
    gathered.flush()
    assert names(entra) == [None, "u1", "u0"]


def test_more_entries_than_one_transaction_holds_are_all_written(entra, gathered):
    for number in range(2 * refusals.BATCH + 1):
        gathered.add(entry(entra, f"u{number}"))
    gathered.flush()
    assert len(names(entra)) == 2 * refusals.BATCH + 1


def test_a_half_full_memory_is_written_at_once(entra, database, monkeypatch):
    """The regular pause of this thread is longer than the test waits."""
    monkeypatch.setattr(refusals, "ENTRIES", 4)
    background = Background(database, pause=60.0)
    gathered, written = Refusals(database, background), Semaphore(0)
    background.add(written.release)
    gathered.add(entry(entra, "first"))
    assert written.acquire(timeout=20)
    for name in ("second", "third", "fourth"):
        gathered.add(entry(entra, name))
    assert written.acquire(timeout=20)
    assert names(entra) == ["fourth", "third", "second", "first"]
    background.close()


def test_invented_tenant_names_take_no_memory(entra, gathered, monkeypatch):
    monkeypatch.setattr(refusals, "NAMES", 2)
    gathered.count(entra.name)
    for number in range(5):
        gathered.count(f"made-up-{number}")
    gathered.count(entra.name)
    gathered.flush()
    assert Refusal.get(Refusal.tenant == entra.tenant.pk).total == 2


def total(client):
    return Refusal.get(Refusal.tenant == client.tenant.pk).total


def test_invented_tenant_names_do_not_keep_a_tenant_out(entra, gathered, monkeypatch):
    monkeypatch.setattr(refusals, "NAMES", 2)
    for number in range(5):
        gathered.count(f"made-up-{number}")
    for _ in range(2):
        gathered.count(entra.name)
    gathered.count("made-up-5")
    gathered.flush()
    assert total(entra) == 2


def test_many_invented_tenant_names_are_forgotten_at_once(entra, database, monkeypatch):
    """The regular pause of this thread is longer than the test waits."""
    monkeypatch.setattr(refusals, "NAMES", 4)
    background = Background(database, pause=60.0)
    gathered, written = Refusals(database, background), Semaphore(0)
    background.add(written.release)
    gathered.count(entra.name)
    assert written.acquire(timeout=20)
    for number in range(3):
        gathered.count(f"made-up-{number}")
    assert written.acquire(timeout=20)
    background.close()


@ON_SQLITE
def test_invented_tenant_names_take_no_memory_while_counts_cannot_be_written(okta, impatient, writer, monkeypatch):
    monkeypatch.setattr(refusals, "NAMES", 2)
    gathered = Gathered(impatient.database)
    for name in ("made-up", "made-up", impatient.name):
        gathered.count(name)
    with pytest.raises(Unavailable):
        gathered.flush()
    gathered.count(okta.name)
    writer.execute("ROLLBACK")
    gathered.flush()
    assert (total(impatient), total(okta)) == (1, 1)


# Entries that cannot be written.


def test_refusals_of_a_deleted_tenant_do_not_prevent_others(entra, okta, gathered):
    for client in (okta, entra):
        gathered.add(entry(client))
        gathered.count(client.name)
    entra.database.write(lambda _: Tenant.delete().where(Tenant.pk == okta.tenant.pk).execute())
    gathered.flush()
    assert names(entra) == [None, "bob"]
    assert LogEntry.select().where(LogEntry.tenant == okta.tenant.pk).count() == 0


def test_an_entry_that_cannot_be_written_does_not_prevent_others(entra, gathered):
    for name in ("first", "second"):
        gathered.add(entry(entra, name))
    gathered.add(entry(entra, "lone surrogate \ud800"))
    gathered.flush()
    assert names(entra) == ["second", "first"]


@contextmanager
def failing(database, part, error, after=0):
    """Let statements with that part fail, after so many."""
    execute, seen = database.db.execute_sql, []

    def execute_sql(sql, *parameters):
        if part in sql:
            seen.append(sql)
            if len(seen) > after:
                raise error
        return execute(sql, *parameters)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database.db, "execute_sql", execute_sql)
        yield


@pytest.mark.parametrize("part", ['"display"', '"tenant"'])
def test_no_error_before_the_entries_are_written_loses_them(entra, gathered, database, part):
    bob = entra.user("bob")
    gathered.add(entry(entra, None, resource=bob["id"]))
    gathered.add(entry(entra, "cleo"))
    gathered.count(entra.name)
    with failing(database, part, ZeroDivisionError()), pytest.raises(ZeroDivisionError):
        gathered.flush()
    gathered.flush()
    assert names(entra)[:3] == [None, "cleo", "bob"]
    assert total(entra) == 1


def test_an_attempt_that_ends_half_way_enters_no_entry_twice(entra, gathered, database):
    for name in ("first", "lone surrogate \ud800", "second"):
        gathered.add(entry(entra, name))
    with failing(database, 'FROM "tenant"', Unavailable("gone"), after=3), pytest.raises(Unavailable):
        gathered.flush()
    assert names(entra) == ["first"]
    gathered.flush()
    assert names(entra) == ["second", "first"]


def test_a_refusal_in_a_bulk_job_that_is_run_again_is_entered_once(entra):
    """The same for a job that loses a deadlock is in test_concurrency."""
    job = {"Operations": [{"method": "DELETE", "path": f"/Users/{NOBODY}"}] * 30}
    assert {result["status"] for result in entra.post("/Bulk", job).json["Operations"]} == {"404"}
    assert [each["status"] for each in entra.log()] == [404] * 30
