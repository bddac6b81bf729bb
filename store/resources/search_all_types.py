"""Searching users and groups at once, at the root of the endpoint (RFC 7644 §3.4.2.1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scim.binding import Bound, bind
from scim.document import Text
from scim.errors import InvalidValue, TooMany
from scim.filter import parse_filter
from scim.projection import Projection
from scim.search_all_types import check_known, for_type
from store.resources.reading import Reading, current
from store.resources.search import Found, Page, Query, Search, Searching

DEPTH = 10_000
"""How far into the merged order a page may reach: all resources before it have to be read."""


def search(readings: Sequence[Reading], query: Query, projections: Sequence[Projection | None]) -> Page:
    """A page of the resources of all types that satisfy the query, in one order.

    An attribute that a type lacks counts as unassigned. Raises InvalidFilter, InvalidValue or TooMany.
    """
    if query.cursor is not None:
        raise InvalidValue("Pages by cursor are served below /Users and /Groups, not for both at once.")
    if query.start_index - 1 + query.count > DEPTH:
        raise TooMany(f"A search over all types reaches at most {DEPTH} resources: search /Users or /Groups.")
    sources = [Searching(reading) for reading in readings]

    def work() -> Page:
        searches = [_resolved(source, sources, query) for source in sources]
        criteria = [source.criteria(one) for source, one in zip(sources, searches, strict=True)]
        return sources[0].within_deadline(criteria, lambda: _page(sources, searches, query, projections))

    return current(readings, work)


def _page(
    sources: Sequence[Searching], searches: Sequence[Search], query: Query, projections: Sequence[Projection | None]
) -> Page:
    last = query.start_index - 1 + query.count
    candidates = [
        (number, Found(found.pk, _comparable(found.order, one, query)))
        for number, one in enumerate(searches)
        for found in sources[number].find(one, last)
    ]
    # A stable sort, also in reverse: the tie-breaker ascends in both orders.
    candidates.sort(key=lambda candidate: candidate[1].order[-1])
    candidates.sort(key=lambda candidate: candidate[1].order[:-1], reverse=query.descending)
    page = candidates[query.start_index - 1 : last]
    total = sum(source.total(one) for source, one in zip(sources, searches, strict=True))
    return Page(total, query.start_index, _texts(sources, page, projections))


def _resolved(source: Searching, sources: Sequence[Searching], query: Query) -> Search:
    bound = None if query.filter is None else _bound(source, sources, query.filter)
    if query.sort_by is None or query.sort_by.lower() in source.reading.type.targets:
        return source.resolved(query, bound)
    if not any(query.sort_by.lower() in each.reading.type.targets for each in sources):
        source.reading.type.resolve(query.sort_by, InvalidValue)
    # No resource of this type has the attribute, so their ids order them.
    return source.resolved(replace(query, sort_by="id", descending=False), bound)


def _bound(source: Searching, sources: Sequence[Searching], text: str) -> Bound:
    tree = parse_filter(text)
    check_known([each.reading.type for each in sources], tree)
    return bind(source.reading.type, for_type(source.reading.type, tree))


def _comparable(order: tuple[Any, ...], one: Search, query: Query) -> tuple[Any, ...]:
    """Whether the value that orders a resource is unassigned, the value, and the tie-breaker."""
    *values, tie = order if one.query.sort_by == query.sort_by else (None, order[-1])
    value = values[0] if values else None
    return value is None, "" if value is None else value, tie


def _texts(
    sources: Sequence[Searching], page: Sequence[tuple[int, Found]], projections: Sequence[Projection | None]
) -> list[Text]:
    """The representations of a merged page, read type by type."""
    texts: dict[tuple[int, int], Text] = {}
    for number, source in enumerate(sources):
        pks = [found.pk for of, found in page if of == number]
        texts |= {(number, pk): text for pk, text in source.reading.texts_by_key(pks, projections[number]).items()}
    return [texts[number, found.pk] for number, found in page if (number, found.pk) in texts]
