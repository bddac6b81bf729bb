"""The bench runs through, with every request answered and every table complete; how fast anything was is not asked."""

import json
import shutil

import pytest

from bench.__main__ import main
from bench.loads import by_client, by_wrk
from bench.scenarios import SCENARIOS
from bench.servers import gunicorn

# Where wrk is not installed, the bench does without it.
WAYS = [by_client, by_wrk] if shutil.which("wrk") else [by_client]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_request_is_measured_and_answered(database, tmp_path, capsys):
    output = tmp_path / "figures.json"
    main(["--sizes", "20", "--databases", database, "--rounds", "1", "--requests", "9", "--output", str(output)])
    figures = json.loads(output.read_text("utf-8"))
    fitting = [scenario for scenario in SCENARIOS if scenario.members <= 20]
    assert [(row["kind"], row["point"]) for row in figures["requests"]] == [(s.kind, s.point) for s in fitting]
    assert [(row["answers"], row["errors"]) for row in figures["requests"]] == [(9, 0)] * len(fitting)
    printed = capsys.readouterr().out
    assert printed.count(f"| {database} |") > len(fitting)
    assert "Flask JSON route" in printed


@pytest.mark.parametrize("way", WAYS)
def test_each_request_is_sent_once_over_kept_open_connections(way, tmp_path):
    request = b"GET /Users HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with gunicorn("bench.yardsticks:bare", tmp_path, {}) as server:
        seen = way(server.port, [request] * 50, 4, 10.0)
    assert (seen.answers, seen.errors) == (50, 0)
    assert 0 < seen.p50 <= seen.p99
