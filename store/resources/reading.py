"""Reading resources: rows as representations, any number of them in a constant number of statements (RFC 7644 §3.4)."""

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from scim.attributes import ResourceType
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

NONE = "[]"


class Answer(NamedTuple):
    """A resource as it goes out: its JSON text with the headers' values. `text` is None where nobody asked for it."""

    id: str
    version: int
    location: str
    text: Text | None


class Stored(NamedTuple):
    """A resource's row, as the statements of this module select it.

    `related` is the JSON text of a list: the groups of a user, where they are asked for; NONE where it is known that
    the user is in no group, or that the group has no members.
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

    `endpoint_url` is the tenant's Endpoint URL, `call` what the log says of the request, `within` the transaction that
    their writes are parts of, None where each is one of its own.
    """

    name: ClassVar[str]
    related: ClassVar[str]
    """The attribute that other rows make up, which is not read where nobody asks for it."""

    width: ClassVar[int] = 7
    """How many columns make up a row."""

    def __init__(
        self, database: Database, tenant: Tenant, endpoint_url: str, call: Call, within: Write | None = None
    ) -> None:
        self.tenant = tenant
        self.call = call
        self.within = within
        self.database = database
        self.dialect = database.dialect
        self.endpoint_url = endpoint_url
        self.log = Log(database, tenant.pk, tenant.revision)
        self._representations = Representations(self.type, endpoint_url)
        self.scope = self._current_scope()

    def renew(self) -> None:
        """Know the tenant as it is now. Raises Unavailable where the request has to be read anew for that."""
        self.tenant = renewed(self.database, self.tenant)
        self.log.revision = self.tenant.revision
        self._representations = Representations(self.type, self.endpoint_url)
        self.scope = self._current_scope()

    def _current_scope(self) -> Scope:
        return Scope(self.dialect, self.type, self.tenant.indexes[self.name])

    @property
    def type(self) -> ResourceType:
        """The resource type as this tenant speaks it."""
        raise NotImplementedError

    def get(self, id: str, projection: Projection | None = None) -> Answer:
        """The resource with this id. Raises NotFound: also for another tenant's, and for one that was deleted."""
        self.about(id)
        whole = self.shows_others(projection)
        return self.database.read(lambda: self._answer(self.found(id, whole=whole), projection))

    def shows_others(self, projection: Projection | None) -> bool:
        """Whether an answer shows what other rows make up, which is not read for anybody else."""
        return projection is None or projection.wants(self.related)

    def texts(self, rows: Sequence[Stored], projection: Projection | None) -> list[Text]:
        """The representations of these rows, with a constant number of statements."""
        computed = self._computed(rows, projection) if rows else {}
        text = self._text
        return [text(row, computed.get(row.pk), projection) for row in rows]

    def texts_by_key(self, pks: Sequence[int], projection: Projection | None) -> dict[int, Text]:
        """The representations of the resources with these keys; one that was deleted meanwhile is missing."""
        if not pks:
            return {}
        whole = self.shows_others(projection)
        listed = self.dialect.list_of(pks)
        rows = self._rows("page", whole, lambda: self.dialect.one_of(ROW.pk, parameter("pks")), pks=listed)
        return dict(zip((row.pk for row in rows), self.texts(rows, projection), strict=True))

    def _rows(self, name: str, whole: bool, condition: Callable[[], Any], **values: Any) -> list[Stored]:
        statement = self.database.statement((name, self.name, whole), lambda: self.row_query(condition(), whole))
        found = statement(tenant=self.tenant.pk, **values).fetchall()
        return [Stored(*row) for row in found]

    def row_query(self, condition: Any, whole: bool) -> Any:
        """The query for the rows of this type that satisfy the condition."""
        of_type = (ROW.tenant == parameter("tenant")) & (ROW.type == self.name)
        return self.selected(ROW.select(*self.columns_read(whole))).where(of_type & condition)

    def columns_read(self, whole: bool) -> list[Any]:
        """The columns that make up a Stored; `whole`: with what other rows make up, where one statement brings both."""
        return [ROW.pk, ROW.id, ROW.version, ROW.created, ROW.modified, ROW.document, ROW.display]

    def long_columns(self, whole: bool) -> tuple[int, ...]:
        """Which of these columns hold long text."""
        return (DOCUMENT,)

    def selected(self, query: Any) -> Any:
        """A query of these columns, with the rows that they come from beside ROW."""
        return query

    def found(self, id: str, *, whole: bool = False) -> Stored:
        """The row with this id; `whole`: see `columns_read`."""
        rows = self._rows("get", whole, lambda: ROW.id == parameter("id"), id=id)
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
        """The attribute that other rows make up, its name with its JSON text, by the resource's key."""
        raise NotImplementedError

    def document(self, row: Stored) -> Document:
        """The stored document, for changing."""
        found: Document = json.loads(row.document)
        return found

    def about(self, id: str) -> None:
        """Tell the log which resource is meant; Postgres would refuse an id with a NUL instead of not finding it."""
        self.call.resource_type = self.name
        self.call.resource = id.replace("\x00", "")[:100]
        if "\x00" in id:
            raise self._unknown(id)


def current(readings: Sequence[Reading], work: Callable[[], Result]) -> Result:
    """Run what depends on the tenant's indexes, and again where they were changed while it ran. Raises Unavailable."""
    for _ in range(ATTEMPTS):
        try:
            return work()
        except Outdated:
            for reading in readings:
                reading.renew()
    raise Unavailable(CHANGED, headers={"Retry-After": "1"})
