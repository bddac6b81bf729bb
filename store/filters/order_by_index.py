"""The order of all resources by an attribute, read from its index (RFC 7644 §3.4.2.3).

The index holds everybody: by their values, ties by id, and those without a value apart, by id. A few parts of it are
read, each from where the index can begin, and joined. Some keys it does not hold exactly, texts that were cut and
numbers that a double is too small for; a page that meets one is sorted anew, the slow way. One that meets none is the
same either way: such keys only tie with each other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import SQL, Select

from scim.attributes import Target
from scim.cursor import Position
from store.database.statements import parameter
from store.filters.lookup import UNASSIGNED
from store.filters.shape import CUT, NUMBERS
from store.tables import Lookup

_EXACT = 2**53
"""Whole numbers below this are doubles of their own."""


class Way(NamedTuple):
    """How an index is walked: in which direction of its values and of the ids of ties, and from which edge, if any.

    `edge` is whether the resource at the edge has a value.
    """

    down: bool
    ids_down: bool
    edge: bool | None

    @classmethod
    def of(cls, descending: bool, position: Position | None) -> "Way":
        """The way to a page: from its start, or from a position in the order."""
        backwards = position is not None and position.backwards
        edge = None if position is None else position.values[0] is not None
        return cls(descending != backwards, backwards, edge)


def walk(index: int, sort: Target, way: Way) -> Any:
    """The query for keys, values and ids in the order of an index.

    Parameters: `limit`, `offset`, and `reach`, which is both together; `edge0` and `edge1` as `edges` makes them.
    """
    value = Lookup.number if sort.attribute.type in NUMBERS else Lookup.value
    parts = [_part(index, value, way, part, rank) for rank, part in enumerate(_parts(value, way))]
    found: Any = _joined([Select([part], [part.c.rank, part.c.pk, part.c.value, part.c.id]) for part in parts])
    named = (found.c.pk.alias("key"), found.c.value.alias("value0"), found.c.id.alias("tie"))
    query = Select([found], named)
    order = [found.c.rank, _directed(found.c.value, way.down), _directed(found.c.id, way.ids_down)]
    return query.order_by(*order).limit(parameter("limit")).offset(parameter("offset"))


def _joined(queries: Sequence[Any]) -> Any:
    found, *others = queries
    for other in others:
        found = found.union_all(other)
    return found.alias("walked")


class _Part(NamedTuple):
    """A part of an index: which of its rows, and the column in whose order they stand there."""

    condition: Any
    column: Any


def _parts(value: Any, way: Way) -> list[_Part]:
    """What is walked through, one after the other, each from a place where the index can begin."""
    edge, behind = parameter("edge0"), _behind(Lookup.id, parameter("edge1"), way.ids_down)
    with_value, without = value.is_null(False), Lookup.value.is_null() & (Lookup.type == SQL(f"'{UNASSIGNED}'"))
    assigned, unassigned = _Part(with_value, value), _Part(without, Lookup.value)
    if way.edge is None:
        return [unassigned, assigned] if way.down else [assigned, unassigned]
    if way.edge:
        rest = [_Part((value == edge) & behind, value), _Part(_behind(value, edge, way.down), value)]
        return rest if way.down else [*rest, unassigned]
    rest = [_Part(without & behind, Lookup.value)]
    return [*rest, assigned] if way.down else rest


def _part(index: int, value: Any, way: Way, part: _Part, rank: int) -> Any:
    columns = (SQL(str(rank)).alias("rank"), Lookup.resource.alias("pk"), value.alias("value"), Lookup.id.alias("id"))
    of_index = (Lookup.tenant == parameter("tenant")) & (Lookup.attribute == index)
    # The type stands in between in the index of texts. It is the same throughout a part.
    between = () if part.column is Lookup.number else (_directed(Lookup.type, way.ids_down),)
    order = (_directed(part.column, way.down), *between, _directed(Lookup.id, way.ids_down))
    query = Lookup.select(*columns).where(of_index & part.condition).order_by(*order)
    return query.limit(parameter("reach")).alias(f"part{rank}")


def _behind(value: Any, edge: Any, down: bool) -> Any:
    return value < edge if down else value > edge


def _directed(value: Any, down: bool) -> Any:
    return value.desc() if down else value.asc()


def is_exact(sort: Target, key: Any) -> bool:
    """Whether an index holds a key as it is."""
    if sort.attribute.type in NUMBERS:
        return key is None or abs(key) < _EXACT
    return not isinstance(key, str) or len(key) < CUT


def edges(sort: Target, position: Position) -> dict[str, Any]:
    """The parameters that say where a walk begins."""
    key, id = position.values
    if sort.attribute.type == "boolean" and key is not None:
        key = "true" if key in (1, "true") else "false"
    return {"edge0": float(key) if sort.attribute.type in NUMBERS and key is not None else key, "edge1": id}


def key_of(dialect: Any, sort: Target, value: Any) -> Any:
    """A value of an index as the same column of another order has it."""
    if value is None:
        return None
    if sort.attribute.type == "boolean":
        return dialect.operand("boolean", value == "true")
    return int(value) if isinstance(value, float) and value.is_integer() else value
