"""The `vestibule` command, run on a database as an operator runs it."""

import os
import re
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from bench.servers import ROOT, environment

_COMMAND = (sys.executable, "-c", "from app.cli import main; main()")


class Ran(NamedTuple):
    """What a command printed, how many seconds it took, and its peak memory in megabytes."""

    printed: str
    seconds: float
    peak_mb: float


def vestibule(url: str, *arguments: str) -> Ran:
    """Run the command on the database with that URL. Raises RuntimeError if it fails."""
    settings = {"VESTIBULE_DATABASE_URL": url, "VESTIBULE_PUBLIC_URL": "https://scim.example.com"}
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        began = time.perf_counter()
        command = [*_COMMAND, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=said, stderr=complained)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        said.seek(0)
        complained.seek(0)
        if process.returncode:
            raise RuntimeError(f"vestibule {' '.join(arguments)} failed:\n{complained.read()[-2000:]}")
        return Ran(said.read(), seconds, used.ru_maxrss / 1024)


def new_tenant(url: str, name: str, preset: str) -> str:
    """Create a tenant; returns a token."""
    printed = vestibule(url, "tenant", "create", name, "--preset", preset).printed
    return str(re.findall(r"\bvest_\S+", printed)[0])
