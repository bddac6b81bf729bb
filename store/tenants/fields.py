"""A tenant's custom fields, declared and removed while the server runs."""

from typing import Any

import peewee

from scim.errors import InvalidValue, NotFound, Uniqueness
from scim.preset import FIELD_NAME
from scim.types import TYPES
from store.database.transactions import Database
from store.database.write import Write
from store.settings import keep, kept, note
from store.tables import Field
from store.tenants.indexes import Indexes, IndexName
from store.tenants.log import Call, Log
from store.tenants.tenants import Tenant, bump

MAX_DESCRIPTION = 1_000

INTERRUPTED = "The removal of the field {} was interrupted, and users still hold values of it: remove it again first."


class Fields:
    """The custom fields of one tenant. Each change makes its entry in the provisioning log for the given `call`."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self._database = database
        self._tenant = tenant
        self._log = Log(database, tenant.pk)

    def add(self, name: str, type: str, description: str = "", *, indexed: bool = False, call: Call) -> None:
        """Declare a field, which the next request can use; `indexed`: also an index on it, to be built next. Raises
        InvalidValue or Uniqueness."""
        row = self._row(name, type, description)

        def work(write: Write) -> None:
            # First, since it waits for a removal that is being committed, whose note is read next.
            bump(self._tenant.pk)
            if (removed := self.being_removed(name)) is not None:
                raise InvalidValue(INTERRUPTED.format(removed))
            Field.insert(row).execute()
            if indexed:
                Indexes(self._database, self._tenant).start(self.indexed(name))
            self._log.record(write, call, 200, [{"attribute": "field", "after": name}])

        try:
            self._database.write(work)
        except peewee.IntegrityError as error:
            raise Uniqueness(f"The tenant has a field {name} already.") from error

    def _row(self, name: str, type: str, description: str) -> dict[str, Any]:
        """The row of a field. Raises InvalidValue."""
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
        return {
            "tenant": self._tenant.pk, "name": name, "name_key": name.lower(), "type": types[type.lower()],
            "description": description, "indexed": False,
        }  # fmt: skip

    def indexed(self, name: str) -> IndexName:
        """The index on a field."""
        return IndexName("User", f"{self._tenant.profile.preset.fields_urn}:{name}")

    def all(self) -> list[dict[str, Any]]:
        """All fields in the order of their declaration."""
        shown = (Field.name, Field.type, Field.description, Field.indexed)
        query: Any = Field.select(*shown).where(Field.tenant == self._tenant.pk).order_by(Field.pk)
        return self._database.read(lambda: list(query.dicts()))

    def get(self, name: str) -> dict[str, Any]:
        """The field of that name in any letter case. Raises NotFound."""
        found = next((field for field in self.all() if field["name"].lower() == name.lower()), None)
        if found is None:
            raise NotFound(f"The tenant has no field {name[:80]}.")
        return found

    def being_removed(self, name: str) -> str | None:
        """The field of that name whose removal is not finished, None if there is none (store.platform.fields)."""
        return kept(removal_note(self._tenant.pk, name))

    def undeclare(self, write: Write, name: str, call: Call) -> None:
        """Delete the declaration of a field and withdraw its index; a note says that users may still hold values."""
        bump(self._tenant.pk)
        keep(removal_note(self._tenant.pk, name), name)
        Field.delete().where((Field.tenant == self._tenant.pk) & (Field.name == name)).execute()
        self._log.record(write, call, 200, [{"attribute": "field", "before": name}])
        Indexes(self._database, self._tenant).stop(self.indexed(name))


def removal_note(tenant: int, name: str) -> str:
    """The name of the note that the removal of a field is not finished."""
    return note(tenant, f"removal of field {name.lower()}")
