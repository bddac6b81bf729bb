"""Conditions on elements that are other resources: a group's members, a user's groups, a user's manager."""

from collections.abc import Callable
from typing import Any, NamedTuple

from peewee import SQL, Case, Cast, Select, fn

from scim.binding import Bound
from store.database.dialect import Dialect
from store.database.statements import parameter
from store.filters.indexable import MANAGER
from store.filters.shape import targets
from store.filters.values import ROW
from store.tables import Membership, Resource


class Related(NamedTuple):
    """A filter of elements; `inner` is None if every element satisfies it. `holds(row, type)` is the filter on the row
    of the element's resource, where `type` is the value of its sub-attribute `type`; `alias` names a table anew."""

    dialect: Dialect
    inner: Bound | None
    negated: bool
    holds: Callable[[Any, Any], Any]
    alias: Callable[[str], str]

    def row(self, name: str) -> Any:
        """A table of resources under a new name."""
        return Resource.alias(self.alias(name))


def chosen(dialect: Dialect, rows: Any, column: Any, negated: bool) -> Any:
    """Whether the resource is in the column of a query, or is not."""
    return dialect.none_of(ROW.pk, rows, column) if negated else ROW.pk.in_(rows)


def _some_member(related: Related) -> Any:
    member = related.row("member")
    groups = Membership.select(Membership.group).join(member, on=(member.pk == Membership.member))
    groups = groups.where(related.holds(member, fn.LOWER(member.type)))
    return chosen(related.dialect, groups, Membership.group, related.negated)


def _some_manager(related: Related) -> Any:
    if related.inner is None:
        return ROW.manager.is_null(related.negated)
    manager = related.row("manager")
    managers = manager.select(manager.pk).where(related.holds(manager, None))
    if related.negated:
        return ROW.manager.is_null() | related.dialect.none_of(ROW.manager, managers, manager.pk)
    return ROW.manager.in_(managers)


def _some_group(related: Related) -> Any:
    """Groups of a user: direct and, through nested groups, indirect."""
    by_type = related.inner is not None and any(each.attribute.name == "type" for each in targets(related.inner))
    users = _reached_by_type(related) if by_type else _reached(related)
    return ROW.pk.not_in(users) if related.negated else ROW.pk.in_(users)


def _reached(related: Related) -> Any:
    """Everything below the groups that satisfy the filter."""
    group = related.row("group")
    seed = group.select(group.pk.alias("reached")).where((group.type == "Group") & related.holds(group, None))
    below = seed.cte(related.alias("below"), recursive=True, columns=("reached",))
    step = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
    below = below.union(step)
    direct = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
    return direct.with_cte(below)


def _reached_by_type(related: Related) -> Any:
    """The same if the filter names the type, direct or indirect: from all pairs of a group and what is below it."""
    group = related.row("group")
    pairs = (
        Membership.select(Membership.group, Membership.member, SQL("1"))
        .join(group, on=(group.pk == Membership.group))
        .where(group.tenant == parameter("tenant"))
        .cte(related.alias("reach"), recursive=True, columns=("root", "reached", "direct"))
    )
    step = Membership.select(pairs.c.root, Membership.member, SQL("0"))
    pairs = pairs.union(step.join(pairs, on=(Membership.group == pairs.c.reached)))
    typed = Select([pairs], [pairs.c.root, pairs.c.reached, fn.MAX(pairs.c.direct).alias("direct")])
    typed = typed.group_by(pairs.c.root, pairs.c.reached).alias(related.alias("typed"))
    type = Case(None, ((typed.c.direct == 1, "direct"),), "indirect")
    root = related.row("root")
    users = Select([typed], [typed.c.reached]).join(root, on=(root.pk == typed.c.root))
    return users.where(related.holds(root, Cast(type, "text"))).with_cte(pairs)


def element_value(row: Any, name: str, type: Any) -> Any:
    """The comparison key of a sub-attribute of an element, from the row of the resource that the element refers to."""
    ref = Cast(parameter("endpoint"), "text").concat(SQL("'/'")).concat(row.type).concat(SQL("'s/'")).concat(row.id)
    shown = row.display_key
    return {"value": row.id, "display": shown, "displayName": shown, "type": type, "$ref": ref}[name]


SOURCES = {"members": _some_member, "groups": _some_group, MANAGER: _some_manager}
"""The attributes whose elements are other resources, with the condition that one of them satisfies a filter."""
