"""Costs of requests, as multiples of an empty WSGI application's on the same gunicorn.

Rounds are interleaved: in each one every scenario is loaded onto every server, with the empty application before and
after it. A scenario's ratio is the median of what the rounds found, each compared with its own neighbours, so that a
machine that slows down meanwhile slows down both.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.loads import load
from bench.places import Place
from bench.processes import backends, memory, processor_seconds
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import Server, gunicorn

Pids = Callable[[], Iterable[int]]


class Sample(NamedTuple):
    """One scenario in one round: microseconds of the server's and of the database's processor per request, what that is
    in multiples of the empty application, and the latency in milliseconds."""

    cost: float
    database: float
    p50: float
    p99: float
    errors: int
    answers: int
    ratio: float = 1.0


class Row(NamedTuple):
    """The figures of a scenario over all rounds; `mb` is the worker's memory at the end."""

    size: int
    kind: str
    point: str
    flat: bool
    database: str
    us: float
    database_us: float
    ratio: float
    budget: float | None
    most_ms: float | None
    p50: float
    p99: float
    errors: int
    answers: int
    mb: float

    @property
    def name(self) -> str:
        """The kind and the point."""
        return f"{self.kind}: {self.point}" if self.point else self.kind


class Yardsticks(NamedTuple):
    """The microseconds of the empty application, and what Flask costs in multiples of it."""

    bare: float
    flask: float


class Measuring:
    """The servers, and the samples so far."""

    def __init__(self, places: Sequence[Place], folder: Path, stack: ExitStack) -> None:
        self._places = places
        self._bare = stack.enter_context(gunicorn("bench.yardsticks:bare", folder, {}))
        self._flask = stack.enter_context(gunicorn("bench.yardsticks:flask", folder, {}))
        self._backends = {place.url: backends(place.url) for place in places}
        self._samples: dict[tuple[str, Place], list[Sample]] = {}
        self._yardsticks: list[Yardsticks] = []
        self._before = 0.0

    def run(self, rounds: int, limit: int) -> None:
        """Measure that many rounds, after one to warm up; `limit` is the most requests at once."""
        for round in range(rounds + 1):
            if round == 1:
                self._samples.clear()
                self._yardsticks.clear()
            self._yardstick(limit)
            for scenario in SCENARIOS:
                self._round(scenario, round, limit)

    def _round(self, scenario: Scenario, round: int, limit: int) -> None:
        for size in dict.fromkeys(place.site.directory.size for place in self._places):
            fitting = [
                place
                for place in self._places
                if place.site.directory.size == size and scenario.fits(place.site.directory)
            ]
            if not fitting:
                continue
            found = {place: self._sampled(scenario, place, round, limit) for place in fitting}
            before, self._before = self._before, self._empty(limit)
            bare = (before + self._before) / 2
            for place, one in found.items():
                listed = self._samples.setdefault((scenario.name, place), [])
                listed.append(one._replace(ratio=one.cost / bare))

    def _sampled(self, scenario: Scenario, place: Place, round: int, limit: int) -> Sample:
        requests = scenario.requests(place.site, round, min(scenario.number, limit))
        return sample(place.server, requests, self._backends[place.url], scenario.connections)

    def _yardstick(self, limit: int) -> None:
        flask = sample(self._flask, self._requests(limit)).cost
        self._before = self._empty(limit)
        self._yardsticks.append(Yardsticks(self._before, flask / self._before))

    def _empty(self, limit: int) -> float:
        return sample(self._bare, self._requests(limit)).cost

    def _requests(self, limit: int) -> list[bytes]:
        return [self._places[0].site.request("GET", "/Users")] * min(1_000, limit)

    def yardsticks(self) -> Yardsticks:
        """The medians of the yardsticks."""
        return Yardsticks(*map(median, zip(*self._yardsticks, strict=True)))

    def rows(self) -> list[Row]:
        """A row for each scenario in each place."""
        order = {scenario.name: scenario for scenario in SCENARIOS}
        return [
            _row(order[name], place, samples)
            for (name, place), samples in sorted(
                self._samples.items(), key=lambda item: (item[0][1].site.directory.size, list(order).index(item[0][0]))
            )
        ]


def sample(server: Server, requests: Sequence[bytes], database: Pids = tuple, connections: int = 8) -> Sample:
    """Send the requests; returns what they cost the server and the processes of the database."""
    pids = list(database())
    before, stored = processor_seconds(server.workers), processor_seconds(pids)
    seen = load(server.port, requests, connections=connections)
    each = 1e6 / max(1, seen.answers)
    spent = processor_seconds(server.workers) - before
    lost = len(requests) - seen.answers
    return Sample(
        spent * each, (processor_seconds(pids) - stored) * each, seen.p50, seen.p99, seen.errors + lost, seen.answers
    )


def _row(scenario: Scenario, place: Place, samples: list[Sample]) -> Row:
    costs, stored, p50, p99, errors, answers, ratios = zip(*samples, strict=True)
    budget = scenario.budget and getattr(scenario.budget, place.database)
    most_ms = scenario.most_ms if place.database == "sqlite" else None
    return Row(
        place.site.directory.size, scenario.kind, scenario.point, scenario.flat, place.database, median(costs),
        median(stored), median(ratios), budget, most_ms, median(p50), median(p99), sum(errors), sum(answers),
        max(map(memory, place.server.workers)) / 2**20,
    )  # fmt: skip
