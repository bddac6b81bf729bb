"""The database, the tenant and the resources that a command works on."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from app import open_database
from app.cli.output import as_json
from app.settings import Settings
from store.database.transactions import Database, MigrationNeeded
from store.resources.reading import Reading
from store.tenants.log import Call
from store.tenants.tenants import Tenant, Tenants

Kind = TypeVar("Kind", bound=Reading)
_SQLITE = "sqlite:///"


class TenantCommand(click.Command):
    """A command that works on the tenant in its first argument, and has the option --json."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.insert(0, click.Argument(["tenant"]))
        as_json(self)


class TenantGroup(click.Group):
    """A group of such commands."""

    command_class = TenantCommand


def settings() -> Settings:
    """The settings from the environment. Raises SettingError."""
    return Settings.from_environment(os.environ)


def opened(settings: Settings) -> Database:
    """The database, migrated or not: the object of click's context, or one that is closed when the command ends."""
    context = click.get_current_context()
    if (given := context.find_object(Database)) is not None:
        return given
    # No client waits for a command, so it may take its time.
    database = open_database(replace(settings, statement_timeout=0.0, search_deadline=0.0))
    context.call_on_close(database.close)
    return database


def migrated(settings: Settings) -> Database:
    """The database, with all its tables. Raises MigrationNeeded."""
    path = sqlite_path(settings)
    # Opening would make an empty one, in whatever folder the command was started.
    if path is not None and not Path(path).exists():
        raise MigrationNeeded(f"There is no database {path}: run `vestibule migrate` first.")
    database = opened(settings)
    database.check_migrated()
    return database


def sqlite_path(settings: Settings) -> str | None:
    """The file of an SQLite database, None for Postgres."""
    url = settings.database_url
    return url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else None


def found(name: str) -> tuple[Database, Tenant]:
    """The database with the tenant of that name. Raises NotFound."""
    database = migrated(settings())
    return database, Tenants(database).get(name)


def endpoint_url(settings: Settings, tenant: str) -> str:
    """What Entra calls Tenant URL."""
    return f"{settings.base_url}/scim/{tenant}/v2"


def resources(tenant: str, kind: type[Kind], operation: str) -> Kind:
    """A tenant's resources of that kind; the log says which command changed them. Raises NotFound."""
    database, found_tenant = found(tenant)
    return kind(database, found_tenant, endpoint_url(settings(), tenant), call(operation))


def call(operation: str) -> Call:
    """The call of a command, as the log shows it."""
    return Call(operation=f"platform: {operation}", client="command line")
