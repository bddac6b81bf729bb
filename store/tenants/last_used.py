"""When tokens and tenants were last used: gathered in memory, written every few seconds, so that reads write
nothing."""

import time
from threading import Lock
from typing import Any

from scim.errors import Unavailable
from store.database.transactions import Database, instant_at
from store.tables import Tenant, Token
from store.tenants.background import Background


class LastUsed:
    """The contacts of one worker process that are to be written in the background."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._pending: dict[int, tuple[int, float]] = {}
        self._lock = Lock()
        background.add(self.write)

    def note(self, token: int, tenant: int) -> None:
        """The token of that tenant was used just now."""
        with self._lock:
            self._pending[token] = (tenant, time.time())
        self._background.wake()

    def write(self) -> None:
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
