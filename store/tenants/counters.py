"""The numbers of a tenant's resources, updated at the end of each write, so that no request counts rows."""

import random
from collections import Counter as Sums
from collections.abc import Sequence
from typing import Any

import peewee

from store.database.statements import Statements, parameter
from store.database.transactions import Database
from store.database.write import Place, Write
from store.tables import Counter

SHARDS = 8
"""The number of rows of one counter; parallel writes update different rows and do not queue."""


def count(write: Write, tenant: int, type: str, change: int) -> None:
    """Add this change to the number of resources, at the end of the write."""
    write.leave(Place.COUNTERS, _apply, (tenant, type, change))


def total(database: Database, tenant: int, type: str) -> int:
    """The number of the tenant's resources of that type."""
    counted = database.statement("total", _total_query)
    return int(counted(tenant=tenant, type=type).fetchone()[0])


def _apply(statements: Statements, changes: Sequence[tuple[int, str, int]]) -> None:
    sums = Sums[tuple[int, str]]()
    for tenant, type, change in changes:
        sums[tenant, type] += change
    statement = statements.get("count", _count_query)
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
