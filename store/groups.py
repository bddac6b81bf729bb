"""Groups in the database: the document without its members, which are rows of their own."""

from collections.abc import Sequence
from typing import Any, ClassVar

from scim.attributes import ResourceType
from scim.document import quoted
from scim.keys import folded
from scim.patch import Operation, apply, member_changes, member_ids
from scim.projection import Projection
from scim.validation import check_required
from store.compiled import parameter
from store.database import now
from store.memberships import Memberships
from store.models import Membership, Resource
from store.models import Tenant as TenantRow
from store.reading import Answer, Document, Links, Stored
from store.resources import Resources


class Groups(Resources):
    """The groups of one tenant."""

    name = "Group"
    related = "members"
    unique: ClassVar = {"name_key": ("name", "displayName")}

    @property
    def type(self) -> ResourceType:
        """See Resources."""
        return self.tenant.profile.group

    def _computed(self, pks: Sequence[int], projection: Projection | None) -> dict[int, str]:
        if projection is not None and not projection.wants(self.related):
            return {}
        statement = self._database.statement("members of", lambda: _members_query(self._dialect))
        elements: dict[int, list[str]] = {}
        for pk, id, type, display in statement(pks=self._dialect.list_of(pks)).fetchall():
            elements.setdefault(pk, []).append(self._member(id, type, display))
        return {pk: f'"members":[{",".join(members)}]' for pk, members in elements.items()}

    def _member(self, id: str, type: str, display: str) -> str:
        ref = f"{self._endpoint_url}/{type}s/{id}"
        return f'{{"value":"{id}","$ref":"{ref}","type":"{type}","display":{quoted(display)}}}'

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, Links]:
        check_required(self.type, after)
        return self._stored(after), Links()

    def _stored(self, checked: Document) -> Document:
        return {name: value for name, value in checked.items() if name != "members"}

    def _display(self, document: Document) -> str:
        return str(document.get("displayName", ""))

    def _named(self, checked: Document, compared: Document) -> dict[str, tuple[str | None, str | None]]:
        return {"name_key": (checked["displayName"], folded(checked["displayName"]))}

    def _advice(self, column: str) -> str:
        return " Group names are unique here: rename one of the two, or match on externalId first."

    def _linked(self, pk: int, after: Document) -> list[dict[str, Any]]:
        memberships = self._memberships(pk)
        memberships.add(member_ids(after.get("members")))
        return memberships.changes

    def _memberships(self, pk: int) -> Memberships:
        return Memberships(self._database, self.tenant, pk, self._endpoint_url, self.call)

    def _replace(self, id: str, wanted: Document, named: frozenset[str], projection: Projection | None) -> Answer:
        row = self._locked(id)
        memberships = self._memberships(row.pk)
        if "members" in named:
            memberships.replace(member_ids(wanted.get("members")))
        saved = self._saved(row, self._document(row), self._stored(wanted), named, memberships.changes, 200)
        return self._answer(saved, projection)

    def _patch(self, id: str, operations: list[Operation], projection: Projection | None, body: bool) -> Answer:
        row = self._locked(id)
        changes, rest = member_changes(operations)
        memberships = self._memberships(row.pk)
        for change in changes:
            memberships.apply(change)
        before = self._document(row)
        named = frozenset(operation.target.attributes[0].name.lower() for operation in operations)
        after = apply(self.type, before, rest) if rest else before
        saved = self._saved(row, before, after, named, memberships.changes, 200 if body else 204)
        return self._answer(saved, projection, body=body)

    def _detach(self, row: Stored) -> None:
        """Groups that the group was nested in get a new version; what follows by foreign key needs no word."""
        holders = Membership.select(Membership.group).where(Membership.member == row.pk)
        Resource.update(version=Resource.version + 1, modified=now()).where(Resource.pk.in_(holders)).execute()
        TenantRow.update(integration_group=None).where(TenantRow.integration_group == row.pk).execute()


def _members_query(dialect: Any) -> Any:
    """The members of these groups, those who came first first."""
    member = Resource.alias("member_row")
    query = Membership.select(Membership.group, member.id, member.type, member.display)
    query = query.join(member, on=(member.pk == Membership.member))
    return query.where(dialect.one_of(Membership.group, parameter("pks"))).order_by(Membership.group, Membership.member)
