"""Searching: filter, order and page in SQL, by index or by cursor (RFC 7644 §3.4.2, RFC 9865)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import peewee
from peewee import OP, Asc, Desc, Expression

from scim import binding, cursor
from scim.attributes import Target
from scim.cursor import Position
from scim.document import Text
from scim.errors import InvalidValue
from scim.projection import Projection
from store import ordering
from store.compiled import parameter
from store.deadlines import answered
from store.filters import ROW, Order, Where, operands, pins, shape
from store.models import Counter
from store.ordering import Way
from store.reading import Reading, Stored, current
from store.served import Asked


@dataclass(frozen=True, slots=True)
class Query:
    """What a client searches for (RFC 7644 §3.4.2).

    `start_index` counts from 1, `count` is at most what the server serves. `cursor` is None where the client pages by
    index, "" for the first page by cursor (RFC 9865 §2).
    """

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100
    cursor: str | None = None


class Page(NamedTuple):
    """A page of a query: how many resources match in all, and the JSON texts of these.

    By cursor, the cursors of the pages around it, None where there is none.
    """

    total: int
    start_index: int
    resources: list[Text]
    next_cursor: str | None = None
    previous_cursor: str | None = None


class Search(NamedTuple):
    """A query with its names resolved."""

    query: Query
    bound: binding.Bound | None
    sort: Target | None


class Found(NamedTuple):
    """A resource that satisfies a query: its key, and what it is ordered by."""

    pk: int
    order: tuple[Any, ...]


class Searching(Reading):
    """Pages of the resources of one type in one tenant."""

    def search(self, query: Query, projection: Projection | None = None, *, secret: bytes = b"") -> Page:
        """A page of the resources that satisfy the query. `secret` signs cursors.

        Raises InvalidFilter, InvalidValue, InvalidCursor, ExpiredCursor, InvalidCount or TooMany.
        """
        return current([self], lambda: self._searched(self.resolved(query, self._bound(query)), projection, secret))

    def _bound(self, query: Query) -> binding.Bound | None:
        return None if query.filter is None else binding.bind_text(self.type, query.filter)

    def _searched(self, search: Search, projection: Projection | None, secret: bytes) -> Page:
        def work() -> Page:
            if search.query.cursor is not None:
                return self._page_by_cursor(search, projection, secret)
            return self._page_by_index(search, projection)

        return self.answered([self.asked(search)], work)

    def answered(self, asked: Sequence[Asked], work: Callable[[], Page]) -> Page:
        """What the work finds, within the deadline of searches. Raises TooMany."""
        return answered(self._database, self.tenant, asked, work)

    def asked(self, search: Search) -> Asked:
        """What the search costs is known from this."""
        return Asked(self._scope, search.bound, search.sort)

    def resolved(self, query: Query, bound: binding.Bound | None) -> Search:
        """The query with its sort attribute found."""
        return Search(query, bound, None if query.sort_by is None else self._sort_target(query.sort_by))

    def _sort_target(self, name: str) -> Target:
        target = self.type.resolve(name, InvalidValue)
        simple = target if target.attribute.type != "complex" else target.sub("value")
        if simple is None or simple.attribute.returned == "never":
            raise InvalidValue(f"sortBy cannot be {target.name}: name one of its sub-attributes.")
        return simple

    def _page_by_index(self, search: Search, projection: Projection | None) -> Page:
        query = search.query
        if search.sort is None and query.start_index == 1 and query.count > 0:
            texts = self._first_texts(search, projection)
        else:
            found = self.find(search, query.count, query.start_index - 1) if query.count > 0 else []
            texts = self.texts([each.pk for each in found], projection)
        return Page(self.total(search, query.start_index - 1, query.count, len(texts)), query.start_index, texts)

    def _first_texts(self, search: Search, projection: Projection | None) -> list[Text]:
        """The first page in the order of creation: documents at once, since nothing is passed over to reach them.

        What other rows make up comes in the same statement where the filter points at single resources.
        """
        pinned = search.bound is not None and pins(search.bound)
        whole = pinned and self._shows_others(projection)
        key = (shape(search.bound), pinned, whole)
        statement = self._statement("first", key, lambda: self._first_query(search, pinned, whole))
        rows = [Stored(*row) for row in statement(**self._values(search), limit=search.query.count).fetchall()]
        if pinned:
            return [self._text(row, self._computed_of(row, projection), projection) for row in rows]
        computed = self._computed([row.pk for row in rows], projection) if rows else {}
        return [self._text(row, computed.get(row.pk), projection) for row in rows]

    def _first_query(self, search: Search, pinned: bool, whole: bool) -> Any:
        query = self._row_query(Where(self._scope, search.bound).condition(), whole=whole)
        # Few are found by what they share with nobody: a sum, so that SQLite does not walk in order to find them.
        return query.order_by(ROW.pk + 0 if pinned else ROW.pk).limit(parameter("limit"))

    def find(self, search: Search, limit: int, offset: int) -> list[Found]:
        """The resources of a part of the order. Keys first: documents are read for the page only."""
        self._dialect.hurry()
        return self._found_by(search, None, limit=limit, offset=offset)

    def _found_by(self, search: Search, position: Position | None, **limits: int) -> list[Found]:
        if search.bound is None and search.sort is not None and self._walks(search.sort, position):
            walked = self._walked(search.sort, Way.of(search.query.descending, position), position, limits)
            if walked is not None:
                return walked
        pattern = None if position is None else (position.backwards, *(value is None for value in position.values))
        sort = search.sort and (search.sort.name, search.sort.attribute.type)
        key = (shape(search.bound), sort, search.query.descending, pattern, *limits)
        statement = self._statement("find", key, lambda: self._find_query(search, position, limits))
        edge = {} if position is None else {f"edge{index}": value for index, value in enumerate(position.values)}
        rows = statement(**self._values(search), **edge, **limits).fetchall()
        return [Found(pk, tuple(map(_plain, order))) for pk, *order in rows]

    def _walks(self, sort: Target, position: Position | None) -> bool:
        """Whether an index that was made at run time holds the order, and leads to the position."""
        if sort.multi_valued or sort.name not in self._scope.ordering:
            return False
        return position is None or ordering.is_exact(sort, position.values[0])

    def _walked(self, sort: Target, way: Way, position: Position | None, limits: dict[str, int]) -> list[Found] | None:
        """A part of the order of everybody from its index, None where that holds some of the keys not exactly."""
        index, limit, offset = self._scope.indexes[sort.name], limits["limit"], limits.get("offset", 0)
        key = (sort.name, sort.attribute.type, way)
        statement = self._statement("walk", key, lambda: ordering.walk(index, sort, way))
        values = {"tenant": self.tenant.pk, "limit": limit, "offset": offset, "reach": limit + offset}
        rows = statement(**values, **({} if position is None else ordering.edges(sort, position))).fetchall()
        if not all(ordering.is_exact(sort, value) for _, value, _ in rows):
            return None
        return [Found(pk, (ordering.key_of(self._dialect, sort, value), id)) for pk, value, id in rows]

    def _values(self, search: Search) -> dict[str, Any]:
        return operands(self._dialect, search.bound) | {"tenant": self.tenant.pk, "endpoint": self._endpoint_url}

    def _find_query(self, search: Search, position: Position | None, limits: dict[str, int]) -> Any:
        values = [] if search.sort is None else Order(self._scope).values(search.sort)
        tie = ROW.pk if search.sort is None else ROW.id
        backwards = position is not None and position.backwards
        descending = search.query.descending != backwards
        query = ROW.select(ROW.pk, *values, tie).where(self._matching(search.bound))
        if position is not None:
            query = query.where(_beyond(values, tie, position, descending))
        order = [Desc(value, nulls="FIRST") if descending else Asc(value, nulls="LAST") for value in values]
        query = query.order_by(*order, tie.desc() if backwards else tie).limit(parameter("limit"))
        return query.offset(parameter("offset")) if "offset" in limits else query

    def _matching(self, bound: binding.Bound | None) -> Any:
        return (ROW.tenant == parameter("tenant")) & (ROW.type == self.name) & Where(self._scope, bound).condition()

    def total(self, search: Search, offset: int, count: int, found: int) -> int:
        """How many match in all: often known from the page, else from the counter, else counted."""
        if (found and found < count) or (count > 0 and not found and offset == 0):
            return offset + found
        if search.bound is None:
            counted = self._database.statement("total", _total_query)
            return int(counted(tenant=self.tenant.pk, type=self.name).fetchone()[0])
        self._dialect.hurry()
        matching = self._statement(
            "count",
            shape(search.bound),
            lambda: ROW.select(peewee.fn.COUNT(ROW.pk)).where(self._matching(search.bound)),
        )
        return int(matching(**self._values(search)).fetchone()[0])

    # By cursor.

    def _page_by_cursor(self, search: Search, projection: Projection | None, secret: bytes) -> Page:
        query, bound_to = search.query, self._bound_to(search.query)
        given = query.cursor or ""
        position = cursor.decode(secret, bound_to, given, query.count, time.time()) if given else None
        found = self._found_by(search, position, limit=query.count + 1) if query.count > 0 else []
        more = len(found) > query.count
        page = found[: query.count]
        backwards = position is not None and position.backwards
        if backwards:
            page.reverse()

        def edge(at: int, *, back: bool) -> str:
            return cursor.encode(secret, bound_to, Position(page[at].order, back, query.count), time.time())

        following = edge(-1, back=False) if page and (more or backwards) else None
        before = edge(0, back=True) if page and (position is not None and (more or not backwards)) else None
        total = self.total(search, 0, 0, 0) if position is not None or more or not query.count else len(found)
        return Page(total, 1, self.texts([each.pk for each in page], projection), following, before)

    def _bound_to(self, query: Query) -> str:
        return repr((self.tenant.pk, self.name, query.filter, query.sort_by, query.descending))


def _plain(value: Any) -> Any:
    """A value as JSON has it; Postgres gives numerics as Decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _beyond(values: Sequence[Any], tie: Any, position: Position, descending: bool) -> Any:
    """What comes behind the position: later in the first order that tells them apart, by the tie-breaker at last.

    The unassigned stand last when ascending and first when descending.
    """
    edge = parameter(f"edge{len(values)}")
    condition: Any = Expression(tie, OP.LT if position.backwards else OP.GT, edge)
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


def _total_query() -> Any:
    of_type = (Counter.tenant == parameter("tenant")) & (Counter.type == parameter("type"))
    return Counter.select(peewee.fn.COALESCE(peewee.fn.SUM(Counter.total), 0)).where(of_type)
