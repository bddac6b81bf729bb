"""A sort target as an ORDER BY, for both databases (RFC 7644 §3.4.2.3)."""

from collections.abc import Iterable, Sequence
from typing import Any

from peewee import OP, SQL, Asc, Case, Desc, Entity, Expression, Select, fn

from scim.attributes import Target
from scim.cursor import Position
from store.database.dialect import Dialect
from store.database.statements import parameter
from store.filters.indexable import CUT_COLUMNS, MANAGER, column_of, list_of
from store.filters.related import SOURCES, element_value
from store.filters.shape import Scope
from store.filters.values import ROW, own_value
from store.tables import Membership, Resource


def sorted_by(scope: Scope, target: Target) -> list[Any]:
    """The expressions that a sort target orders `Resource` by, without the one that breaks ties."""
    container = target.container
    if target.name == "schemas":
        # All resources have the same first schema.
        return []
    if container is not None and container.name in SOURCES:
        return [_FIRST[container.name](target.attribute.name)]
    if (elements := list_of(target)) is not None:
        return [_first_element(scope.dialect, elements, target)]
    value = own_value(scope, target)
    if column_of(scope.type, target) in CUT_COLUMNS:
        # Values that agree in the column's first characters are ordered by the rest.
        return [value, scope.dialect.value(ROW.keys, target.path, target.attribute.type)]
    return [value]


def _first_element(dialect: Dialect, container: Target, target: Target) -> Any:
    """The value of the primary element, or else of the first."""
    element = Entity("sorted", "value")
    primary = dialect.value(element, ("primary",), "boolean") == dialect.operand("boolean", True)
    value = dialect.value(element, target.path[len(container.path) :], target.attribute.type)
    rows = Select([dialect.elements(ROW.keys, container.path, "sorted")], [value])
    first = Case(None, ((primary, 0),), 1)
    return rows.order_by(first, Entity("sorted", "key")).limit(1)


def _first_member(name: str) -> Any:
    member = Resource.alias("sorted_member")
    rows = Membership.select(element_value(member, name, fn.LOWER(member.type)))
    rows = rows.join(member, on=(member.pk == Membership.member)).where(Membership.group == ROW.pk)
    return rows.order_by(member.pk).limit(1)


def _first_group(name: str) -> Any:
    group, inner = Resource.alias("sorted_group"), Membership.alias("sorted_inner")
    own = Membership.select(Membership.group).where(Membership.member == ROW.pk)
    above = own.cte("above", recursive=True, columns=("reached",))
    above = above.union(inner.select(inner.group).join(above, on=(inner.member == above.c.reached)))
    direct = Membership.select(SQL("1")).where((Membership.member == ROW.pk) & (Membership.group == group.pk))
    type = Case(None, ((fn.EXISTS(direct), "direct"),), "indirect")
    rows = group.select(element_value(group, name, type)).join(above, on=(above.c.reached == group.pk))
    return rows.order_by(group.pk).limit(1).with_cte(above)


def _manager_value(name: str) -> Any:
    manager = Resource.alias("sorted_manager")
    return manager.select(element_value(manager, name, None)).where(manager.pk == ROW.manager)


_FIRST = {"members": _first_member, "groups": _first_group, MANAGER: _manager_value}


def directed(values: Iterable[Any], descending: bool) -> list[Any]:
    """Terms of an ORDER BY: unassigned values last when ascending, first when descending (RFC 7644 §3.4.2.3)."""
    return [Desc(value, nulls="FIRST") if descending else Asc(value, nulls="LAST") for value in values]


_TOWARDS = {(False, False): OP.GT, (False, True): OP.GTE, (True, False): OP.LT, (True, True): OP.LTE}
"""The comparison of tie-breakers, by the direction (backwards or not) and by whether the position is included."""


def beyond(values: Sequence[Any], tie: Any, position: Position, descending: bool) -> Any:
    """The condition that a resource comes after the position, in the order of `directed`, then of the tie-breaker."""
    edge = parameter(f"edge{len(values)}")
    condition: Any = Expression(tie, _TOWARDS[position.backwards, position.inclusive], edge)
    for index in reversed(range(len(values))):
        value, edge = values[index], parameter(f"edge{index}")
        unassigned = Expression(value, OP.IS, None)
        if position.values[index] is None:
            same, later = unassigned, Expression(value, OP.IS_NOT, None) if descending else None
        else:
            same = Expression(value, OP.EQ, edge)
            later = Expression(value, OP.LT, edge) if descending else (Expression(value, OP.GT, edge) | unassigned)
        condition = same & condition if later is None else later | (same & condition)
    return condition
