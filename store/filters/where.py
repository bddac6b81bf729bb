"""A bound filter as a WHERE, for both databases (RFC 7644 §3.4.2.2).

Every condition is two-valued: a negation is pushed down to the leaves, where "unassigned" is decided. Conditions hold
parameters, not values, so that statements of the same shape are compiled once; `shape.operands` gives the values.
"""

from collections.abc import Callable
from typing import Any

from peewee import SQL, Case, Cast, Entity, Select, Value, fn

from scim.attributes import ResourceType, Target
from scim.binding import Bound
from scim.nodes import And, Compare, Not, Or, Present, ValuePath
from scim.schemas import ENTERPRISE_USER
from store.database.statements import parameter
from store.filters.indexable import CUT_COLUMNS, MANAGER, column_of
from store.filters.shape import (
    INDEXABLE,
    NUMBERS,
    Scope,
    comparisons,
    element_index,
    index_parameter,
    indexable,
    is_long,
    operator_of,
    targets,
)
from store.tables import Lookup, Membership, Resource

ROW = Resource.alias("row")
"""The resource that a condition is about; it has one name throughout, so that recursive subqueries can refer to it."""

_NEGATED = {"eq": "ne", "gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}
_NEAR = {"eq": "eq", "sw": "eq", "gt": "ge", "ge": "ge", "lt": "le", "le": "le"}
"""What holds of the first characters where the comparison with a longer literal holds; the whole decides."""
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda value, operand: value == operand,
    "ne": lambda value, operand: value != operand,
    "gt": lambda value, operand: value > operand,
    "ge": lambda value, operand: value >= operand,
    "lt": lambda value, operand: value < operand,
    "le": lambda value, operand: value <= operand,
}

Scalar = Callable[[Target, Compare[Target] | None], Any]
"""How to get at a singular value in some row: the expression of its comparison key, null where it is unassigned."""

_ALWAYS, _NEVER = SQL("1 = 1"), SQL("1 = 0")


class Where:
    """Builds the condition of one filter over `Resource`."""

    def __init__(self, scope: Scope, bound: Bound | None) -> None:
        self._scope = scope
        self._dialect = scope.dialect
        self._numbers = {id(comparison): number for number, comparison in enumerate(comparisons(bound))}
        self._aliases = 0
        self._bound = bound

    def condition(self) -> Any:
        """The condition under which the filter holds."""
        return _ALWAYS if self._bound is None else self._condition(self._bound, False, self.scalar)

    def _condition(self, bound: Bound, negated: bool, scalar: Scalar) -> Any:
        match bound:
            case And(left, right):
                first, second = self._condition(left, negated, scalar), self._condition(right, negated, scalar)
                return (first | second) if negated else (first & second)
            case Or(left, right):
                choice = None if negated or scalar != self.scalar else self._choice(bound)
                if choice is not None:
                    return ROW.pk.in_(self._lookups(*choice))
                first, second = self._condition(left, negated, scalar), self._condition(right, negated, scalar)
                return (first & second) if negated else (first | second)
            case Not(operand):
                return self._condition(operand, not negated, scalar)
            case ValuePath(target, inner):
                return self._some(target, inner, negated)
            case Present(target):
                return self._presence(target, negated, scalar)
            case Compare(target, _, _, _):
                return self._leaf(bound, target, negated, scalar)

    def _choice(self, bound: Bound) -> tuple[str, Any] | None:
        """The one index that has all that a filter asks for, and the condition there; None where that is not enough.

        Both databases read all resources if several choices are joined by OR, but not if there is one choice.
        """
        match bound:
            case Or(left, right):
                first = self._choice(left)
                second = None if first is None else self._choice(right)
                if first is None or second is None or first[0] != second[0]:
                    return None
                return first[0], first[1] | second[1]
            case ValuePath(target, inner):
                return self._choice_of_elements(target, inner)
            case Compare(target, op, operand, _):
                if target.container is not None and target.container.attribute.multi_valued:
                    return self._choice_of_elements(target.container, bound)
                exact = target.attribute.type not in NUMBERS and not is_long(operand)
                if target.name in self._scope.indexes and op in INDEXABLE and exact and not target.multi_valued:
                    return target.name, self._compared(bound, Lookup.value, False)
        return None

    def _choice_of_elements(self, target: Target, inner: Bound) -> tuple[str, Any] | None:
        index = element_index(self._scope.indexes, target, inner)
        if index is None or target.name in SOURCES or any(is_long(each.operand) for each in comparisons(inner)):
            return None
        return index, self._condition(inner, False, _lookup_scalar(index))

    def _leaf(self, bound: Compare[Target], target: Target, negated: bool, scalar: Scalar) -> Any:
        """A comparison, whichever table holds the value."""
        if scalar == self.scalar:
            container = target if target.name == "schemas" else target.container
            if container is not None and (container.attribute.multi_valued or container.name == MANAGER):
                return self._some(container, bound, negated)
            if target.name in self._scope.indexes and bound.op in INDEXABLE:
                return self._indexed(bound, target, negated)
        return self._compared(bound, scalar(target, bound), negated)

    def _compared(self, bound: Compare[Target], value: Any, negated: bool) -> Any:
        """One value against the literal; what is unassigned satisfies the negation only."""
        number, op = self._numbers[id(bound)], operator_of(bound)
        in_lookup = value is Lookup.value or value is Lookup.type
        operand = parameter(f"{'indexed' if in_lookup else 'operand'}{number}")
        if in_lookup and is_long(bound.operand):
            return _OPERATORS[_NEAR[op]](value, operand)
        if negated and op in _NEGATED:
            return _OPERATORS[_NEGATED[op]](value, operand) | value.is_null()
        if op == "sw":
            # A range instead of a function, so that an index serves it.
            end = parameter(f"end{number}")
            if negated:
                return (value < operand) | (value >= end) | value.is_null()
            return (value >= operand) & (value < end)
        holds = self._holds(op, value, operand)
        return ~holds | value.is_null() if negated else holds

    def _holds(self, op: str, value: Any, operand: Any) -> Any:
        if op == "co":
            return self._dialect.contains(value, operand)
        if op == "ew":
            length = fn.LENGTH(operand)
            return (fn.LENGTH(value) >= length) & (fn.SUBSTR(value, fn.LENGTH(value) - length + 1) == operand)
        return _OPERATORS[op](value, operand)

    # Where a resource's own values stand.

    def scalar(self, target: Target, comparison: Compare[Target] | None = None) -> Any:
        """The comparison key of a resource's singular attribute as an expression, null where it is unassigned."""
        name = target.name
        column = column_of(self._scope.type, target)
        cut_off = column in CUT_COLUMNS and comparison is not None and not indexable(comparison)
        if column is not None and not cut_off:
            return getattr(ROW, column)
        if name in _COMPUTED:
            return _COMPUTED[name](self._scope.type)
        return self._dialect.value(ROW.keys, target.path, target.attribute.type)

    def _presence(self, target: Target, negated: bool, scalar: Scalar) -> Any:
        name, container = target.name, target.container
        if scalar != self.scalar:
            return scalar(target, None).is_null(negated)
        if name == "schemas" or (target.attributes[0].computed and target.attributes[0].name in ("id", "meta")):
            return _NEVER if negated else _ALWAYS
        if name in SOURCES or (
            container is not None and (container.attribute.multi_valued or container.name == MANAGER)
        ):
            inner = None if name in SOURCES else Present(target)
            return self._some(target if inner is None else container or target, inner, negated)
        column = column_of(self._scope.type, target)
        if column is not None:
            return getattr(ROW, column).is_null(negated)
        return self._has(target, negated)

    def _has(self, target: Target, negated: bool) -> Any:
        """Whether the stored document has anything there; the manager, kept in a column, counts as Enterprise User."""
        present = self._dialect.present(ROW.keys, target.path)
        if target.name == ENTERPRISE_USER:
            present = present | ROW.manager.is_null(False)
        return ~present if negated else present

    # Elements of multi-valued attributes, and the manager: rows of their own.

    def _some(self, target: Target, inner: Bound | None, negated: bool) -> Any:
        """Whether some element satisfies the inner filter; None is satisfied by any."""
        if target.name == "schemas":
            return self._some_schema(inner, negated)
        if target.name in SOURCES:
            return SOURCES[target.name](self, inner, negated)
        if not target.attribute.multi_valued:
            return self._inside(target, inner, negated)
        index = None if inner is None else element_index(self._scope.indexes, target, inner)
        is_near = any(is_long(each.operand) for each in comparisons(inner))
        if inner is None or index is None or (is_near and negated):
            return self._some_json(target, inner, negated)
        chosen = self._lookups(index, self._condition(inner, False, _lookup_scalar(index)))
        if is_near:
            return ROW.pk.in_(chosen) & self._some_json(target, inner, False)
        return self._chosen(chosen, Lookup.resource, negated)

    def _inside(self, target: Target, inner: Bound | None, negated: bool) -> Any:
        """A singular attribute counts as a list of one."""
        present = self._presence(target, negated, self.scalar)
        if inner is None:
            return present
        holds = self._condition(inner, negated, self.scalar)
        return (present | holds) if negated else (present & holds)

    def _some_json(self, target: Target, inner: Bound | None, negated: bool) -> Any:
        alias = self._alias("element")
        element = Entity(alias, "value")

        def scalar(sub: Target, _: Compare[Target] | None) -> Any:
            return self._dialect.value(element, sub.path[len(target.path) :], sub.attribute.type)

        rows = Select([self._dialect.elements(ROW.keys, target.path, alias)], [SQL("1")])
        if inner is not None:
            rows = rows.where(self._condition(inner, False, scalar))
        return ~fn.EXISTS(rows) if negated else fn.EXISTS(rows)

    def _lookups(self, index: str, condition: Any) -> Any:
        of_attribute = (Lookup.tenant == parameter("tenant")) & (Lookup.attribute == parameter(index_parameter(index)))
        return Lookup.select(Lookup.resource).where(of_attribute & condition)

    def _chosen(self, chosen: Any, column: Any, negated: bool) -> Any:
        """Whether a resource is among those that a query chooses by the column, or is not."""
        return self._dialect.none_of(ROW.pk, chosen, column) if negated else ROW.pk.in_(chosen)

    def _indexed(self, bound: Compare[Target], target: Target, negated: bool) -> Any:
        """A singular attribute that `lookup` holds. Numbers stand there as doubles and long texts cut, so they are
        compared once more."""
        if target.attribute.type not in NUMBERS and not is_long(bound.operand):
            chosen = self._lookups(target.name, self._compared(bound, Lookup.value, False))
            return self._chosen(chosen, Lookup.resource, negated)
        exact = self._compared(bound, self.scalar(target, bound), negated)
        if negated:
            return exact
        if target.attribute.type in NUMBERS:
            near = _OPERATORS[_NEAR[bound.op]](Lookup.number, parameter(f"indexed{self._numbers[id(bound)]}"))
        else:
            near = self._compared(bound, Lookup.value, False)
        return ROW.pk.in_(self._lookups(target.name, near)) & exact

    def _some_schema(self, inner: Bound | None, negated: bool) -> Any:
        """`schemas` follows from which extensions the resource has."""
        core, *extensions = (self._scope.type.schema.id, *(target.name for target in self._extensions()))
        holds = self._of_schema(core, inner, negated)
        for urn in extensions:
            present = self._has(self._scope.type.targets[urn.lower()], negated)
            of_extension = self._of_schema(urn, inner, negated)
            holds = (holds & (present | of_extension)) if negated else (holds | (present & of_extension))
        return holds

    def _extensions(self) -> list[Target]:
        return [self._scope.type.targets[schema.id.lower()] for schema in self._scope.type.extensions]

    def _of_schema(self, urn: str, inner: Bound | None, negated: bool) -> Any:
        if inner is None:
            return _NEVER if negated else _ALWAYS
        return self._condition(inner, negated, lambda target, comparison: self._dialect.text(Cast(Value(urn), "text")))

    def some_member(self, inner: Bound | None, negated: bool) -> Any:
        """Members of a group, rows of `membership` joined with the member."""
        member = Resource.alias(self._alias("member"))
        groups = Membership.select(Membership.group).join(member, on=(member.pk == Membership.member))
        groups = groups.where(self.of_member(member, inner))
        return self._chosen(groups, Membership.group, negated)

    def of_member(self, member: Any, inner: Bound | None) -> Any:
        """The condition on a member's own row under which the filter of an element holds."""
        return self._of_row(member, inner, fn.LOWER(member.type))

    def some_manager(self, inner: Bound | None, negated: bool) -> Any:
        """The manager, a column that refers to another user."""
        if inner is None:
            return ROW.manager.is_null(negated)
        manager = Resource.alias(self._alias("manager"))
        chosen = manager.select(manager.pk).where(self._of_row(manager, inner, None))
        if negated:
            return ROW.manager.is_null() | self._dialect.none_of(ROW.manager, chosen, manager.pk)
        return ROW.manager.in_(chosen)

    def some_group(self, inner: Bound | None, negated: bool) -> Any:
        """Groups of a user, direct and, through nested groups, indirect."""
        group = Resource.alias(self._alias("group"))
        if inner is not None and any(target.attribute.name == "type" for target in targets(inner)):
            users = self._reached_by_kind(group, inner)
        else:
            users = self._reached(group, inner)
        return ROW.pk.not_in(users) if negated else ROW.pk.in_(users)

    def _reached(self, group: Any, inner: Bound | None) -> Any:
        """Everything below the groups that satisfy the filter."""
        seed = group.select(group.pk.alias("reached")).where((group.type == "Group") & self._of_row(group, inner, None))
        below = seed.cte(self._alias("below"), recursive=True, columns=("reached",))
        step = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
        below = below.union(step)
        direct = Membership.select(Membership.member).join(below, on=(Membership.group == below.c.reached))
        return direct.with_cte(below)

    def _reached_by_kind(self, group: Any, inner: Bound) -> Any:
        """The same where the filter asks whether the group is reached directly: every pair of group and member."""
        columns = ("root", "reached", "direct")
        pairs = (
            Membership.select(Membership.group, Membership.member, SQL("1"))
            .join(group, on=(group.pk == Membership.group))
            .where(group.tenant == parameter("tenant"))
            .cte(self._alias("reach"), recursive=True, columns=columns)
        )
        step = Membership.select(pairs.c.root, Membership.member, SQL("0"))
        pairs = pairs.union(step.join(pairs, on=(Membership.group == pairs.c.reached)))
        direct = fn.MAX(pairs.c.direct)
        kinds = Select([pairs], [pairs.c.root, pairs.c.reached, direct.alias("direct")])
        kinds = kinds.group_by(pairs.c.root, pairs.c.reached).alias(self._alias("kind"))
        kind = Case(None, ((kinds.c.direct == 1, "direct"),), "indirect")
        root = Resource.alias(self._alias("root"))
        users = Select([kinds], [kinds.c.reached]).join(root, on=(root.pk == kinds.c.root))
        return users.where(self._of_row(root, inner, Cast(kind, "text"))).with_cte(pairs)

    def _of_row(self, row: Any, inner: Bound | None, kind: Any) -> Any:
        """The inner filter over another resource of the tenant that stands for the element."""
        of_tenant = row.tenant == parameter("tenant")
        if inner is None:
            return of_tenant
        return of_tenant & self._condition(
            inner, False, lambda target, _: element_value(row, target.attribute.name, kind)
        )

    def _alias(self, name: str) -> str:
        self._aliases += 1
        return f"{name}{self._aliases}"


def element_value(row: Any, name: str, kind: Any) -> Any:
    """A sub-attribute of an element that another resource stands for, as its comparison key."""
    ref = Cast(parameter("endpoint"), "text").concat(SQL("'/'")).concat(row.type).concat(SQL("'s/'")).concat(row.id)
    shown = row.display_key
    return {"value": row.id, "display": shown, "displayName": shown, "type": kind, "$ref": ref}[name]


SOURCES: dict[str, Callable[[Where, Bound | None, bool], Any]] = {
    "members": Where.some_member,
    "groups": Where.some_group,
    MANAGER: Where.some_manager,
}
"""The attributes whose elements are other resources, and the condition under which one satisfies a filter."""


def _shown(time: Any) -> Any:
    """A time in milliseconds, as clients see it and compare it."""
    return fn.SUBSTR(time, 1, 23).concat(SQL("'000000Z'"))


_COMPUTED: dict[str, Callable[[ResourceType], Any]] = {
    "meta.created": lambda _: _shown(ROW.created),
    "meta.lastModified": lambda _: _shown(ROW.modified),
    "meta.resourceType": lambda type: Cast(Value(type.name), "text"),
    "meta.location": lambda type: Cast(parameter("endpoint"), "text").concat(SQL(f"'{type.endpoint}/'")).concat(ROW.id),
    "meta.version": lambda _: SQL("'W/\"'").concat(Cast(ROW.version, "text")).concat(SQL("'\"'")),
}


def _lookup_scalar(index: str) -> Scalar:
    """The sub-attributes of an element as columns of `lookup`, for an index."""
    value = index.partition(".")[2] or "value"

    def scalar(target: Target, _: Compare[Target] | None) -> Any:
        name = target.attribute.name
        return Lookup.value if name == value else getattr(Lookup, name)

    return scalar
