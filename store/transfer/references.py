"""Resolves the references of a file's lines to users and groups, many at a time."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scim import compare
from store.database.statements import parameter
from store.database.transactions import Database
from store.filters.values import ROW
from store.tenants.tenants import Tenant

USER, GROUP = "User", "Group"


class Found(NamedTuple):
    """A resource of the tenant, with what an import compares."""

    pk: int
    id: str
    name_key: str
    identifier_key: str | None
    document: str
    manager: int | None


class Reference(NamedTuple):
    """How a line names another resource: by the id that it has here or in the file, or by a name.

    A name is a userName or work e-mail, or a group's displayName if `type` is Group. An id may be of either type.
    """

    value: str
    type: str | None = None


class References:
    """Resolves references in one tenant, and remembers ids of the file that have changed here."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self._database = database
        self._tenant = tenant
        self._ids: dict[tuple[str, str], str] = {}

    def remember(self, type: str, id: str, here: str) -> None:
        """Remember that a resource with an id in the file has another one here."""
        self._ids[type, id] = here

    def id_here(self, type: str, id: str) -> str:
        """The id that a resource of the file has here. A user and a group of a file may share an id."""
        return self._ids.get((type, id), id)

    def resolve(self, references: Iterable[Reference]) -> dict[Reference, Found]:
        """The resource that each reference means; ids take precedence over userNames, these over e-mails."""
        wanted = set(references)
        users_by_id, groups_by_id = (
            self._by(type, "id", {each: self.id_here(type, each.value) for each in wanted}) for type in (USER, GROUP)
        )
        groups_meant = {each: found for each, found in groups_by_id.items() if each.type == GROUP}
        resolved = groups_by_id | users_by_id | groups_meant
        users = [reference for reference in wanted if reference not in resolved and reference.type != GROUP]
        groups = [reference for reference in wanted if reference not in resolved and reference.type == GROUP]
        named = self._by(USER, "identifier_key", {reference: compare.email(reference.value) for reference in users})
        named |= self._by(USER, "name_key", {reference: compare.user_name(reference.value) for reference in users})
        named |= self._by(GROUP, "name_key", {reference: compare.group_name(reference.value) for reference in groups})
        return resolved | named

    def _by(self, type: str, column: str, keys: Mapping[Reference, str]) -> dict[Reference, Found]:
        by_key = {getattr(found, column): found for found in self.rows(type, column, keys.values())}
        return {reference: by_key[key] for reference, key in keys.items() if key in by_key}

    def rows(self, type: str, column: str, values: Iterable[str | None]) -> list[Found]:
        """The resources of the type with one of these values in the column."""
        wanted = [value for value in values if value is not None and "\x00" not in value]
        if not wanted:
            return []
        statement = self._database.statement(("referred", column), lambda: self._query(column))
        found = statement(tenant=self._tenant.pk, type=type, values=self._database.dialect.list_of(wanted))
        return [Found(*row) for row in found.fetchall()]

    def _query(self, column: str) -> Any:
        columns = (ROW.pk, ROW.id, ROW.name_key, ROW.identifier_key, ROW.document, ROW.manager)
        listed = self._database.dialect.one_of(getattr(ROW, column), parameter("values"))
        # A sum, since SQLite without statistics would read all resources of the tenant to find the ids.
        tenant = ROW.tenant + 0 if column == "id" else ROW.tenant
        return ROW.select(*columns).where((tenant == parameter("tenant")) & (ROW.type == parameter("type")) & listed)

    def taken(self, type: str, ids: Iterable[str]) -> set[str]:
        """Which of these ids belong to resources of other tenants or types."""
        statement = self._database.statement("taken", self._taken_query)
        listed = self._database.dialect.list_of(list(ids))
        return {id for (id,) in statement(tenant=self._tenant.pk, type=type, ids=listed).fetchall()}

    def _taken_query(self) -> Any:
        others = (ROW.tenant != parameter("tenant")) | (ROW.type != parameter("type"))
        return ROW.select(ROW.id).where(others & self._database.dialect.one_of(ROW.id, parameter("ids")))
