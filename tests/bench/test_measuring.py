"""The bench runs through, with every request answered and every table complete; how fast anything was is not asked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.loads import by_client, by_wrk
from bench.scenarios import SCENARIOS
from bench.servers import ROOT, gunicorn


def run(module: str, *arguments: str, output: Path) -> str:
    """Run a part of the bench, whose models speak to databases of its own; what it printed."""
    command = [sys.executable, "-m", module, *arguments, "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# Where wrk is not installed, the bench does without it.
WAYS = [by_client, by_wrk] if shutil.which("wrk") else [by_client]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_request_is_measured_and_answered(database, tmp_path):
    output = tmp_path / "figures.json"
    printed = run("bench", "--databases", database, "--sizes", "20", "--rounds", "1", "--requests", "9", output=output)
    figures = json.loads(output.read_text("utf-8"))
    fitting = [scenario for scenario in SCENARIOS if scenario.members <= 20]
    assert [(row["kind"], row["point"]) for row in figures["requests"]] == [(s.kind, s.point) for s in fitting]
    assert [(row["answers"], row["errors"]) for row in figures["requests"]] == [(9, 0)] * len(fitting)
    assert printed.count(f"| {database} |") > len(fitting)
    assert "Flask JSON route" in printed
    assert [(turn["tenants"], turn["statements"]) for turn in figures["tenants"]] == [(1, 9), (400, 1)]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_mix_of_reads_and_writes_is_answered(database, tmp_path):
    output = tmp_path / "figures.json"
    few = ["--size", "50", "--clients", "3", "--workers", "1", "--requests", "90", "--tenants", "2"]
    printed = run(
        "bench.concurrency", "--databases", database, *few, "--seconds", "0.4", "--rounds", "1", output=output
    )
    figures = json.loads(output.read_text("utf-8"))
    assert [(crowd["clients"], crowd["errors"]) for crowd in figures["crowds"]] == [(3, 0)]
    assert [(step["tenants"], step["errors"]) for step in figures["tenants"]] == [(2, 0)]
    assert printed.count(f"| {database} |") == 2


@pytest.mark.parametrize("way", WAYS)
def test_each_request_is_sent_once_over_kept_open_connections(way, tmp_path):
    request = b"GET /Users HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with gunicorn("bench.yardsticks:bare", tmp_path, {}) as server:
        seen = way(server.port, [request] * 50, 4, 10.0)
    assert (seen.answers, seen.errors) == (50, 0)
    assert 0 < seen.p50 <= seen.p99
