"""The cost of a search in a worker that serves many tenants in turn, which share compiled statements.

Each tenant has indexes of its own and no users. The store is measured in this process, without HTTP.
"""

import time
from statistics import median
from typing import NamedTuple

from store.database.transactions import Database, now
from store.resources.search import Query
from store.resources.users import Users
from store.tables import Index, Tenant
from store.tenants.log import Call
from store.tenants.tenants import Tenants

NUMBERS = (1, 400)
"""The numbers of tenants that are served in turn."""
FILTERS = (
    'userName eq "nobody"',
    'externalId eq "nobody"',
    'emails[type eq "work"].value eq "nobody"',
    'emails.value sw "nobody"',
    'title eq "nobody"',
    'title sw "nobody"',
    'name.familyName eq "nobody"',
    'userName eq "nobody" and active eq true',
)
SEARCHES = len(FILTERS) * max(NUMBERS)
"""How many searches are measured at a time."""
_ROUNDS = 5


class Turns(NamedTuple):
    """The median CPU time of a search, with its total, and the statements that stay compiled."""

    database: str
    tenants: int
    us: float
    statements: int


def turns(name: str, url: str, searches: int = SEARCHES) -> list[Turns]:
    """Measure in a migrated database, which gets the tenants."""
    setup = Database(url)
    setup.write(lambda _: _create(max(NUMBERS)))
    setup.close()
    return [_measured(name, url, number, searches) for number in NUMBERS]


def _create(number: int) -> None:
    for name in map(_tenant, range(number)):
        pk = Tenant.insert(name=name, preset="360learning", created=now(), revision=1).execute()
        row = {"tenant": pk, "type": "User", "state": "complete", "position": 0}
        Index.insert_many([row | {"attribute": attribute} for attribute in ("emails", "title")]).execute()


def _tenant(number: int) -> str:
    return f"turn-{number}"


def _measured(name: str, url: str, number: int, searches: int) -> Turns:
    database = Database(url)
    tenants = Tenants(database)
    served = [tenants.get(_tenant(each)) for each in range(number)]
    queries = [Query(filter=text) for text in FILTERS]
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for turn in range(searches):
            users = Users(database, served[turn % number], "https://scim.example.com", Call())
            users.search(queries[turn // number % len(queries)])
        times.append((time.process_time() - began) / searches * 1e6)
    statements = len(database.statements)
    database.close()
    return Turns(name, number, median(times), statements)
