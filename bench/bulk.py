"""`python -m bench.bulk`: what a bulk job costs beside the same requests sent one by one (RFC 7644 §3.7).

Both go to one server over one kept-open connection, by turns; the ratio of a round is what counts, since both parts of
it met the same machine. The cost is the processor time of the server; Postgres' own is not counted.
"""

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.directories import Directory, user_body
from bench.fill import fill
from bench.processes import processor_seconds
from bench.servers import Server, gunicorn
from tests.postgres import postgres_url

TENANT = "bench"
USERS = 1_000
"""How many users the directory has at the start."""

_QUIET = {"VESTIBULE_PUBLIC_URL": "https://scim.example.com", "VESTIBULE_LOG_LEVEL": "warning"}
_BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Operation(NamedTuple):
    """One write, sent alone or as part of a job."""

    method: str
    path: str
    data: dict[str, Any]


class Cost(NamedTuple):
    """Milliseconds of one operation: of the server's processor, and on the clock."""

    cpu: float
    wall: float


class Place:
    """A server over a filled database, and a connection to it."""

    def __init__(self, database: str, directory: Directory, token: str, server: Server) -> None:
        self.database = database
        self.directory = directory
        self._token = token
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def cost(self, operations: list[Operation], send: Callable[["Place", list[Operation]], None]) -> Cost:
        """The cost of one of these operations, sent alone or in a job."""
        cpu, wall = processor_seconds(self._server.workers), time.perf_counter()
        send(self, operations)
        wall, cpu = time.perf_counter() - wall, processor_seconds(self._server.workers) - cpu
        return Cost(cpu / len(operations) * 1e3, wall / len(operations) * 1e3)

    def request(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request that must succeed; returns the body of the answer."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/scim+json"}
        self._connection.request(method, f"/scim/{TENANT}/v2{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{answer.status} {text[:300]!r}")
        found: dict[str, Any] = json.loads(text)
        return found


def by_requests(place: Place, operations: list[Operation]) -> None:
    """Each operation as a request of its own."""
    for operation in operations:
        place.request(operation.method, operation.path, operation.data)


def by_job(place: Place, operations: list[Operation]) -> None:
    """All operations as one job."""
    job = [{**each._asdict(), "bulkId": str(number)} for number, each in enumerate(operations)]
    results = place.request("POST", "/Bulk", {"schemas": [_BULK_REQUEST], "Operations": job})["Operations"]
    failed = [result for result in results if result["status"] not in ("200", "201")]
    if failed or len(results) != len(operations):
        raise RuntimeError(f"{len(results)} results, of which failed: {failed[:3]}")


def creations(directory: Directory, first: int, count: int) -> list[Operation]:
    """Creations of users, as Entra sends them."""
    return [Operation("POST", "/Users", user_body(directory.users + first + number)) for number in range(count)]


def changes(directory: Directory, first: int, count: int) -> list[Operation]:
    """Changes of a user's title."""
    wanted = [{"op": "replace", "path": "title", "value": f"Title {first}"}]
    data = {"schemas": [_PATCH_OP], "Operations": wanted}
    return [Operation("PATCH", f"/Users/{directory.user_id(number)}", data) for number in range(count)]


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(prog="bench.bulk", description=__doc__)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--operations", type=int, default=100, help="operations of a job")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print("| database | operation | alone, CPU ms | in a job, CPU ms | ratio | alone, ms | in a job, ms | ratio |")
    print("|" + "---|" * 8)
    with tempfile.TemporaryDirectory() as folder:
        for database in arguments.databases:
            with served(database, Path(folder)) as place:
                for name, make in (("POST /Users", creations), ("PATCH /Users/id", changes)):
                    print(row(place, name, make, arguments.operations, arguments.rounds))


@contextmanager
def served(database: str, folder: Path) -> Iterator[Place]:
    """A server of one worker over a new directory."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/bulk.db" if database == "sqlite" else stack.enter_context(postgres_url())
        directory = Directory(TENANT, USERS)
        token = fill(url, [directory])[TENANT]
        server = stack.enter_context(gunicorn("wsgi:application", folder, _QUIET | {"VESTIBULE_DATABASE_URL": url}))
        yield Place(database, directory, token, server)


def row(
    place: Place, name: str, make: Callable[[Directory, int, int], list[Operation]], count: int, rounds: int
) -> str:
    """The medians of the rounds, after one to warm up."""
    found = [
        (
            place.cost(make(place.directory, 2 * round * count, count), by_requests),
            place.cost(make(place.directory, (2 * round + 1) * count, count), by_job),
        )
        for round in range(rounds + 1)
    ][1:]
    cells = []
    for part in ("cpu", "wall"):
        pairs = [(getattr(alone, part), getattr(job, part)) for alone, job in found]
        cells += [f"{median(alone for alone, _ in pairs):.2f}", f"{median(job for _, job in pairs):.2f}"]
        cells.append(f"{median(alone / job for alone, job in pairs):.2f}")
    return f"| {place.database} | {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
