"""What users and groups share when they are written: create, replace, patch, delete (RFC 7644 §3.3, §3.5, §3.6)."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from scim.changes import differences
from scim.document import Document
from scim.envelopes import member
from scim.errors import ScimError, Unavailable, Uniqueness, sendable
from scim.operations import Operation
from scim.patch import apply
from scim.projection import Projection
from scim.validation import check_required, with_defaults
from store.database.transactions import ATTEMPTS, Database, now
from store.database.write import Write
from store.filters.values import ROW
from store.resources import columns
from store.resources.reading import EMPTY, Answer, Links, Reading, Stored, current
from store.resources.rows import Rows, Taken
from store.resources.search import Page, Query, Searching
from store.tables import Membership, Resource
from store.tenants.log import Outdated
from store.tenants.tenants import CHANGED, Tenant, renewed

Result = TypeVar("Result")
Changes = list[dict[str, Any]]
"""The changes for the log: each has the name of an attribute, and its values before and after."""


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
            # The id of a resource that was not created leads nowhere; the client knows the resource by its name.
            self.call.resource, self.call.name = None, given or self.call.name
            raise

    def given_name(self, body: Any) -> str | None:
        """The name in the log of a resource whose body may yet be refused."""
        *_, name = columns.UNIQUE[self.name]
        given = member(body, name.label) if isinstance(body, dict) else None
        return sendable(given[:200]) if isinstance(given, str) else None

    def _create(self, write: Write, after: Document, projection: Projection | None) -> Answer:
        checked, links = self._checked(None, {}, after, frozenset())
        self.call.resource = id = str(uuid.uuid4())
        time = now()
        row = columns.derived(self.tenant.profile.preset, self.type, checked)
        new = row | {"id": id, "created": time, "modified": time, "manager": links.manager}
        pk = self.rows.insert(write, new, checked)
        joined = self._linked(pk, after)
        self.log.record(write, self.call, 201, differences({}, checked) + joined)
        if joined:
            return self._answer(self.found(id, related=self.shows_related(projection)), projection)
        # No other transaction can have changed the row yet.
        stored = Stored(pk, id, 1, time, time, row["document"], row["display"], *links, EMPTY)
        return self._answer(stored, projection)

    def replace(
        self, id: str, document: Document, named: frozenset[str], projection: Projection | None = None
    ) -> Answer:
        """The resource after a PUT (RFC 7644 §3.5.1). `named` are the body's keys in lower case.

        Raises NotFound and what `create` raises.
        """
        self.about(id)

        def work(write: Write) -> Answer:
            row = self.locked(id, related=self.shows_related(projection))
            changes = self._replace_related(row, document, named)
            before = self.whole(row)
            after = self._completed(before, document)
            return self._answer(self._saved(write, row, before, after, named, changes, 200), projection)

        return self.run(work)

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

        Without `body` the answer has no text. The log entry has this status. Raises NotFound, the errors of
        `scim.patch.apply`, InvalidValue or Uniqueness.
        """
        self.about(id)
        named = frozenset(operation.target.attributes[0].name.lower() for operation in operations)

        def work(write: Write) -> Answer:
            row = self.locked(id, related=body and self.shows_related(projection))
            rest, changes = self._patch_related(row, operations)
            before = self.whole(row)
            after = apply(self.type, before, rest) if rest else before
            return self._answer(self._saved(write, row, before, after, named, changes, status), projection, body=body)

        return self.run(work)

    def delete(self, id: str) -> None:
        """Delete the resource, and the references to it (RFC 7644 §3.6). Raises NotFound."""
        self.about(id)
        self.run(lambda write: self._delete(write, id))

    def _delete(self, write: Write, id: str) -> None:
        self._before_delete(id)
        row = self.locked(id, referable=False, related=False)
        self._detach(row)
        self.rows.delete(write, row.pk)
        self.log.record(write, self.call, 204)

    def _before_delete(self, id: str) -> None:
        """Lock what other writes lock before the resource, so that all lock in the same order."""

    def _detach(self, row: Stored) -> None:
        """Change what refers to a resource that is being deleted: the groups that it is a member of get a version."""
        groups = Membership.select(Membership.group).where(Membership.member == row.pk)
        self.rows.touch_all(Resource.pk.in_(groups))

    def run(self, work: Callable[[Write], Result], *, advise: bool = True) -> Result:
        """Run a write, as a part of the one that these resources were given if there is one.

        Raises Uniqueness, naming the other resource, if a unique value is taken; `advise` adds advice for the client.
        """
        tolerated = list(self.call.warnings)

        def once(write: Write) -> Result:
            self.call.warnings[:] = tolerated
            return work(write)

        try:
            if self.within is not None:
                # If the tenant was changed meanwhile, the outermost write is repeated.
                return self.database.write(once, self.within)
            return current([self], lambda: self.database.write(once))
        except Taken as taken:
            raise Uniqueness(self._taken(taken, advise=advise), hint=f"taken {taken.unique.label}") from taken

    def _taken(self, taken: Taken, *, advise: bool) -> str:
        column = getattr(Resource, taken.unique.column)
        of_type = (Resource.tenant == self.tenant.pk) & (Resource.type == self.name)
        query = Resource.select(Resource.id).where(of_type & (column == taken.key)).tuples()
        other = self.database.read(query.first)
        return (
            f'A {self.name.lower()} with the {taken.unique.label} "{taken.value[:200]}" already exists '
            f"(id {other[0] if other else 'unknown'}).{taken.unique.advice if advise else ''}"
        )

    def locked(self, id: str, *, referable: bool = True, related: bool = True) -> Stored:
        """The row, locked until the transaction ends; see `Dialect.for_update` and `found`.

        On Postgres a statement of its own locks the row: one that also reads what the row refers to, and has to wait
        for the lock, would return the new row with the references of the old one.
        """
        if self.dialect.locks_rows:
            statement = self.database.statement(
                ("lock", self.name, referable),
                lambda: self.dialect.for_update(ROW.select(ROW.pk).where(self._has_id()), referable=referable),
            )
            statement(tenant=self.tenant.pk, id=id).fetchall()
        row = self.found(id, related=related)
        self.call.name = row.display
        if self.call.precondition is not None:
            self.call.precondition.check(row.version)
        return row

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, Links]:
        """The document to store, and what its row refers to. Raises InvalidValue for what the preset refuses."""
        check_required(self.type, after)
        return columns.stored(after), Links()

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
        """Check and store what a PUT or PATCH made of the document; `named` are the attributes that the request names,
        in lower case."""
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
        """Store a checked document, and enter the write in the log; returns the row as it is then.

        `changes` were made elsewhere already. A write without changes keeps version and lastModified (RFC 7644
        §3.5.2.1), but has a log entry.
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
        """Store a changed document; returns the row as it is then."""
        names = {change["attribute"].partition(".")[0] for change in changed}
        derived = columns.derived(self.tenant.profile.preset, self.type, after, names)
        if links.manager != row.manager:
            derived["manager"] = links.manager
        modified = self.rows.update(row.pk, derived, before, after)
        row = row._replace(
            **links._asdict(), document=derived["document"], display=columns.display(after),
            version=row.version + 1, modified=modified,
        )  # fmt: skip
        return row._replace(manager_display=row.display) if row.manager == row.pk else row

    # What a type stores elsewhere than in its document.

    def whole(self, row: Stored) -> Document:
        """The document with what is stored in columns."""
        return self.document(row)

    def _linked(self, pk: int, after: Document) -> Changes:
        """Insert the memberships that a new resource's body or the tenant asks for; returns the changes."""
        return []

    def _replace_related(self, row: Stored, wanted: Document, named: frozenset[str]) -> Changes:
        """Change the rows that a PUT replaces beside the document; returns the changes."""
        return []

    def _patch_related(self, row: Stored, operations: list[Operation]) -> tuple[list[Operation], Changes]:
        """Apply the operations on other rows; returns the operations on the document, and the changes."""
        return operations, []

    def _completed(self, before: Document, wanted: Document) -> Document:
        """The document of a PUT with what it does not clear by leaving it out."""
        return wanted


def together(database: Database, tenant: Tenant, work: Callable[[Write, Tenant], None]) -> None:
    """Run work that writes several times in one transaction, so that there is one commit.

    Each write is a part of it that can be undone by itself. If the transaction loses a race, or the tenant was changed
    meanwhile, it is repeated with the tenant as it is then. Raises Unavailable if that does not help; then nothing was
    applied, unless the error is Unconfirmed.
    """

    def once(write: Write) -> None:
        # Two jobs of a tenant could lock the same rows in different orders; no other lock has a negative key.
        database.dialect.serialize(-tenant.pk)
        work(write, tenant)

    for _ in range(ATTEMPTS):
        try:
            return database.write(once)
        except Outdated:
            tenant = renewed(database, tenant)
    raise Unavailable(CHANGED, headers={"Retry-After": "1"})
