"""A bound filter as a WHERE, for both databases (RFC 7644 §3.4.2.2).

Every condition is either true or false, never NULL: a negation is pushed down to the leaves, where "unassigned" is
decided. Conditions contain parameters, not values, so that filters of one shape share a compiled statement;
`shape.operands` returns the values.
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from peewee import SQL, Cast, Entity, Select, Value, fn

from scim.attributes import Target
from scim.binding import Bound
from scim.nodes import And, Compare, Not, Or, Present, ValuePath
from scim.schemas import ENTERPRISE_USER
from store.database.statements import parameter
from store.filters.indexable import column_of, elements_of, list_of
from store.filters.related import SOURCES, Related, chosen, element_value
from store.filters.shape import (
    INDEXABLE,
    NUMBERS,
    Scope,
    comparisons,
    element_index,
    held_value,
    index_parameter,
    is_long,
    operator_of,
)
from store.filters.values import ROW, own_value
from store.tables import Lookup

_OPERATORS = {name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")}
_NEGATED = {"eq": "ne", "gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}
_NEAR = {"eq": "eq", "sw": "eq", "gt": "ge", "ge": "ge", "lt": "le", "le": "le"}
"""The comparison of the first characters that is true whenever the comparison with a longer literal is."""

Scalar = Callable[[Target, Compare[Target] | None], Any]
"""Returns the comparison key of a singular attribute in some row as an expression, NULL if it is unassigned."""

_ALWAYS, _NEVER = SQL("1 = 1"), SQL("1 = 0")


class Where:
    """Builds the condition of one filter over `Resource`."""

    def __init__(self, scope: Scope, bound: Bound | None) -> None:
        self._scope = scope
        self._dialect = scope.dialect
        self._numbers = {id(comparison): number for number, comparison in enumerate(comparisons(bound))}
        self._aliases = 0
        self._bound = bound
        self._own: Scalar = partial(own_value, scope)

    def condition(self) -> Any:
        """The condition that a resource satisfies the filter."""
        return self._condition(self._bound, False, self._own)

    def _condition(self, bound: Bound | None, negated: bool, scalar: Scalar) -> Any:
        match bound:
            case None:
                return _NEVER if negated else _ALWAYS
            case And(left, right):
                first, second = self._condition(left, negated, scalar), self._condition(right, negated, scalar)
                return (first | second) if negated else (first & second)
            case Or(left, right):
                choice = None if negated or scalar is not self._own else self._choice(bound)
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
        """The one index that answers a filter alone, with the condition there; None if there is none."""
        # Both databases read all resources if OR joins conditions on several indexes, but not if it joins them on one.
        match bound:
            case Or(left, right):
                first, second = self._choice(left), self._choice(right)
                if first is None or second is None or first[0] != second[0]:
                    return None
                return first[0], first[1] | second[1]
            case ValuePath(target, inner):
                return self._choice_of_elements(target, inner)
            case Compare(target, op, operand, _):
                if (elements := list_of(target)) is not None:
                    return self._choice_of_elements(elements, bound)
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
        """A comparison, whatever table holds the value."""
        if scalar is self._own:
            elements = target if target.name == "schemas" else elements_of(target)
            if elements is not None:
                return self._some(elements, bound, negated)
            if target.name in self._scope.indexes and bound.op in INDEXABLE:
                return self._indexed(bound, target, negated)
        return self._compared(bound, scalar(target, bound), negated)

    def _compared(self, bound: Compare[Target], value: Any, negated: bool) -> Any:
        """The comparison of one value with the literal; an unassigned value satisfies only the negation."""
        number, op = self._numbers[id(bound)], operator_of(bound)
        in_lookup = value is Lookup.value or value is Lookup.type
        operand = parameter(f"{'indexed' if in_lookup else 'operand'}{number}")
        if in_lookup and is_long(bound.operand):
            return _OPERATORS[_NEAR[op]](value, operand)
        if negated and op in _NEGATED:
            return _OPERATORS[_NEGATED[op]](value, operand) | value.is_null()
        if op == "sw":
            # An index serves a range, but not a function.
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

    def _presence(self, target: Target, negated: bool, scalar: Scalar) -> Any:
        name = target.name
        if scalar is not self._own:
            return scalar(target, None).is_null(negated)
        if name == "schemas" or (target.attributes[0].computed and target.attributes[0].name in ("id", "meta")):
            return _NEVER if negated else _ALWAYS
        if name in SOURCES:
            return SOURCES[name](Related(self._dialect, None, negated, partial(self._of_row, None), self._alias))
        if (elements := elements_of(target)) is not None:
            return self._some(elements, Present(target), negated)
        column = column_of(self._scope.type, target)
        if column is not None:
            return getattr(ROW, column).is_null(negated)
        return self._has(target, negated)

    def _has(self, target: Target, negated: bool) -> Any:
        """Whether the document has a value there. The manager, stored in a column, is part of Enterprise User."""
        present = self._dialect.present(ROW.keys, target.path)
        if target.name == ENTERPRISE_USER:
            present = present | ROW.manager.is_null(False)
        return ~present if negated else present

    # Elements of multi-valued attributes, and the manager.

    def _some(self, target: Target, inner: Bound, negated: bool) -> Any:
        """Whether some element satisfies the inner filter."""
        if target.name == "schemas":
            return self._some_schema(inner, negated)
        if target.name in SOURCES:
            holds = partial(self._of_row, inner)
            return SOURCES[target.name](Related(self._dialect, inner, negated, holds, self._alias))
        if not target.attribute.multi_valued:
            return self._inside(target, inner, negated)
        index = element_index(self._scope.indexes, target, inner)
        is_near = any(is_long(each.operand) for each in comparisons(inner))
        if index is None or (is_near and negated):
            return self._some_json(target, inner, negated)
        rows = self._lookups(index, self._condition(inner, False, _lookup_scalar(index)))
        if is_near:
            return ROW.pk.in_(rows) & self._some_json(target, inner, False)
        return chosen(self._dialect, rows, Lookup.resource, negated)

    def _inside(self, target: Target, inner: Bound, negated: bool) -> Any:
        """The same for a singular attribute, which counts as a list of one element."""
        present = self._presence(target, negated, self._own)
        holds = self._condition(inner, negated, self._own)
        return (present | holds) if negated else (present & holds)

    def _some_json(self, target: Target, inner: Bound, negated: bool) -> Any:
        alias = self._alias("element")
        element = Entity(alias, "value")

        def scalar(sub: Target, _: Compare[Target] | None) -> Any:
            return self._dialect.value(element, sub.path[len(target.path) :], sub.attribute.type)

        rows = Select([self._dialect.elements(ROW.keys, target.path, alias)], [SQL("1")])
        rows = rows.where(self._condition(inner, False, scalar))
        return ~fn.EXISTS(rows) if negated else fn.EXISTS(rows)

    def _lookups(self, index: str, condition: Any) -> Any:
        of_attribute = (Lookup.tenant == parameter("tenant")) & (Lookup.attribute == parameter(index_parameter(index)))
        return Lookup.select(Lookup.resource).where(of_attribute & condition)

    def _indexed(self, bound: Compare[Target], target: Target, negated: bool) -> Any:
        """The comparison of a singular attribute in `lookup`. It has numbers as doubles and long texts cut, so these
        are compared with the document's keys too."""
        if target.attribute.type not in NUMBERS and not is_long(bound.operand):
            rows = self._lookups(target.name, self._compared(bound, Lookup.value, False))
            return chosen(self._dialect, rows, Lookup.resource, negated)
        exact = self._compared(bound, self._own(target, bound), negated)
        if negated:
            return exact
        if target.attribute.type in NUMBERS:
            near = _OPERATORS[_NEAR[bound.op]](Lookup.number, parameter(f"indexed{self._numbers[id(bound)]}"))
        else:
            near = self._compared(bound, Lookup.value, False)
        return ROW.pk.in_(self._lookups(target.name, near)) & exact

    def _some_schema(self, inner: Bound, negated: bool) -> Any:
        """The same for `schemas`, which follow from the extensions that the resource has."""
        type = self._scope.type
        holds = self._of_schema(type.schema.id, inner, negated)
        for schema in type.extensions:
            extension = type.targets[schema.id.lower()]
            present = self._has(extension, negated)
            of_extension = self._of_schema(extension.name, inner, negated)
            holds = (holds & (present | of_extension)) if negated else (holds | (present & of_extension))
        return holds

    def _of_schema(self, urn: str, inner: Bound, negated: bool) -> Any:
        return self._condition(inner, negated, lambda target, comparison: self._dialect.text(Cast(Value(urn), "text")))

    def of_member(self, member: Any, inner: Bound | None) -> Any:
        """The condition on a member's own row that the member satisfies the filter of an element."""
        return self._of_row(inner, member, fn.LOWER(member.type))

    def _of_row(self, inner: Bound | None, row: Any, type: Any) -> Any:
        """The condition on the row of an element's resource, which has this `type` as an element."""
        of_tenant = row.tenant == parameter("tenant")
        if inner is None:
            return of_tenant

        def scalar(target: Target, _: Compare[Target] | None) -> Any:
            return element_value(row, target.attribute.name, type)

        return of_tenant & self._condition(inner, False, scalar)

    def _alias(self, name: str) -> str:
        self._aliases += 1
        return f"{name}{self._aliases}"


def _lookup_scalar(index: str) -> Scalar:
    """The sub-attributes of an element as columns of `lookup`, for an index."""
    value = held_value(index)

    def scalar(target: Target, _: Compare[Target] | None) -> Any:
        name = target.attribute.name
        return Lookup.value if name == value else getattr(Lookup, name)

    return scalar
