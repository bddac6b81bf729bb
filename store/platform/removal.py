"""Removes a tenant with all its rows, a batch a transaction, so that clients of other tenants do not wait long.

The first transaction deletes its tokens and frees its name, so that clients cannot reach it from then on. An
interrupted removal is finished by removing the tenant again.
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
from store.settings import forget_notes
from store.tables import Counter, LogEntry, Tenant, Token
from store.tenants.tenants import TENANT_NAME, Tenants

BATCH = 300
"""How many users or groups a transaction deletes, or a tenth of the number of log entries."""

_TEMPORARY_NAME = "{name} (being deleted, {pk})"
"""The name of a tenant that is being deleted: no URL can contain it, and the tenant's own name is free."""
_TEMPORARY = re.compile(r".+ \(being deleted, \d+\)")


class Removal:
    """Deletes a tenant, and the remains of tenants of the same name whose removal was interrupted.

    `name` may also be the temporary name of such remains. Raises NotFound if there is nothing to delete.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._is_remains = _TEMPORARY.fullmatch(name) is not None
        if not (self._is_remains or TENANT_NAME.fullmatch(name)) or not database.read(self._tenants().exists):
            Tenants(database).get(name)

    def _tenants(self) -> Any:
        remains = Tenant.name.startswith(_TEMPORARY_NAME.format(name=self._name, pk="")[:-1])
        return Tenant.select(Tenant.pk).where((Tenant.name == self._name) | remains).order_by(Tenant.pk)

    @property
    def begun(self) -> bool:
        """Whether an earlier removal was interrupted, so that clients cannot reach the tenant any more."""
        return self._is_remains or not self._database.read(Tenant.select().where(Tenant.name == self._name).exists)

    def run(self) -> Iterator[int]:
        """Remove it; yields after each transaction how many users and groups it deleted."""
        for (pk,) in self._database.read(lambda: list(self._tenants().tuples())):
            self._database.write(partial(self._close, pk))
            for type in RESOURCE_TYPES:
                yield from delete_all(self._database, pk, type.name, batch=BATCH)
            for _ in sweep_out(self._database, LogEntry, LogEntry.tenant == pk, LogEntry.time, batch=10 * BATCH):
                yield 0
            # Requests that began before may have added rows; they are deleted with the tenant's own.
            self._database.write(partial(self._end, pk))

    def _end(self, pk: int, _: Write) -> None:
        Tenant.delete().where(Tenant.pk == pk).execute()

    def _close(self, pk: int, _: Write) -> None:
        for model in (Token, Counter):
            model.delete().where(model.tenant == pk).execute()
        forget_notes(pk)
        if not self._is_remains:
            Tenant.update(name=_TEMPORARY_NAME.format(name=self._name, pk=pk)).where(Tenant.pk == pk).execute()
