"""When tokens and tenants were last used: gathered in memory, written every few seconds, so that reads write
nothing."""

import logging
import time
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread

import peewee

from scim.errors import ScimError
from store.database.transactions import Database, instant_at
from store.database.write import Write
from store.tables import Tenant, Token

SECONDS = 5.0
"""How long a contact may wait to be written."""


HOUR = 3_600.0


class LastUsed:
    """The contacts of one worker process. The thread that writes them starts with the first one and writes it at
    once; at most once an hour it also does the house's `chores`, step by step, until it is to end."""

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
            if self._thread is None:
                self._end.clear()
                self._thread = Thread(target=self._work, name="contacts", daemon=True)
                self._thread.start()
        self._news.set()

    def _work(self) -> None:
        while not self._end.is_set():
            self._news.wait()
            self._news.clear()
            try:
                self.flush()
                self._tidy()
            except (peewee.PeeweeException, ScimError):
                logging.getLogger("vestibule").exception("contacts not written")
            self._end.wait(self._seconds)
        self._database.close()

    def _tidy(self) -> None:
        if time.monotonic() >= self._chores_at:
            self._chores_at = time.monotonic() + HOUR
            for _ in self._chores():
                if self._end.is_set():
                    return

    def close(self) -> None:
        """Write what is left and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._end.set()
            self._news.set()
            thread.join()
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if pending:
            self._database.write(self._writer(pending))

    def _writer(self, pending: dict[int, tuple[int, float]]) -> Callable[[Write], None]:
        tokens = {token: instant_at(seconds) for token, (_, seconds) in pending.items()}
        tenants: dict[int, str] = {}
        for token, (tenant, _) in pending.items():
            tenants[tenant] = max(tokens[token], tenants.get(tenant, ""))

        # The models may speak to another database by now, where a process has several: tests do.
        db = self._database.db

        def work(_: Write) -> None:
            # In the order of their keys, so that workers that write at once do not wait for each other in a circle.
            for token, last in sorted(tokens.items()):
                Token.update(last_used=last).where(Token.pk == token).execute(db)
            for tenant, last in sorted(tenants.items()):
                Tenant.update(last_contact=last).where(Tenant.pk == tenant).execute(db)
                first = Tenant.update(first_contact=last).where((Tenant.pk == tenant) & Tenant.first_contact.is_null())
                first.execute(db)

        return work
