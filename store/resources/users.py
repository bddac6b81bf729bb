"""Users in the database: their manager, their groups, and the identifier that clients cannot change."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from peewee import SQL, Cast, Select, Value, fn

from scim import compare, identity
from scim.document import Document, quoted
from scim.errors import InvalidValue
from scim.projection import Projection
from scim.schemas import ENTERPRISE_USER
from scim.validation import check_required
from store.database.statements import parameter
from store.database.transactions import now
from store.filters.values import ROW
from store.resources.reading import DOCUMENT, RELATED, Links, Stored
from store.resources.writing import Changes, Resources
from store.tables import Membership, PendingEmail, Resource

MANAGER = Resource.alias("manager")
GROUP = Resource.alias("group_row")

_UserGroup = list[Any]
"""A group of a user: key, id, display, and one of the following."""

DIRECT, NESTED, INDIRECT = range(3)
"""The user is a member; a member, and the group is nested in another one; a member of a group that is nested in it."""


class Users(Resources):
    """The users of one tenant."""

    name = "User"
    related = "groups"
    width = 11

    def columns_read(self, related: bool) -> list[Any]:
        groups = _groups_of_row(self.dialect) if related else Value(None)
        return [*super().columns_read(related), ROW.manager, MANAGER.id, MANAGER.display, groups]

    def long_columns(self, related: bool) -> tuple[int, ...]:
        return (DOCUMENT, RELATED) if related else (DOCUMENT,)

    def selected(self, query: Any) -> Any:
        return query.left_outer_join(MANAGER, on=(MANAGER.pk == ROW.manager))

    def _manager_text(self, row: Stored) -> str | None:
        if row.manager_id is None:
            return None
        return self._representations.reference(row.manager_id, row.manager_display or "")

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        if not self.shows_related(projection):
            return {}
        listed = ",".join([row.related for row in rows if row.related is not None])
        lists: list[list[_UserGroup]] = json.loads(f"[{listed}]")
        above = self._above(chain.from_iterable(lists))
        return {row.pk: self._groups(groups, above) for row, groups in zip(rows, lists, strict=True) if groups}

    def _above(self, groups: Iterable[_UserGroup]) -> dict[int, list[_UserGroup]]:
        """The groups above these, by the key of the group that is nested in them."""
        starts = {pk for pk, _, _, way in groups if way == NESTED}
        if not starts:
            return {}
        statement = self.database.statement("groups above", lambda: _above_query(self.dialect))
        above: dict[int, list[_UserGroup]] = {}
        for start, *group in statement(pks=self.dialect.list_of(sorted(starts))).fetchall():
            above.setdefault(start, []).append([*group, INDIRECT])
        return above

    def _groups(self, groups: Sequence[_UserGroup], above: dict[int, list[_UserGroup]]) -> str:
        """`groups` of one user: each group once, in the order of creation (RFC 7643 §4.1.2)."""
        base = f"{self.endpoint_url}{self.tenant.profile.group.endpoint}/"
        texts = [
            f'{{"value":"{id}","$ref":"{base}{id}","display":{quoted(display)},'
            f'"type":"{"indirect" if way == INDIRECT else "direct"}"}}'
            for _, id, display, way in sorted(_reached(groups, above) if above else groups)
        ]
        return f'"groups":[{",".join(texts)}]'

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, Links]:
        kept = identity.keep_identifier(self.tenant.profile.preset, before, after)
        self.check_complete(kept.document)
        if row is not None:
            self._note_offer(row, before, kept, named)
        extension = kept.document.get(ENTERPRISE_USER, {})
        if "manager" not in extension:
            return kept.document, Links()
        id = _manager_id(extension["manager"], row and row.manager_id)
        document = kept.document | {ENTERPRISE_USER: extension | {"manager": {"value": id}}}
        return document, row.links if row is not None and row.manager_id == id else self._manager(id)

    def check_complete(self, document: Document) -> None:
        """Raise InvalidValue if a document lacks what the preset requires of a user."""
        preset = self.tenant.profile.preset
        if preset.email_identifies and identity.identifier(preset, document) is None:
            raise identity.missing()
        check_required(self.type, document)

    def _manager(self, id: str) -> Links:
        """The user of the tenant with this id. Raises InvalidValue."""
        statement = self.database.statement("manager", lambda: ROW.select(ROW.pk, ROW.display).where(self._has_id()))
        found = statement(tenant=self.tenant.pk, id=id).fetchone()
        if found is None:
            detail = f"manager must be the id of a user of this tenant; there is no user {id[:100]}."
            raise InvalidValue(detail, hint="manager")
        return Links(int(found[0]), id, found[1])

    def _note_offer(self, row: Stored, before: Document, kept: identity.Kept, named: frozenset[str]) -> None:
        """Store the other address that the client sent, for an administrator to decide about."""
        if kept.confirmed:
            if "emails" in named:
                PendingEmail.delete().where(PendingEmail.user == row.pk).execute()
            return
        stored = identity.identifier(self.tenant.profile.preset, before)
        if kept.offered is not None:
            self._offer(row.pk, kept.offered, stored)
        elif stored is not None:
            self.call.warnings.append("The work e-mail identifies the user and was kept.")

    def _offer(self, pk: int, offered: str, stored: str | None) -> None:
        """Make the address the pending one; the address that was dismissed last stays dismissed."""
        pending = PendingEmail.user == pk
        known = PendingEmail.get_or_none(pending)
        outcome = f"{offered} is pending. Apply it with `vestibule user adopt`, or dismiss it."
        if known is None:
            PendingEmail.insert(user=pk, tenant=self.tenant.pk, address=offered, offered=now()).execute()
        elif compare.email(known.address) != compare.email(offered):
            PendingEmail.update(address=offered, offered=now(), dismissed=None).where(pending).execute()
        elif known.dismissed is not None:
            outcome = f"{offered} was dismissed before."
        self.call.warnings.append(f"The work e-mail identifies the user: {stored} was kept, {outcome}")

    def _linked(self, pk: int, after: Document) -> Changes:
        """Add a new user to the integration group, as if by hand."""
        group = self.tenant.integration_group
        if group is None:
            return []
        name = self.rows.touch(group)
        if name is None:
            # The group was deleted while the request was running.
            return []
        Membership.insert(group=group, member=pk, origin="manual").execute()
        return [{"attribute": "groups", "after": [name]}]

    def _completed(self, before: Document, wanted: Document) -> Document:
        """A PUT without `active` must not activate a suspended user."""
        return {"active": before["active"], **wanted} if "active" in before else wanted

    def whole(self, row: Stored) -> Document:
        """The document with the manager, which is stored in a column."""
        document = self.document(row)
        if row.manager_id is None:
            return document
        extension = document.get(ENTERPRISE_USER, {}) | {"manager": {"value": row.manager_id}}
        return document | {ENTERPRISE_USER: extension}

    def _before_delete(self, id: str) -> None:
        """Lock the user's groups first, since a PATCH of a group locks the group before its members."""
        groups = Membership.select(Membership.group).join(ROW, on=(ROW.pk == Membership.member))
        groups = groups.where((ROW.tenant == self.tenant.pk) & (ROW.id == id))
        query = Resource.select(Resource.pk).where(Resource.pk.in_(groups)).order_by(Resource.pk)
        list(self.dialect.for_update(query).tuples())

    def _detach(self, row: Stored) -> None:
        """Increment also the versions of the users that it manages, which lose their manager."""
        super()._detach(row)
        self.rows.touch_all(Resource.manager == row.pk, manager=None)


def _manager_id(manager: Document, current: str | None) -> str:
    """The id of the manager that the client names: by value, or by $ref if only that is new (RFC 7643 §4.3)."""
    value, ref = manager.get("value"), manager.get("$ref")
    return str(value if ref is None or value not in (None, current) else ref.rpartition("/")[2])


def _reached(groups: Sequence[_UserGroup], above: dict[int, list[_UserGroup]]) -> Iterable[_UserGroup]:
    """Each group once; a group that is both direct and indirect counts as direct."""
    indirect = {group[0]: group for start in groups for group in above.get(start[0], ())}
    return (indirect | {group[0]: group for group in groups}).values()


def _groups_of_row(dialect: Any) -> Any:
    """A subquery for the groups of a row, as the JSON text of a list of _UserGroup."""
    further = Membership.alias("further")
    nested = Cast(fn.EXISTS(further.select(SQL("1")).where(further.member == GROUP.pk)), "integer")
    query = Membership.select(dialect.json_list(GROUP.pk, GROUP.id, GROUP.display, nested))
    return query.join(GROUP, on=(GROUP.pk == Membership.group)).where(Membership.member == ROW.pk)


def _above_query(dialect: Any) -> Any:
    """The groups above these: the key of the group that each was reached from, key, id and display."""
    outer = Membership.alias("outer")
    start = Membership.select(Membership.member, Membership.group)
    start = start.where(dialect.one_of(Membership.member, parameter("pks")))
    above = start.cte("above", recursive=True, columns=("start", "reached"))
    step = outer.select(above.c.start, outer.group).join(above, on=(outer.member == above.c.reached))
    above = above.union(step)
    reached = Select([above], [above.c.start, GROUP.pk, GROUP.id, GROUP.display])
    return reached.join(GROUP, on=(GROUP.pk == above.c.reached)).with_cte(above)
