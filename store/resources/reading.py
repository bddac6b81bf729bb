"""Reading resources: rows as representations, any number of them in a constant number of statements (RFC 7644 §3.4)."""

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from scim.document import Document, Representations, Text, dumps
from scim.errors import NotFound, Unavailable
from scim.projection import Projection
from store.database.statements import parameter
from store.database.transactions import ATTEMPTS, Database
from store.database.write import Write
from store.filters.shape import Scope
from store.filters.values import ROW
from store.tenants.log import Call, Log, Outdated
from store.tenants.tenants import CHANGED, Tenant, renewed

Result = TypeVar("Result")

EMPTY = "[]"


class Answer(NamedTuple):
    """A resource as it is sent: its JSON text, None if the client wants no body, and what its headers need."""

    id: str
    version: int
    location: str
    text: Text | None


class Stored(NamedTuple):
    """A resource's row, as the statements of this module select it.

    `related` is the JSON text of a list: the groups of a user, if they were read with the row; EMPTY if a user is known
    to be in no group, or a group to have no members.
    """

    pk: int
    id: str
    version: int
    created: str
    modified: str
    document: str
    display: str = ""
    manager: int | None = None
    manager_id: str | None = None
    manager_display: str | None = None
    related: str | None = None

    @property
    def links(self) -> "Links":
        """What the row refers to."""
        return Links(self.manager, self.manager_id, self.manager_display)


DOCUMENT, RELATED = map(Stored._fields.index, ("document", "related"))


class Links(NamedTuple):
    """The user that a row refers to as its manager, as `Stored` shows it."""

    manager: int | None = None
    manager_id: str | None = None
    manager_display: str | None = None


class Reading:
    """The resources of one type in one tenant.

    `endpoint_url` is the tenant's Endpoint URL. `call` describes the request for the log. `within` is the transaction
    that writes are part of; if it is None, each write is a transaction of its own.
    """

    name: ClassVar[str]
    related: ClassVar[str] = ""
    """The attribute that is computed from other rows; it is read only for answers that show it."""

    width: ClassVar[int] = 7
    """How many columns a row has as it is read."""

    def __init__(
        self, database: Database, tenant: Tenant, endpoint_url: str, call: Call, within: Write | None = None
    ) -> None:
        self.call = call
        self.within = within
        self.database = database
        self.dialect = database.dialect
        self.endpoint_url = endpoint_url
        self._set_tenant(tenant)

    def _set_tenant(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.type = tenant.profile.type(self.name)
        self.log = Log(self.database, tenant.pk, tenant.revision)
        self.scope = Scope(self.dialect, self.type, tenant.indexes[self.name])
        self._representations = Representations(self.type, self.endpoint_url)

    def renew(self) -> None:
        """Read the tenant again. Raises Unavailable if the request itself would have to be read again."""
        self._set_tenant(renewed(self.database, self.tenant))

    def get(self, id: str, projection: Projection | None = None) -> Answer:
        """The resource with this id. Raises NotFound, also if it belongs to another tenant or was deleted."""
        self.about(id)
        related = self.shows_related(projection)
        return self.database.read(lambda: self._answer(self.found(id, related=related), projection))

    def shows_related(self, projection: Projection | None) -> bool:
        """Whether an answer shows the attribute that is computed from other rows."""
        return projection is None or projection.wants(self.related)

    def texts(self, rows: Sequence[Stored], projection: Projection | None) -> list[Text]:
        """The representations of these rows, with a constant number of statements."""
        computed = self._computed(rows, projection) if rows else {}
        text = self._text
        return [text(row, computed.get(row.pk), projection) for row in rows]

    def texts_by_key(self, pks: Sequence[int], projection: Projection | None) -> dict[int, Text]:
        """The representations of the resources with these keys, without those that were deleted meanwhile."""
        if not pks:
            return {}
        related, listed = self.shows_related(projection), self.dialect.list_of(pks)
        rows = self._rows("page", related, lambda: self.dialect.one_of(ROW.pk, parameter("pks")), pks=listed)
        return dict(zip((row.pk for row in rows), self.texts(rows, projection), strict=True))

    def _rows(self, name: str, related: bool, condition: Callable[[], Any], **values: Any) -> list[Stored]:
        statement = self.database.statement((name, self.name, related), lambda: self.row_query(condition(), related))
        found = statement(tenant=self.tenant.pk, **values).fetchall()
        return [Stored(*row) for row in found]

    def row_query(self, condition: Any, related: bool) -> Any:
        """The query for the rows of this type that satisfy the condition."""
        return self.selected(ROW.select(*self.columns_read(related))).where(self.of_type() & condition)

    def of_type(self) -> Any:
        """The condition for a row of this tenant and type."""
        return (ROW.tenant == parameter("tenant")) & (ROW.type == self.name)

    def _has_id(self) -> Any:
        """The condition for the row with the id that a statement is given."""
        return self.of_type() & (ROW.id == parameter("id"))

    def columns_read(self, related: bool) -> list[Any]:
        """The columns of a Stored; with `related`, also what other rows contribute, if the same statement reads it."""
        return [ROW.pk, ROW.id, ROW.version, ROW.created, ROW.modified, ROW.document, ROW.display]

    def long_columns(self, related: bool) -> tuple[int, ...]:
        """The positions of those of these columns that hold long text."""
        return (DOCUMENT,)

    def selected(self, query: Any) -> Any:
        """The query with the joins that these columns need."""
        return query

    def found(self, id: str, *, related: bool = False) -> Stored:
        """The row with this id; `related`: see `columns_read`. Raises NotFound."""
        rows = self._rows("get", related, lambda: ROW.id == parameter("id"), id=id)
        if not rows:
            raise self._unknown(id)
        return rows[0]

    def _unknown(self, id: str) -> NotFound:
        return NotFound(f"There is no {self.name} with the id {id[:100]}.", hint="deleted")

    def _answer(self, row: Stored, projection: Projection | None, *, body: bool = True) -> Answer:
        text = self.texts([row], projection)[0] if body else None
        return Answer(row.id, row.version, self._representations.location(row.id), text)

    def _text(self, row: Stored, computed: str | None, projection: Projection | None) -> Text:
        """The representation of a row: the stored text with what is computed around it."""
        text = self._representations.text(
            row.document, row.id, row.version, row.created, row.modified, self._manager_text(row), computed
        )
        if projection is None or projection.takes_only(self.related):
            return text
        return dumps(projection.apply(json.loads(text)))

    def _manager_text(self, row: Stored) -> str | None:
        return None

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        """The JSON text of the attribute that is computed from other rows, with its name, by the resource's key."""
        return {}

    def document(self, row: Stored) -> Document:
        """The stored document, parsed."""
        found: Document = json.loads(row.document)
        return found

    def about(self, id: str) -> None:
        """Name the resource in the log. Raises NotFound for an id with a NUL, which Postgres would not compare."""
        self.call.resource_type = self.name
        self.call.resource = id.replace("\x00", "")[:100]
        if "\x00" in id:
            raise self._unknown(id)


def current(readings: Sequence[Reading], work: Callable[[], Result]) -> Result:
    """Run work that depends on the tenant's indexes, again if they were changed meanwhile. Raises Unavailable."""
    for _ in range(ATTEMPTS):
        try:
            return work()
        except Outdated:
            for reading in readings:
                reading.renew()
    raise Unavailable(CHANGED, headers={"Retry-After": "1"})
