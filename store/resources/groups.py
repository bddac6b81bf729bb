"""Groups in the database: the document without its members, which are rows of their own."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scim.attributes import ResourceType
from scim.document import Document, Streamed, Text, dumps, quoted
from scim.members import member_changes, member_ids
from scim.operations import Operation
from scim.patch import apply
from scim.projection import Projection
from scim.validation import check_required
from store.database.statements import Compiled, parameter
from store.database.write import Write
from store.resources import columns
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


class GroupTexts:
    """The parts of groups' representations that follow from other rows, as SCIM clients see them."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def begin(self, rows: Sequence[Stored]) -> None:
        """Prepare for the groups of a page."""

    def member(self, id: str, type: str, display: str, origin: str) -> str:
        """The JSON text of one member (RFC 7643 §4.2)."""
        ref = f"{self._endpoint_url}/{type}s/{id}"
        return f'{{"value":"{id}","$ref":"{ref}","type":"{type}","display":{quoted(display)}}}'

    def around(self, row: Stored, members: str | None) -> str | None:
        """The text of `members`, with its name, as it goes into the representation; None for nothing."""
        return members


class Groups(Resources):
    """The groups of one tenant."""

    name = "Group"
    related = "members"
    shown: GroupTexts | None = None
    """How they look, where that is not as SCIM clients see them."""

    @property
    def _texts_of(self) -> GroupTexts:
        return self.shown or GroupTexts(self.endpoint_url)

    @property
    def type(self) -> ResourceType:
        """See Resources."""
        return self.tenant.profile.group

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        """See Reading. Of a page, so many members are held; what has more is STREAMED."""
        look = self._texts_of
        look.begin(rows)
        pks = [row.pk for row in rows if row.related != NONE]
        if not pks or not self.shows_others(projection):
            return {}
        statement = self.database.statement("members of", lambda: _members_query(self.dialect))
        members = statement(pks=self.dialect.list_of(pks), limit=HELD + 1).fetchall()
        # They come group by group, so the last of too many groups was not read to its end.
        unread = {pk for pk in pks if pk >= members[-1][0]} if len(members) > HELD else set()
        elements: dict[int, list[str]] = {}
        for pk, _, *member in members:
            if pk not in unread:
                elements.setdefault(pk, []).append(look.member(*member))
        texts = {pk: f'"members":[{",".join(listed)}]' for pk, listed in elements.items()}
        return texts | dict.fromkeys(unread, STREAMED)

    def _text(self, row: Stored, computed: str | None, projection: Projection | None) -> Text:
        """See Reading."""
        if computed == STREAMED:
            return Streamed(self._pieces(row, projection))
        return self._whole_text(row, computed, projection)

    def _whole_text(self, row: Stored, computed: str | None, projection: Projection | None) -> str:
        """The representation in one piece."""
        return str(super()._text(row, self._texts_of.around(row, computed), projection))

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
        statement = self.database.statement("members behind", _members_behind_query)
        rows: list[Any] = [(None, 0)]
        while rows:
            rows = self.database.read(_chunk(statement, pk, rows[-1][1]))
            if rows:
                yield [self._texts_of.member(*member) for _, _, *member in rows]

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
        return columns.stored(self.type, after), Links()

    def _linked(self, pk: int, after: Document) -> list[dict[str, Any]]:
        memberships = self.memberships(pk)
        memberships.add(member_ids(after.get("members")))
        return memberships.changes

    def memberships(self, pk: int) -> Memberships:
        return Memberships(self.database, self.tenant, pk, self.endpoint_url, self.call)

    def _replace(
        self, write: Write, id: str, wanted: Document, named: frozenset[str], projection: Projection | None
    ) -> Answer:
        row = self.locked(id)
        memberships = self.memberships(row.pk)
        if "members" in named:
            memberships.replace(member_ids(wanted.get("members")))
        saved = self._saved(
            write, row, self.document(row), columns.stored(self.type, wanted), named, memberships.changes, 200
        )
        return self._answer(saved, projection)

    def _patch(
        self, write: Write, id: str, operations: list[Operation], projection: Projection | None, body: bool, status: int
    ) -> Answer:
        row = self.locked(id)
        changes, rest = member_changes(operations)
        memberships = self.memberships(row.pk)
        for change in changes:
            memberships.apply(change)
        before = self.document(row)
        named = frozenset(operation.target.attributes[0].name.lower() for operation in operations)
        after = apply(self.type, before, rest) if rest else before
        saved = self._saved(write, row, before, after, named, memberships.changes, status)
        return self._answer(saved, projection, body=body)

    def _detach(self, row: Stored) -> None:
        """Groups that the group was nested in get a new version; what follows by foreign key needs no word."""
        holders = Membership.select(Membership.group).where(Membership.member == row.pk)
        self.rows.touch_all(Resource.pk.in_(holders))
        TenantRow.update(integration_group=None).where(TenantRow.integration_group == row.pk).execute()


def _chunk(statement: Compiled, group: int, behind: int) -> Callable[[], list[Any]]:
    """The work of reading one chunk, the statement included: over a lost connection it is run again."""
    return lambda: list(statement(group=group, member=behind, limit=CHUNK).fetchall())


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
