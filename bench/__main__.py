"""`python -m bench`: what a request costs, as a multiple of an empty WSGI application on the same gunicorn.

Rounds are interleaved: in each one every scenario is loaded onto every server, and the yardsticks beside them. The cost
is the processor time of the server processes per request; on Postgres the database's own time is shown apart.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.directories import Directory
from bench.fill import fill
from bench.loads import Load, load
from bench.processes import memory, processor_seconds
from bench.scenarios import SCENARIOS, Scenario, Site
from bench.servers import Server, gunicorn
from tests.postgres import postgres_url

TENANT = "bench"
_QUIET = {"VESTIBULE_PUBLIC_URL": "https://scim.example.com", "VESTIBULE_LOG_LEVEL": "warning"}


class Place(NamedTuple):
    """A directory in one database, and the server in front of it."""

    database: str
    site: Site
    server: Server


class Sample(NamedTuple):
    """One scenario in one round: microseconds of the server's processor per request, the latency in milliseconds."""

    cost: float
    p50: float
    p99: float
    errors: int


def main() -> None:
    """Measure, print the table, write the figures as JSON."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        rows: list[dict[str, Any]] = []
        for size in arguments.sizes:
            places = [stack.enter_context(place(name, size, Path(folder))) for name in arguments.databases]
            rows += measured(places, size, arguments.rounds, stack, Path(folder))
        print(table(rows))
        if arguments.output:
            Path(arguments.output).write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    if any(row["errors"] for row in rows):
        sys.exit("Some requests failed: see the column errors.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000], help="users in the directory")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", help="a file for the figures as JSON")
    return parser.parse_args()


@contextmanager
def place(database: str, size: int, folder: Path) -> Iterator[Place]:
    """A directory of that size, filled and served by one worker."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/{size}.db" if database == "sqlite" else stack.enter_context(postgres_url())
        directory = Directory(TENANT, size)
        token = fill(url, [directory])[TENANT]
        environ = _QUIET | {"VESTIBULE_DATABASE_URL": url}
        server = stack.enter_context(gunicorn("wsgi:application", folder, environ))
        yield Place(database, Site(directory, token), server)


def measured(places: list[Place], size: int, rounds: int, stack: ExitStack, folder: Path) -> list[dict[str, Any]]:
    """A row for each scenario in each database."""
    bare = stack.enter_context(gunicorn("bench.yardsticks:bare", folder, {}))
    flask = stack.enter_context(gunicorn("bench.yardsticks:flask", folder, {}))
    fitting = [scenario for scenario in SCENARIOS if scenario.fits(places[0].site.directory)]
    samples: dict[tuple[str, str], list[Sample]] = {}
    yardsticks: dict[str, list[Sample]] = {"bare": [], "flask": []}
    for round in range(rounds + 1):
        for scenario in fitting:
            empty = [places[0].site.request("GET", "/Users")] * 1_000
            found = {"bare": sample(bare, empty), "flask": sample(flask, empty)}
            found |= {place.database: sample(place.server, _requests(scenario, place, round)) for place in places}
            for name, one in found.items() if round else ():
                (yardsticks[name] if name in yardsticks else samples.setdefault((scenario.name, name), [])).append(one)
    return [
        row(size, scenario, place, samples[scenario.name, place.database], yardsticks)
        for scenario in fitting
        for place in places
    ]


def _requests(scenario: Scenario, place: Place, round: int) -> list[bytes]:
    return scenario.requests(place.site, round, scenario.number)


def sample(server: Server, requests: list[bytes]) -> Sample:
    """Send the requests over 8 connections, and see what they cost the server."""
    before = processor_seconds(server.workers)
    seen: Load = load(server.port, requests)
    spent = processor_seconds(server.workers) - before
    return Sample(spent / max(1, seen.answers) * 1e6, seen.p50, seen.p99, seen.errors)


def row(
    size: int, scenario: Scenario, place: Place, samples: list[Sample], yardsticks: dict[str, list[Sample]]
) -> dict[str, Any]:
    """The medians of a scenario, and its cost as a multiple of the bare application's."""
    bare = median(one.cost for one in yardsticks["bare"])
    cost = median(one.cost for one in samples)
    budget = scenario.budget.sqlite if place.database == "sqlite" else scenario.budget.postgres
    return {
        "size": size, "scenario": scenario.name, "database": place.database, "us": round(cost), "ratio": cost / bare,
        "budget": budget, "flask": median(one.cost for one in yardsticks["flask"]) / bare, "bare us": round(bare),
        "p50": median(one.p50 for one in samples), "p99": median(one.p99 for one in samples),
        "errors": sum(one.errors for one in samples), "MB": round(max(map(memory, place.server.workers)) / 2**20),
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people; Markdown, so that docs/performance.md can show them."""
    lines = [
        "| users | scenario | database | CPU µs | × bare | budget | p50 ms | p99 ms | errors | MB |",
        "|" + "---|" * 10,
    ]
    for each in rows:
        over = "" if each["ratio"] <= each["budget"] else " over"
        lines.append(
            f"| {each['size']:,} | {each['scenario']} | {each['database']} | {each['us']} | {each['ratio']:.2f} |"
            f" {each['budget']}{over} | {each['p50']:.1f} | {each['p99']:.1f} | {each['errors']} | {each['MB']} |"
        )
    first = rows[0]
    lines.append(f"\nbare WSGI: {first['bare us']} µs (1.0); Flask JSON route: {first['flask']:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
