"""Inserts, updates and deletes rows of `resource`, which no other code does.

A change that clients see increments a row's version (RFC 7644 §3.14). Index rows and counters are kept up to date.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import peewee

from scim.attributes import ResourceType
from scim.document import Document
from store.database.statements import parameter
from store.database.sweep import sweep_out
from store.database.transactions import Database, now
from store.database.write import Write
from store.filters import lookup
from store.resources.columns import UNIQUE, Unique
from store.tables import Resource
from store.tenants import counters
from store.tenants.tenants import Tenant

_NEXT = {Resource.version: Resource.version + 1}


class Taken(peewee.IntegrityError):
    """Another resource of the tenant has a value that must be unique; `key` is its comparison key."""

    def __init__(self, unique: Unique, value: str, key: str) -> None:
        super().__init__(unique.column)
        self.unique = unique
        self.value = value
        self.key = key


class Rows:
    """The rows of the resources of one type in one tenant."""

    def __init__(self, database: Database, tenant: Tenant, type: ResourceType) -> None:
        self._database = database
        self._tenant = tenant
        self._type = type

    def insert(self, write: Write, columns: dict[str, Any], document: Document) -> int:
        """Insert a row and its index rows; returns its key. Raises Taken.

        `columns` are those derived from the document, and id, manager, created and modified.
        """
        row = self._new(columns)
        try:
            pk = int(self._statement("insert", row, _insert_one)(**row).fetchone()[0])
        except peewee.IntegrityError as error:
            self._refuse(error, columns, document)
        self._index({pk: document})
        self._count(write, 1)
        return pk

    def insert_all(self, write: Write, rows: Sequence[dict[str, Any]], documents: Mapping[int, Document]) -> None:
        """Insert many rows with keys of their own. Raises peewee.IntegrityError if a unique value is taken."""
        if not rows:
            return
        new = [self._new(row) for row in rows]
        self._statement("insert many", new[0], _insert_query).many(new)
        self._index(documents)
        self._count(write, len(new))

    def update(
        self, pk: int, columns: dict[str, Any], before: Document | None = None, after: Document | None = None
    ) -> str:
        """Change columns of a row and increment its version; returns the time. Raises Taken.

        `before` and `after` are given if the document changed.
        """
        time = now()
        changed = columns | {"modified": time}
        try:
            self._statement("update", changed, _update_query)(pk=pk, **changed)
        except peewee.IntegrityError as error:
            self._refuse(error, columns, after or {})
        if before is not None and after is not None:
            self._reindex(pk, before, after)
        return time

    def update_each(self, rows: Sequence[dict[str, Any]]) -> None:
        """Change the same columns of rows, each given with its `pk`, and increment their versions."""
        if rows:
            changed = [row | {"modified": now()} for row in rows]
            names = {name: value for name, value in changed[0].items() if name != "pk"}
            self._statement("update", names, _update_query).many(changed)

    def set_keys(self, pk: int, columns: dict[str, Any]) -> None:
        """Change columns that clients do not see, so the version stays. Raises peewee.IntegrityError."""
        Resource.update(columns).where(Resource.pk == pk).execute()

    def touch(self, pk: int) -> str | None:
        """Increment the version of a row of any type; returns its display, None if it was deleted."""
        statement = self._database.statement("touch", _touch_query)
        row = statement(pk=pk, modified=now()).fetchone()
        return None if row is None else str(row[0])

    def touch_all(self, chosen: Any, **columns: Any) -> None:
        """Change these columns of all rows that satisfy the condition, and increment their versions."""
        Resource.update(columns | {"version": Resource.version + 1, "modified": now()}).where(chosen).execute()

    def delete(self, write: Write, pk: int) -> None:
        """Delete a row; foreign keys delete or clear what refers to it."""
        of_one = Resource.pk == parameter("pk")
        self._database.statement("delete", lambda: Resource.delete().where(of_one))(pk=pk)
        self._count(write, -1)

    def _new(self, columns: dict[str, Any]) -> dict[str, Any]:
        return columns | {"tenant": self._tenant.pk, "type": self._type.name, "version": 1}

    def _statement(self, name: str, columns: dict[str, Any], build: Any) -> Any:
        return self._database.statement((name, *columns), lambda: build(columns))

    def _index(self, documents: Mapping[int, Document]) -> None:
        """Write the index rows of resources that have none yet."""
        lookup.write(self._database, self._tenant.pk, self._tenant.kept[self._type.name], self._type, documents)

    def _reindex(self, pk: int, before: Document, after: Document) -> None:
        """Replace the index rows of a resource if their values changed."""
        if lookup.differ(self._tenant.kept[self._type.name], self._type, before, after):
            lookup.clear(self._database, pk)
            self._index({pk: after})

    def _count(self, write: Write, change: int) -> None:
        counters.count(write, self._tenant.pk, self._type.name, change)

    def _refuse(self, error: peewee.IntegrityError, columns: dict[str, Any], document: Document) -> NoReturn:
        """Raise Taken if a unique index refused the statement: the index decides, not a query before the write."""
        constraint = self._database.dialect.constraint(error)
        for unique in UNIQUE[self._type.name]:
            if unique.index_part in constraint and columns.get(unique.column) is not None:
                value = unique.value(self._tenant.profile.preset, document)
                raise Taken(unique, str(value), columns[unique.column]) from error
        raise error


def delete_all(database: Database, tenant: int, type: str, *, batch: int) -> Iterator[int]:
    """Delete the resources of one type in a tenant that is being deleted; yields after each transaction how many it
    deleted. The tenant's counters no longer exist."""
    of_type = (Resource.tenant == tenant) & (Resource.type == type)
    return sweep_out(database, Resource, of_type, Resource.pk, batch=batch)


def _insert_query(row: dict[str, Any]) -> Any:
    return Resource.insert({name: parameter(name) for name in row})


def _insert_one(row: dict[str, Any]) -> Any:
    return _insert_query(row).returning(Resource.pk)


def _update_query(columns: dict[str, Any]) -> Any:
    values = {getattr(Resource, name): parameter(name) for name in columns}
    return Resource.update(values | _NEXT).where(Resource.pk == parameter("pk"))


def _touch_query() -> Any:
    changed = Resource.update(_NEXT | {Resource.modified: parameter("modified")})
    return changed.where(Resource.pk == parameter("pk")).returning(Resource.display)
