"""`python -m bench`: what a request costs, whether it costs the same in a large directory, what an import takes."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from bench import tables
from bench.measure import Measuring, Row, Yardsticks
from bench.places import DATABASES, Place, place
from bench.streams import Stream, streams
from bench.tenants import SEARCHES, Turns, turns

UNLIMITED = 1_000_000


class Figures(NamedTuple):
    """The figures of a run."""

    places: list[Place]
    rows: list[Row]
    yardsticks: Yardsticks
    streams: list[Stream]
    turns: list[Turns]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, write the figures as JSON."""
    given = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        figures = measured(given, Path(folder), stack)
    print(shown(figures))
    if given.output:
        Path(given.output).write_text(json.dumps(_plain(figures), indent=1) + "\n", "utf-8")
    if any(row.errors for row in figures.rows):
        sys.exit("Some requests failed: see the column errors.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000], help="users in the directories")
    parser.add_argument("--databases", nargs="+", default=list(DATABASES), choices=DATABASES)
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds are measured")
    parser.add_argument("--requests", type=int, default=UNLIMITED, help="the most requests of a scenario in a round")
    parser.add_argument("--output", help="a file for the figures as JSON")
    return parser


def measured(given: argparse.Namespace, folder: Path, stack: ExitStack) -> Figures:
    """Fill the directories, serve them, measure."""
    pairs = [(database, size) for size in sorted(given.sizes) for database in given.databases]
    places = [stack.enter_context(place(database, size, folder)) for database, size in pairs]
    measuring = Measuring(places, folder, stack)
    measuring.run(given.rounds, given.requests)
    largest = [each for each in places if each.site.directory.size == max(given.sizes)]
    whole = [stream for each in largest for stream in streams(each)]
    many = [turn for each in largest for turn in turns(each.database, each.url, min(SEARCHES, given.requests))]
    return Figures(places, measuring.rows(), measuring.yardsticks(), whole, many)


def shown(figures: Figures) -> str:
    """All tables as Markdown."""
    titled = {
        "Cost of a request": tables.costs(figures.rows, figures.yardsticks),
        "Cost by the size of the directory": tables.flat_by_size(figures.rows),
        "Cost by the place in the largest directory": tables.flat_by_point(figures.rows),
        "Whole groups": tables.streams(figures.streams),
        "Searches of many tenants in turn": tables.turns(figures.turns),
        "Import": tables.imports(figures.places),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in titled.items() if text)


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        "yardsticks": figures.yardsticks._asdict(),
        "requests": [row._asdict() for row in figures.rows],
        "groups": [stream._asdict() for stream in figures.streams],
        "tenants": [turn._asdict() for turn in figures.turns],
        "imports": [
            {"database": each.database} | {k: v for k, v in each.filled._asdict().items() if k != "token"}
            for each in figures.places
        ],
    }


if __name__ == "__main__":
    main()
