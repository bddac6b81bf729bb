"""vestibule tenant: isolated directories, each with its Endpoint URL."""

from typing import Any

import click

from app.cli.directory import call, endpoint_url, found, migrated, settings
from app.cli.output import as_json, ask, counted, progress, show, tell, with_moments, write, yes
from app.settings import Settings
from scim.preset import DEFAULT_PRESET, PRESETS
from store.database.transactions import Database
from store.database.write import Write
from store.platform.preset import PresetSwitch
from store.platform.removal import Removal
from store.tenants.tenants import TENANT_NAME, Tenant, Tenants, set_integration_group
from store.tenants.tokens import SCOPES, Tokens

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
@click.option("--preset", type=_preset, default=DEFAULT_PRESET, show_default=True, help="The SCIM rules of its client.")
@as_json
def create(name: str, preset: str, as_json: bool) -> None:
    """Create a tenant and its first token, which is shown this once."""
    chosen = settings()
    database = migrated(chosen)
    secret = created(database, name, preset)
    tell_credentials(chosen, database, name, secret, as_json=as_json)
    if preset == "rfc" and not as_json:
        click.echo(
            "In Okta, the Endpoint URL is the SCIM connector base URL, userName the unique identifier field, and the"
            " token goes into HTTP Header, Authorization.",
            err=True,
        )


def created(database: Database, name: str, preset: str) -> str:
    """A new tenant's token, both made in one transaction."""

    def work(write: Write) -> str:
        made = Tenants(database).create(name, preset, call=call("tenant create"), within=write)
        return Tokens(database, made.pk).create(SCOPES[0], call=call("token create"), within=write)

    return database.write(work)


def credentials(settings: Settings, tenant: str, secret: str) -> str:
    """The two lines that Entra's Admin Credentials ask for."""
    return f"Endpoint URL: {endpoint_url(settings, tenant)}\nSecret token: {secret}"


def tell_credentials(settings: Settings, database: Database, tenant: str, secret: str, *, as_json: bool) -> None:
    """Show a new token, this once."""
    if not as_json:
        click.echo(credentials(settings, tenant, secret))
        return
    token = token_row(Tokens(database, Tenants(database).get(tenant).pk).known(secret))
    row = _listed(settings, database, tenant)
    write({"changed": True, "tenant": row, "token": token | {"secret": secret}})


def _listed(settings: Settings, database: Database, name: str) -> dict[str, Any]:
    return next(_row(settings, row) for row in Tenants(database).all() if row["name"] == name)


def _row(settings: Settings, row: dict[str, Any]) -> dict[str, Any]:
    """A tenant as it is listed; if its deletion was interrupted, it has no Endpoint URL."""
    reached = TENANT_NAME.fullmatch(row["name"]) is not None
    url = endpoint_url(settings, row["name"]) if reached else None
    return with_moments(row, "created", "firstContact", "lastContact") | {"endpointUrl": url}


def token_row(row: dict[str, Any]) -> dict[str, Any]:
    """A token as it is listed."""
    return with_moments(row, "created", "expires", "revoked", "lastUsed")


@tenant.command("list")
@as_json
def list_tenants(as_json: bool) -> None:
    """Every tenant with its numbers and its Endpoint URL."""
    chosen = settings()
    show([_row(chosen, row) for row in Tenants(migrated(chosen)).all()], _COLUMNS, as_json=as_json)


@tenant.command("set")
@click.argument("name")
@click.option("--preset", type=_preset, help="The SCIM rules of its client; its users are changed to fit.")
@click.option(
    "--integration-group", metavar="NAME", help="The group that every new user joins, as if by hand; '' for none."
)
@yes
@as_json
def set_tenant(name: str, preset: str | None, integration_group: str | None, yes: bool, as_json: bool) -> None:
    """Change the preset of a tenant, or the group that new users join."""
    if preset is None and integration_group is None:
        raise click.UsageError("Say what to set: --preset or --integration-group.")
    database, tenant = found(name)
    before = _listed(settings(), database, name)
    lost = set() if preset is None else PRESETS[preset].forbidden - tenant.profile.preset.forbidden
    if lost and before["users"]:
        users = counted(before["users"], "user")
        ask(f"Switch the tenant {name} to preset {preset}, and remove {', '.join(lost)} from its {users}?", yes=yes)

    changed = _set(database, tenant, preset, integration_group)
    after = _listed(settings(), database, name)
    differs = any(before[each] != after[each] for each in ("preset", "integrationGroup"))
    said = _said(name, preset, integration_group, changed)
    tell(said, as_json=as_json, changed=differs or changed > 0, tenant=after, users=changed)


def _set(database: Database, tenant: Tenant, preset: str | None, group: str | None) -> int:
    """Change what was given, all or nothing; returns how many users were changed by that."""

    def join(write: Write) -> None:
        if group is not None:
            set_integration_group(write, database, tenant, group or None, call("tenant set"))

    if preset is None:
        database.write(join)
        return 0
    return PresetSwitch(database, tenant, preset, call("tenant set")).run(join)


def _said(name: str, preset: str | None, integration_group: str | None, users: int) -> str:
    """What came of it, in a sentence for each option."""
    were = "was" if users == 1 else "were"
    said = [f"The tenant {name} now uses preset {preset}; {counted(users, 'user')} {were} changed."] if preset else []
    if integration_group is not None:
        joined = f"join {integration_group}" if integration_group else "join no group"
        said.append(f"New users of the tenant {name} {joined}.")
    return " ".join(said)


@tenant.command("delete")
@click.argument("name")
@yes
@as_json
def delete(name: str, yes: bool, as_json: bool) -> None:
    """Delete a tenant. Its users, groups, tokens and provisioning log go with it.

    Clients cannot reach it from the first moment on. The same command finishes an interrupted deletion.
    """
    database = migrated(settings())
    removal = Removal(database, name)
    row = None if removal.begun else _listed(settings(), database, name)
    ask(_question(name, row), yes=yes)
    gone = 0
    with progress(None if row is None else row["users"] + row["groups"], "Deleting") as bar:
        for count in removal.run():
            gone += count
            bar.update(count)
    tell(f"The tenant {name} is deleted.", as_json=as_json, changed=True, tenant={"name": name}, resources=gone)


def _question(name: str, row: dict[str, Any] | None) -> str:
    if row is None:
        return f"Delete what is left of the tenant {name} after an interrupted deletion?"
    has = f"{counted(row['users'], 'user')}, {counted(row['groups'], 'group')}, its tokens and its provisioning log"
    return f"Delete the tenant {name} with {has}?"
