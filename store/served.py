"""What an index can be on, and which searches indexes serve: known before a search is run."""

from typing import NamedTuple

from scim.attributes import ResourceType, Target
from scim.binding import Both, Bound, Comparison, Either, Elements, Negation, Presence
from scim.schemas import ENTERPRISE_USER
from store.shapes import CUT_COLUMNS, INDEXABLE, Scope, all_indexable, column_of, element_index, indexable, targets

_MANAGER = f"{ENTERPRISE_USER}:manager"
_REFERENCES = frozenset({_MANAGER, f"{_MANAGER}.value", "members", "members.value"})
"""What stands in columns of numbers that refer to other resources."""
_OF_OTHERS = frozenset({_MANAGER, "members", "groups"})
"""What other resources make up."""


def index_name(target: Target) -> str:
    """What an index on an attribute is called: a list is indexed by its values."""
    container = target.container
    by_value = container is not None and container.multi_valued and target.attribute.name == "value"
    return container.name if container is not None and by_value else target.name


def reason_against(type: ResourceType, target: Target) -> str | None:
    """Why there can be no further index on an attribute, in one sentence; None where there can."""
    name, attribute = target.name, target.attribute
    if any(each.forbidden or each.returned == "never" for each in target.attributes):
        return f"{attribute.name} is not stored in this tenant, so there is nothing to index."
    if column_of(type, target) is not None or name in _REFERENCES:
        return f"{name} is indexed already, by a column of its own."
    if any(each.computed for each in target.attributes) or name.startswith((f"{_MANAGER}.", "members.")):
        return f"{name} is computed by the server from other resources, so it cannot be indexed."
    if attribute.type == "complex" and (not target.multi_valued or attribute.sub("value") is None):
        return f"{name} is complex: name one of its sub-attributes."
    return None


class Asked(NamedTuple):
    """What is searched for, in which order, and in which scope."""

    scope: Scope
    bound: Bound | None
    sort: Target | None


class Lacking(NamedTuple):
    """The attributes of a search that no index is on though one would serve it: of its filter, and of its order."""

    filter: list[str]
    sort: list[str]


def lacking(asked: Asked) -> Lacking | None:
    """What a search that walks through all resources lacks; None where indexes lead to all that it finds."""
    scope, bound, sort = asked
    missing = None if bound is None else _lacking(scope, bound, False)
    if missing is None and (bound is not None or sort is None or is_ordered(scope, sort)):
        return None
    unordered = sort is not None and not is_ordered(scope, sort) and not sort.multi_valued
    helps = unordered and sort is not None and reason_against(scope.type, sort) is None
    return Lacking(list(dict.fromkeys(missing or ())), [sort.name] if sort is not None and helps else [])


def is_ordered(scope: Scope, sort: Target) -> bool:
    """Whether an index holds the order."""
    return column_of(scope.type, sort) is not None or (sort.name in scope.ordering and not sort.multi_valued)


def _lacking(scope: Scope, bound: Bound, negated: bool) -> list[str] | None:
    """The same for a filter, or for its negation: what holds for nearly everybody no index finds."""
    match bound:
        case Both(left, right) | Either(left, right):
            found = [_lacking(scope, each, negated) for each in (left, right)]
            one_will_do = isinstance(bound, Both) != negated
            if None in found and (one_will_do or found == [None, None]):
                return None
            return [name for names in found for name in names or ()]
        case Negation(operand):
            return _lacking(scope, operand, not negated)
        case Presence(target):
            return None if negated and column_of(scope.type, target) is not None else []
        case Elements(target, inner):
            return [] if negated else _lacking_for_elements(scope, target, inner)
        case Comparison():
            return [] if negated else _lacking_for_value(scope, bound)


def _lacking_for_value(scope: Scope, bound: Comparison) -> list[str] | None:
    target, container = bound.target, bound.target.container
    if container is not None and (container.multi_valued or container.name == _MANAGER):
        return _lacking_for_elements(scope, container, bound)
    column = column_of(scope.type, target)
    if column in CUT_COLUMNS and not indexable(bound):
        return []
    if column is not None or target.name in scope.indexes:
        return None if bound.op in INDEXABLE else []
    return [target.name] if bound.op in INDEXABLE and reason_against(scope.type, target) is None else []


def _lacking_for_elements(scope: Scope, target: Target, inner: Bound) -> list[str] | None:
    if target.name in _OF_OTHERS:
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
    """Whether the filter of an element gives the id of what it stands for."""
    match inner:
        case Both(left, right):
            return _names_one(left) or _names_one(right)
        case Comparison(target, "eq", _, _):
            return target.attribute.name == "value"
    return False


def relies_on_removable(asked: Asked, lasting: frozenset[str]) -> bool:
    """Whether a search may rely on an index that can be removed while it runs: on another than the lasting ones."""
    removable = asked.scope.indexes.keys() - lasting
    if not removable:
        return False
    wanted = [*(() if asked.bound is None else targets(asked.bound)), *(() if asked.sort is None else (asked.sort,))]
    named = {each.name for each in wanted} | {each.attributes[0].name for each in wanted}
    return any(name in named or name.partition(".")[0] in named for name in removable)
