"""A worker's writes beside its requests: every few seconds a thread writes what requests left in memory."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from threading import Event, Lock, Thread

from store.database.transactions import Database

HOUR = 3_600.0


class Background:
    """The background thread of one worker process. It starts when there is something to write for the first time, and
    writes that at once; later it writes after each `pause`, in seconds. At most once an hour it also begins the
    `chores`, whose steps it runs in the pauses, until it is closed."""

    def __init__(self, database: Database, pause: float = 5.0, chores: Callable[[], Iterable[object]] = tuple) -> None:
        self._database = database
        self._pause = pause
        self._chores = chores
        self._chores_at = 0.0
        self._steps: Iterator[object] = iter(())
        self._writers: list[Callable[[], None]] = []
        self._writing = Lock()
        self._starting = Lock()
        self._news = Event()
        self._pause_over = Event()
        self._thread: Thread | None = None
        self._end = Event()

    def add(self, write: Callable[[], None]) -> None:
        """Register a function that is called every few seconds while there is something to write."""
        self._writers.append(write)

    def wake(self, *, at_once: bool = False) -> None:
        """Report that there is something to write; `at_once`: now, not in a few seconds."""
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._news.set()
        if at_once:
            self._pause_over.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                # Each thread has its own event, so that a thread that is being closed always stops.
                self._end = Event()
                self._thread = Thread(target=self._work, args=(self._end,), name="background", daemon=True)
                self._thread.start()

    def _work(self, end: Event) -> None:
        try:
            following = False
            while not end.is_set():
                # One more round follows the last write, when the worker is idle.
                if not following:
                    self._news.wait()
                following = self._news.is_set()
                self._news.clear()
                # After a failure nothing but the end shortens the pause.
                over = self._pause_over if self._attempt(self.flush) else end
                until = time.monotonic() + self._pause
                self._attempt(self._database.dialect.shrink_files)
                self._attempt(partial(self._tidy, over, until))
                over.wait(until - time.monotonic())
                self._pause_over.clear()
        finally:
            self._database.close()

    def _attempt(self, work: Callable[[], None]) -> bool:
        try:
            work()
            return True
        except Exception:
            # The thread continues after any error and retries what could not be written.
            logging.getLogger("vestibule").exception("background work failed")
            self._news.set()
            return False

    def _tidy(self, over: Event, until: float) -> None:
        """Run steps of the chores until the pause is over; the others follow in the next pauses."""
        if time.monotonic() >= self._chores_at:
            self._chores_at = time.monotonic() + HOUR
            self._steps = iter(self._chores())
        for _ in self._steps:
            if over.is_set() or time.monotonic() >= until:
                self._news.set()
                return

    def close(self) -> None:
        """Write what is left and stop the thread."""
        with self._starting:
            thread, self._thread = self._thread, None
            self._end.set()
        self._news.set()
        self._pause_over.set()
        if thread is not None:
            thread.join()
            self.flush()

    def flush(self) -> None:
        """Write everything that is in memory, each writer by itself. Raises the last of their errors."""
        with self._writing, ExitStack() as writers:
            for write in reversed(self._writers):
                writers.callback(write)
