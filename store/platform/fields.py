"""Removes a custom field with the values that users have, some users at a time."""

import json
from typing import Any

from peewee import fn

from scim.document import Document, dumps
from scim.errors import NotFound
from store.database.sweep import sweep
from store.database.transactions import Database
from store.database.write import Write
from store.resources.rows import Rows
from store.settings import forget
from store.tables import Resource
from store.tenants.fields import Fields, removal_note
from store.tenants.indexes import Indexes
from store.tenants.log import Call, Log
from store.tenants.tenants import Tenant


class FieldRemoval:
    """The removal of one field of a tenant, which may have been interrupted before; `call` says who removes it.

    `name` is spelled as the field was declared. Raises NotFound if the tenant has no such field.
    """

    def __init__(self, database: Database, tenant: Tenant, name: str, call: Call) -> None:
        self._database = database
        self._tenant = tenant
        self._call = call
        self._fields = Fields(database, tenant)
        self.name = self._spelled(name)

    def _spelled(self, name: str) -> str:
        declared = next((each["name"] for each in self._fields.all() if each["name"].lower() == name.lower()), None)
        declared = declared or self._database.read(lambda: self._fields.being_removed(name))
        if declared is None and not self._holders(name):
            raise NotFound(f"The tenant has no field {name[:80]}.")
        return declared or name

    def holders(self) -> int:
        """How many users have a value of the field."""
        return self._holders(self.name)

    def _holders(self, name: str) -> int:
        query = Resource.select(fn.COUNT(Resource.pk)).where(self._holds(name))
        return int(self._database.read(query.scalar))

    def run(self) -> int:
        """Remove the field with all its values; returns how many users had one.

        The declaration is deleted first, so that no new values arrive. Another run finishes an interrupted removal.
        """
        self._database.write(lambda write: self._fields.undeclare(write, self.name, self._call))
        # Requests that began before may still store values; the revision fence refuses later ones.
        self._database.dialect.settle()
        columns = (Resource.pk, Resource.id, Resource.display, Resource.document, Resource.keys.as_text())
        rows = Resource.select(*columns).where(self._holds(self.name))
        swept = sum(sweep(self._database, rows, Resource.pk, self._take_out))
        Indexes(self._database, self._tenant).purge(self._fields.indexed(self.name))
        self._database.write(lambda _: forget(removal_note(self._tenant.pk, self.name)))
        return swept

    def _take_out(self, write: Write, rows: list[Any]) -> None:
        """Remove the values of these users, with a log entry for each."""
        log, attribute = Log(self._database, self._tenant.pk), ":".join(self._path(self.name))
        users = Rows(self._database, self._tenant, self._tenant.profile.user)
        for pk, id, display, *texts in rows:
            document, keys = map(json.loads, texts)
            value = self._cut(document)
            self._cut(keys)
            users.update(pk, {"document": dumps(document), "keys": dumps(keys)})
            call = self._call.about("User", id, display)
            log.record(write, call, 200, [{"attribute": attribute, "before": value}])

    def _cut(self, document: Document) -> Any:
        """Remove the value from a document, and the extension if nothing else is in it; returns the value."""
        urn, name = self._path(self.name)
        value = document[urn].pop(name)
        if not document[urn]:
            del document[urn]
        return value

    def _path(self, name: str) -> tuple[str, str]:
        """The path to the value of a field in a document."""
        return self._tenant.profile.preset.fields_urn, name

    def _holds(self, name: str) -> Any:
        """Whether a row is a user of the tenant with a value of that field."""
        of_tenant = (Resource.tenant == self._tenant.pk) & (Resource.type == "User")
        return of_tenant & self._database.dialect.present(Resource.keys, self._path(name))
