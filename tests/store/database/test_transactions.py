"""Transactions are run again if that helps, but not if the outcome of the commit is unknown."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psycopg
import pytest

from store.database.postgres import stopped_waiting
from store.database.transactions import ATTEMPTS, Unconfirmed
from store.tables import Setting
from tests.postgres import private_server

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True, scope="session")


@pytest.fixture
def name(database):
    """The name of a row that is deleted after the test."""
    yield "tried"
    database.write(lambda _: Setting.delete().where(Setting.name == "tried").execute())


def ended(database, database_url):
    """Terminate this thread's session, as a restart of the server would."""
    pid = database.db.connection().info.backend_pid
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@ON_POSTGRES
def test_a_session_that_is_lost_before_the_commit_is_replaced(database, database_url, name):
    tried = []

    def work(_):
        tried.append(Setting.insert(name=name, value="").execute())
        if len(tried) < ATTEMPTS:
            ended(database, database_url)
            Setting.select().count()

    database.write(work)
    assert len(tried) == ATTEMPTS
    assert Setting.select().where(Setting.name == name).count() == 1


@ON_POSTGRES
def test_a_commit_without_an_answer_is_not_run_again(database, database_url, name):
    tried = []

    def work(_):
        tried.append(Setting.insert(name=name, value="").execute())
        ended(database, database_url)

    with pytest.raises(Unconfirmed):
        database.write(work)
    assert len(tried) == 1


@ON_POSTGRES
def test_a_commit_that_was_not_replicated_is_not_run_again(database, name):
    database.db.connection().unreplicated = True
    with pytest.raises(Unconfirmed):
        database.write(lambda _: Setting.insert(name=name, value="").execute())
    assert Setting.select().where(Setting.name == name).count() == 1


@pytest.fixture
def lonely() -> Iterator[str]:
    """The URL of a database on a server that waits, at each commit, for a standby that does not exist."""
    with private_server() as url:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("CREATE TABLE tried (name text)")
            session.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            session.execute("SELECT pg_reload_conf()")
        yield url


def test_a_cancelled_wait_for_replication_is_recognised_in_any_language(lonely):
    """Postgres is installed without translations, so its real notice is also checked with a German message."""
    judged: list[tuple[str, bool, bool]] = []

    def noticed(real: psycopg.errors.Diagnostic) -> None:
        # A notice can be read only while its handler runs.
        german = "storniere Warten auf synchrone Replikation wegen Benutzeraufforderung"
        translated = SimpleNamespace(
            sqlstate=real.sqlstate, source_function=real.source_function, message_primary=german
        )
        judged.append((str(real.message_primary), stopped_waiting(real), stopped_waiting(translated)))

    with psycopg.connect(lonely, autocommit=True) as session, ThreadPoolExecutor(1) as threads:
        session.add_notice_handler(noticed)
        commit = threads.submit(session.execute, "INSERT INTO tried VALUES ('a')")
        cancel_the_wait(lonely, session.info.backend_pid)
        commit.result(60)
        session.execute("SET synchronous_commit = 'local'")
        session.execute("DO $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; END $$")
    cancelled = "canceling wait for synchronous replication"
    assert judged == [(f"{cancelled} due to user request", True, True), (cancelled, False, False)]


def cancel_the_wait(url, pid):
    """Cancel the statement of that session as soon as it waits for the standby."""
    waits = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
    with psycopg.connect(url, autocommit=True) as other:
        while other.execute(waits, (pid,)).fetchone() is None:
            other.execute("SELECT pg_sleep(0.01)")
