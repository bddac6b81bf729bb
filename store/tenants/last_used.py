"""When tokens and tenants were last used: gathered in memory, written every few seconds, so that reads write
nothing."""

import logging
import time
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread
from typing import Any

from scim.errors import Unavailable
from store.database.transactions import Database, instant_at
from store.tables import Tenant, Token

SECONDS = 5.0
"""How long a contact may wait to be written."""


HOUR = 3_600.0


class LastUsed:
    """The contacts of one worker process. The thread that writes them starts with the first one and writes it at
    once; at most once an hour it also does the `chores`, step by step, until it is to end."""

    def __init__(
        self, database: Database, seconds: float = SECONDS, chores: Callable[[], Iterable[object]] = tuple
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._chores = chores
        self._chores_at = 0.0
        self._pending: dict[int, tuple[int, float]] = {}
        self._lock = Lock()
        self._news = Event()
        self._thread: Thread | None = None
        self._end = Event()

    def note(self, token: int, tenant: int) -> None:
        """The token of that tenant was used just now."""
        with self._lock:
            self._pending[token] = (tenant, time.time())
            if self._thread is None or not self._thread.is_alive():
                # An event of its own: a thread that is being closed meanwhile ends all the same.
                self._end = Event()
                self._thread = Thread(target=self._work, args=(self._end,), name="contacts", daemon=True)
                self._thread.start()
        self._news.set()

    def _work(self, end: Event) -> None:
        try:
            while not end.is_set():
                self._news.wait()
                self._news.clear()
                self._pass(end)
                end.wait(self._seconds)
        finally:
            self._database.close()

    def _pass(self, end: Event) -> None:
        try:
            self.flush()
            self._tidy(end)
        except Exception:
            # Whatever it was, the contacts of the next hours are written.
            logging.getLogger("vestibule").exception("contacts not written")

    def _tidy(self, end: Event) -> None:
        if time.monotonic() >= self._chores_at:
            self._chores_at = time.monotonic() + HOUR
            for _ in self._chores():
                if end.is_set():
                    return

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._end.set()
        self._news.set()
        if thread is not None:
            thread.join()
            self.flush()

    def flush(self) -> None:
        """Write what was gathered; where the database does not take it, it is kept for the next time."""
        with self._lock:
            pending, self._pending = self._pending, {}
        try:
            if pending:
                self._database.write(lambda _: self._write(pending))
        except Unavailable:
            with self._lock:
                self._pending = pending | self._pending
            raise

    def _write(self, pending: dict[int, tuple[int, float]]) -> None:
        tokens = {token: instant_at(seconds) for token, (_, seconds) in pending.items()}
        tenants: dict[int, str] = {}
        for token, (tenant, _) in pending.items():
            tenants[tenant] = max(tokens[token], tenants.get(tenant, ""))
        # In the order of their keys, so that workers that write at once do not wait for each other in a circle.
        for token, last in sorted(tokens.items()):
            self._advance(Token, Token.last_used, token, last)
        for tenant, last in sorted(tenants.items()):
            self._advance(Tenant, Tenant.last_contact, tenant, last)
            first = Tenant.update(first_contact=last).where((Tenant.pk == tenant) & Tenant.first_contact.is_null())
            first.execute(self._database.db)

    def _advance(self, table: Any, column: Any, pk: int, time: str) -> None:
        """Set a time, unless another worker has written a later one."""
        earlier = (table.pk == pk) & (column.is_null() | (column < time))
        # The models may use another database by now, where a process has several: tests do.
        table.update({column: time}).where(earlier).execute(self._database.db)
