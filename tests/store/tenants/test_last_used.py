"""A thread of each worker writes when tokens and tenants were last used, and survives failures."""

import time
from threading import Event, current_thread

import pytest

from store.database.transactions import instant_at
from store.tables import Token
from store.tenants.background import Background
from store.tenants.last_used import LastUsed

PATIENCE = 20.0


def token(client):
    """The row of the client's token."""
    return client.database.read(lambda: Token.get(Token.tenant == client.tenant.pk))


def test_a_later_use_written_by_another_worker_is_kept(entra):
    later = instant_at(time.time() + 60)
    pk = token(entra).pk
    entra.database.write(lambda _: Token.update(last_used=later).where(Token.pk == pk).execute())
    background = Background(entra.database)
    LastUsed(entra.database, background).note(pk, entra.tenant.pk)
    background.close()
    assert token(entra).last_used == later


DEAD = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.mark.parametrize("failure", [ZeroDivisionError, pytest.param(SystemExit, marks=DEAD)])
def test_the_thread_continues_after_a_failure(entra, database, monkeypatch, failure):
    """It continues after an unexpected error, and is replaced if the error stopped it."""
    failed, written, execute = Event(), Event(), database.db.execute_sql

    def failing_once(sql, *parameters):
        if current_thread().name == "background" and '"token"' in sql:
            (written if failed.is_set() else failed).set()
            if not written.is_set():
                raise failure
        return execute(sql, *parameters)

    background = Background(database, pause=0.0)
    contacts = LastUsed(database, background)
    monkeypatch.setattr(database.db, "execute_sql", failing_once)
    contacts.note(token(entra).pk, entra.tenant.pk)
    assert failed.wait(PATIENCE)
    for _ in range(200):
        contacts.note(token(entra).pk, entra.tenant.pk)
        if written.wait(PATIENCE / 200):
            break
    assert written.is_set()
    background.close()
    assert token(entra).last_used is not None


def test_a_use_that_could_not_be_written_is_written_later(entra, database):
    background = Background(database, pause=60.0)
    used, failed, written = LastUsed(database, background), Event(), Event()
    background.add(written.set)
    pk = token(entra).pk
    with pytest.MonkeyPatch.context() as patched:

        def failing(*_):
            failed.set()
            raise ZeroDivisionError

        patched.setattr(database.db, "execute_sql", failing)
        used.note(pk, entra.tenant.pk)
        assert failed.wait(PATIENCE)
        assert written.wait(PATIENCE)
    background.close()
    assert token(entra).last_used is not None
