"""vestibule token: the bearer tokens of a tenant, exchanged without a gap."""

import click

from app.cli.directory import found, migrated, settings
from app.cli.output import as_json, show, with_moments
from app.cli.tenants import credentials
from store.tenants import Tenants
from store.tokens import SCOPES, Tokens

_COLUMNS = {
    "number": "number", "name": "name", "scope": "scope", "state": "state", "created": "created",
    "expires": "expires", "lastUsed": "last used",
}  # fmt: skip


@click.group()
def token() -> None:
    """Bearer tokens, several a tenant."""


@token.command("create")
@click.argument("tenant")
@click.option("--name", help="What the provisioning log calls it; its scope, if not given.")
@click.option("--scope", type=click.Choice(SCOPES), default=SCOPES[0], show_default=True, help="What it may do.")
@click.option("--expires", metavar="DAYS", type=click.IntRange(1, 36_500), help="After how many days it ends.")
def create(tenant: str, name: str | None, scope: str, expires: int | None) -> None:
    """Create a token, which is shown this once."""
    chosen = settings()
    database = migrated(chosen)
    secret = Tokens(database, Tenants(database).get(tenant).pk).create(name or scope, scope, expires)
    click.echo(credentials(chosen, tenant, secret))


@token.command("list")
@click.argument("tenant")
@as_json
def list_tokens(tenant: str, as_json: bool) -> None:
    """Every token of a tenant, oldest first."""
    database, found_tenant = found(tenant)
    rows = [
        with_moments(row, "created", "expires", "revoked", "lastUsed")
        for row in Tokens(database, found_tenant.pk).all()
    ]
    show(rows, _COLUMNS, as_json=as_json)


@token.command("revoke")
@click.argument("tenant")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
def revoke(tenant: str, number: int) -> None:
    """Refuse a token from now on; `token list` shows its number."""
    database, found_tenant = found(tenant)
    Tokens(database, found_tenant.pk).revoke(number)
    click.echo(f"Token {number} of the tenant {tenant} is revoked.")
