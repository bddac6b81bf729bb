"""The times at which tokens and tenants were last used. They are gathered in memory and written every few seconds, so
that reads write nothing."""

import time
from threading import Lock
from typing import Any

from scim.errors import Unavailable
from store.database.transactions import Database, instant_at
from store.tables import Tenant, Token
from store.tenants.background import Background


class LastUsed:
    """The times that one worker process gathers for its background thread."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._pending: dict[int, tuple[int, float]] = {}
        self._lock = Lock()
        background.add(self.write)

    def note(self, token: int, tenant: int) -> None:
        """Note that a token of the tenant was used just now."""
        with self._lock:
            self._pending[token] = (tenant, time.time())
        self._background.wake()

    def write(self) -> None:
        """Write the gathered times. If the database is unavailable, they are kept for the next attempt."""
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
        # All workers write in the order of the keys, so that they cannot deadlock.
        for token, last in sorted(tokens.items()):
            self._advance(Token, Token.last_used, token, last)
        for tenant, last in sorted(tenants.items()):
            self._advance(Tenant, Tenant.last_contact, tenant, last)
            first = Tenant.update(first_contact=last).where((Tenant.pk == tenant) & Tenant.first_contact.is_null())
            first.execute(self._database.db)

    def _advance(self, table: Any, column: Any, pk: int, time: str) -> None:
        """Set a time unless a later one is stored."""
        earlier = (table.pk == pk) & (column.is_null() | (column < time))
        # In a process with several databases, as in tests, the models may use another one by now.
        table.update({column: time}).where(earlier).execute(self._database.db)
