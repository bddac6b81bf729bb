"""vestibule token: the bearer tokens of a tenant, exchanged without a gap."""

import click

from app.cli.directory import TenantGroup, call, found, settings
from app.cli.output import ask, show, tell, yes
from app.cli.tenants import tell_credentials, token_row
from store.tenants.tokens import SCOPES, Tokens

_COLUMNS = {
    "number": "number", "name": "name", "scope": "scope", "state": "state", "created": "created",
    "expires": "expires", "lastUsed": "last used",
}  # fmt: skip


@click.group(cls=TenantGroup)
def token() -> None:
    """Bearer tokens, several a tenant."""


@token.command("create")
@click.option("--name", help="What the provisioning log calls it; its scope, if not given.")
@click.option("--scope", type=click.Choice(SCOPES), default=SCOPES[0], show_default=True, help="What it may do.")
@click.option("--expires", metavar="DAYS", type=click.IntRange(1, 36_500), help="After how many days it expires.")
def create(tenant: str, name: str | None, scope: str, expires: int | None, as_json: bool) -> None:
    """Create a token, which is shown this once."""
    database, found_tenant = found(tenant)
    secret = Tokens(database, found_tenant.pk).create(name or scope, scope, expires, call=call("token create"))
    tell_credentials(settings(), database, tenant, secret, as_json=as_json)


@token.command("list")
def list_tokens(tenant: str, as_json: bool) -> None:
    """Every token of a tenant, oldest first."""
    database, found_tenant = found(tenant)
    show([token_row(row) for row in Tokens(database, found_tenant.pk).all()], _COLUMNS, as_json=as_json)


@token.command("revoke")
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@yes
def revoke(tenant: str, number: int, yes: bool, as_json: bool) -> None:
    """Refuse a token from now on; `token list` shows its number."""
    database, found_tenant = found(tenant)
    tokens = Tokens(database, found_tenant.pk)
    row = token_row(tokens.get(number))
    used = f"last used {row['lastUsed']}" if row["lastUsed"] else "never used"
    ask(f"Revoke token {number} ({row['name']}, {used})? Clients that use it will be refused.", yes=yes)
    tokens.revoke(number, call=call("token revoke"))
    row = next(token_row(each) for each in tokens.all() if each["number"] == number)
    tell(f"Token {number} of the tenant {tenant} is revoked.", as_json=as_json, changed=True, token=row)
