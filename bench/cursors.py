"""Cursors of any page of a directory, made as the server makes them, without reading the pages before."""

import time
from collections.abc import Iterable

from bench.scenarios import PAGE
from scim import cursor
from scim.cursor import Position
from store.database.transactions import Database
from store.resources.search import Query, Searching
from store.resources.users import Users
from store.tenants.log import Call
from store.tenants.tenants import Tenants


def cursors(url: str, tenant: str, offsets: Iterable[int], secret: str) -> dict[int, str]:
    """The cursor of the page behind so many users, by their number; none lies before the first page.

    The server signs with this secret.
    """
    database = Database(url)
    users = Users(database, Tenants(database).get(tenant), "", Call())
    found = {before: _cursor(users, before, secret.encode()) if before else "" for before in offsets}
    database.close()
    return found


def _cursor(users: Users, before: int, secret: bytes) -> str:
    query = Query(count=PAGE, cursor="")
    searching = Searching(users)
    last = searching.find(searching.resolved(query, None), 1, before - 1)[0]
    return cursor.encode(secret, searching.bound_to(query), Position(last.order, False, PAGE), time.time())
