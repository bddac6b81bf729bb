"""vestibule tenant: isolated directories, each with its Endpoint URL."""

from typing import Any

import click

from app.cli.directory import found, listed, migrated, settings
from app.cli.output import as_json, counted, progress, show, with_moments
from app.settings import Settings
from scim.preset import DEFAULT_PRESET, PRESETS
from store.database import Database
from store.directory import set_integration_group
from store.preset_switch import switch_preset
from store.removal import Removal
from store.tenants import TENANT_NAME, Tenants
from store.tokens import SCOPES, Tokens

_COLUMNS = {
    "name": "name", "preset": "preset", "users": "users", "groups": "groups", "lastContact": "last contact",
    "endpointUrl": "Endpoint URL",
}  # fmt: skip
_preset = click.Choice(list(PRESETS))


@click.group()
def tenant() -> None:
    """Tenants: isolated directories, each with its Endpoint URL."""


@tenant.command("create")
@click.argument("name")
@click.option("--preset", type=_preset, default=DEFAULT_PRESET, show_default=True, help="Which SCIM it speaks.")
def create(name: str, preset: str) -> None:
    """Create a tenant and its first token, which is shown this once."""
    chosen = settings()
    database = migrated(chosen)
    secret = created(database, name, preset)
    click.echo(credentials(chosen, name, secret))
    if preset == "rfc":
        click.echo(
            "In Okta, the Endpoint URL is the SCIM connector base URL, userName the unique identifier field, and the"
            " token goes into HTTP Header, Authorization.",
            err=True,
        )


def created(database: Database, name: str, preset: str) -> str:
    """A new tenant's token, both made in one transaction."""
    return database.write(lambda: Tokens(database, Tenants(database).create(name, preset).pk).create(SCOPES[0]))


def endpoint_url(settings: Settings, tenant: str) -> str:
    """What Entra calls Tenant URL."""
    return f"{settings.base_url}/scim/{tenant}/v2"


def credentials(settings: Settings, tenant: str, secret: str) -> str:
    """The two lines that Entra's Admin Credentials ask for."""
    return f"Endpoint URL: {endpoint_url(settings, tenant)}\nSecret token: {secret}"


@tenant.command("list")
@as_json
def list_tenants(as_json: bool) -> None:
    """Every tenant with its numbers and its Endpoint URL."""
    chosen = settings()
    show([_row(chosen, row) for row in Tenants(migrated(chosen)).all()], _COLUMNS, as_json=as_json)


def _row(settings: Settings, row: dict[str, Any]) -> dict[str, Any]:
    """A tenant as it is listed; one whose deletion was broken off is nowhere to be reached."""
    reached = TENANT_NAME.fullmatch(row["name"]) is not None
    url = endpoint_url(settings, row["name"]) if reached else None
    return with_moments(row, "created", "firstContact", "lastContact") | {"endpointUrl": url}


@tenant.command("set")
@click.argument("name")
@click.option("--preset", type=_preset, help="Which SCIM it speaks; its users are brought to the new rules.")
@click.option(
    "--integration-group", metavar="NAME", help="The group that every new user joins, as if by hand; '' for none."
)
def set_tenant(name: str, preset: str | None, integration_group: str | None) -> None:
    """Change what a tenant speaks, or which group its new users join."""
    if preset is None and integration_group is None:
        raise click.UsageError("Say what to set: --preset or --integration-group.")
    database, tenant = found(name)
    if preset is not None:
        changed = switch_preset(database, tenant, preset)
        click.echo(f"The tenant {name} speaks {preset}; {counted(changed, 'user')} changed by that.")
    if integration_group is not None:
        set_integration_group(database, tenant, integration_group or None)
        joined = f"join {integration_group}" if integration_group else "join no group"
        click.echo(f"New users of the tenant {name} {joined}.")


@tenant.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Delete a tenant with its users, groups, tokens and provisioning log.

    Nobody reaches it from the beginning on. What was broken off is finished by the same command.
    """
    database = migrated(settings())
    removal = Removal(database, name)
    row = None if removal.begun else listed(database, name)
    if not yes:
        click.confirm(_question(name, row), abort=True)
    with progress(None if row is None else row["users"] + row["groups"], "Deleting") as bar:
        for gone in removal.run():
            bar.update(gone)
    click.echo(f"The tenant {name} is deleted.")


def _question(name: str, row: dict[str, Any] | None) -> str:
    if row is None:
        return f"Delete what is left of the tenant {name}, whose deletion was broken off?"
    has = f"{counted(row['users'], 'user')}, {counted(row['groups'], 'group')}, its tokens and its provisioning log"
    return f"Delete the tenant {name} with {has}?"
