"""The deadline of searches that no index serves, with a refusal that names the index that would serve them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from scim.attributes import Target
from scim.binding import Bound
from scim.errors import TooMany
from scim.nodes import And, Compare, Not, Or, Present, ValuePath
from store.database.statements import parameter
from store.database.transactions import Database, Overdue
from store.filters.indexable import (
    CUT_COLUMNS,
    INDEXED_AT_FIRST,
    REFERENCES,
    column_of,
    elements_of,
    index_name,
    reason_against,
)
from store.filters.shape import INDEXABLE, Scope, all_indexable, element_index, finds_few, indexable, targets
from store.tables import Tenant as Row
from store.tenants.log import Outdated
from store.tenants.tenants import Tenant

Result = TypeVar("Result")

_PERMANENT = frozenset(attribute for _, attribute in INDEXED_AT_FIRST)


class Criteria(NamedTuple):
    """What is searched for, in which order, and in which scope."""

    scope: Scope
    bound: Bound | None
    sort: Target | None


def within_deadline(
    database: Database, tenant: Tenant, criteria: Sequence[Criteria], work: Callable[[], Result]
) -> Result:
    """Run a search over some resource types.

    Raises TooMany if it takes longer than the database's deadline, Outdated if it relied on an index that was removed
    while it ran.
    """
    if all(each.bound is None and each.sort is None for each in criteria):
        return database.read(work)
    missing = [lacking(each) for each in criteria]
    walks = any(each is not None for each in missing)
    quick = not walks and all(each.bound is not None and finds_few(each.bound) for each in criteria)
    try:
        result = database.read(work if quick or not database.deadline else lambda: _timed(database, walks, work))
    except Overdue as error:
        raise TooMany(_sentence(tenant, criteria, missing, database.deadline)) from error
    if any(_relies_on_removable(each) for each in criteria):
        _check_revision(database, tenant)
    return result


def _timed(database: Database, walks: bool, work: Callable[[], Result]) -> Result:
    with database.dialect.deadline(database.deadline, walks=walks):
        return work()


def _check_revision(database: Database, tenant: Tenant) -> None:
    """Raise Outdated if the tenant was changed meanwhile: a search misses resources when its index is being removed."""
    statement = database.statement("revision", lambda: Row.select(Row.revision).where(Row.pk == parameter("tenant")))
    row = database.read(lambda: statement(tenant=tenant.pk).fetchone())
    if row is not None and row[0] != tenant.revision:
        raise Outdated


def _sentence(tenant: Tenant, criteria: Sequence[Criteria], missing: Iterable[list[str] | None], seconds: float) -> str:
    """What took too long, and what to do about it."""
    names = list(dict.fromkeys(name for each in missing for name in each or ()))
    took = f"took longer than {seconds:g} seconds over this directory"
    if not names and all(each.bound is None for each in criteria):
        orders = _listed(dict.fromkeys(each.sort.name for each in criteria if each.sort is not None))
        return f"The order by {orders} {took}: narrow the search by a filter such as userName eq or externalId eq."
    if not names:
        return f"The search {took}: narrow it by a comparison that finds fewer resources, such as userName eq."
    commands = _listed(f'"vestibule index add {tenant.name} {name}"' for name in names)
    return f"The filter on {_listed(names)} {took}: ask the server's operator to run {commands}."


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def lacking(criteria: Criteria) -> list[str] | None:
    """The attributes of a filter that lack an index; None if indexes find everything, so that nothing is lacking.

    An empty list means that the search reads all resources and that no index would change that.
    """
    scope, bound, sort = criteria
    if bound is None:
        # The index on ids covers all tenants, so it does not give the order within one.
        return None if sort is None or column_of(scope.type, sort) not in (None, "id") else []
    missing = _lacking(scope, bound, False)
    return None if missing is None else list(dict.fromkeys(missing))


def _lacking(scope: Scope, bound: Bound, negated: bool) -> list[str] | None:
    """The same for a filter or, if `negated`, for its negation, which no index serves: it matches nearly everything."""
    match bound:
        case And(left, right) | Or(left, right):
            found = [_lacking(scope, each, negated) for each in (left, right)]
            one_will_do = isinstance(bound, And) != negated
            if None in found and (one_will_do or found == [None, None]):
                return None
            return [name for names in found for name in names or ()]
        case Not(operand):
            return _lacking(scope, operand, not negated)
        case Present(target):
            return None if negated and column_of(scope.type, target) is not None else []
        case ValuePath(target, inner):
            return [] if negated else _lacking_for_elements(scope, target, inner)
        case Compare():
            return [] if negated else _lacking_for_value(scope, bound)


def _lacking_for_value(scope: Scope, bound: Compare[Target]) -> list[str] | None:
    target = bound.target
    if (elements := elements_of(target)) is not None:
        return _lacking_for_elements(scope, elements, bound)
    column = column_of(scope.type, target)
    if column in CUT_COLUMNS and not indexable(bound):
        return []
    if column is not None or target.name in scope.indexes:
        return None if bound.op in INDEXABLE else []
    return [target.name] if bound.op in INDEXABLE and reason_against(scope.type, target) is None else []


def _lacking_for_elements(scope: Scope, target: Target, inner: Bound) -> list[str] | None:
    if target.name in REFERENCES:
        return None if _names_one(inner) else []
    if not target.multi_valued:
        return _lacking(scope, inner, False)
    if element_index(scope.indexes, target, inner) is not None:
        return None
    if target.attributes[0].computed or not all_indexable(inner):
        return []
    names = [index_name(each) for each in targets(inner) if each.attribute.name not in ("type", "primary")]
    return [name for name in names or [index_name(next(targets(inner)))] if name not in scope.indexes]


def _names_one(inner: Bound) -> bool:
    """Whether the filter of an element compares the id of the resource that the element refers to."""
    match inner:
        case And(left, right):
            return _names_one(left) or _names_one(right)
        case Compare(target, "eq", _, _):
            return target.attribute.name == "value"
    return False


def _relies_on_removable(criteria: Criteria) -> bool:
    """Whether a search may rely on an index that can be removed while it runs."""
    removable = criteria.scope.indexes.keys() - _PERMANENT
    if not removable:
        return False
    wanted = [] if criteria.bound is None else list(targets(criteria.bound))
    named = {each.name for each in wanted} | {each.attributes[0].name for each in wanted}
    return any(name in named or name.partition(".")[0] in named for name in removable)
