"""Transactions: run again where that helps, and not where nobody knows what came of the commit."""

import psycopg
import pytest

from store.database.transactions import ATTEMPTS, Unconfirmed
from store.tables import Setting

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True, scope="session")


@pytest.fixture
def name(database):
    """The name of a row that goes when the test ends."""
    yield "tried"
    database.write(Setting.delete().where(Setting.name == "tried").execute)


def ended(database, database_url):
    """End this thread's session, as a restart of the server would."""
    pid = database.db.connection().info.backend_pid
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@ON_POSTGRES
def test_a_session_that_ends_before_the_commit_is_replaced(database, database_url, name):
    tried = []

    def work():
        tried.append(Setting.insert(name=name, value="").execute())
        if len(tried) < ATTEMPTS:
            ended(database, database_url)
            Setting.select().count()

    database.write(work)
    assert len(tried) == ATTEMPTS
    assert Setting.select().where(Setting.name == name).count() == 1


@ON_POSTGRES
def test_a_commit_without_an_answer_is_not_made_again(database, database_url, name):
    tried = []

    def work():
        tried.append(Setting.insert(name=name, value="").execute())
        ended(database, database_url)

    with pytest.raises(Unconfirmed):
        database.write(work)
    assert len(tried) == 1


@ON_POSTGRES
def test_a_commit_that_was_not_replicated_is_not_made_again(database, name):
    database.db.connection().unreplicated = True
    with pytest.raises(Unconfirmed):
        database.write(Setting.insert(name=name, value="").execute)
    assert Setting.select().where(Setting.name == name).count() == 1
