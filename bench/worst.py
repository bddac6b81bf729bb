"""`python -m bench.worst`: searches that no index serves, in a large directory, and the cost and gain of an index.

Everything is measured in one process over the store, without HTTP: a search is what a client waits for, apart from a
millisecond. While the index is made, a writer changes one user after the other, and the longest of its waits is kept.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any, NamedTuple

from bench.directories import Directory, external_id
from bench.fill import fill
from scim.errors import TooMany
from scim.operations import read_operations
from store.database.transactions import Database
from store.resources.search import Query
from store.resources.users import Users
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes
from store.tenants.log import Call
from store.tenants.tenants import Tenants
from tests.postgres import postgres_url

TENANT = "bench"
_FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
_ROUNDS = 3
_LONG = 1.0
"""A search that takes more seconds is not repeated."""

SEARCHES: dict[str, dict[str, Any]] = {
    'filter=title eq "Engineer 07"': {"filter": 'title eq "Engineer 07"'},
    'filter=title eq "Nobody"': {"filter": 'title eq "Nobody"'},
    'filter=title co "neer 07"': {"filter": 'title co "neer 07"'},
    'filter=name.formatted sw "Grace H"': {"filter": 'name.formatted sw "Grace H"'},
    'filter=not (title sw "Engineer")': {"filter": 'not (title sw "Engineer")'},
    'filter=…:badge eq "7" (a custom field)': {"filter": f'{_FIELDS}:badge eq "7"'},
    'filter=addresses.locality eq "Rome"': {"filter": 'addresses.locality eq "Rome"'},
    "sortBy=title": {"sort_by": "title"},
    "sortBy=meta.lastModified": {"sort_by": "meta.lastModified"},
}
"""The searches by their names in the table."""

INDEXED = ("title", "nickName")
"""The attributes that are indexed then: every user has a title, one of a hundred, and none has a nickname."""


class Making(NamedTuple):
    """How long an index took, how many writes there were meanwhile, and how long the slowest took."""

    seconds: float
    writes: int
    longest: float


def main() -> None:
    """Measure, print the tables."""
    arguments = _arguments()
    for name in arguments.databases:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            url = f"sqlite:///{folder}/worst.db" if name == "sqlite" else stack.enter_context(postgres_url())
            print(f"\n## {name}, {arguments.size:,} users\n", flush=True)
            for line in _Worst(url, Directory(TENANT, arguments.size), arguments.deadline).lines():
                print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.worst", description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="users in the directory")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--deadline", type=float, default=10.0, help="VESTIBULE_SEARCH_DEADLINE")
    return parser.parse_args()


class _Worst:
    """One directory in one database."""

    def __init__(self, url: str, directory: Directory, deadline: float) -> None:
        fill(url, [directory])
        self.directory = directory
        self.database = Database(url, deadline=deadline)
        Fields(self.database, Tenants(self.database).get(TENANT)).add("badge", "string", call=Call())

    def lines(self) -> Iterator[str]:
        """The tables of this database, in Markdown."""
        before = {name: self._times(query) for name, query in SEARCHES.items()}
        yield "| `index add` | seconds | users a second | writes meanwhile | longest write |"
        yield "|---|---|---|---|---|"
        alone = self._idle()
        yield f"| none, for comparison | {alone.seconds:.1f} | – | {alone.writes} | {alone.longest * 1000:.0f} ms |"
        for name in INDEXED:
            making = self._index(name)
            rate = f"{self.directory.users / making.seconds:,.0f}"
            yield f"| `{name}` | {making.seconds:.1f} | {rate} | {making.writes} | {making.longest * 1000:.0f} ms |"
        served = [name for name, query in SEARCHES.items() if "filter" in query and any(i in name for i in INDEXED)]
        after = {name: self._times(SEARCHES[name]) for name in served}
        yield "\n| search, with its total | no index | indexed |"
        yield "|---|---|---|"
        for name in SEARCHES:
            yield f"| `{name}` | {before[name]} | {after.get(name, '–')} |"
        self.database.close()

    def _users(self) -> Users:
        return Users(self.database, Tenants(self.database).get(TENANT), "https://scim.example.com", Call())

    def _times(self, query: dict[str, Any]) -> str:
        """The median time of a few searches, or a word if they are refused."""
        users, times = self._users(), []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            try:
                users.search(Query(**query))
            except TooMany:
                return f"refused after {time.perf_counter() - began:.1f} s"
            times.append(time.perf_counter() - began)
            if times[-1] > _LONG:
                break
        return _shown(median(times))

    def _index(self, name: str) -> Making:
        indexes = Indexes(self.database, Tenants(self.database).get(TENANT))

        def work() -> None:
            indexes.declare(indexes.named(name), Call())
            indexes.build(indexes.named(name))

        return self._beside(work)

    def _idle(self) -> Making:
        return self._beside(lambda: time.sleep(5))

    def _beside(self, work: Any) -> Making:
        """Do something while another thread writes."""
        done, waits = threading.Event(), list[float]()

        def write() -> None:
            users = self._users()
            while not done.is_set():
                number = len(waits) % self.directory.users
                operation = {"op": "replace", "path": "externalId", "value": f"{external_id(number)}-{len(waits)}"}
                began = time.perf_counter()
                id = self.directory.user_id(number)
                users.patch(id, read_operations(users.type, [operation], id).operations)
                waits.append(time.perf_counter() - began)
                # As often as a busy client.
                done.wait(0.02)
            self.database.close()

        writer = threading.Thread(target=write)
        began = time.perf_counter()
        writer.start()
        try:
            work()
        finally:
            seconds = time.perf_counter() - began
            done.set()
            writer.join()
        return Making(seconds, len(waits), max(waits))


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main()
