"""A queue for the threads and processes that write to SQLite.

SQLite waits by retrying after longer and longer sleeps, which is slow and lets a process that writes often win. Here
the threads of a process queue, and processes take turns.
"""

import contextlib
import fcntl
import os
import time
from threading import RLock

_LOOK = 0.0005
"""The interval in seconds at which a waiting process tries again."""

_YIELD = 4 * _LOOK
"""The time in seconds for which a process that has just written lets others write first."""

_WRITING, _WAITING = 0, 1
"""The bytes of the file that are locked by the process that writes and by those that wait."""


class NoTurn(Exception):
    """A transaction's turn did not come in time, since others were writing."""


class SqliteQueue:
    """A context manager that one thread of one process holds at a time; that thread may enter it again. Raises NoTurn
    after `seconds`. The kernel releases the locks of a process that was killed."""

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
            # If the file cannot be created, the database cannot be written either and reports that itself.
            with contextlib.suppress(OSError):
                if self._depth == 0:
                    self._take_turn(deadline)
            self._depth += 1
        except BaseException:
            self._queue.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._descriptor is not None:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _WRITING)
        self._queue.release()

    def _take_turn(self, deadline: float) -> None:
        """Wait for this process's turn. A process that wrote last lets others write first."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        file = self._descriptor
        if self._wrote_last and not _take(file, _WAITING):
            time.sleep(_YIELD)
        fcntl.lockf(file, fcntl.LOCK_UN, 1, _WAITING)
        self._wrote_last = _take(file, _WRITING)
        if self._wrote_last:
            return
        fcntl.lockf(file, fcntl.LOCK_SH, 1, _WAITING)
        try:
            while not (self._wrote_last or time.monotonic() > deadline):
                time.sleep(_LOOK)
                self._wrote_last = _take(file, _WRITING)
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _WAITING)
        if not self._wrote_last:
            raise NoTurn(f"another process has been writing for {self._seconds:g} seconds")


def _take(file: int, byte: int) -> bool:
    """Lock a byte unless another process holds it; returns whether it is locked now."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except BlockingIOError:
        return False
    return True
