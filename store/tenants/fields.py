"""A tenant's custom fields, declared and removed while the server runs."""

import json
from functools import partial
from typing import Any

import peewee
from peewee import fn

from scim.document import dumps
from scim.errors import InvalidValue, NotFound, Uniqueness
from scim.preset import FIELD_NAME
from scim.types import TYPES
from store.database.sweep import sweep
from store.database.transactions import Database, now
from store.database.write import Write
from store.tables import Field, Resource, Setting
from store.tenants.indexes import Indexes, Named
from store.tenants.log import Call, Log
from store.tenants.tenants import Tenant, bump

MAX_DESCRIPTION = 1_000

_NOTE = "removal of field {} {}"
"""What the note is called that the values of a tenant's field are being taken out."""


class Fields:
    """The custom fields of one tenant; `call` is who removes them, for the provisioning log."""

    def __init__(self, database: Database, tenant: Tenant, call: Call | None = None) -> None:
        self._database = database
        self._tenant = tenant
        self._call = call or Call(operation="platform: field remove")
        self._log = Log(database, tenant.pk)

    def add(self, name: str, type: str, description: str = "") -> None:
        """Declare a field; it is there for the next request. Raises InvalidValue or Uniqueness."""
        row = self._row(name, type, description)

        def work(_: Write) -> None:
            if (removed := self._being_removed(name)) is not None:
                raise InvalidValue(
                    f"The removal of the field {removed} was broken off, and users hold values of it still: remove it"
                    " once more first."
                )
            Field.insert(row).execute()
            bump(self._tenant.pk)

        try:
            self._database.write(work)
        except peewee.IntegrityError as error:
            raise Uniqueness(f"The tenant has a field {name} already.") from error

    def _row(self, name: str, type: str, description: str) -> dict[str, Any]:
        """What a field is declared by. Raises InvalidValue."""
        if FIELD_NAME.fullmatch(name) is None:
            raise InvalidValue(
                f'A field cannot be called "{name[:80]}": use a letter, then letters, digits, hyphens and underscores,'
                " 100 at most (RFC 7643 §2.1)."
            )
        if len(description) > MAX_DESCRIPTION:
            raise InvalidValue(
                f"A field's description has at most {MAX_DESCRIPTION} characters, not {len(description)}."
            )
        types = {each.lower(): each for each in TYPES}
        if type.lower() not in types:
            raise InvalidValue(f"A field cannot be of type {type[:80]}: choose one of {', '.join(TYPES)}.")
        described = {"name": name, "name_key": name.lower(), "type": types[type.lower()], "description": description}
        return described | {"tenant": self._tenant.pk, "indexed": False}

    def indexed(self, name: str) -> Named:
        """What an index on a field is on."""
        return Named("User", f"{self._tenant.profile.preset.fields_urn}:{name}")

    def all(self) -> list[dict[str, Any]]:
        """Every field in the order of declaration."""
        query = Field.select().where(Field.tenant == self._tenant.pk).order_by(Field.pk)
        return self._database.read(lambda: [_listed(row) for row in query])

    def get(self, name: str) -> dict[str, Any]:
        """The field of that name in any letter case. Raises NotFound."""
        found = next((field for field in self.all() if field["name"].lower() == name.lower()), None)
        if found is None:
            raise NotFound(f"The tenant has no field {name[:80]}.")
        return found

    def spelled(self, name: str) -> str:
        """The name of the field as it was declared, or of one whose removal was broken off. Raises NotFound."""
        declared = next((field["name"] for field in self.all() if field["name"].lower() == name.lower()), None)
        declared = declared or self._database.read(lambda: self._being_removed(name))
        if declared is None and not self.holders(name):
            raise NotFound(f"The tenant has no field {name[:80]}.")
        return declared or name

    def holders(self, name: str) -> int:
        """How many users hold a value of the field of that very name."""
        query = Resource.select(fn.COUNT(Resource.pk)).where(self._holds(name))
        return int(self._database.read(query.scalar))

    def remove(self, name: str) -> int:
        """Remove a field with all its values; returns how many users held one. Raises NotFound.

        The declaration goes first, so that no new values come in, then the values, some users at a time. What was
        broken off in between is finished by removing the field again.
        """
        spelled = self.spelled(name)
        self._database.write(lambda write: self._undeclare(write, spelled))
        # Requests that began before may still bring values; later ones are refused by the log.
        self._database.dialect.settle()
        swept = self._sweep(spelled)
        Indexes(self._database, self._tenant).purge(self.indexed(spelled))
        done = Setting.delete().where(Setting.name == self._removal(spelled))
        self._database.write(lambda _: done.execute())
        return swept

    def _removal(self, name: str) -> str:
        return _NOTE.format(self._tenant.pk, name.lower())

    def _being_removed(self, name: str) -> str | None:
        """The field of that name whose removal has begun and not ended."""
        note: Setting | None = Setting.get_or_none(Setting.name == self._removal(name))
        return None if note is None else str(note.value)

    def _undeclare(self, write: Write, name: str) -> None:
        bump(self._tenant.pk)
        note = Setting.insert(name=self._removal(name), value=name)
        note.on_conflict(conflict_target=(Setting.name,), update={Setting.value: name}).execute()
        Field.delete().where((Field.tenant == self._tenant.pk) & (Field.name == name)).execute()
        self._log.record(write, self._call, 200, [{"attribute": "field", "before": name}])
        Indexes(self._database, self._tenant).withdraw(self.indexed(name))

    def _sweep(self, name: str) -> int:
        """Take the values of all users out; returns how many users there were."""
        columns = (Resource.pk, Resource.document, Resource.keys.as_text(), Resource.display)
        rows = Resource.select(*columns).where(self._holds(name))
        return sum(sweep(self._database, rows, Resource.pk, partial(self._take_out, name)))

    def _take_out(self, name: str, write: Write, rows: list[Any]) -> None:
        """Take the values of these users out, and enter them in the log."""
        path = self._path(name)
        for pk, document, keys, _ in rows:
            changed = {"document": _without(document, *path), "keys": _without(keys, *path), "modified": now()}
            Resource.update(**changed, version=Resource.version + 1).where(Resource.pk == pk).execute()
        self._log.record(write, self._call, 200, [{"attribute": ":".join(path), "before": [row[3] for row in rows]}])

    def _path(self, name: str) -> tuple[str, str]:
        """Where a document holds the value of a field."""
        return self._tenant.profile.preset.fields_urn, name

    def _holds(self, name: str) -> Any:
        """Whether a row is a user of the tenant with a value of that field."""
        of_tenant = (Resource.tenant == self._tenant.pk) & (Resource.type == "User")
        return of_tenant & self._database.dialect.present(Resource.keys, self._path(name))


def forget_removals(tenant: int) -> None:
    """Remove the notes of a tenant that is being removed itself; inside a transaction."""
    Setting.delete().where(Setting.name.startswith(_NOTE.format(tenant, ""))).execute()


def _listed(row: Field) -> dict[str, Any]:
    return {"name": row.name, "type": row.type, "description": row.description, "indexed": bool(row.indexed)}


def _without(text: str, urn: str, name: str) -> str:
    """The JSON text of a document without one member of an extension, nor the extension if that was its last."""
    document = json.loads(text)
    del document[urn][name]
    if not document[urn]:
        del document[urn]
    return dumps(document)
