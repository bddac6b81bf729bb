"""What users and groups share when they are written: create, replace, patch, delete (RFC 7644 §3.3, §3.5, §3.6)."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

import peewee

from scim import compare, document, keys
from scim.changes import differences
from scim.document import Document, dumps
from scim.envelopes import member
from scim.errors import InvalidValue, ScimError, Unavailable, Uniqueness, sendable
from scim.operations import Operation
from scim.projection import Projection
from scim.validation import with_defaults
from store.database.statements import parameter
from store.database.transactions import ATTEMPTS, Database, now
from store.database.write import Write
from store.filters import lookup
from store.filters.where import ROW
from store.resources.reading import NONE, Answer, Links, Stored, current
from store.resources.search import Searching
from store.tables import Resource
from store.tenants import counters
from store.tenants.log import Outdated
from store.tenants.tenants import CHANGED, Tenant, renewed

Result = TypeVar("Result")

MAX_KEY_BYTES = 2_600
"""The longest comparison key that a unique index takes, in bytes: Postgres refuses index rows of more than 2,704."""

_FOLLOWS: dict[str, frozenset[str]] = {
    "name_key": frozenset({"userName", "displayName"}),
    "identifier_key": frozenset({"emails"}),
    "external_key": frozenset({"externalId"}),
    "given_key": frozenset({"name"}),
    "family_key": frozenset({"name"}),
    "active": frozenset({"active"}),
    "display": frozenset({"displayName", "name", "userName"}),
    "display_key": frozenset({"displayName", "name", "userName"}),
}
"""The attributes that a column follows from; columns that follow from all of them are not listed."""


class Resources(Searching):
    """The resources of one type in one tenant.

    `unique` names the columns that are unique in the tenant: what the database calls their index, and what people call
    their value.
    """

    unique: ClassVar[dict[str, tuple[str, str]]]

    _claimed: dict[str, tuple[str, str]]
    """What the last write wanted to be its own: the value and its key, by column."""

    def create(self, document: Document, projection: Projection | None = None) -> Answer:
        """A new resource (RFC 7644 §3.3); defaults are added to the document. Raises InvalidValue or Uniqueness."""
        given = self.call.name
        after = with_defaults(self.type, document)
        self.call.resource_type, self.call.name = self.name, self._display(after)
        try:
            return self._written(lambda write: self._create(write, after, projection))
        except ScimError:
            # The id of what never came to be would lead nowhere; its client knows it by the name that it gave.
            self.call.resource, self.call.name = None, given or self.call.name
            raise

    def given_name(self, body: Any) -> str | None:
        """What the log calls a resource whose body may yet be refused, so that a person is found there by name."""
        _, attribute = self.unique["name_key"]
        given = member(body, attribute) if isinstance(body, dict) else None
        return sendable(given[:200]) if isinstance(given, str) else None

    def _create(self, write: Write, after: Document, projection: Projection | None) -> Answer:
        checked, links = self._checked(None, {}, after, frozenset())
        self.call.resource = id = str(uuid.uuid4())
        time = now()
        columns = self._columns(checked) | {
            "id": id, "tenant": self.tenant.pk, "type": self.name, "version": 1, "created": time, "modified": time,
            "manager": links.manager,
        }  # fmt: skip
        pk = self._insert(columns)
        self._index(pk, checked)
        counters.count(write, self._database, self.tenant.pk, self.name, 1)
        joined = self._linked(pk, after)
        self.log.record(write, self.call, 201, differences({}, checked) + joined)
        if joined:
            return self._answer(self._found(id, whole=self._shows_others(projection)), projection)
        # Nobody else knows the row yet, so it is what was written.
        row = Stored(pk, id, 1, time, time, columns["document"], columns["display"], *links, NONE)
        return self._answer(row, projection)

    def replace(
        self, id: str, document: Document, named: frozenset[str], projection: Projection | None = None
    ) -> Answer:
        """The resource after a PUT (RFC 7644 §3.5.1). `named` are the body's keys in lower case.

        Raises NotFound and what `create` raises.
        """
        self.about(id)
        return self._written(lambda write: self._replace(write, id, document, named, projection))

    def _replace(
        self, write: Write, id: str, wanted: Document, named: frozenset[str], projection: Projection | None
    ) -> Answer:
        raise NotImplementedError

    def patch(
        self, id: str, operations: list[Operation], projection: Projection | None = None, *, body: bool = True
    ) -> Answer:
        """The resource after operations in normal form (RFC 7644 §3.5.2), all of them or none.

        Raises NotFound, the errors of `scim.patch.apply`, InvalidValue or Uniqueness.
        """
        self.about(id)
        return self._written(lambda write: self._patch(write, id, operations, projection, body))

    def _patch(
        self, write: Write, id: str, operations: list[Operation], projection: Projection | None, body: bool
    ) -> Answer:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        """Remove the resource and everything that refers to it (RFC 7644 §3.6). Raises NotFound."""
        self.about(id)
        self._written(lambda write: self._delete(write, id))

    def _delete(self, write: Write, id: str) -> None:
        self._before_delete(id)
        row = self._locked(id, self._dialect.for_delete, whole=False)
        self._detach(row)
        Resource.delete().where(Resource.pk == row.pk).execute()
        counters.count(write, self._database, self.tenant.pk, self.name, -1)
        self.log.record(write, self.call, 204)

    def _before_delete(self, id: str) -> None:
        """Lock what is locked before the resource itself, in the order in which other writes lock."""

    def _detach(self, row: Stored) -> None:
        """Change what refers to a resource that is about to go."""
        raise NotImplementedError

    def _written(self, work: Callable[[Write], Result]) -> Result:
        """Run a write, as a part of the one that these resources were given. A unique index that refuses it becomes a
        409 that names the other resource."""
        tolerated = list(self.call.warnings)

        def once(write: Write) -> Result:
            self.call.warnings[:] = tolerated
            return work(write)

        try:
            if self.within is not None:
                # The outermost write is done again where the tenant was changed meanwhile.
                return self._database.write(once, self.within)
            return current([self], lambda: self._database.write(once))
        except peewee.IntegrityError as error:
            self._conflict(error)

    def _conflict(self, error: peewee.IntegrityError) -> NoReturn:
        constraint = self._dialect.constraint(error)
        for column, (part, words) in self.unique.items():
            if part in constraint and column in self._claimed:
                value, key = self._claimed[column]
                other = self._other(column, key)
                raise Uniqueness(
                    f'A {self.name.lower()} with the {words} "{value[:200]}" already exists (id {other or "unknown"}).'
                    f"{self._advice(column)}"
                ) from error
        raise error

    def _other(self, column: str, key: str) -> str | None:
        query = Resource.select(Resource.id).where(
            (Resource.tenant == self.tenant.pk) & (Resource.type == self.name) & (getattr(Resource, column) == key)
        )
        row = self._database.read(lambda: query.tuples().first())
        return None if row is None else str(row[0])

    def _advice(self, column: str) -> str:
        return ""

    def _locked(self, id: str, lock: Callable[[Any], Any] | None = None, *, whole: bool = True) -> Stored:
        """The row, locked until the transaction ends, for an update unless another lock is given; see `_found`.

        Where rows are locked one by one, that comes first: a row that is read with what it refers to while another
        write is waited for would show the new row beside the old one's references.
        """
        if self._dialect.locks_rows:
            locking = lock or self._dialect.for_update
            name = ("lock", self.name, locking.__name__)
            statement = self._database.statement(name, lambda: locking(self._lock_query()))
            statement(tenant=self.tenant.pk, id=id).fetchall()
        row = self._found(id, whole=whole)
        self.call.name = row.display
        return self._admitted(row)

    def _admitted(self, row: Stored) -> Stored:
        """The locked row, if the request's precondition admits its version (RFC 7644 §3.14)."""
        if self.call.precondition is not None:
            self.call.precondition.check(row.version)
        return row

    def _lock_query(self) -> Any:
        of_tenant = (ROW.tenant == parameter("tenant")) & (ROW.type == self.name) & (ROW.id == parameter("id"))
        return ROW.select(ROW.pk).where(of_tenant)

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, Links]:
        """The document to be stored, and the row that it refers to; refuses what the preset refuses."""
        raise NotImplementedError

    def _save(
        self,
        write: Write,
        row: Stored,
        before: Document,
        after: Document,
        named: frozenset[str],
        changes: list[dict[str, Any]],
        status: int,
    ) -> bool:
        """The same as `_saved`; whether anything changed."""
        return self._saved(write, row, before, after, named, changes, status).version != row.version

    def _saved(
        self,
        write: Write,
        row: Stored,
        before: Document,
        after: Document,
        named: frozenset[str],
        changes: list[dict[str, Any]],
        status: int,
    ) -> Stored:
        """Store what a PUT or PATCH made of the document, and return the row as it is then.

        `named` are the attributes, in lower case, that the client spoke of, `changes` what was changed elsewhere
        already. What changes nothing moves neither version nor lastModified (RFC 7644 §3.5.2.1), but is entered in
        the log.
        """
        checked, links = self._checked(row, before, with_defaults(self.type, after), named)
        changed = differences(before, checked)
        if changed:
            row = self._rewritten(row, links, changed, checked)
            self._reindex(row.pk, before, checked)
            self.call.name = row.display
        elif changes:
            row = self._touched(row, {})
        self.log.record(write, self.call, status, changed + changes)
        return row

    def _rewritten(self, row: Stored, links: Links, changed: Sequence[dict[str, Any]], checked: Document) -> Stored:
        """Store a changed document; the row as it is then."""
        columns = self._columns_of(changed, checked)
        if links.manager != row.manager:
            columns["manager"] = links.manager
        row = row._replace(**links._asdict(), document=columns["document"], display=self._display(checked))
        if row.manager == row.pk:
            row = row._replace(manager_display=row.display)
        return self._touched(row, columns)

    def _touched(self, row: Stored, columns: dict[str, Any]) -> Stored:
        """Make a row its next version, with these columns changed."""
        time = now()
        self._update(row.pk, columns | {"modified": time})
        return row._replace(version=row.version + 1, modified=time)

    def _columns_of(self, changed: Sequence[dict[str, Any]], checked: Document) -> dict[str, Any]:
        """The columns that follow from changed attributes: each one that is set costs its index, changed or not."""
        names = {change["attribute"].partition(".")[0] for change in changed}
        return {
            column: value
            for column, value in self._columns(checked).items()
            if not (sources := _FOLLOWS.get(column)) or sources & names
        }

    def _columns(self, checked: Document) -> dict[str, Any]:
        """The row's columns that follow from the document alone."""
        stored = document.canonical(self.type, self._stored(checked))
        compared = keys.keys(self.type.attributes, stored)
        display = self._display(checked)
        columns = self._named(checked, compared)
        self._claimed = {name: (value, key) for name, (value, key) in columns.items() if value and key}
        for name, (_, key) in columns.items():
            if key is not None and len(key.encode()) > MAX_KEY_BYTES:
                raise InvalidValue(f"The {self.unique[name][1]} is too long to be compared.")
        return {
            "document": dumps(stored), "keys": dumps(compared), "display": display,
            "display_key": compare.folded(display), "external_key": compared.get("externalId"),
            **{name: key for name, (_, key) in columns.items()},
            **self._further(compared),
        }  # fmt: skip

    def _stored(self, checked: Document) -> Document:
        """The document without what is kept in other rows."""
        return checked

    def _display(self, document: Document) -> str:
        """The resource's name as others show it."""
        raise NotImplementedError

    def _named(self, checked: Document, compared: Document) -> dict[str, tuple[str | None, str | None]]:
        """The columns that are unique in the tenant: the value as it was given, and its comparison key."""
        raise NotImplementedError

    def _further(self, compared: Document) -> dict[str, Any]:
        """Further columns of this type."""
        return {}

    def _linked(self, pk: int, after: Document) -> list[dict[str, Any]]:
        """Make the rows that a new resource's body asks for elsewhere; returns what changed there."""
        return []

    def _insert(self, columns: dict[str, Any]) -> int:
        statement = self._database.statement(
            ("insert", tuple(columns)),
            lambda: Resource.insert({c: parameter(c) for c in columns}).returning(Resource.pk),
        )
        return int(statement(**columns).fetchone()[0])

    def _update(self, pk: int, columns: dict[str, Any]) -> None:
        """Change a row, which becomes its next version."""
        statement = self._database.statement(("update", tuple(columns)), lambda: _update_query(columns))
        statement(pk=pk, **columns)

    def _index(self, pk: int, checked: Document) -> None:
        """Write the rows of the index table of a resource that has none."""
        lookup.write(self._database, self.tenant.pk, self.tenant.kept[self.name], self.type, {pk: checked})

    def _reindex(self, pk: int, before: Document, checked: Document) -> None:
        """Write the rows of the index table anew, where what they hold has changed."""
        indexes = self.tenant.kept[self.name]
        if lookup.differ(indexes, self.type, before, checked):
            lookup.clear(self._database, pk)
            self._index(pk, checked)


def _update_query(columns: Iterable[str]) -> Any:
    values = {getattr(Resource, name): parameter(name) for name in columns}
    return Resource.update(values | {Resource.version: Resource.version + 1}).where(Resource.pk == parameter("pk"))


def together(database: Database, tenant: Tenant, work: Callable[[Write, Tenant], None]) -> None:
    """Run work that writes several times in one transaction, so that what a commit costs is paid once.

    Each write is a part of it that is undone by itself. Where the whole loses a race, or the tenant was changed
    meanwhile, it is run again, with the tenant as it is then. Raises Unavailable when that does not help; then nothing
    was applied, unless it is Unconfirmed.
    """

    def once(write: Write) -> None:
        # Two jobs of a tenant would lock the same rows in different orders; no key of a tenant is negative.
        database.dialect.serialize(-tenant.pk)
        work(write, tenant)

    for _ in range(ATTEMPTS):
        try:
            return database.write(once)
        except Outdated:
            tenant = renewed(database, tenant)
    raise Unavailable(CHANGED, headers={"Retry-After": "1"})
