"""vestibule serve, migrate and check: the server itself."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import click

from app.cli.directory import endpoint_url, migrated, opened, settings, sqlite_path
from app.cli.output import as_json, tell, write
from app.cli.tenants import created, credentials
from app.serve import Server, refuse_taken
from app.settings import SettingError, Settings, option
from scim.errors import Uniqueness
from scim.preset import DEFAULT_PRESET
from store.database.transactions import Database
from store.settings import check_writable, secret_key

DEMO = "demo"


def _read(name: str) -> Any:
    """A callback of click that reads an option as the setting of that name is read."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else option(name, text, f"--{name}")
        except SettingError as error:
            raise click.UsageError(str(error), context) from error

    return read


@click.command()
@click.option("--bind", metavar="HOST:PORT", callback=_read("bind"), help="Where to listen, for VESTIBULE_BIND.")
@click.option("--workers", metavar="N", callback=_read("workers"), help="How many processes, for VESTIBULE_WORKERS.")
@click.option("--demo", is_flag=True, help="Make a tenant demo with a token, if there is none.")
def serve(demo: bool, **given: Any) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    chosen = replace(settings(), **{name: value for name, value in given.items() if value is not None})
    refuse_taken(chosen.bind)
    database = migrated(chosen)
    if demo:
        click.echo(_demo(chosen, database))
    database.close()
    Server(chosen).run()


def _demo(settings: Settings, database: Database) -> str:
    """What the newcomer pastes into a client."""
    try:
        return credentials(settings, DEMO, created(database, DEMO, DEFAULT_PRESET))
    except Uniqueness:
        return (
            f"Endpoint URL: {endpoint_url(settings, DEMO)}\n"
            f"Its token was shown when it was made; for a new one: {sys.argv[0]} token create {DEMO}"
        )


@click.command()
@as_json
def migrate(as_json: bool) -> None:
    """Make or update the tables."""
    database = opened(settings())
    steps = database.migrate()
    secret_key(database)
    said = f"Migrated: {', '.join(steps)}." if steps else "The tables are up to date."
    tell(said, as_json=as_json, changed=bool(steps), steps=steps)


@click.command()
@as_json
def check(as_json: bool) -> None:
    """Say whether everything is as it should be."""
    if as_json:
        write([{"subject": subject, "state": state} for subject, state in _checks()])
        return
    for subject, state in _checks():
        click.echo(f"{subject}: {state}")


def _checks() -> Iterator[tuple[str, str]]:
    """Yields what is in order, and how; raises at the first thing that is not."""
    chosen = settings()
    yield "Settings", f"in order; Endpoint URLs begin with {chosen.base_url}/scim/."
    database = migrated(chosen)
    yield "Database", f"{_shown(chosen)} answers and has every table."
    check_writable(database)
    yield "Writing", "the database takes writes."
    kept = chosen.secret_key is None and secret_key(database)
    yield "Secret key", f"{'kept in the database' if kept else 'from VESTIBULE_SECRET_KEY'}."


def _shown(settings: Settings) -> str:
    """The database, without its password."""
    path = sqlite_path(settings)
    url = urlsplit(settings.database_url)
    return f"SQLite {path}" if path is not None else f"Postgres {url.netloc.rpartition('@')[2]}{url.path}"
