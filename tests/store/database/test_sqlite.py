"""The files of an SQLite database: a long write-ahead log is truncated."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from store.database import sqlite
from store.database.transactions import Database
from store.tables import Setting
from store.tenants.background import Background

LONG = 400_000


@pytest.fixture
def own(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A separate database in which a small write-ahead log counts as long."""
    monkeypatch.setattr(sqlite, "LONGEST_WAL", LONG)
    own = Database(f"sqlite:///{tmp_path}/vestibule.db", busy_timeout=30.0)
    own.migrate()
    yield own
    own.close()
    database.use()


@pytest.fixture
def size(tmp_path: Path) -> Callable[[], int]:
    """Returns the size of the write-ahead log in bytes."""
    return lambda: (tmp_path / "vestibule.db-wal").stat().st_size


def grow(own: Database) -> None:
    rows = [{"name": f"n{number}", "value": "x" * (LONG // 4)} for number in range(10)]
    for row in rows:
        own.write(lambda _, row=row: Setting.replace(row).execute())  # type: ignore[misc]


def test_a_long_write_ahead_log_is_truncated_and_a_short_one_is_kept(own, size):
    before = size()
    own.dialect.shrink_files()
    assert size() == before > 0
    grow(own)
    assert size() > LONG
    own.dialect.shrink_files()
    assert size() == 0
    assert Setting.select().where(Setting.name.startswith("n")).count() == 10


@pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN; SELECT * FROM setting"])
def test_a_log_in_use_is_truncated_later(own, size, tmp_path, begin):
    grow(own)
    other = sqlite3.connect(tmp_path / "vestibule.db", isolation_level=None)
    cursors = [other.execute(statement) for statement in begin.split("; ")]
    began = time.monotonic()
    grow(own) if begin != "BEGIN IMMEDIATE" else None
    own.dialect.shrink_files()
    assert time.monotonic() - began < 10.0
    assert size() > LONG
    for cursor in cursors:
        cursor.close()
    other.execute("ROLLBACK")
    other.close()
    own.dialect.shrink_files()
    assert size() == 0
    assert own.db.execute_sql("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_the_background_thread_truncates_it_when_the_worker_is_idle(own, size):
    grow(own)
    over = Event()

    def chores() -> Iterator[None]:
        over.set()
        yield

    background = Background(own, pause=0.0, chores=chores)
    background.wake()
    assert over.wait(20)
    assert size() == 0
    background.close()
