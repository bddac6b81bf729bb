"""The numbers of a tenant's resources, updated at the end of each write, so that no request counts rows."""

import random
from collections import Counter as Sums
from collections.abc import Sequence
from typing import Any, NamedTuple

import peewee

from store.database.statements import parameter
from store.database.transactions import Database
from store.database.write import Place, Write
from store.tables import Counter

SHARDS = 8
"""The number of rows of one counter; parallel writes update different rows and do not queue."""


class _Change(NamedTuple):
    database: Database
    tenant: int
    type: str
    change: int


def count(write: Write, database: Database, tenant: int, type: str, change: int) -> None:
    """Add this change to the number of resources, at the end of the write."""
    write.leave(Place.COUNTERS, _apply, _Change(database, tenant, type, change))


def total(database: Database, tenant: int, type: str) -> int:
    """The number of the tenant's resources of that type."""
    counted = database.statement("total", _total_query)
    return int(counted(tenant=tenant, type=type).fetchone()[0])


def _apply(changes: Sequence[_Change]) -> None:
    sums = Sums[tuple[int, str]]()
    for each in changes:
        sums[each.tenant, each.type] += each.change
    statement = changes[0].database.statement("count", _count_query)
    shard = random.randrange(SHARDS)  # noqa: S311 (not a secret)
    for tenant, type in sorted(sums):
        statement(tenant=tenant, type=type, shard=shard, change=sums[tenant, type])


def _count_query() -> Any:
    row = {name: parameter(name) for name in ("tenant", "type", "shard")} | {"total": parameter("change")}
    return Counter.insert(row).on_conflict(
        conflict_target=(Counter.tenant, Counter.type, Counter.shard),
        update={Counter.total: Counter.total + parameter("change")},
    )


def _total_query() -> Any:
    of_type = (Counter.tenant == parameter("tenant")) & (Counter.type == parameter("type"))
    return Counter.select(peewee.fn.COALESCE(peewee.fn.SUM(Counter.total), 0)).where(of_type)
