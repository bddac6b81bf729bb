"""What users and groups share: get, search, create, replace, patch, delete, inside one tenant (RFC 7644 §3)."""

import json
import random
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, NoReturn

import peewee

from scim import binding, document, keys
from scim.attributes import Attribute, ResourceType, Target
from scim.changes import differences
from scim.document import dumps
from scim.errors import InvalidValue, NotFound, Uniqueness
from scim.filter import parse_filter
from scim.patch import Operation, read_operations
from scim.projection import Projection
from scim.validation import load, with_defaults
from store.compiled import parameter
from store.database import Database, now
from store.filters import CUT, ROW, Order, Scope, Where, operands, shape
from store.journal import Call, Journal
from store.models import Counter, Lookup, Resource
from store.tenants import Tenant

Document = dict[str, Any]

MAX_KEY_BYTES = 2_600
"""The longest comparison key that a unique index takes, in bytes: Postgres refuses index rows of more than 2,704."""

SHARDS = 8
"""Over how many rows a tenant's counter is spread."""


class Answer(NamedTuple):
    """A resource as it goes out: its JSON text with the headers' values. `text` is None where nobody asked for it."""

    id: str
    version: int
    location: str
    text: str | None


class Page(NamedTuple):
    """A page of a query: how many resources match in all, and the JSON texts of these."""

    total: int
    start_index: int
    resources: list[str]


@dataclass(frozen=True, slots=True)
class Query:
    """What a client searches for (RFC 7644 §3.4.2): `start_index` counts from 1, `count` is at most what the server serves."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100


class Stored(NamedTuple):
    """A resource's row, as the statements of this module select it."""

    pk: int
    id: str
    version: int
    created: str
    modified: str
    document: str
    manager: int | None = None
    manager_id: str | None = None
    manager_display: str | None = None


class Resources:
    """The resources of one type in one tenant. `endpoint_url` is the tenant's Endpoint URL, `call` what the log says of the
    request."""

    name: ClassVar[str]
    unique: ClassVar[dict[str, tuple[str, str]]]

    def __init__(self, database: Database, tenant: Tenant, endpoint_url: str, call: Call) -> None:
        self.tenant = tenant
        self.call = call
        self._database = database
        self._dialect = database.dialect
        self._endpoint_url = endpoint_url
        self._journal = Journal(database, tenant.pk)
        self._scope = Scope(database.dialect, self.type, tenant.indexes[self.name])
        self._claimed: dict[str, tuple[str, str]] = {}

    @property
    def type(self) -> ResourceType:
        """The resource type as this tenant speaks it."""
        raise NotImplementedError

    # Reading.

    def get(self, id: str, projection: Projection | None = None) -> Answer:
        """The resource with this id. Raises NotFound: also for another tenant's, and for one that was deleted."""
        self._about(id)
        return self._database.read(lambda: self._answer(self._found(id), projection))

    def search(self, query: Query, projection: Projection | None = None) -> Page:
        """A page of the resources that satisfy the query (RFC 7644 §3.4.2). Raises InvalidFilter or InvalidValue."""
        bound = None if query.filter is None else binding.bind(self.type, parse_filter(query.filter))
        sort = None if query.sort_by is None else self._sort_target(query.sort_by)
        return self._database.read(lambda: self._page(query, bound, sort, projection))

    def _sort_target(self, name: str) -> Target:
        target = self.type.resolve(name, InvalidValue)
        simple = target if target.attribute.type != "complex" else target.sub("value")
        if simple is None or simple.attribute.returned == "never":
            raise InvalidValue(f"sortBy cannot be {target.name}: name one of its sub-attributes.")
        return simple

    def _page(
        self, query: Query, bound: binding.Bound | None, sort: Target | None, projection: Projection | None
    ) -> Page:
        values = operands(self._dialect, bound) | {"tenant": self.tenant.pk, "endpoint": self._endpoint_url}
        pks: list[int] = []
        if query.count > 0:
            find = self._statement("find", (shape(bound), sort and sort.name, query.descending), lambda: self._find(bound, sort, query.descending))
            pks = [pk for (pk,) in find(**values, limit=query.count, offset=query.start_index - 1).fetchall()]
        total = self._total(query, bound, values, len(pks))
        return Page(total, query.start_index, self._texts(pks, projection))

    def _find(self, bound: binding.Bound | None, sort: Target | None, descending: bool) -> Any:
        """Keys first: documents are read for the page only."""
        order = [ROW.pk] if sort is None else Order(self._scope).terms(sort, descending)
        query = ROW.select(ROW.pk).where(self._matching(bound)).order_by(*order)
        return query.limit(parameter("limit")).offset(parameter("offset"))

    def _matching(self, bound: binding.Bound | None) -> Any:
        return (ROW.tenant == parameter("tenant")) & (ROW.type == self.name) & Where(self._scope, bound).condition()

    def _total(self, query: Query, bound: binding.Bound | None, values: dict[str, Any], found: int) -> int:
        """How many match in all: often known from the page, else from the counter, else counted."""
        if found and found < query.count:
            return query.start_index - 1 + found
        if bound is None:
            counted = self._database.statement("total", _total_query)
            return int(counted(tenant=self.tenant.pk, type=self.name).fetchone()[0])
        if query.count > 0 and not found and query.start_index == 1:
            return 0
        count = self._statement("count", shape(bound), lambda: ROW.select(peewee.fn.COUNT(ROW.pk)).where(self._matching(bound)))
        return int(count(**values).fetchone()[0])

    def _texts(self, pks: Sequence[int], projection: Projection | None) -> list[str]:
        """The representations of these resources, in this order, with a constant number of statements."""
        if not pks:
            return []
        rows = self._rows("page", lambda: self._dialect.one_of(ROW.pk, parameter("pks")), pks=self._dialect.list_of(pks))
        computed = self._computed(pks, projection)
        by_pk = {row.pk: self._text(row, computed.get(row.pk, ()), projection) for row in rows}
        return [by_pk[pk] for pk in pks if pk in by_pk]

    def _rows(self, name: str, condition: Callable[[], Any], **values: Any) -> list[Stored]:
        statement = self._database.statement((name, self.name), lambda: self._row_query(condition()))
        found = statement(tenant=self.tenant.pk, **values).fetchall()
        return [Stored(*row) for row in found]

    def _row_query(self, condition: Any) -> Any:
        """The query for whole rows of this type that satisfy the condition."""
        columns = (ROW.pk, ROW.id, ROW.version, ROW.created, ROW.modified, ROW.document)
        return ROW.select(*columns).where((ROW.tenant == parameter("tenant")) & (ROW.type == self.name) & condition)

    def _found(self, id: str) -> Stored:
        rows = self._rows("get", lambda: ROW.id == parameter("id"), id=id) if "\x00" not in id else []
        if not rows:
            raise self._unknown(id)
        return rows[0]

    def _unknown(self, id: str) -> NotFound:
        return NotFound(f"There is no {self.name} with the id {id[:100]}.")

    def _answer(self, row: Stored, projection: Projection | None, *, body: bool = True) -> Answer:
        text = self._text(row, self._computed([row.pk], projection).get(row.pk, ()), projection) if body else None
        return Answer(row.id, row.version, self._location(row.id), text)

    def _location(self, id: str) -> str:
        return document.location(self.type, self._endpoint_url, id)

    def _text(self, row: Stored, computed: Iterable[tuple[str, str]], projection: Projection | None) -> str:
        """The representation of a row: the stored text with the computed members around it."""
        meta = document.meta(
            self.type, created=row.created, modified=row.modified, version=row.version, location=self._location(row.id)
        )
        manager = self._manager_text(row)
        text = document.spliced(self.type, row.document, id=row.id, meta=meta, manager=manager, computed=tuple(computed))
        return text if projection is None else dumps(projection.apply(json.loads(text)))

    def _manager_text(self, row: Stored) -> str | None:
        return None

    def _computed(self, pks: Sequence[int], projection: Projection | None) -> dict[int, list[tuple[str, str]]]:
        """The members that other rows make up, as names and JSON texts, by the resource's key."""
        raise NotImplementedError

    # Writing.

    def create(self, body: Any, projection: Projection | None = None) -> Answer:
        """A new resource from a POST body (RFC 7644 §3.3). Raises InvalidSyntax, InvalidValue or Uniqueness."""
        after = with_defaults(self.type, load(self.type, body, self._dropping()))
        self.call.name = self._display(after)
        return self._written(lambda: self._create(after, projection))

    def _create(self, after: Document, projection: Projection | None) -> Answer:
        checked, linked = self._checked(None, {}, after, frozenset())
        self.call.resource = id = str(uuid.uuid4())
        time = now()
        columns = self._columns(checked) | {
            "id": id, "tenant": self.tenant.pk, "type": self.name, "version": 1, "created": time, "modified": time,
        }  # fmt: skip
        pk = self._insert(columns | linked)
        self._index(pk, checked, fresh=True)
        self._count(1)
        changes = differences({}, checked) + self._linked(pk, after)
        self._journal.record(self.call, 201, changes)
        return self._answer(self._found(id), projection)

    def replace(self, id: str, body: Any, projection: Projection | None = None) -> Answer:
        """The resource as a PUT body describes it (RFC 7644 §3.5.1). Raises NotFound and what `create` raises."""
        self._about(id)
        wanted = load(self.type, body, self._dropping())
        named = frozenset(key.lower() for key in body)
        return self._written(lambda: self._replace(id, wanted, named, projection))

    def _replace(self, id: str, wanted: Document, named: frozenset[str], projection: Projection | None) -> Answer:
        raise NotImplementedError

    def patch(
        self, id: str, operations: Any, projection: Projection | None = None, *, body: bool = True
    ) -> Answer:
        """The resource after the operations of a PatchOp message (RFC 7644 §3.5.2), all of them or none.

        Raises NotFound, the errors of `scim.patch`, InvalidValue or Uniqueness.
        """
        self._about(id)
        read = read_operations(self.type, operations, id, self._dropping())
        return self._written(lambda: self._patch(id, read, projection, body))

    def _patch(self, id: str, operations: list[Operation], projection: Projection | None, body: bool) -> Answer:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        """Remove the resource and everything that refers to it (RFC 7644 §3.6). Raises NotFound."""
        self._about(id)
        self._written(lambda: self._delete(id))

    def _delete(self, id: str) -> None:
        self._before_delete(id)
        row = self._locked(id)
        self._detach(row)
        Resource.delete().where(Resource.pk == row.pk).execute()
        self._count(-1)
        self._journal.record(self.call, 204)

    def _before_delete(self, id: str) -> None:
        """Lock what is locked before the resource itself, in the order in which other writes lock."""

    def _detach(self, row: Stored) -> None:
        """Change what refers to a resource that is about to go."""
        raise NotImplementedError

    def _written(self, work: Callable[[], Any]) -> Any:
        """Run a write; a unique index that refuses it becomes a 409 that names the other resource."""
        tolerated = list(self.call.warnings)

        def once() -> Any:
            self.call.warnings[:] = tolerated
            return work()

        try:
            return self._database.write(once)
        except peewee.IntegrityError as error:
            self._conflict(error)

    def _conflict(self, error: peewee.IntegrityError) -> NoReturn:
        constraint = self._dialect.constraint(error)
        for column, (part, words) in self.unique.items():
            if part in constraint and column in self._claimed:
                value, key = self._claimed[column]
                other = self._database.read(lambda column=column, key=key: self._other(column, key))
                raise Uniqueness(
                    f'A {self.name.lower()} with the {words} "{value[:200]}" already exists (id {other or "unknown"}).'
                    f"{self._advice(column)}"
                ) from error
        raise error

    def _other(self, column: str, key: str) -> str | None:
        query = Resource.select(Resource.id).where(
            (Resource.tenant == self.tenant.pk) & (Resource.type == self.name) & (getattr(Resource, column) == key)
        )
        row = query.tuples().first()
        return None if row is None else str(row[0])

    def _advice(self, column: str) -> str:
        return ""

    def _locked(self, id: str) -> Stored:
        """The row, locked until the transaction ends."""
        if "\x00" in id:
            raise self._unknown(id)
        statement = self._database.statement(("locked", self.name), lambda: self._dialect.for_update(self._lock_query()))
        row = statement(tenant=self.tenant.pk, id=id).fetchone()
        if row is None:
            raise self._unknown(id)
        self.call.name = row[1]
        return self._found(id)

    def _document(self, row: Stored) -> Document:
        """The stored document, for changing."""
        found: Document = json.loads(row.document)
        return found

    def _lock_query(self) -> Any:
        of_tenant = (ROW.tenant == parameter("tenant")) & (ROW.type == self.name) & (ROW.id == parameter("id"))
        return ROW.select(ROW.pk, ROW.display).where(of_tenant)

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, dict[str, Any]]:
        """The document to be stored, and the columns that refer to other rows; refuses what the preset refuses."""
        raise NotImplementedError

    def _save(
        self, row: Stored, before: Document, after: Document, named: frozenset[str], changes: list[dict[str, Any]], status: int
    ) -> bool:
        """Store what a PUT or PATCH made of the document; whether anything changed, `changes` elsewhere included.

        `named` are the attributes, in lower case, that the client spoke of. What changes nothing moves neither version
        nor lastModified (RFC 7644 §3.5.2.1), but is entered in the log.
        """
        checked, linked = self._checked(row, before, with_defaults(self.type, after), named)
        changed = differences(before, checked)
        if changed:
            self._update(row.pk, self._columns(checked) | linked)
            self._index(row.pk, checked, fresh=False)
            self.call.name = self._display(checked)
        if changed or changes:
            Resource.update(version=Resource.version + 1, modified=now()).where(Resource.pk == row.pk).execute()
        self._journal.record(self.call, status, changed + changes)
        return bool(changed or changes)

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
            "document": dumps(stored), "keys": dumps(compared), "display": display, "display_key": keys.folded(display),
            "external_key": compared.get("externalId"), **{name: key for name, (_, key) in columns.items()},
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
            ("insert", tuple(columns)), lambda: Resource.insert({c: parameter(c) for c in columns}).returning(Resource.pk)
        )
        return int(statement(**columns).fetchone()[0])

    def _update(self, pk: int, columns: dict[str, Any]) -> None:
        statement = self._database.statement(
            ("update", tuple(columns)),
            lambda: Resource.update({c: parameter(c) for c in columns}).where(Resource.pk == parameter("pk")),
        )
        statement(pk=pk, **columns)

    def _index(self, pk: int, checked: Document, *, fresh: bool) -> None:
        """Write the resource's rows of `lookup` anew."""
        indexes = self.tenant.indexes[self.name]
        if not fresh:
            clear = self._database.statement("clear lookups", lambda: Lookup.delete().where(Lookup.resource == parameter("pk")))
            clear(pk=pk)
        for name, number in indexes.items():
            target = self.type.targets.get(name.lower())
            if target is not None:
                for row in lookup_rows(target, checked):
                    self._lookup_insert()(resource=pk, attribute=number, tenant=self.tenant.pk, **row)

    def _lookup_insert(self) -> Any:
        columns = ("resource", "attribute", "position", "tenant", "type", "value", "number", "primary")
        return self._database.statement("lookup", lambda: Lookup.insert({c: parameter(c) for c in columns}))

    def _count(self, change: int) -> None:
        statement = self._database.statement("count", _count_query)
        statement(tenant=self.tenant.pk, type=self.name, shard=random.randrange(SHARDS), change=change)

    def _about(self, id: str) -> None:
        self.call.resource = id.replace("\x00", "")[:100]

    def _dropping(self) -> "_Dropped":
        return _Dropped(self.call)

    def _statement(self, name: str, key: object, build: Callable[[], Any]) -> Any:
        """A statement that depends on the tenant's attributes and indexes."""
        indexes = tuple(sorted(self.tenant.indexes[self.name].items()))
        return self._database.statement((name, self.name, self.type.schema.id, self._dialectal(), indexes, key), build)

    def _dialectal(self) -> tuple[str, ...]:
        return tuple(schema.id for schema in self.type.extensions)


class _Dropped(list[str]):
    """Names of attributes that are accepted but never stored; each is a warning in the log."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    def append(self, name: str) -> None:
        """Note one more."""
        self._call.warnings.append(f"{name} was accepted but is never stored.")


def lookup_rows(target: Target, checked: Document) -> list[dict[str, Any]]:
    """The rows of `lookup` for an attribute of a document: one an element, one for a singular value; texts are cut."""
    value: Any = checked
    for name in target.path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return []
    elements = value if isinstance(value, list) else [{"value": value}]
    attribute = target.attribute
    simple = attribute.sub("value") if attribute.type == "complex" else attribute
    return [_lookup_row(attribute, simple, position, element) for position, element in enumerate(elements)]


def _lookup_row(attribute: Attribute, simple: Attribute | None, position: int, element: Document) -> dict[str, Any]:
    value = element.get("value")
    key = None if value is None or simple is None else keys.key_function(simple)(value)
    is_number = isinstance(key, int | float) and not isinstance(key, bool)
    text = None if key is None or is_number else ("true" if key else "false") if isinstance(key, bool) else str(key)
    return {
        "position": position,
        "type": keys.folded(element["type"])[:CUT] if element.get("type") else None,
        "value": None if text is None else text[:CUT],
        "number": key if is_number else None,
        "primary": element.get("primary"),
    }


def _total_query() -> Any:
    of_type = (Counter.tenant == parameter("tenant")) & (Counter.type == parameter("type"))
    return Counter.select(peewee.fn.COALESCE(peewee.fn.SUM(Counter.total), 0)).where(of_type)


def _count_query() -> Any:
    row = {name: parameter(name) for name in ("tenant", "type", "shard")} | {"total": parameter("change")}
    return Counter.insert(row).on_conflict(
        conflict_target=(Counter.tenant, Counter.type, Counter.shard),
        update={Counter.total: Counter.total + parameter("change")},
    )

