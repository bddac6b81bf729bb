"""Tenants share the compiled statements of searches, whatever indexes they have."""

import pytest

from store.database.transactions import Database, now
from store.resources.search import Query
from store.resources.users import Users
from store.tables import Index, Tenant
from store.tenants.log import Call
from store.tenants.tenants import Tenants

MANY = 400
ATTRIBUTES = ("title", "nickName", "userType", "locale", "addresses.locality", "phoneNumbers")
FILTERS = (
    'title eq "x"',
    'title eq "x" and nickName eq "y"',
    'emails[type eq "work"].value eq "x"',
    'addresses.locality eq "x"',
)
SHARED = 2 + 4 + 1 + 2 + 1
"""How many statements the filters have: one for each set of indexes that a filter may use, and the one that reads the
tenant's revision afterwards."""


@pytest.fixture
def many(database):
    """Tenants whose indexes have different numbers; nearly each tenant has another set of indexes."""
    names = [f"shared-{number}" for number in range(MANY)]
    database.write(lambda _: _create(names))
    yield names
    database.write(lambda _: Tenant.delete().where(Tenant.name.in_(names)).execute())


def _create(names):
    for number, name in enumerate(names):
        pk = Tenant.insert(name=name, preset="rfc", created=now(), revision=1).execute()
        chosen = ["emails", *(each for bit, each in enumerate(ATTRIBUTES) if number >> bit & 1)]
        row = {"tenant": pk, "type": "User", "state": "complete", "position": 0}
        Index.insert_many([row | {"attribute": attribute} for attribute in chosen]).execute()


def test_many_tenants_with_different_indexes_leave_few_statements(many, database, database_url):
    ours = Database(database_url)
    tenants = Tenants(ours)
    try:
        kept = []
        for name in many:
            users = Users(ours, tenants.get(name), "https://scim.example.com", Call())
            for text in FILTERS:
                assert users.search(Query(filter=text)).total == 0
            kept.append(len(ours.statements))
    finally:
        ours.close()
        database.use()
    assert kept[-1] <= kept[0] - len(FILTERS) + SHARED
