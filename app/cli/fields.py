"""vestibule field: the custom fields of a tenant's users."""

import click

from app.cli.directory import found
from app.cli.indexes import with_progress
from app.cli.output import as_json, counted, show
from scim.preset import FIELD_TYPES
from store.fields import Fields
from store.indexes import Indexes
from store.tenants import Tenant

_COLUMNS = {"name": "name", "type": "type", "indexed": "indexed", "description": "description"}


@click.group()
def field() -> None:
    """Custom fields of users, declared while the server runs."""


@field.command("add")
@click.argument("tenant")
@click.argument("name")
@click.argument("type", type=click.Choice(FIELD_TYPES, case_sensitive=False))
@click.option("--description", default="", help="What /Schemas says of it.")
@click.option("--indexed", is_flag=True, help="Keep an index: for fields that clients filter by.")
def add(tenant: str, name: str, type: str, description: str, indexed: bool) -> None:
    """Declare a field; the next request knows it."""
    database, found_tenant = found(tenant)
    Fields(database, found_tenant).add(name, type, description)
    if indexed:
        indexes = Indexes(database, found_tenant)
        named = indexes.named(attribute(found_tenant, name))
        indexes.declare(named)
        with_progress(indexes, named, "Indexing", indexes.build)
    click.echo(f"Attribute: {attribute(found_tenant, name)}")


def attribute(tenant: Tenant, name: str) -> str:
    """What Entra's attribute list calls a field."""
    return f"{tenant.profile.preset.fields_urn}:{name}"


@field.command("list")
@click.argument("tenant")
@as_json
def list_fields(tenant: str, as_json: bool) -> None:
    """Every field of a tenant, in the order of declaration."""
    database, found_tenant = found(tenant)
    rows = [row | {"attribute": attribute(found_tenant, row["name"])} for row in Fields(database, found_tenant).all()]
    show(rows, _COLUMNS, as_json=as_json)


@field.command("remove")
@click.argument("tenant")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(tenant: str, name: str, yes: bool) -> None:
    """Remove a field and take its values out of all users."""
    database, found_tenant = found(tenant)
    fields = Fields(database, found_tenant)
    spelled = fields.spelled(name)
    if not yes:
        users = counted(fields.holders(spelled), "user")
        click.confirm(f"Remove the field {spelled}, and with it the values of {users}?", abort=True)
    users = counted(fields.remove(spelled), "user")
    click.echo(f"The field {spelled} is removed, and with it the values of {users}.")
