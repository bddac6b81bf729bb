"""A tenant removed with all that it has, some rows a transaction, so that clients of other tenants wait for few.

The first transaction takes its tokens and its name: from then on nobody reaches it. What was broken off is finished by
removing the tenant again.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from scim.preset import RESOURCE_TYPES
from store.database.sweep import sweep_out
from store.database.transactions import Database
from store.database.write import Write
from store.resources.rows import delete_all
from store.tables import Counter, LogEntry, Tenant, Token
from store.tenants.fields import forget_removals
from store.tenants.tenants import TENANT_NAME, Tenants

BATCH = 300
"""How many users or groups, or ten times as many log entries, go in one transaction."""

_GOING = "{name} (being deleted, {pk})"
"""What a tenant is called meanwhile: no URL can name it, and its own name is free."""
_REST = re.compile(r".+ \(being deleted, \d+\)")


class Removal:
    """The end of the tenant of one name, and of what is left of others that had it; or of such a rest alone, by the
    name it has meanwhile. Raises NotFound where there is neither."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._going = Tenant.name.startswith(_GOING.format(name=name, pk="")[:-1])
        self._is_rest = _REST.fullmatch(name) is not None
        if not (self._is_rest or TENANT_NAME.fullmatch(name)) or not database.read(self._tenants().exists):
            Tenants(database).get(name)

    def _tenants(self) -> Any:
        return Tenant.select(Tenant.pk).where((Tenant.name == self._name) | self._going).order_by(Tenant.pk)

    @property
    def begun(self) -> bool:
        """Whether it was broken off before, so that nobody reaches the tenant any more."""
        return self._is_rest or not self._database.read(Tenant.select().where(Tenant.name == self._name).exists)

    def run(self) -> Iterator[int]:
        """Remove it; yields after each transaction how many users and groups went."""
        for (pk,) in self._database.read(lambda: list(self._tenants().tuples())):
            self._database.write(partial(self._close, pk))
            for type in RESOURCE_TYPES:
                yield from delete_all(self._database, pk, type.name, batch=BATCH)
            for _ in sweep_out(self._database, LogEntry, LogEntry.tenant == pk, LogEntry.time, batch=10 * BATCH):
                yield 0
            # What a request that had begun before may still have brought goes with the tenant's row.
            self._database.write(partial(self._end, pk))

    def _end(self, pk: int, _: Write) -> None:
        Tenant.delete().where(Tenant.pk == pk).execute()

    def _close(self, pk: int, _: Write) -> None:
        for model in (Token, Counter):
            model.delete().where(model.tenant == pk).execute()
        forget_removals(pk)
        if not self._is_rest:
            Tenant.update(name=_GOING.format(name=self._name, pk=pk)).where(Tenant.pk == pk).execute()
