"""A tenant's custom fields, declared and removed while the server runs."""

from typing import Any

import peewee

from scim.errors import InvalidValue, NotFound, Uniqueness
from scim.preset import FIELD_NAME, FIELD_TYPES
from store.database import Database
from store.models import Field, Index
from store.tenants import Tenant, bump


class Fields:
    """The custom fields of one tenant."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self._database = database
        self._tenant = tenant

    def add(self, name: str, type: str, description: str = "", *, indexed: bool = False) -> None:
        """Declare a field; it is there for the next request. Raises InvalidValue or Uniqueness."""
        if FIELD_NAME.fullmatch(name) is None:
            raise InvalidValue(
                f'A field cannot be called "{name[:80]}": use a letter, then letters, digits, hyphens and underscores,'
                " 100 at most (RFC 7643 §2.1)."
            )
        types = {each.lower(): each for each in FIELD_TYPES}
        if type.lower() not in types:
            raise InvalidValue(f"A field cannot be of type {type[:80]}: choose one of {', '.join(FIELD_TYPES)}.")
        row = {"tenant": self._tenant.pk, "name": name, "name_key": name.lower(), "type": types[type.lower()]}

        def work() -> None:
            Field.insert(**row, description=description, indexed=indexed).execute()
            if indexed:
                attribute = f"{self._tenant.profile.preset.fields_urn}:{name}"
                Index.insert(tenant=self._tenant.pk, type="User", attribute=attribute).execute()
            bump(self._tenant.pk)

        try:
            self._database.write(work)
        except peewee.IntegrityError as error:
            raise Uniqueness(f"The tenant has a field {name} already.") from error

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


def _listed(row: Field) -> dict[str, Any]:
    return {"name": row.name, "type": row.type, "description": row.description, "indexed": bool(row.indexed)}
