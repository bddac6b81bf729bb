"""Groups in the database: the document without its members, which are rows of their own."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from scim import compare
from scim.attributes import ResourceType
from scim.document import Document, Streamed, Text, dumps, quoted
from scim.members import member_changes, member_ids
from scim.operations import Operation
from scim.patch import apply
from scim.projection import Projection
from scim.validation import check_required
from store.database.statements import parameter
from store.database.transactions import now
from store.database.write import Write
from store.resources.members import Memberships
from store.resources.reading import NONE, Answer, Links, Stored
from store.resources.writing import Resources
from store.tables import Membership, Resource
from store.tables import Tenant as TenantRow

HELD = 2_000
"""How many members the representations of a page hold in all; groups with more are streamed."""

CHUNK = 1_000
"""How many members of a streamed group are read at a time."""

STREAMED = "streamed"
"""Instead of its text: the members are to be read while they go out."""

_PLACE = dumps(dict.fromkeys(("value", "$ref", "type", "display"), "\x00"))
"""An element that marks where the members of a streamed group stand: no stored text holds a NUL."""


class Groups(Resources):
    """The groups of one tenant."""

    name = "Group"
    related = "members"
    unique: ClassVar = {"name_key": ("name", "displayName")}

    @property
    def type(self) -> ResourceType:
        """See Resources."""
        return self.tenant.profile.group

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        """See Reading. Of a page, so many members are held; what has more is STREAMED."""
        pks = [row.pk for row in rows if row.related != NONE]
        if not pks or not self._shows_others(projection):
            return {}
        statement = self._database.statement("members of", lambda: _members_query(self._dialect))
        members = statement(pks=self._dialect.list_of(pks), limit=HELD + 1).fetchall()
        # They come group by group, so the last of too many groups was not read to its end.
        unread = {pk for pk in pks if pk >= members[-1][0]} if len(members) > HELD else set()
        elements: dict[int, list[str]] = {}
        for pk, _, *member in members:
            if pk not in unread:
                elements.setdefault(pk, []).append(self._member(*member))
        texts = {pk: f'"members":[{",".join(listed)}]' for pk, listed in elements.items()}
        return texts | dict.fromkeys(unread, STREAMED)

    def _member(self, id: str, type: str, display: str, origin: str) -> str:
        ref = f"{self._endpoint_url}/{type}s/{id}"
        return f'{{"value":"{id}","$ref":"{ref}","type":"{type}","display":{quoted(display)}}}'

    def _text(self, row: Stored, computed: str | None, projection: Projection | None) -> Text:
        """See Reading."""
        if computed == STREAMED:
            return Streamed(self._pieces(row, projection))
        return self._whole_text(row, computed, projection)

    def _whole_text(self, row: Stored, computed: str | None, projection: Projection | None) -> str:
        """The representation in one piece."""
        return str(super()._text(row, computed, projection))

    def _pieces(self, row: Stored, projection: Projection | None) -> Iterator[str]:
        """The representation of a large group, its members read while it goes out.

        Who is a member from the beginning to the end is there once. The ETag is that of the beginning: whoever changed
        the group meanwhile gave it another one (RFC 7644 §3.14).
        """
        chunks = (self._projected(chunk, projection) for chunk in self._chunks(row.pk))
        first = next(chunks, "")
        if not first:
            yield self._whole_text(row, None, projection)
            return
        place = self._projected([_PLACE], projection)
        before, _, after = self._whole_text(row, f'"members":[{_PLACE}]', projection).partition(place)
        yield before + first
        for chunk in chunks:
            yield f",{chunk}"
        yield after

    def _chunks(self, pk: int) -> Iterator[list[str]]:
        """The members of a group as JSON texts, some thousands at a time."""
        statement = self._database.statement("members behind", _members_behind_query)
        rows: list[Any] = [(None, 0)]
        while rows:
            rows = self._database.read(statement(group=pk, member=rows[-1][1], limit=CHUNK).fetchall)
            if rows:
                yield [self._member(*member) for _, _, *member in rows]

    def _projected(self, members: Sequence[str], projection: Projection | None) -> str:
        """Elements of `members` as they go out, without the brackets around them; "" where nothing of them does."""
        text = ",".join(members)
        if projection is None:
            return text
        return dumps(projection.apply({"members": json.loads(f"[{text}]")}).get("members", []))[1:-1]

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
        return {"name_key": (checked["displayName"], compare.group_name(checked["displayName"]))}

    def _advice(self, column: str) -> str:
        return " Group names are unique here: rename one of the two, or match on externalId first."

    def _linked(self, pk: int, after: Document) -> list[dict[str, Any]]:
        memberships = self._memberships(pk)
        memberships.add(member_ids(after.get("members")))
        return memberships.changes

    def _memberships(self, pk: int) -> Memberships:
        return Memberships(self._database, self.tenant, pk, self._endpoint_url, self.call)

    def _replace(
        self, write: Write, id: str, wanted: Document, named: frozenset[str], projection: Projection | None
    ) -> Answer:
        row = self._locked(id)
        memberships = self._memberships(row.pk)
        if "members" in named:
            memberships.replace(member_ids(wanted.get("members")))
        saved = self._saved(write, row, self._document(row), self._stored(wanted), named, memberships.changes, 200)
        return self._answer(saved, projection)

    def _patch(
        self, write: Write, id: str, operations: list[Operation], projection: Projection | None, body: bool
    ) -> Answer:
        row = self._locked(id)
        changes, rest = member_changes(operations)
        memberships = self._memberships(row.pk)
        for change in changes:
            memberships.apply(change)
        before = self._document(row)
        named = frozenset(operation.target.attributes[0].name.lower() for operation in operations)
        after = apply(self.type, before, rest) if rest else before
        saved = self._saved(write, row, before, after, named, memberships.changes, 200 if body else 204)
        return self._answer(saved, projection, body=body)

    def _detach(self, row: Stored) -> None:
        """Groups that the group was nested in get a new version; what follows by foreign key needs no word."""
        holders = Membership.select(Membership.group).where(Membership.member == row.pk)
        Resource.update(version=Resource.version + 1, modified=now()).where(Resource.pk.in_(holders)).execute()
        TenantRow.update(integration_group=None).where(TenantRow.integration_group == row.pk).execute()


def _members_query(dialect: Any) -> Any:
    """The members of these groups, group by group, those who came first first."""
    listed = dialect.one_of(Membership.group, parameter("pks"))
    return _member_rows().where(listed).order_by(Membership.group, Membership.member).limit(parameter("limit"))


def _members_behind_query() -> Any:
    """The members of one group who come behind another one."""
    behind = (Membership.group == parameter("group")) & (Membership.member > parameter("member"))
    return _member_rows().where(behind).order_by(Membership.member).limit(parameter("limit"))


def _member_rows() -> Any:
    member = Resource.alias("member_row")
    query = Membership.select(
        Membership.group, Membership.member, member.id, member.type, member.display, Membership.origin
    )
    return query.join(member, on=(member.pk == Membership.member))
