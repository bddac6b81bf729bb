"""Many clients and many tenants at once are answered without an error; how fast is not asked."""

import json

import pytest

from bench.concurrency import main


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_mix_of_reads_and_writes_is_answered(database, tmp_path, capsys):
    output = tmp_path / "figures.json"
    few = ["--size", "50", "--clients", "3", "--workers", "1", "--requests", "90", "--tenants", "2"]
    brief = ["--seconds", "0.4", "--rounds", "1"]
    main(["--databases", database, *few, *brief, "--output", str(output)])
    figures = json.loads(output.read_text("utf-8"))
    assert [(crowd["clients"], crowd["errors"]) for crowd in figures["crowds"]] == [(3, 0)]
    assert [(step["tenants"], step["errors"]) for step in figures["tenants"]] == [(2, 0)]
    assert capsys.readouterr().out.count(f"| {database} |") == 2
