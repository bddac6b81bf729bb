"""What users and groups share when they are written: create, replace, patch, delete (RFC 7644 §3.3, §3.5, §3.6)."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from scim.changes import differences
from scim.document import Document
from scim.envelopes import member
from scim.errors import ScimError, Unavailable, Uniqueness, sendable
from scim.operations import Operation
from scim.projection import Projection
from scim.validation import with_defaults
from store.database.statements import parameter
from store.database.transactions import ATTEMPTS, Database, now
from store.database.write import Write
from store.filters.values import ROW
from store.resources import columns
from store.resources.reading import NONE, Answer, Links, Reading, Stored, current
from store.resources.rows import Rows, Taken
from store.resources.search import Page, Query, Searching
from store.tables import Resource
from store.tenants.log import Outdated
from store.tenants.tenants import CHANGED, Tenant, renewed

Result = TypeVar("Result")
Changes = list[dict[str, Any]]
"""What the log says was changed: for each attribute its name, and its values before and after."""


class Resources(Reading):
    """The resources of one type in one tenant."""

    def search(self, query: Query, projection: Projection | None = None, *, secret: bytes = b"") -> Page:
        """A page of the resources that satisfy the query: see Searching."""
        return Searching(self).search(query, projection, secret=secret)

    @property
    def rows(self) -> Rows:
        """The resources' rows, for changing."""
        return Rows(self.database, self.tenant, self.type)

    def create(self, document: Document, projection: Projection | None = None) -> Answer:
        """A new resource (RFC 7644 §3.3); defaults are added to the document. Raises InvalidValue or Uniqueness."""
        given = self.call.name
        after = with_defaults(self.type, document)
        self.call.resource_type, self.call.name = self.name, columns.display(after)
        try:
            return self.run(lambda write: self._create(write, after, projection))
        except ScimError:
            # The id of what never came to be would lead nowhere; its client knows it by the name that it gave.
            self.call.resource, self.call.name = None, given or self.call.name
            raise

    def given_name(self, body: Any) -> str | None:
        """What the log calls a resource whose body may yet be refused, so that a person is found there by name."""
        *_, name = columns.UNIQUE[self.name]
        given = member(body, name.words) if isinstance(body, dict) else None
        return sendable(given[:200]) if isinstance(given, str) else None

    def _create(self, write: Write, after: Document, projection: Projection | None) -> Answer:
        checked, links = self._checked(None, {}, after, frozenset())
        self.call.resource = id = str(uuid.uuid4())
        time = now()
        row = columns.following(self.tenant.profile.preset, self.type, checked)
        new = row | {"id": id, "created": time, "modified": time, "manager": links.manager}
        pk = self.rows.insert(write, new, checked)
        joined = self._linked(pk, after)
        self.log.record(write, self.call, 201, differences({}, checked) + joined)
        if joined:
            return self._answer(self.found(id, whole=self.shows_others(projection)), projection)
        # Nobody else knows the row yet, so it is what was written.
        stored = Stored(pk, id, 1, time, time, row["document"], row["display"], *links, NONE)
        return self._answer(stored, projection)

    def replace(
        self, id: str, document: Document, named: frozenset[str], projection: Projection | None = None
    ) -> Answer:
        """The resource after a PUT (RFC 7644 §3.5.1). `named` are the body's keys in lower case.

        Raises NotFound and what `create` raises.
        """
        self.about(id)
        return self.run(lambda write: self._replace(write, id, document, named, projection))

    def _replace(
        self, write: Write, id: str, wanted: Document, named: frozenset[str], projection: Projection | None
    ) -> Answer:
        raise NotImplementedError

    def patch(
        self,
        id: str,
        operations: list[Operation],
        projection: Projection | None = None,
        *,
        body: bool = True,
        status: int = 200,
    ) -> Answer:
        """The resource after operations in normal form (RFC 7644 §3.5.2), all of them or none.

        Without `body` the answer has no text; `status` is entered in the log. Raises NotFound, the errors of
        `scim.patch.apply`, InvalidValue or Uniqueness.
        """
        self.about(id)
        return self.run(lambda write: self._patch(write, id, operations, projection, body, status))

    def _patch(
        self, write: Write, id: str, operations: list[Operation], projection: Projection | None, body: bool, status: int
    ) -> Answer:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        """Remove the resource and everything that refers to it (RFC 7644 §3.6). Raises NotFound."""
        self.about(id)
        self.run(lambda write: self._delete(write, id))

    def _delete(self, write: Write, id: str) -> None:
        self._before_delete(id)
        row = self.locked(id, self.dialect.for_delete, whole=False)
        self._detach(row)
        self.rows.delete(write, row.pk)
        self.log.record(write, self.call, 204)

    def _before_delete(self, id: str) -> None:
        """Lock what is locked before the resource itself, in the order in which other writes lock."""

    def _detach(self, row: Stored) -> None:
        """Change what refers to a resource that is about to be deleted."""
        raise NotImplementedError

    def run(self, work: Callable[[Write], Result], *, advise: bool = True) -> Result:
        """Run a write, as a part of the one that these resources were given.

        A unique index that refuses it becomes a 409 that names the other resource, with advice for its client.
        """
        tolerated = list(self.call.warnings)

        def once(write: Write) -> Result:
            self.call.warnings[:] = tolerated
            return work(write)

        try:
            if self.within is not None:
                # The outermost write is done again where the tenant was changed meanwhile.
                return self.database.write(once, self.within)
            return current([self], lambda: self.database.write(once))
        except Taken as taken:
            raise Uniqueness(self._taken(taken, advise=advise), hint=f"taken {taken.unique.words}") from taken

    def _taken(self, taken: Taken, *, advise: bool) -> str:
        column = getattr(Resource, taken.unique.column)
        of_type = (Resource.tenant == self.tenant.pk) & (Resource.type == self.name)
        query = Resource.select(Resource.id).where(of_type & (column == taken.key)).tuples()
        other = self.database.read(query.first)
        return (
            f'A {self.name.lower()} with the {taken.unique.words} "{taken.value[:200]}" already exists '
            f"(id {other[0] if other else 'unknown'}).{taken.unique.advice if advise else ''}"
        )

    def locked(self, id: str, lock: Callable[[Any], Any] | None = None, *, whole: bool = True) -> Stored:
        """The row, locked until the transaction ends, for an update unless another lock is given; see `_found`.

        Where rows are locked one by one, that comes first: a row that is read with what it refers to while another
        write is waited for would show the new row beside the old one's references.
        """
        if self.dialect.locks_rows:
            locking = lock or self.dialect.for_update
            name = ("lock", self.name, locking.__name__)
            statement = self.database.statement(name, lambda: locking(self._lock_query()))
            statement(tenant=self.tenant.pk, id=id).fetchall()
        row = self.found(id, whole=whole)
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

    def _saved(
        self,
        write: Write,
        row: Stored,
        before: Document,
        after: Document,
        named: frozenset[str],
        changes: Changes,
        status: int,
    ) -> Stored:
        """Check and store what a PUT or PATCH made of the document; `named` are the attributes, in lower case, that
        the client spoke of."""
        checked, links = self._checked(row, before, with_defaults(self.type, after), named)
        return self.store(write, row, before, checked, links, changes, status)

    def store(
        self,
        write: Write,
        row: Stored,
        before: Document,
        after: Document,
        links: Links,
        changes: Sequence[dict[str, Any]] = (),
        status: int = 200,
    ) -> Stored:
        """Store a document that was checked, and enter the write in the log; returns the row as it is then.

        `changes` is what was changed elsewhere already. What changes nothing moves neither version nor lastModified
        (RFC 7644 §3.5.2.1), but is entered in the log.
        """
        changed = differences(before, after)
        if changed:
            row = self._rewritten(row, links, changed, before, after)
            self.call.name = row.display
        elif changes:
            row = row._replace(version=row.version + 1, modified=self.rows.update(row.pk, {}))
        self.log.record(write, self.call, status, [*changed, *changes])
        return row

    def _rewritten(self, row: Stored, links: Links, changed: Changes, before: Document, after: Document) -> Stored:
        """Store a changed document; the row as it is then."""
        names = {change["attribute"].partition(".")[0] for change in changed}
        followed = columns.following(self.tenant.profile.preset, self.type, after, names)
        if links.manager != row.manager:
            followed["manager"] = links.manager
        modified = self.rows.update(row.pk, followed, before, after)
        row = row._replace(
            **links._asdict(), document=followed["document"], display=columns.display(after),
            version=row.version + 1, modified=modified,
        )  # fmt: skip
        return row._replace(manager_display=row.display) if row.manager == row.pk else row

    def _linked(self, pk: int, after: Document) -> Changes:
        """Make the rows that a new resource's body asks for elsewhere; returns what changed there."""
        return []


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
