"""Both databases answer frequent requests from an index, at 10,000 users (docs/filters.md) (RFC 7644
§3.4.2.2)."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app import auth
from bench.directories import Directory, external_id, user_name, work_email
from bench.fill import fill
from scim.projection import Projection
from store.database.transactions import Database
from store.resources.groups import Groups
from store.resources.search import Query
from store.resources.users import Users
from store.resources.writing import Resources
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes
from store.tenants.log import Call
from store.tenants.tenants import Tenants
from tests import writes
from tests.postgres import create_database, drop_database

DIRECTORY = Directory("plans", 10_000)
INDEXED = ("title", "nickName", "name.formatted", "addresses.locality", "department")
"""The attributes that are indexed at run time: all users have one of a hundred titles, and none has a nickName."""

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


class Spied:
    """A filled database that shows the plans of its statements."""

    def __init__(self, url: str) -> None:
        fill(url, [DIRECTORY])
        self.database = Database(url)
        tenants = Tenants(self.database)
        for field, type in (("badge", "string"), ("floor", "integer")):
            Fields(self.database, tenants.get("plans")).add(field, type, call=Call())
        indexes = Indexes(self.database, tenants.get("plans"))
        for name in ("badge", "floor", *INDEXED):
            indexes.declare(indexes.named(name), Call())
            indexes.build(indexes.named(name))
        self.tenant = tenants.get("plans")
        self.is_sqlite = url.startswith("sqlite")
        self._asked: list[tuple[str, Any]] = []
        execute = self.database.db.execute_sql

        def spy(sql: str, parameters: Any = None) -> Any:
            self._asked.append((sql, parameters))
            return execute(sql, parameters)

        self._execute = execute
        self.database.db.execute_sql = spy  # type: ignore[method-assign]

    def users(self) -> Users:
        return Users(self.database, self.tenant, "https://example.com", Call())

    def groups(self) -> Groups:
        return Groups(self.database, self.tenant, "https://example.com", Call())

    def plans(self, work: Any) -> str:
        """The plans of all statements of the work, as the database describes them."""
        self._asked.clear()
        work()
        asked = [each for each in self._asked if each[0].lstrip("( ").startswith(("SELECT", "WITH"))]
        assert asked
        return "\n".join(self._plan(sql, parameters) for sql, parameters in asked)

    def _plan(self, sql: str, parameters: Any) -> str:
        explain = "EXPLAIN QUERY PLAN " if self.is_sqlite else "EXPLAIN "
        rows = self._execute(explain + sql, parameters).fetchall()
        return "\n".join(str(row[-1]) for row in rows)

    def scans(self, plan: str) -> list[str]:
        """The lines of a plan that read all resources of the tenant, or all rows of `lookup`."""
        if self.is_sqlite:
            walk = re.compile(r"SCAN (row|lookup|t\d)|resource_order \(tenant=\?( AND type=\?)?\)")
        else:
            unkeyed = r"{} on resource \"row\".*\n(?!.*pk = )"
            indexes = ("Seq Scan", "resource_order", "resource_pkey")
            walk = re.compile("|".join(["Seq Scan on lookup", *map(unkeyed.format, indexes)]))
        return [found.group() for found in walk.finditer(plan)]


@pytest.fixture(scope="module")
def spied(database_url, database, app, tmp_path_factory, request) -> Iterator[Spied]:
    """A separate database; afterwards the models use the session's database again."""
    auth.gate(app).background.close()
    if database_url.startswith("sqlite"):
        found = Spied(f"sqlite:///{tmp_path_factory.mktemp('plans')}/plans.db")
    else:
        found = Spied(create_database(request.getfixturevalue("postgres"), "plans"))
    yield found
    found.database.close()
    if not found.is_sqlite:
        drop_database(request.getfixturevalue("postgres"), "plans")
    database.use()


def search(resources: Resources, text: str | None = None, **query: Any) -> Any:
    return lambda: resources.search(Query(filter=text, **query))


@pytest.mark.parametrize(
    "text",
    [
        f'userName eq "{user_name(50)}"',
        f'externalId eq "{external_id(50)}"',
        f'emails[type eq "work"].value eq "{work_email(50)}"',
        f'emails.value eq "{work_email(50)}"',
        f'emails.value sw "{work_email(50)[:12]}"',
        'userName sw "user50"',
        'name.familyName sw "Lovelace5"',
        f'id eq "{DIRECTORY.user_id(50)}"',
        f'manager eq "{DIRECTORY.user_id(50)}"',
        f'{FIELDS}:badge eq "7"',
        f"{FIELDS}:floor eq 7",
        f'userName eq "{user_name(50)}" and title co "e"',
        'title eq "Engineer 07"',
        'title sw "Engineer 07"',
        'title eq "Engineer 07" and active eq true',
        'name.formatted sw "Nobody"',
        'addresses.locality eq "Rome"',
        'addresses[type eq "work" and locality sw "Rom"]',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Department 7"',
        f'userName eq "{user_name(50)}" or userName eq "{user_name(51)}" or userName eq "nobody"',
        f'emails.value eq "{work_email(50)}" or emails.value eq "{work_email(51)}" or emails.value eq "nobody"',
        f'emails[type eq "work" and value eq "{work_email(50)}"] or emails.value sw "nobody"',
        'title eq "Engineer 07" or title sw "Nobody" or title eq "x"',
    ],
)
def test_a_filter_of_users_is_answered_from_an_index(spied, text):
    plan = spied.plans(search(spied.users(), text))
    assert spied.scans(plan) == [], plan


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [("users", 'not (title sw "Engineer")'), ("users", 'not (emails.value sw "mail")'), ("groups", "not (members pr)")],
)
def test_excluded_resources_are_read_once(spied, endpoint, text):
    """However many they are: a NOT IN whose result exceeds work_mem is quadratic on Postgres."""
    plan = spied.plans(search(getattr(spied, endpoint)(), text))
    by_row = re.search("Filter:.*SubPlan", plan) is not None
    assert "LIST SUBQUERY" in plan if spied.is_sqlite else "Anti Join" in plan and not by_row, plan


@pytest.mark.parametrize(
    "text", ['displayName eq "nobody"', 'externalId eq "nobody"', f'members.value eq "{DIRECTORY.user_id(50)}"']
)
def test_a_filter_of_groups_is_answered_from_an_index(spied, text):
    plan = spied.plans(search(spied.groups(), text))
    assert spied.scans(plan) == [], plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "resource_(order|pkey)"),
        ({"start_index": 5_000}, "resource_(order|pkey)"),
        ({"start_index": 5_000, "sort_by": "userName"}, "resource_name"),
    ],
)
def test_a_page_follows_its_index(spied, query, index):
    plan = spied.plans(search(spied.users(), count=10, **query))
    assert re.search(index, plan), plan


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("endpoint", "sort_by", "index"),
    [
        ("users", "userName", "resource_name"),
        ("users", "externalId", "resource_external"),
        ("users", "name.familyName", "resource_family"),
        ("users", "name.givenName", "resource_given"),
        ("groups", "displayName", "resource_name"),
        ("groups", "externalId", "resource_external"),
    ],
)
def test_an_order_by_a_column_is_read_from_its_index(spied, endpoint, sort_by, index, descending):
    """The first page and pages by cursor, in both directions; only resources with equal values are sorted."""
    resources = getattr(spied, endpoint)()
    query = Query(sort_by=sort_by, descending=descending, count=10, cursor="")
    pages: list[Any] = []
    for cursor in (lambda: "", lambda: pages[-1].next_cursor, lambda: pages[-1].previous_cursor):
        asked = replace(query, cursor=cursor())
        plan = spied.plans(lambda asked=asked: pages.append(resources.search(asked, secret=b"x")))
        assert re.search(index, plan), plan
        assert spied.scans(plan) == [], plan
    assert pages[-1].resources == pages[0].resources


def test_one_user_and_one_group_are_found_by_their_ids(spied):
    plan = spied.plans(lambda: spied.users().get(DIRECTORY.user_id(50)))
    without = Projection.read(spied.groups().type, None, ["members"])
    plan += spied.plans(lambda: spied.groups().get(DIRECTORY.group_id(1), without))
    assert spied.scans(plan) == [], plan


def test_members_are_added_and_removed_by_indexes(spied):
    for op in ("add", "remove"):
        change = {"op": op, "path": "members", "value": [{"value": DIRECTORY.user_id(9)}]}
        plan = spied.plans(lambda change=change: writes.patch(spied.groups(), DIRECTORY.group_id(1), change))
        assert spied.scans(plan) == [], json.dumps(op) + plan
