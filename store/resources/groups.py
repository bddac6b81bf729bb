"""Groups in the database: the document without its members, which are rows of their own."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from scim.document import Document, Streamed, Text, dumps, quoted
from scim.members import member_changes, member_ids
from scim.operations import Operation
from scim.projection import Projection
from store.database.statements import parameter
from store.resources.members import Memberships
from store.resources.reading import EMPTY, Stored
from store.resources.writing import Changes, Resources
from store.tables import Membership, Resource
from store.tables import Tenant as TenantRow

HELD = 2_000
"""How many members a page of groups holds in memory; groups beyond that are streamed."""

CHUNK = 1_000
"""How many members of a streamed group are read at a time."""

STREAMED = "streamed"
"""Stands for the text of members that are read while the response is sent."""

_PLACE = dumps(dict.fromkeys(("value", "$ref", "type", "display"), "\x00"))
"""An element that marks the place of a streamed group's members: no stored text contains a NUL."""


class GroupTexts:
    """The parts of groups' representations that come from other rows, as SCIM clients see them."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def begin(self, rows: Sequence[Stored]) -> None:
        """Prepare for the groups of a page."""

    def member(self, id: str, type: str, display: str, origin: str) -> str:
        """The JSON text of one member (RFC 7643 §4.2)."""
        ref = f"{self._endpoint_url}/{type}s/{id}"
        return f'{{"value":"{id}","$ref":"{ref}","type":"{type}","display":{quoted(display)}}}'

    def around(self, row: Stored, members: str | None) -> str | None:
        """What the representation contains of `members`, given and returned as text with its name; None for nothing."""
        return members


class Groups(Resources):
    """The groups of one tenant."""

    name = "Group"
    related = "members"
    shown: GroupTexts | None = None
    """How groups are shown, if not as SCIM clients see them."""

    @property
    def _texts_of(self) -> GroupTexts:
        return self.shown or GroupTexts(self.endpoint_url)

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        """`members` of each group; STREAMED for those beyond what a page holds in memory."""
        texts_of = self._texts_of
        texts_of.begin(rows)
        pks = [row.pk for row in rows if row.related != EMPTY]
        if not pks or not self.shows_related(projection):
            return {}
        statement = self.database.statement("members of", lambda: _members_query(self.dialect))
        members = statement(pks=self.dialect.list_of(pks), limit=HELD + 1).fetchall()
        # Members are sorted by group, so only the groups up to the last one are complete.
        unread = {pk for pk in pks if pk >= members[-1][0]} if len(members) > HELD else set()
        elements: dict[int, list[str]] = {}
        for pk, _, *member in members:
            if pk not in unread:
                elements.setdefault(pk, []).append(texts_of.member(*member))
        texts = {pk: f'"members":[{",".join(listed)}]' for pk, listed in elements.items()}
        return texts | dict.fromkeys(unread, STREAMED)

    def _text(self, row: Stored, computed: str | None, projection: Projection | None) -> Text:
        if computed == STREAMED:
            return Streamed(self._pieces(row, projection))
        return self._text_at_once(row, computed, projection)

    def _text_at_once(self, row: Stored, computed: str | None, projection: Projection | None) -> str:
        return str(super()._text(row, self._texts_of.around(row, computed), projection))

    def _pieces(self, row: Stored, projection: Projection | None) -> Iterator[str]:
        """The representation of a large group, whose members are read while it is sent.

        A member that belongs to the group the whole time appears exactly once. The ETag is that of the beginning; a
        change meanwhile gives the group a new one (RFC 7644 §3.14).
        """
        chunks = (self._projected(chunk, projection) for chunk in self._chunks(row.pk))
        first = next(chunks, "")
        if not first:
            yield self._text_at_once(row, None, projection)
            return
        place = self._projected([_PLACE], projection)
        before, _, after = self._text_at_once(row, f'"members":[{_PLACE}]', projection).partition(place)
        yield before + first
        for chunk in chunks:
            yield f",{chunk}"
        yield after

    def _chunks(self, pk: int) -> Iterator[list[str]]:
        """The members of a group as JSON texts, a chunk at a time."""
        last, texts_of = 0, self._texts_of
        while rows := self._chunk(pk, last):
            yield [texts_of.member(*member) for _, _, *member in rows]
            last = rows[-1][1]

    def _chunk(self, group: int, after: int) -> list[Any]:
        statement = self.database.statement("members behind", _members_behind_query)
        # All of the result is fetched in the work, which is repeated if the connection is lost.
        return self.database.read(lambda: list(statement(group=group, member=after, limit=CHUNK).fetchall()))

    def _projected(self, members: Sequence[str], projection: Projection | None) -> str:
        """Elements of `members` as they are sent, without the brackets around them; "" if nothing of them is sent."""
        text = ",".join(members)
        if projection is None:
            return text
        return dumps(projection.apply({"members": json.loads(f"[{text}]")}).get("members", []))[1:-1]

    def _linked(self, pk: int, after: Document) -> Changes:
        memberships = self.memberships(pk)
        memberships.add(member_ids(after.get("members")))
        return memberships.changes

    def memberships(self, pk: int) -> Memberships:
        return Memberships(self.database, self.tenant, pk, self.endpoint_url, self.call)

    def _replace_related(self, row: Stored, wanted: Document, named: frozenset[str]) -> Changes:
        memberships = self.memberships(row.pk)
        if "members" in named:
            memberships.replace(member_ids(wanted.get("members")))
        return memberships.changes

    def _patch_related(self, row: Stored, operations: list[Operation]) -> tuple[list[Operation], Changes]:
        changes, rest = member_changes(operations)
        memberships = self.memberships(row.pk)
        for change in changes:
            memberships.apply(change)
        return rest, memberships.changes

    def _detach(self, row: Stored) -> None:
        """End also its use as the integration group; foreign keys delete the memberships."""
        super()._detach(row)
        TenantRow.update(integration_group=None).where(TenantRow.integration_group == row.pk).execute()


def _members_query(dialect: Any) -> Any:
    """The members of these groups, group by group, in the order of creation."""
    listed = dialect.one_of(Membership.group, parameter("pks"))
    return _member_rows().where(listed).order_by(Membership.group, Membership.member).limit(parameter("limit"))


def _members_behind_query() -> Any:
    """The members of one group after another one, in the order of creation."""
    behind = (Membership.group == parameter("group")) & (Membership.member > parameter("member"))
    return _member_rows().where(behind).order_by(Membership.member).limit(parameter("limit"))


def _member_rows() -> Any:
    member = Resource.alias("member_row")
    query = Membership.select(
        Membership.group, Membership.member, member.id, member.type, member.display, Membership.origin
    )
    return query.join(member, on=(member.pk == Membership.member))
