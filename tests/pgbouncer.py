"""A real PgBouncer in transaction mode for the tests, in front of their Postgres."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests import missing
from tests.postgres import unprivileged

CONFIGURATION = """
[databases]
{name} = {server}

[pgbouncer]
pool_mode = transaction
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
"""


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The URL of the same database of Postgres through a PgBouncer of its own, which ends with the block."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        missing("no PgBouncer: apt-get install pgbouncer")
    server = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder:
        path = Path(folder, "pgbouncer.ini")
        told = " ".join(f"{name}='{value}'" for name, value in server.items())
        path.write_text(CONFIGURATION.format(name=server["dbname"], server=told, folder=folder))
        path.chmod(0o644)
        with subprocess.Popen(
            [program, path], stderr=subprocess.PIPE, text=True, env={"PATH": os.defpath}, **unprivileged(folder)
        ) as process:
            try:
                _await_ready(process)
                yield f"postgresql:///{server['dbname']}?host={folder}&port=6432&user=postgres"
            finally:
                process.terminate()


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if "process up" in line:
            return
    raise RuntimeError(f"PgBouncer did not start:\n{said}")
