"""Directories that are filled and served, each in a database of its own."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cursors import cursors
from bench.directories import Directory
from bench.fill import Filled, imported
from bench.scenarios import PARTS, Site, offset
from bench.servers import Server, gunicorn
from tests.postgres import postgres_url

DATABASES = ("sqlite", "postgres")


@dataclass(frozen=True, eq=False)
class Place:
    """A directory in one database, the time and memory of its import, and its server."""

    database: str
    url: str
    site: Site
    filled: Filled
    server: Server


@contextmanager
def database_url(database: str, folder: Path) -> Iterator[str]:
    """The URL of a new and empty database."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/{secrets.token_hex(4)}.db"
    else:
        with postgres_url() as url:
            yield url


@contextmanager
def place(database: str, size: int, folder: Path) -> Iterator[Place]:
    """A directory of that size, filled and served by one worker."""
    directory, secret = Directory("bench", size), secrets.token_hex()
    with ExitStack() as stack:
        url = stack.enter_context(database_url(database, folder))
        filled = imported(url, [directory])[directory.tenant]
        reached = cursors(url, directory.tenant, (offset(directory, part) for part in PARTS.values()), secret)
        server = stack.enter_context(gunicorn("wsgi:application", folder, settings(url, secret)))
        yield Place(database, url, Site(directory, filled.token, reached), filled, server)


def settings(url: str, secret: str) -> dict[str, str]:
    """The settings of a measured server; it logs warnings only, since the cost of a line depends on its reader."""
    return {
        "VESTIBULE_DATABASE_URL": url, "VESTIBULE_PUBLIC_URL": "https://scim.example.com",
        "VESTIBULE_LOG_LEVEL": "warning", "VESTIBULE_SECRET_KEY": secret,
    }  # fmt: skip
