"""`python -m bench.concurrency`: many clients at once, and how many tenants can be served at Entra's rate."""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.arrivals import arrive
from bench.directories import Directory
from bench.fill import fill
from bench.loads import load
from bench.mix import Mix
from bench.places import DATABASES, database_url, settings
from bench.processes import memory
from bench.scenarios import Site
from bench.servers import Server, gunicorn
from bench.tables import over, table

RATE = 25.0
"""How many requests a second Entra sends for a tenant."""

BOUND_MS = 100.0
"""The limit of the 99th percentile."""

_FIRST, _STEP = 20, 5


class Crowd(NamedTuple):
    """Clients that each send one request after the other."""

    database: str
    workers: int
    clients: int
    rate: float
    p50: float
    p99: float
    errors: int
    worker_mb: float


class Tenants(NamedTuple):
    """Tenants that each send 25 requests per second; `client` is the share of one core that the client used."""

    database: str
    tenants: int
    rate: float
    p50: float
    p99: float
    errors: int
    worker_mb: float
    client: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, write the figures as JSON."""
    given = _parser().parse_args(arguments)
    crowds = [crowd for database in given.databases for crowd in _crowds(database, given)]
    tenants = [step for database in given.databases for step in _tenants(database, given)]
    print(f"### Many clients\n\n{_crowd_table(crowds)}\n\n### Many tenants\n\n{_tenant_table(tenants)}")
    if given.output:
        figures = {
            name: [each._asdict() for each in found] for name, found in (("crowds", crowds), ("tenants", tenants))
        }
        Path(given.output).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if any(crowd.errors for crowd in crowds) or any(step.errors for step in tenants):
        sys.exit("Some requests failed: see the column errors.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.concurrency", description=__doc__)
    parser.add_argument("--size", type=int, default=1_000, help="users in the directory that many clients share")
    parser.add_argument("--databases", nargs="+", default=list(DATABASES), choices=DATABASES)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--requests", type=int, default=3_000, help="requests of all clients in one measurement")
    parser.add_argument("--tenants", type=int, default=80, help="the most tenants at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each number of tenants is measured")
    parser.add_argument("--rounds", type=int, default=3, help="how many rounds are measured")
    parser.add_argument("--output", help="a file for the figures as JSON")
    return parser


def _crowds(database: str, given: argparse.Namespace) -> Iterator[Crowd]:
    """Each number of clients on each number of workers."""
    directory = Directory("bench", given.size)
    with tempfile.TemporaryDirectory() as folder, database_url(database, Path(folder)) as url:
        mix = Mix(Site(directory, fill(url, [directory])[directory.tenant]))
        for workers in given.workers:
            with gunicorn("wsgi:application", Path(folder), settings(url, secrets.token_hex()), workers) as server:
                load(server.port, mix.requests(200 * workers))
                for clients in given.clients:
                    seen = load(server.port, mix.requests(given.requests), connections=clients, seconds=120.0)
                    lost = given.requests - seen.answers
                    rate, mb = seen.answers / seen.seconds, max(map(memory, server.workers)) / 2**20
                    yield Crowd(database, workers, clients, rate, seen.p50, seen.p99, seen.errors + lost, mb)


def _tenants(database: str, given: argparse.Namespace) -> Iterator[Tenants]:
    """20 tenants, then more until the 99th percentile is above the limit; if it is above at once, fewer until it is
    not."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database_url(database, folder))
        mixes: list[Mix] = []
        number = min(_FIRST, given.tenants)
        _admit(url, mixes, number)
        server = stack.enter_context(gunicorn("wsgi:application", folder, settings(url, secrets.token_hex()), 2))
        arrive(server.port, [mix.requests(int(RATE)) for mix in mixes], RATE)
        found = _together(database, server, mixes, given)
        yield found
        step = _STEP if found.p99 <= BOUND_MS else -_STEP
        while 0 < number + step <= given.tenants and (found.p99 <= BOUND_MS) == (step > 0):
            number += step
            _admit(url, mixes, number - len(mixes))
            found = _together(database, server, mixes[:number], given)
            yield found


def _together(database: str, server: Server, mixes: Sequence[Mix], given: argparse.Namespace) -> Tenants:
    """These tenants at once; the medians of a few rounds."""
    rounds = [
        arrive(server.port, [mix.requests(max(1, int(RATE * given.seconds))) for mix in mixes], RATE)
        for _ in range(given.rounds)
    ]
    p50, p99, busy = (median(getattr(seen, name) for seen in rounds) for name in ("p50", "p99", "client"))
    rate = sum(seen.answers for seen in rounds) / sum(seen.seconds for seen in rounds)
    mb = max(map(memory, server.workers)) / 2**20
    return Tenants(database, len(mixes), rate, p50, p99, sum(seen.errors for seen in rounds), mb, busy)


def _admit(url: str, mixes: list[Mix], more: int) -> None:
    """Add tenants, each with a directory of a thousand users."""
    directories = [Directory(f"tenant{len(mixes) + number}", 100) for number in range(more)]
    for directory, token in zip(directories, fill(url, directories).values(), strict=True):
        mixes.append(Mix(Site(directory, token), len(mixes)))


def _crowd_table(crowds: Sequence[Crowd]) -> str:
    return table(
        ["database", "workers", "clients", "requests/s", "p50 ms", "p99 ms", "errors", "MB a worker"],
        [(c.database, c.workers, c.clients, f"{c.rate:.0f}", f"{c.p50:.1f}", f"{c.p99:.1f}", c.errors,
          f"{c.worker_mb:.0f}") for c in crowds],
    )  # fmt: skip


def _tenant_table(tenants: Sequence[Tenants]) -> str:
    return table(
        ["database", "tenants", "requests/s", "p50 ms", "p99 ms", "errors", "MB a worker", "client's share of a core"],
        [(t.database, t.tenants, f"{t.rate:.0f}", f"{t.p50:.1f}", f"{t.p99:.1f}{over(t.p99, BOUND_MS)}", t.errors,
          f"{t.worker_mb:.0f}", f"{t.client:.0%}") for t in tenants],
    )  # fmt: skip


if __name__ == "__main__":
    main()
