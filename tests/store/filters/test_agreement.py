"""scim.match, SQLite and Postgres select the same resources in the same order, for random resources and filters (RFC
7644 §3.4.2.2, §3.4.2.3).

AGREEMENT_EXAMPLES=5000 draws more than the suite does, and then other ones each time.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim import binding, match
from scim.attributes import ResourceType, Target
from scim.filter import parse_filter
from scim.keys import key_function
from scim.schemas import CORE_GROUP, CORE_USER
from store.database.transactions import Database, Result
from store.database.write import Write
from store.filters.indexable import index_name, reason_against
from store.resources.groups import Groups
from store.resources.search import Page, Query
from store.resources.users import Users
from store.resources.writing import Resources
from store.tables import Index, Lookup, Membership, Resource, proxy
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes, IndexName
from store.tenants.log import Call
from store.tenants.tenants import BUILDING, COMPLETE, REMOVING, Tenant, Tenants
from tests import writes
from tests.postgres import create_database, drop_database
from tests.strategies import ENDPOINT, FIELDS, GROUP_IDS, RFC, USER_IDS, Directory, asked, filtered, ordered

EXAMPLES = int(os.environ.get("AGREEMENT_EXAMPLES", "70"))

INDEXABLE = sorted(
    {index_name(target) for target in asked(RFC.user).values() if reason_against(RFC.user, target) is None} - {"emails"}
)
"""The attributes that can get an index."""


class Drawn(NamedTuple):
    """Indexes that exist before the directory is filled, or that are built afterwards."""

    attributes: list[str]
    built: bool


indexes = st.builds(Drawn, st.lists(st.sampled_from(INDEXABLE), max_size=20, unique=True), st.booleans())

SECRET = b"signs cursors"

STRANGER = Directory(
    [{"schemas": [CORE_USER], "userName": f"{i}a", "title": "a", "name": {"familyName": "a"},
      "emails": [{"type": "work", "value": "a", "primary": True}]} for i in range(3)],
    [1, 0, 0],
    [{"schemas": [CORE_GROUP], "displayName": f"{i}a"} for i in range(2)],
    [[0, 1], [1, 2]], [[], [0]],
)  # fmt: skip


class _Undone(Database):
    """A database whose writes may be part of a transaction that the test rolls back."""

    def write(self, work: Callable[[Write], Result], within: Write | None = None) -> Result:
        """See Database; a write in the test's transaction is completed as usual."""
        if within is not None or not self.db.in_transaction():
            return super().write(work, within)
        write = Write(self.db, self.statements)
        result = super().write(work, write)
        write.end()
        return result


@contextmanager
def using(database: Database) -> Iterator[Database]:
    """Make this the database of the models, and then restore the previous one."""
    before = proxy.obj
    proxy.initialize(database.db)
    try:
        yield database
    finally:
        proxy.initialize(before)


class Both:
    """The same directory in SQLite and in Postgres, in a tenant with custom fields."""

    def __init__(self, sqlite_url: str, postgres_url: str) -> None:
        before = proxy.obj
        self.databases = {"SQLite": _Undone(sqlite_url), "Postgres": _Undone(postgres_url)}
        proxy.initialize(before)
        self.first = self.databases["SQLite"]
        for database in self.databases.values():
            with using(database):
                database.migrate()
                for name in ("acme", "stranger"):
                    Tenants(database).create(name, "rfc", call=Call())
                _declare(database)
        self._keep(STRANGER)

    def _keep(self, directory: Directory) -> None:
        """Fill another tenant in both databases for all tests."""
        with using(self.first):
            _fill(self._resources("SQLite", "stranger"), directory)
            rows = _rows()
        with using(self.databases["Postgres"]):
            _insert(rows)

    @contextmanager
    def holding(self, drawn: Drawn, directory: Directory) -> Iterator[dict[str, Callable[[ResourceType], Resources]]]:
        """The directory with these indexes in both databases during the block, by the name of the database."""
        with self._aside("SQLite"), self._aside("Postgres"):
            with using(self.first):
                known = {row["pk"] for row in _all(Resource)}
                _set_state(drawn, REMOVING if drawn.built else COMPLETE)
                _fill(self._resources("SQLite", "acme"), directory)
                if drawn.built:
                    self._build(drawn)
                rows = _rows(known)
            with using(self.databases["Postgres"]):
                _set_state(drawn, COMPLETE)
                _insert(rows)
            yield {name: self._resources(name, "acme") for name in self.databases}

    def _build(self, drawn: Drawn) -> None:
        """Build the indexes for the existing users."""
        _set_state(drawn, BUILDING)
        indexes = Indexes(self.first, Tenants(self.first).get("acme"))
        for attribute in drawn.attributes:
            indexes.build(IndexName("User", attribute))

    @contextmanager
    def _aside(self, name: str) -> Iterator[None]:
        """A transaction that is rolled back."""
        db = self.databases[name].db
        with db.atomic() as transaction:
            yield
            transaction.rollback()

    def _resources(self, name: str, tenant: str) -> Callable[[ResourceType], Resources]:
        database = self.databases[name]
        with using(database):
            found = Tenants(database).get(tenant)
        return lambda type: _of_type(database, found, type)

    def close(self) -> None:
        """Close both databases."""
        for database in self.databases.values():
            database.close()


def _of_type(database: Database, tenant: Tenant, type: ResourceType) -> Resources:
    return (Users if type.name == "User" else Groups)(database, tenant, ENDPOINT, Call())


def _declare(database: Database) -> None:
    """Declare the custom fields, and all possible indexes under the same numbers in both databases."""
    tenant = Tenants(database).get("acme")
    for field in FIELDS:
        Fields(database, tenant).add(field.name, field.type, call=Call())
    same = {"tenant": tenant.pk, "type": "User", "state": REMOVING}
    Index.insert_many([same | {"attribute": name} for name in INDEXABLE]).execute()


def _set_state(drawn: Drawn, state: str) -> None:
    Index.update(state=state).where(Index.attribute.in_(drawn.attributes)).execute()


def _fill(resources: Callable[[ResourceType], Resources], directory: Directory) -> None:
    """Create the directory through the store, then set the drawn ids and times."""
    users, groups = resources(RFC.user), resources(RFC.group)
    people = [writes.create(users, body).id for body in directory.users]
    for user, manager in zip(people, directory.managers, strict=True):
        if manager is not None:
            writes.patch(users, user, {"op": "add", "path": "manager", "value": people[manager]})
    circles: list[str] = []
    for body, members, nested in zip(directory.groups, directory.members, directory.nested, strict=True):
        named = [people[i] for i in members] + [circles[i] for i in nested]
        circles.append(writes.create(groups, body | {"members": [{"value": id} for id in named]}).id)
    ids = [*zip(people, USER_IDS, strict=False), *zip(circles, GROUP_IDS, strict=False)]
    for (id, drawn), (created, modified) in zip(ids, directory.clock, strict=False):
        Resource.update(id=drawn, created=created, modified=modified).where(Resource.id == id).execute()


def _rows(known: set[int] = frozenset()) -> dict[Any, list[dict[str, Any]]]:  # type: ignore[assignment]
    """The rows of all resources that are not known yet."""
    owners = {Resource: "pk", Membership: "group", Lookup: "resource"}
    return {table: [row for row in _all(table) if row[owner] not in known] for table, owner in owners.items()}


def _all(table: Any) -> list[dict[str, Any]]:
    return list(table.select().dicts())


def _insert(rows: dict[Any, list[dict[str, Any]]]) -> None:
    managers = {row["pk"]: row["manager"] for row in rows[Resource]}
    for table, found in rows.items():
        if found:
            table.insert_many([row | {"manager": None} if "manager" in row else row for row in found]).execute()
    for pk, manager in managers.items():
        if manager is not None:
            Resource.update(manager=manager).where(Resource.pk == pk).execute()


@pytest.fixture(scope="module")
def both(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """SQLite and Postgres side by side."""
    path: Path = tmp_path_factory.mktemp("agreement") / "vestibule.db"
    both = Both(f"sqlite:///{path}", create_database(postgres, "agreement"))
    yield both
    both.close()
    drop_database(postgres, "agreement")


def selected(resources: Resources, text: str) -> list[str]:
    """The ids that a filter finds, in order; the total agrees with the page."""
    page = resources.search(Query(filter=text))
    assert page.total == len(page.resources)
    assert resources.search(Query(filter=text, count=0)).total == page.total
    return [json.loads(str(resource))["id"] for resource in page.resources]


def in_order(resources: Resources, name: str, descending: bool) -> list[str]:
    """All ids in the order of an attribute, read in pages of two."""
    ids: list[str] = []
    while True:
        page = resources.search(Query(sort_by=name, descending=descending, start_index=len(ids) + 1, count=2))
        if not page.resources:
            return ids
        ids += [json.loads(str(resource))["id"] for resource in page.resources]


def by_cursor(resources: Resources, name: str, descending: bool) -> tuple[list[str], list[str]]:
    """All ids in the order of an attribute, read by cursor in pages of two: to the end, and from there back."""
    query = Query(sort_by=name, descending=descending, count=2, cursor="")
    pages = [resources.search(query, secret=SECRET)]
    while pages[-1].next_cursor:
        pages.append(resources.search(replace(query, cursor=pages[-1].next_cursor), secret=SECRET))
    back = [pages[-1]]
    while back[0].previous_cursor:
        back.insert(0, resources.search(replace(query, cursor=back[0].previous_cursor), secret=SECRET))
    return _ids(pages), _ids(back)


def _ids(pages: list[Page]) -> list[str]:
    return [json.loads(str(text))["id"] for page in pages for text in page.resources]


def everything(resources: Resources) -> list[dict[str, Any]]:
    """All resources as they are sent."""
    return [json.loads(str(text)) for text in resources.search(Query()).resources]


def sorted_by_key(resources: list[dict[str, Any]], target: Target, descending: bool) -> list[str]:
    """The ids in the order that RFC 7644 §3.4.2.3 requires: by the keys of the first or primary values, ties by id."""
    simple = target if target.attribute.type != "complex" else target.sub("value")
    assert simple is not None
    make = key_function(simple.attribute)
    found = [(resource["id"], first_value(resource, simple.path)) for resource in resources]
    unassigned = sorted(id for id, value in found if value is None)
    keyed = sorted((id, make(value)) for id, value in found if value is not None)
    assigned = [id for id, _ in sorted(keyed, key=lambda pair: pair[1], reverse=descending)]
    return [*unassigned, *assigned] if descending else [*assigned, *unassigned]


def first_value(resource: Any, path: tuple[str, ...]) -> Any:
    """The value at a path; in a list the value of the primary element, or else of the first."""
    value = resource
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, list):
            value = next((e for e in value if isinstance(e, dict) and e.get("primary") is True), value[0])
    return value


# Resource types are large tables.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

often = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="AGREEMENT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("type", RFC.types, ids=lambda type: type.name)
def test_filters_find_the_same_resources_in_memory_in_sqlite_and_in_postgres(both, type):
    @often
    @given(indexes, filtered(type))
    def holds(chosen, drawn):
        directory, texts = drawn
        with both.holding(chosen, directory) as held:
            found = {name: ask(both, name, held, type, texts) for name in held}
            assert found["SQLite"] == found["Postgres"]

    holds()


def ask(both: Both, name: str, held: Any, type: ResourceType, texts: list[str]) -> list[tuple[str, list[str]]]:
    """The ids that each filter finds in one database, after a check that it finds the same in memory."""
    answers = []
    with using(both.databases[name]):
        resources = held[name](type)
        known = everything(resources)
        for text in texts:
            bound = binding.bind(resources.type, parse_filter(text))
            ids = selected(resources, text)
            assert ids == [r["id"] for r in known if match.matches(bound, r)], f"{name}: {text}"
            answers.append((text, ids))
    return answers


@pytest.mark.parametrize("type", RFC.types, ids=lambda type: type.name)
def test_sorts_give_the_same_order_in_memory_in_sqlite_and_in_postgres(both, type):
    @often
    @given(indexes, ordered(type))
    def holds(chosen, drawn):
        directory, orders = drawn
        with both.holding(chosen, directory) as held:
            for name in held:
                with using(both.databases[name]):
                    resources = held[name](type)
                    known = everything(resources)
                    for by, descending in orders:
                        wanted = sorted_by_key(known, asked(type)[by], descending)
                        assert in_order(resources, by, descending) == wanted, f"{name}: {by}"
                        assert by_cursor(resources, by, descending) == (wanted, wanted), f"{name}: {by} by cursor"

    holds()
