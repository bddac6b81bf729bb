"""`python -m bench.peers`: Vestibule beside scim2-server on the same gunicorn and the same work."""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.commands import new_tenant, vestibule
from bench.contenders import NEWCOMERS, WORKS, Contender, Work
from bench.measure import Sample, sample
from bench.places import DATABASES, database_url, settings
from bench.promises import PROMISES, SURVIVES, survives
from bench.servers import ROOT, Server
from bench.tables import table

REQUIREMENTS = ("scim2-server>=0.8.3,<0.9", "gunicorn>=27,<28")
PEER = "scim2-server"
_ENVIRONMENT = ROOT / "build" / "bench-peers"


class Compared(NamedTuple):
    """One kind of work on one server: microseconds of its processor a request, milliseconds, and how many times as
    much as ours the peer costs, round by round."""

    work: str
    contender: str
    us: float
    p50: float
    p99: float
    errors: int
    times: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, write the figures as JSON."""
    given = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        contenders = [ours(database, Path(folder), stack) for database in DATABASES]
        contenders.append(_peer())
        pythons = [sys.executable] * len(DATABASES) + [_python()]
        compared, kept = _compete(contenders, pythons, given.rounds, Path(folder))
    print(f"{_cost_table(compared)}\n\n{_promise_table(kept)}")
    if given.output:
        figures = {"costs": [each._asdict() for each in compared], "promises": kept}
        Path(given.output).write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if any(each.errors for each in compared):
        sys.exit("Some requests failed: see the column errors.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is sampled")
    parser.add_argument("--output", help="a file for the figures as JSON")
    return parser


def _python() -> str:
    """The Python of the environment in which the peer is installed; the first call creates it."""
    python, noted = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / "requirements"
    if not noted.exists() or noted.read_text("utf-8").split() != list(REQUIREMENTS):
        subprocess.run([sys.executable, "-m", "venv", "--clear", _ENVIRONMENT], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        noted.write_text("\n".join(REQUIREMENTS), "utf-8")
    return str(python)


def ours(database: str, folder: Path, stack: ExitStack) -> Contender:
    """Vestibule, on an empty database that exists until the stack is closed."""
    url = stack.enter_context(database_url(database, folder))
    vestibule(url, "migrate")
    token = new_tenant(url, "bench", "rfc")
    environ = settings(url, secrets.token_hex())
    return Contender(f"Vestibule, {database}", "wsgi:application", "/scim/bench/v2", token, environ)


def _peer() -> Contender:
    token = secrets.token_hex()
    return Contender(PEER, "bench.peer_application:application", "/v2", token, {"PEER_TOKEN": token})


def _compete(
    contenders: Sequence[Contender], pythons: Sequence[str], rounds: int, folder: Path
) -> tuple[list[Compared], dict[str, dict[str, bool]]]:
    """Measure the costs, then check what else the servers do."""
    kept: dict[str, dict[str, bool]] = {name: {} for name in (*PROMISES, SURVIVES)}
    with ExitStack() as stack:
        servers = {
            each: stack.enter_context(each.served(folder, python))
            for each, python in zip(contenders, pythons, strict=True)
        }
        for contender, server in servers.items():
            contender.fill(server, NEWCOMERS)
        compared = _compared(servers, rounds)
        for name, promise in PROMISES.items():
            kept[name] = {each.name: promise(each, server) for each, server in servers.items()}
    for each, python in zip(contenders, pythons, strict=True):
        with each.served(folder, python) as server:
            kept[SURVIVES][each.name] = survives(each, server)
    return compared, kept


def _compared(servers: dict[Contender, Server], rounds: int) -> list[Compared]:
    """Every kind of work in turn on every server, round by round, after one to warm up."""
    sampled: dict[tuple[str, str], list[Sample]] = {}
    for round in range(rounds + 1):
        for work in WORKS:
            for contender, server in servers.items():
                one = sample(server, work.requests(contender, round, work.number))
                if round:
                    sampled.setdefault((work.name, contender.name), []).append(one)
    return [_row(work, contender, sampled) for work in WORKS for contender in servers]


def _row(work: Work, contender: Contender, sampled: dict[tuple[str, str], list[Sample]]) -> Compared:
    ours, theirs = sampled[work.name, contender.name], sampled[work.name, PEER]
    times = median(their.cost / our.cost for our, their in zip(ours, theirs, strict=True))
    cost, p50, p99 = (median(getattr(each, name) for each in ours) for name in ("cost", "p50", "p99"))
    return Compared(work.name, contender.name, cost, p50, p99, sum(each.errors for each in ours), times)


def _cost_table(compared: Sequence[Compared]) -> str:
    return table(
        ["request", "server", "CPU µs", f"{PEER} costs", "p50 ms", "p99 ms", "errors"],
        [
            (c.work, c.contender, f"{c.us:.0f}", f"{c.times:.1f}x", f"{c.p50:.1f}", f"{c.p99:.1f}", c.errors)
            for c in compared
        ],
    )


def _promise_table(kept: dict[str, dict[str, bool]]) -> str:
    names = list(kept[SURVIVES])
    rows = [(promise, *("yes" if found[name] else "no" for name in names)) for promise, found in kept.items()]
    return table(["tried", *names], rows)


if __name__ == "__main__":
    main()
