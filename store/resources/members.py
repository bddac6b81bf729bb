"""The members of one group as rows, changed in sets: the cost depends on what changes, not on the size of the group."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from peewee import SQL, Cast

from scim.binding import Bound
from scim.errors import InvalidValue
from scim.members import MemberChange
from scim.nodes import ValuePath
from store.database.statements import parameter
from store.database.transactions import Database
from store.filters.shape import Scope, operands, shape
from store.filters.values import ROW
from store.filters.where import Where
from store.tables import Membership, Resource
from store.tenants.log import Call
from store.tenants.tenants import Tenant

SCIM, MANUAL = "scim", "manual"


MANY = 1_000
"""A list that is longer is looked up as a query, whose cost does not multiply with the rows that are compared."""

OneOf = Callable[[Any], Any]
"""From a column to the condition that its value is one of the listed values."""


class Named(NamedTuple):
    """A user or group of the tenant that a client names as a member."""

    pk: int
    id: str
    type: str
    display: str


class Memberships:
    """The memberships of one group, whose row is locked. `changes` collects the changes for the log."""

    def __init__(self, database: Database, tenant: Tenant, group: int, endpoint_url: str, call: Call) -> None:
        self._database = database
        self._tenant = tenant
        self._group = group
        self._endpoint_url = endpoint_url
        self._call = call
        self.changes: list[dict[str, Any]] = []

    def apply(self, change: MemberChange) -> None:
        """Apply a change in normal form. Raises InvalidValue for members that do not exist, and for a cycle."""
        if change.op == "add":
            self.add(change.ids or ())
        elif change.op == "replace":
            self.replace(change.ids or ())
        elif change.ids is not None:
            # A member that is named is removed, wherever the membership came from.
            self._remove([member.pk for member in self._named(change.ids)])
        elif change.filter is not None:
            self._remove(self._selected(change.filter))
        else:
            self._remove(self._by_scim())

    def add(self, ids: Sequence[str], origin: str = SCIM) -> None:
        """Make these resources members. Adding by SCIM takes over memberships by hand, which clients do not see;
        adding by hand leaves memberships by SCIM as they are."""
        self._add(self._known(ids), origin)

    def replace(self, ids: Sequence[str]) -> None:
        """Make these the members by SCIM. Members by hand stay."""
        wanted = self._known(ids)
        kept = {member.pk for member in wanted}
        self._remove([pk for pk in self._by_scim() if pk not in kept])
        self._add(wanted, SCIM)

    def _known(self, ids: Sequence[str]) -> list[Named]:
        """The users and groups with these ids; the preset decides whether unknown ids are skipped or refused."""
        known = self._named(ids)
        unknown = sorted(set(ids) - {member.id for member in known})
        if unknown:
            self._tolerate_unknown(unknown, bool(known))
        return known

    def _tolerate_unknown(self, unknown: Sequence[str], some_known: bool) -> None:
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        shown = ", ".join(id[:64] for id in unknown[:10]) + more
        if not (self._tenant.profile.preset.skips_unknown_members and some_known):
            raise InvalidValue(
                f"members must be ids of users or groups of this tenant; there is none with the id {shown}.",
                hint="members",
            )
        self._call.warnings.append(f"Unknown members were skipped: {shown}.")

    def _named(self, ids: Sequence[str]) -> list[Named]:
        if not ids:
            return []
        found = self._run(_named_query, "text", [id.replace("\x00", "\ufffd") for id in ids], tenant=self._tenant.pk)
        # Sorted here, since SQLite would read all resources in this order.
        return sorted(Named(*row) for row in found.fetchall())

    def _run(self, build: Callable[[OneOf], Any], type: str, values: Sequence[Any], **others: Any) -> Any:
        """Run the statement that `build` makes on a list of values of this type, bigint or text."""
        dialect, many = self._database.dialect, type if len(values) > MANY else None

        def query() -> Any:
            return build(lambda column: dialect.one_of(column, parameter("values"), many))

        return self._database.statement((build, many), query)(values=dialect.list_of(values), **others)

    def _add(self, members: Sequence[Named], origin: str) -> None:
        if not members:
            return
        self._refuse_cycle([member.pk for member in members if member.type == "Group"])
        present = self._present([member.pk for member in members])
        new = [member for member in members if member.pk not in present]
        if origin == SCIM and MANUAL in present.values():
            manual = [pk for pk, origin in present.items() if origin == MANUAL]
            self._run(_claim_query, "bigint", manual, group=self._group)
        if new:
            self._run(_insert_query, "bigint", [member.pk for member in new], group=self._group, origin=origin)
            self._note("after", new)

    def _present(self, pks: Sequence[int]) -> dict[int, str]:
        """Which of these are members, and where each membership came from."""
        return dict(self._run(_present_query, "bigint", pks, group=self._group).fetchall())

    def _refuse_cycle(self, groups: Sequence[int]) -> None:
        """Raise InvalidValue if the group would contain itself: indirect membership would have no meaning then."""
        if not groups:
            return
        # Two requests that nest two groups in each other lock different rows, so one has to wait for the other here.
        self._database.dialect.serialize(self._tenant.pk)
        if self._run(_below_query, "bigint", groups, group=self._group).fetchone() is not None:
            raise InvalidValue("members must not make a group a member of itself, directly or through other groups.")

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
        present = self._present(pks) if pks else {}
        if not present:
            return
        removed = self._described(list(present))
        self._run(_remove_query, "bigint", list(present), group=self._group)
        self._note("before", removed)

    def _described(self, pks: Sequence[int]) -> list[Named]:
        return sorted(Named(*row) for row in self._run(_described_query, "bigint", pks).fetchall())

    def _note(self, when: str, members: Sequence[Named]) -> None:
        listed = [{"value": member.id, "display": member.display} for member in members]
        self.changes.append({"attribute": "members", when: listed})


def _named_query(one_of: OneOf) -> Any:
    # A sum, so that SQLite uses the index on ids and does not read all resources of the tenant.
    of_tenant = ROW.tenant + 0 == parameter("tenant")
    return ROW.select(ROW.pk, ROW.id, ROW.type, ROW.display).where(of_tenant & one_of(ROW.id))


def _described_query(one_of: OneOf) -> Any:
    return ROW.select(ROW.pk, ROW.id, ROW.type, ROW.display).where(one_of(ROW.pk))


def _present_query(one_of: OneOf) -> Any:
    return Membership.select(Membership.member, Membership.origin).where(_listed(one_of))


def _claim_query(one_of: OneOf) -> Any:
    return Membership.update(origin=SCIM).where(_listed(one_of))


def _remove_query(one_of: OneOf) -> Any:
    return Membership.delete().where(_listed(one_of))


def _listed(one_of: OneOf) -> Any:
    """The memberships of the group whose members are listed."""
    return (Membership.group == parameter("group")) & one_of(Membership.member)


def _insert_query(one_of: OneOf) -> Any:
    """An insert from a select, whose text does not depend on the number of members."""
    rows = ROW.select(Cast(parameter("group"), "bigint"), ROW.pk, Cast(parameter("origin"), "text"))
    rows = rows.where(one_of(ROW.pk))
    return Membership.insert_from(rows, (Membership.group, Membership.member, Membership.origin))


def _below_query(one_of: OneOf) -> Any:
    """Whether the group is below the listed ones, or among them."""
    below = Resource.select(Resource.pk).where(one_of(Resource.pk)).cte("below", recursive=True, columns=("reached",))
    step = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
    below = below.union(step)
    return below.select_from(SQL("1")).where(below.c.reached == parameter("group")).limit(1)
