"""Searches end: those that no index serves are refused past a deadline, and the refusal says what would serve them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from scim.errors import TooMany
from store.compiled import parameter
from store.database import Database, Overdue
from store.journal import Outdated
from store.models import Tenant as Row
from store.served import Asked, Lacking, lacking, relies_on_removable
from store.shapes import pins
from store.tenants import INDEXED_AT_FIRST, Tenant

Result = TypeVar("Result")

_LASTING = frozenset(attribute for _, attribute in INDEXED_AT_FIRST)


def answered(database: Database, tenant: Tenant, asked: Sequence[Asked], work: Callable[[], Result]) -> Result:
    """Run a search over some resource types.

    Raises TooMany where it takes longer than the database's deadline, Outdated where it relied on an index that was
    withdrawn while it ran.
    """
    if all(each.bound is None and each.sort is None for each in asked):
        return database.read(work)
    missing = [lacking(each) for each in asked]
    walks = any(each is not None for each in missing)
    quick = not walks and all(each.bound is not None and pins(each.bound) for each in asked)
    try:
        result = database.read(work if quick or not database.deadline else lambda: _timed(database, walks, work))
    except Overdue as error:
        raise TooMany(_sentence(tenant, asked, missing, database.deadline)) from error
    if any(relies_on_removable(each, _LASTING) for each in asked):
        _check_revision(database, tenant)
    return result


def _timed(database: Database, walks: bool, work: Callable[[], Result]) -> Result:
    with database.dialect.deadline(database.deadline, walks=walks):
        return work()


def _check_revision(database: Database, tenant: Tenant) -> None:
    """An index that is withdrawn loses its rows: whoever read them since then may have missed some."""
    statement = database.statement("revision", _revision_query)
    row = database.read(lambda: statement(tenant=tenant.pk).fetchone())
    if row is not None and row[0] != tenant.revision:
        raise Outdated


def _revision_query() -> Any:
    return Row.select(Row.revision).where(Row.pk == parameter("tenant"))


def _sentence(tenant: Tenant, asked: Sequence[Asked], missing: Iterable[Lacking | None], seconds: float) -> str:
    """What took too long, and what to do about it."""
    found = [each for each in missing if each is not None]
    filtered = list(dict.fromkeys(name for each in found for name in each.filter))
    ordered = list(dict.fromkeys(name for each in found for name in each.sort))
    parts = [f"the filter on {_listed(filtered)}"] if filtered else []
    parts += [f"the order by {_listed(ordered)}"] if ordered else []
    took = f"took longer than {seconds:g} seconds over this directory"
    if not parts:
        return f"The search {took}: {_narrowing(asked)}"
    commands = _listed(f'"vestibule index add {tenant.name} {name}"' for name in dict.fromkeys(filtered + ordered))
    what = " and ".join(parts)
    return f"{what[0].upper()}{what[1:]} {took}: ask the server's operator to run {commands}."


def _narrowing(asked: Sequence[Asked]) -> str:
    if all(each.bound is None for each in asked):
        return "no index can hold this order, so narrow it by a filter such as userName eq or externalId eq."
    return "narrow it by a comparison that points at fewer resources, such as userName eq or externalId eq."


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
