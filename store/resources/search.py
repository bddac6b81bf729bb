"""Searching: filter, order and page in SQL, by index or by cursor (RFC 7644 §3.4.2, RFC 9865)."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import peewee

from scim import binding, cursor
from scim.attributes import Target
from scim.cursor import Position
from scim.document import Text
from scim.errors import InvalidValue
from scim.patterns import bind_text
from scim.projection import Projection
from store.database.statements import parameter
from store.filters.indexable import REFERENCES
from store.filters.order import beyond, directed, sorted_by
from store.filters.shape import NEARLY_UNIQUE, finds_few, index_parameter, operands, shape, used_indexes
from store.filters.values import ROW
from store.filters.where import Where
from store.resources.deadline import Criteria, within_deadline
from store.resources.reading import Reading, Stored, current
from store.tenants import counters

_SORTED_LAST = NEARLY_UNIQUE | {f"{reference}.value" for reference in REFERENCES}
"""The attributes by whose values resources are found first and sorted afterwards. References are among them although
they may find many, since SQLite would read all resources in the order of their keys otherwise."""

_BEFORE = 2
"""How many columns precede those of the row on a page in the order of keys: the key and the tie-breaker."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a client searches for (RFC 7644 §3.4.2).

    `start_index` counts from 1; `count` is within the server's maximum. `cursor` is None if the client pages by index,
    "" for the first page by cursor (RFC 9865 §2).
    """

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100
    cursor: str | None = None


class Page(NamedTuple):
    """A page of a query: the number of all matches, the JSON texts of the page's resources, and for a page by cursor
    the cursors of the pages around it, None if there is none."""

    total: int
    start_index: int
    resources: list[Text]
    next_cursor: str | None = None
    previous_cursor: str | None = None


class Search(NamedTuple):
    """A query with its names resolved; `related` tells whether answers show the attribute computed from other rows."""

    query: Query
    bound: binding.Bound | None
    sort: Target | None
    related: bool = False


class Found(NamedTuple):
    """A resource that satisfies a query: its key, the values that order it, and its row if it was read too."""

    pk: int
    order: tuple[Any, ...]
    row: Stored | None = None


class Searching:
    """Pages of the resources of one type in one tenant."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def search(self, query: Query, projection: Projection | None = None, *, secret: bytes = b"") -> Page:
        """A page of the resources that satisfy the query. `secret` signs cursors.

        Raises InvalidFilter, InvalidValue, InvalidCursor, ExpiredCursor, InvalidCount or TooMany.
        """

        def work() -> Page:
            bound = None if query.filter is None else bind_text(self.reading.type, query.filter)
            search = self.resolved(query, bound)._replace(related=self.reading.shows_related(projection))
            return self.within_deadline([self.criteria(search)], lambda: self._page(search, projection, secret))

        return current([self.reading], work)

    def _page(self, search: Search, projection: Projection | None, secret: bytes) -> Page:
        if search.query.cursor is not None:
            return self._page_by_cursor(search, projection, secret)
        return self._page_by_index(search, projection)

    def within_deadline(self, criteria: Sequence[Criteria], work: Callable[[], Page]) -> Page:
        """Run a search within the deadline. Raises TooMany."""
        return within_deadline(self.reading.database, self.reading.tenant, criteria, work)

    def criteria(self, search: Search) -> Criteria:
        """What decides whether indexes serve the search."""
        return Criteria(self.reading.scope, search.bound, search.sort)

    def resolved(self, query: Query, bound: binding.Bound | None) -> Search:
        """The query with its sort attribute resolved. Raises InvalidValue."""
        return Search(query, bound, None if query.sort_by is None else self._sort_target(query.sort_by))

    def _sort_target(self, name: str) -> Target:
        target = self.reading.type.resolve(name, InvalidValue)
        simple = target if target.attribute.type != "complex" else target.sub("value")
        if simple is None or simple.attribute.returned == "never":
            raise InvalidValue(f"sortBy cannot be {target.name}: name one of its sub-attributes.")
        return simple

    def _page_by_index(self, search: Search, projection: Projection | None) -> Page:
        query = search.query
        if search.sort is None and query.start_index == 1 and query.count > 0:
            texts = self._first_texts(search, projection)
        else:
            texts = self.reading.texts(self._part(search, query.count, query.start_index - 1), projection)
        return Page(self.total(search, query.start_index - 1, query.count, len(texts)), query.start_index, texts)

    def _first_texts(self, search: Search, projection: Projection | None) -> list[Text]:
        """The first page in the order of creation, read with its documents: no rows have to be skipped first."""
        few = search.bound is not None and finds_few(search.bound, _SORTED_LAST)
        found = self._run(Searching._first_query, search, (few,), few, limit=search.query.count)
        # Rows are sorted by their keys, which come first.
        long_columns = self.reading.long_columns(search.related)
        rows = found.fetchall() if few else sorted(self.reading.dialect.rows(found, long_columns))
        return self.reading.texts([Stored(*row) for row in rows], projection)

    def _first_query(self, search: Search, few: bool) -> Any:
        query = self.reading.row_query(Where(self.reading.scope, search.bound).condition(), search.related)
        if few:
            # A sum, since SQLite would otherwise read all resources in the order of their keys to find the few.
            return query.order_by(ROW.pk + 0).limit(parameter("limit"))
        query = query.order_by(ROW.pk).limit(parameter("limit"))
        columns, long_columns = self.reading.columns_read(search.related), self.reading.long_columns(search.related)
        return self._gathered(query, columns, long_columns)

    def _gathered(self, query: Any, columns: Sequence[Any], long_columns: Sequence[int]) -> Any:
        named = [column.alias(f"c{number}") for number, column in enumerate(columns)]
        return self.reading.dialect.gathered(query.select(*named), len(named), long_columns)

    def find(self, search: Search, limit: int, offset: int = 0) -> list[Found]:
        """The resources in a range of the order, without their rows."""
        self.reading.dialect.renew_deadline()
        return self._found_by(search, None, False, limit=limit, offset=offset)

    def _part(self, search: Search, limit: int, offset: int) -> list[Stored]:
        """The rows in a range of the order."""
        if limit <= 0:
            return []
        self.reading.dialect.renew_deadline()
        return _rows_of(self._found_by(search, None, True, limit=limit, offset=offset))

    def _found_by(self, search: Search, position: Position | None, with_rows: bool, **limits: int) -> list[Found]:
        pattern = position and (position.backwards, position.inclusive, *(value is None for value in position.values))
        sort = search.sort and (search.sort.name, search.sort.attribute.type)
        key = (sort, search.query.descending, pattern, with_rows, *limits)
        edge = {} if position is None else {f"edge{index}": value for index, value in enumerate(position.values)}
        found = self._run(Searching._find_query, search, key, position, with_rows, limits, **edge, **limits)
        if with_rows and search.sort is None:
            # Rows are sorted by their keys, which come first.
            backwards = position is not None and position.backwards
            rows = sorted(self.reading.dialect.rows(found, self._long_columns_behind(search)), reverse=backwards)
        else:
            rows = found.fetchall()
        return [Found(pk, tuple(map(_plain, order)), row) for pk, order, row in self._read(rows, with_rows)]

    def _read(self, rows: Iterable[Sequence[Any]], with_rows: bool) -> Iterator[tuple[int, Any, Stored | None]]:
        """The key of each resource, the values that order it with the tie-breaker, and its row, which follows them."""
        for row in rows:
            own = len(row) - (self.reading.width if with_rows else 0)
            yield row[0], row[1:own], Stored(*row[own:]) if with_rows else None

    def _long_columns_behind(self, search: Search) -> list[int]:
        """The positions of the columns with long text on a page in the order of keys."""
        return [_BEFORE + number for number in self.reading.long_columns(search.related)]

    def _with_rows(self, search: Search, query: Any, values: int | None, down: bool, ties_down: bool) -> Any:
        """The keys that a query finds, joined with their rows in one statement, so that no resource is deleted between
        two. Only the rows of the page are joined: Postgres would unpack the documents of those that it skips."""
        found = query.alias("found")
        order = [getattr(found.c, f"value{index}") for index in range(values or 0)]
        columns = self.reading.columns_read(search.related)
        rows = ROW.select(found.c.key, *order, found.c.tie, *columns)
        rows = self.reading.selected(rows.join(found, on=(ROW.pk == found.c.key)).switch(ROW))
        if values is None:
            # In the order of keys, so that rows can be sorted after they are read.
            return self._gathered(rows, [found.c.key, found.c.tie, *columns], self._long_columns_behind(search))
        return rows.order_by(*directed(order, down), found.c.tie.desc() if ties_down else found.c.tie)

    def _run(
        self, build: Callable[..., Any], search: Search, key: tuple[Any, ...], *arguments: Any, **values: Any
    ) -> Any:
        """Run the statement that `build` makes from a search and the arguments; returns the driver's cursor.

        All tenants share the statement of a `key`, a shape and a set of indexes; what differs is a parameter.
        """
        reading = self.reading
        indexes = used_indexes(reading.scope.indexes, search.bound)
        extensions = tuple(schema.id for schema in reading.type.extensions)
        full_key = (build, reading.name, extensions, shape(search.bound), *indexes, search.related, *key)
        statement = reading.database.statement(full_key, lambda: build(self, search, *arguments))
        values |= operands(reading.dialect, search.bound)
        values |= {"tenant": reading.tenant.pk, "endpoint": reading.endpoint_url}
        return statement(**values, **{index_parameter(name): number for name, number in indexes.items()})

    def _find_query(self, search: Search, position: Position | None, with_rows: bool, limits: dict[str, int]) -> Any:
        values = [] if search.sort is None else sorted_by(self.reading.scope, search.sort)
        tie = ROW.pk if search.sort is None else ROW.id
        backwards = position is not None and position.backwards
        descending = search.query.descending != backwards
        named = [value.alias(f"value{index}") for index, value in enumerate(values)]
        query = ROW.select(ROW.pk.alias("key"), *named, tie.alias("tie")).where(self._matching(search.bound))
        if position is not None:
            query = query.where(beyond(values, tie, position, descending))
        query = query.order_by(*directed(values, descending), tie.desc() if backwards else tie)
        query = query.limit(parameter("limit"))
        query = query.offset(parameter("offset")) if "offset" in limits else query
        count = None if search.sort is None else len(values)
        return self._with_rows(search, query, count, descending, backwards) if with_rows else query

    def _matching(self, bound: binding.Bound | None) -> Any:
        return self.reading.of_type() & Where(self.reading.scope, bound).condition()

    def total(self, search: Search, offset: int = 0, count: int = 0, found: int = 0) -> int:
        """The number of all matches: taken from the page if it shows it, else from the counter, else counted."""
        if (found and found < count) or (count > 0 and not found and offset == 0):
            return offset + found
        if search.bound is None:
            return counters.total(self.reading.database, self.reading.tenant.pk, self.reading.name)
        self.reading.dialect.renew_deadline()
        return int(self._run(Searching._count_query, search, ()).fetchone()[0])

    def _count_query(self, search: Search) -> Any:
        return ROW.select(peewee.fn.COUNT(ROW.pk)).where(self._matching(search.bound))

    # By cursor.

    def _page_by_cursor(self, search: Search, projection: Projection | None, secret: bytes) -> Page:
        query = search.query
        given = query.cursor or ""
        position = cursor.decode(secret, self.bound_to(query), given, query.count, time.time()) if given else None
        found = self._found_by(search, position, True, limit=query.count + 1) if query.count > 0 else []
        more = len(found) > query.count
        page = found[: query.count]
        backwards = position is not None and position.backwards
        if backwards:
            page.reverse()

        following, before = self._around([each.order for each in page], more, position, query, secret)
        total = self.total(search) if position is not None or more or not query.count else len(found)
        return Page(total, 1, self.reading.texts(_rows_of(page), projection), following, before)

    def _around(
        self, page: Sequence[Any], more: bool, position: Position | None, query: Query, secret: bytes
    ) -> tuple[str | None, str | None]:
        """The cursors of the next and the previous page, from the values that order this page's resources."""

        def cursor_at(values: Any, back: bool, *, inclusive: bool = False) -> str:
            edge = Position(values, back, query.count, inclusive)
            return cursor.encode(secret, self.bound_to(query), edge, time.time())

        backwards = position is not None and position.backwards
        if not page and position is not None:
            # The resources of this page were deleted: only the way back is left, from the last one that was shown.
            way_back = cursor_at(position.values, not backwards, inclusive=True)
            return (way_back, None) if backwards else (None, way_back)
        following = cursor_at(page[-1], False) if page and (more or backwards) else None
        before = cursor_at(page[0], True) if page and position is not None and (more or not backwards) else None
        return following, before

    def bound_to(self, query: Query) -> str:
        """What a cursor is signed with, so that it continues this query only."""
        return repr((self.reading.tenant.pk, self.reading.name, query.filter, query.sort_by, query.descending))


def _rows_of(found: Iterable[Found]) -> list[Stored]:
    return [each.row for each in found if each.row is not None]


def _plain(value: Any) -> Any:
    """A value as JSON has it; Postgres gives numerics as Decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
