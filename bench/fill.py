"""Fills a database with directories by `vestibule import`."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.commands import new_tenant, vestibule
from bench.directories import Directory


class Filled(NamedTuple):
    """A tenant that was imported: a token, what the command counted, and its time and memory."""

    token: str
    users: int
    groups: int
    seconds: float
    peak_mb: float


def fill(url: str, directories: Iterable[Directory], preset: str = "360learning") -> dict[str, str]:
    """Create the tables and the directories; returns the tokens by tenant."""
    return {name: filled.token for name, filled in imported(url, directories, preset).items()}


def imported(url: str, directories: Iterable[Directory], preset: str = "360learning") -> dict[str, Filled]:
    """Create the tables and the directories; returns each tenant with the time and memory that its import took."""
    vestibule(url, "migrate")
    found = {directory.tenant: _imported(url, directory, preset) for directory in directories}
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            # Postgres does so by itself after a while.
            connection.execute("VACUUM ANALYZE")
    return found


def _imported(url: str, directory: Directory, preset: str) -> Filled:
    token = new_tenant(url, directory.tenant, preset)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "directory.jsonl")
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(resource)}\n" for resource in directory.resources())
        ran = vestibule(url, "import", directory.tenant, str(file), "--json")
    totals = json.loads(ran.printed)
    if (totals["users"], totals["groups"]) != (directory.users, directory.groups_in_all):
        raise RuntimeError(f"The import of {directory.tenant} counted only {totals}.")
    return Filled(token, totals["users"], totals["groups"], ran.seconds, ran.peak_mb)
