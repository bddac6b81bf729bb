"""The times at which tokens and tenants were last used. They are gathered in memory and written every few seconds, so
that reads write nothing."""

import time
from threading import Lock
from typing import Any

from peewee import fn

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
        """Write the gathered times. After an error they are kept for the next attempt."""
        with self._lock:
            pending, self._pending = self._pending, {}
        try:
            if pending:
                self._database.write(lambda _: self._write(pending))
        except Exception:
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
            self._advance(token, Token.last_used, {Token.last_used: last})
        for tenant, last in sorted(tenants.items()):
            first = fn.COALESCE(Tenant.first_contact, last)
            self._advance(tenant, Tenant.last_contact, {Tenant.last_contact: last, Tenant.first_contact: first})

    def _advance(self, pk: int, column: Any, times: dict[Any, Any]) -> None:
        """Set times of a row unless a later one is stored in the column."""
        earlier = (column.model.pk == pk) & (column.is_null() | (column < times[column]))
        # In a process with several databases, as in tests, the models may use another one by now.
        column.model.update(times).where(earlier).execute(self._database.db)
