"""Fills a database with directories by the command that an operator has: `vestibule import`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.directories import Directory
from bench.servers import ROOT, environment
from store.database import Database
from store.tenants import Tenants
from store.tokens import Tokens

_COMMAND = (sys.executable, "-c", "from app.cli import main; main()")


class Filled(NamedTuple):
    """A tenant that was imported: a token of it, what the command counted, what it took."""

    token: str
    users: int
    groups: int
    seconds: float
    peak_mb: float


def fill(url: str, directories: Iterable[Directory], preset: str = "360learning") -> dict[str, str]:
    """Make the tables and the directories; the tokens by tenant."""
    return {name: filled.token for name, filled in imported(url, directories, preset).items()}


def imported(url: str, directories: Iterable[Directory], preset: str = "360learning") -> dict[str, Filled]:
    """The same, with what it took."""
    # Sweeping a large database takes longer than a request may.
    database = Database(url, statement_timeout=0.0)
    database.migrate()
    found = {directory.tenant: _imported(database, url, directory, preset) for directory in directories}
    if not url.startswith("sqlite"):
        # As Postgres does by itself after a while.
        database.db.execute_sql("VACUUM ANALYZE")
    database.close()
    return found


def _imported(database: Database, url: str, directory: Directory, preset: str) -> Filled:
    tenant = Tenants(database).create(directory.tenant, preset)
    token = Tokens(database, tenant.pk).create("bench")
    # A connection that is kept open would keep SQLite from tidying up at the command's end.
    database.close()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "directory.jsonl")
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(resource)}\n" for resource in directory.resources())
        began = time.perf_counter()
        totals, peak = _counted(url, directory.tenant, file)
    seconds = time.perf_counter() - began
    if (totals["users"], totals["groups"]) != (directory.users, directory.groups_in_all):
        raise RuntimeError(f"The import of {directory.tenant} counted only {totals}.")
    return Filled(token, totals["users"], totals["groups"], seconds, peak)


def _counted(url: str, tenant: str, file: Path) -> tuple[dict[str, int], float]:
    """Import the file; what the command counted, and the megabytes that it had in memory at most."""
    settings = {"VESTIBULE_DATABASE_URL": url, "VESTIBULE_PUBLIC_URL": "https://scim.example.com"}
    command = [*_COMMAND, "import", tenant, str(file), "--json"]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=said, stderr=complained)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        complained.seek(0)
        if process.returncode:
            raise RuntimeError(f"vestibule import failed:\n{complained.read()[-2000:]}")
        said.seek(0)
        return json.load(said), used.ru_maxrss / 1024
