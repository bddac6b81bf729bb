"""Turns of the threads and processes of a server at writing to SQLite.

SQLite waits by retrying after longer and longer sleeps. That is slow, and unfair: a process that writes often wins.
Here the threads of a process queue, and processes take turns.
"""

import contextlib
import fcntl
import os
import time
from threading import RLock

_LOOK = 0.0005
"""After how many seconds a waiting process looks again."""

_YIELD = 4 * _LOOK
"""For how many seconds a process that has just written lets waiting processes go first."""

_WRITING, _WAITING = 0, 1
"""The bytes of the file that are locked: by the process that writes, and by those that wait."""


class NoTurn(Exception):
    """Others were writing for as long as a transaction may wait for its turn."""


class SqliteQueue:
    """A context manager that one thread of one process holds; a thread that holds it may enter it again.

    Raises NoTurn after so many seconds. The kernel releases the locks of a process that was killed.
    """

    def __init__(self, path: str, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._queue = RLock()
        self._depth = 0
        self._descriptor: int | None = None
        self._wrote_last = False

    def __enter__(self) -> None:
        deadline = time.monotonic() + self._seconds
        if not self._queue.acquire(timeout=self._seconds):
            raise NoTurn(f"other threads have been writing for {self._seconds:g} seconds")
        try:
            if self._depth == 0:
                self._take_turn(deadline)
            self._depth += 1
        except BaseException:
            self._queue.release()
            raise

    def _take_turn(self, deadline: float) -> None:
        """Take the turn among processes."""
        # Where no file can be made the database cannot be written either, and says so itself.
        with contextlib.suppress(OSError):
            if not self._enter(self._file(), deadline):
                raise NoTurn(f"another process has been writing for {self._seconds:g} seconds")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._descriptor is not None:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _WRITING)
        self._queue.release()

    def _file(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        return self._descriptor

    def _enter(self, file: int, deadline: float) -> bool:
        """Wait for the turn among processes; whether it came. A process that wrote last waits a moment for others."""
        if self._wrote_last and not _take(file, _WAITING):
            time.sleep(_YIELD)
        fcntl.lockf(file, fcntl.LOCK_UN, 1, _WAITING)
        self._wrote_last = _take(file, _WRITING)
        if self._wrote_last:
            return True
        fcntl.lockf(file, fcntl.LOCK_SH, 1, _WAITING)
        try:
            while not (self._wrote_last or time.monotonic() > deadline):
                time.sleep(_LOOK)
                self._wrote_last = _take(file, _WRITING)
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _WAITING)
        return self._wrote_last


def _take(file: int, byte: int) -> bool:
    """Lock a byte unless another process holds it; whether it is locked now."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except BlockingIOError:
        return False
    return True
