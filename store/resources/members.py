"""The members of one group as rows, changed set by set: the cost is that of what changes, however large the group."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from peewee import SQL, Cast

from scim.binding import Bound
from scim.errors import InvalidValue
from scim.members import MemberChange
from scim.nodes import ValuePath
from scim.preset import Preset
from store.database.statements import parameter
from store.database.transactions import Database
from store.filters.shape import Scope, operands, shape
from store.filters.values import ROW
from store.filters.where import Where
from store.tables import Membership, Resource
from store.tenants.log import Call
from store.tenants.tenants import Tenant

SCIM, MANUAL = "scim", "manual"


class Named(NamedTuple):
    """A user or group of the tenant that a client names as a member."""

    pk: int
    id: str
    type: str
    display: str


class Memberships:
    """The memberships of one group, whose row is locked. `changes` gathers what the log says."""

    def __init__(self, database: Database, tenant: Tenant, group: int, endpoint_url: str, call: Call) -> None:
        self._database = database
        self._tenant = tenant
        self._group = group
        self._endpoint_url = endpoint_url
        self._call = call
        self.changes: list[dict[str, Any]] = []

    def apply(self, change: MemberChange) -> None:
        """Carry out one change in normal form. Raises InvalidValue for members that do not exist, or for a cycle."""
        if change.op == "add":
            self.add(change.ids or ())
        elif change.op == "replace":
            self.replace(change.ids or ())
        elif change.ids is not None:
            # Naming a member removes it, wherever the membership came from.
            self._remove([member.pk for member in self._named(change.ids)])
        elif change.filter is not None:
            self._remove(self._selected(change.filter))
        else:
            self._remove(self._by_scim())

    def add(self, ids: Sequence[str], origin: str = SCIM) -> None:
        """Make these members. By SCIM, who is one by hand becomes one by SCIM, which is no change that shows; by hand,
        who is one by SCIM remains one by SCIM."""
        self._add(self._known(ids), origin)

    def replace(self, ids: Sequence[str]) -> None:
        """Make these the members by SCIM; those by hand stay."""
        wanted = self._known(ids)
        kept = {member.pk for member in wanted}
        self._remove([pk for pk in self._by_scim() if pk not in kept])
        self._add(wanted, SCIM)

    def _known(self, ids: Sequence[str]) -> list[Named]:
        """The users and groups with these ids; what the preset says decides about ids that nobody has."""
        known = self._named(ids)
        unknown = sorted(set(ids) - {member.id for member in known})
        if unknown:
            self._tolerate_unknown(unknown, bool(known), self._tenant.profile.preset)
        return known

    def _tolerate_unknown(self, unknown: Sequence[str], some_known: bool, preset: Preset) -> None:
        shown = ", ".join(id[:64] for id in unknown[:10]) + (
            f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        )
        if not (preset.skips_unknown_members and some_known):
            raise InvalidValue(
                f"members must be ids of users or groups of this tenant; there is none with the id {shown}.",
                hint="members",
            )
        self._call.warnings.append(f"Unknown members were skipped: {shown}.")

    def _named(self, ids: Sequence[str]) -> list[Named]:
        if not ids:
            return []
        statement = self._database.statement("named", self._named_query)
        found = statement(tenant=self._tenant.pk, ids=self._list([id.replace("\x00", "\ufffd") for id in ids]))
        # Sorted here: asked to do it, SQLite walks through all resources in this order.
        return sorted(Named(*row) for row in found.fetchall())

    def _named_query(self) -> Any:
        listed = self._database.dialect.one_of(ROW.id, parameter("ids"))
        # A sum, so that SQLite looks for the ids and not through all that the tenant has.
        of_tenant = ROW.tenant + 0 == parameter("tenant")
        return ROW.select(ROW.pk, ROW.id, ROW.type, ROW.display).where(of_tenant & listed)

    def _add(self, members: Sequence[Named], origin: str) -> None:
        if not members:
            return
        self._refuse_cycle([member.pk for member in members if member.type == "Group"])
        present = self._present([member.pk for member in members])
        new = [member for member in members if member.pk not in present]
        if origin == SCIM and MANUAL in present.values():
            self._claim([pk for pk, origin in present.items() if origin == MANUAL])
        if new:
            insert = self._database.statement("add members", self._insert_query)
            insert(group=self._group, origin=origin, pks=self._list([member.pk for member in new]))
            self._note("after", new)

    def _present(self, pks: Sequence[int]) -> dict[int, str]:
        """Which of these are members, and where the membership came from."""
        statement = self._database.statement("present", self._present_query)
        return dict(statement(group=self._group, pks=self._list(pks)).fetchall())

    def _present_query(self) -> Any:
        listed = self._database.dialect.one_of(Membership.member, parameter("pks"))
        query = Membership.select(Membership.member, Membership.origin)
        return query.where((Membership.group == parameter("group")) & listed)

    def _insert_query(self) -> Any:
        """Insert from a select, so that the number of members does not change the statement."""
        rows = ROW.select(Cast(parameter("group"), "bigint"), ROW.pk, Cast(parameter("origin"), "text"))
        rows = rows.where(self._database.dialect.one_of(ROW.pk, parameter("pks")))
        return Membership.insert_from(rows, (Membership.group, Membership.member, Membership.origin))

    def _claim(self, pks: Sequence[int]) -> None:
        statement = self._database.statement("claim members", self._claim_query)
        statement(group=self._group, pks=self._list(pks))

    def _claim_query(self) -> Any:
        listed = self._database.dialect.one_of(Membership.member, parameter("pks"))
        return Membership.update(origin=SCIM).where((Membership.group == parameter("group")) & listed)

    def _refuse_cycle(self, groups: Sequence[int]) -> None:
        """A group that contains itself, however deep, would make indirect membership meaningless."""
        if not groups:
            return
        # Two requests that each nest one group in the other lock different rows, so they must wait for each other here.
        self._database.dialect.serialize(self._tenant.pk)
        statement = self._database.statement("groups below", self._below_query)
        if statement(pks=self._list(groups), group=self._group).fetchone() is not None:
            raise InvalidValue("members must not make a group a member of itself, directly or through other groups.")

    def _below_query(self) -> Any:
        listed = self._database.dialect.one_of(Resource.pk, parameter("pks"))
        below = Resource.select(Resource.pk).where(listed).cte("below", recursive=True, columns=("reached",))
        step = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
        below = below.union(step)
        return below.select_from(SQL("1")).where(below.c.reached == parameter("group")).limit(1)

    def _by_scim(self) -> list[int]:
        mine = (Membership.group == parameter("group")) & (Membership.origin == SCIM)
        statement = self._database.statement("by scim", lambda: Membership.select(Membership.member).where(mine))
        return [pk for (pk,) in statement(group=self._group).fetchall()]

    def _selected(self, condition: Bound) -> list[int]:
        """The members that a filter over `members` selects."""
        dialect, group = self._database.dialect, self._tenant.profile.group
        bound = ValuePath(group.targets["members"], condition)

        def query() -> Any:
            of_group = Membership.group == parameter("group")
            chosen = Where(Scope(dialect, group, {}), bound).of_member(ROW, condition)
            rows = Membership.select(Membership.member).join(ROW, on=(ROW.pk == Membership.member))
            return rows.where(of_group & chosen)

        values = operands(dialect, bound) | {"tenant": self._tenant.pk, "endpoint": self._endpoint_url}
        statement = self._database.statement(("members by", shape(bound)), query)
        return [pk for (pk,) in statement(group=self._group, **values).fetchall()]

    def _remove(self, pks: Sequence[int]) -> None:
        if not pks:
            return
        present = self._present(pks)
        if not present:
            return
        gone = self._described(present)
        statement = self._database.statement("remove members", self._delete_query)
        statement(group=self._group, pks=self._list(list(present)))
        self._note("before", gone)

    def _delete_query(self) -> Any:
        listed = self._database.dialect.one_of(Membership.member, parameter("pks"))
        return Membership.delete().where((Membership.group == parameter("group")) & listed)

    def _described(self, pks: Iterable[int]) -> list[Named]:
        statement = self._database.statement("described", self._described_query)
        return sorted(Named(*row) for row in statement(pks=self._list(list(pks))).fetchall())

    def _described_query(self) -> Any:
        listed = self._database.dialect.one_of(ROW.pk, parameter("pks"))
        return ROW.select(ROW.pk, ROW.id, ROW.type, ROW.display).where(listed)

    def _list(self, values: Sequence[Any]) -> Any:
        return self._database.dialect.list_of(values)

    def _note(self, when: str, members: Sequence[Named]) -> None:
        listed = [{"value": member.id, "display": member.display} for member in members]
        self.changes.append({"attribute": "members", when: listed})
