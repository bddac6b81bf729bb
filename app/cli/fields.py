"""vestibule field: the custom fields of a tenant's users."""

from typing import Any

import click

from app.cli.directory import TenantGroup, call, found
from app.cli.indexes import with_progress
from app.cli.output import ask, counted, show, tell, yes
from scim.types import TYPES
from store.platform.fields import FieldRemoval
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes
from store.tenants.tenants import Tenant

_COLUMNS = {"name": "name", "type": "type", "indexed": "indexed", "description": "description"}


@click.group(cls=TenantGroup)
def field() -> None:
    """Custom fields of users, declared while the server runs."""


@field.command(
    "add",
    help="Declare a field; the next request knows it.\n\n"
    f"TYPE is one of {', '.join(TYPES)}. The answer has the name and the type to enter in Entra.",
)
@click.argument("name")
@click.argument("type", metavar="TYPE", type=click.Choice([*TYPES], case_sensitive=False))
@click.option("--description", default="", help="The description in /Schemas.")
@click.option("--indexed", is_flag=True, help="Keep an index, for a field that clients filter by.")
def add(tenant: str, name: str, type: str, description: str, indexed: bool, as_json: bool) -> None:
    database, found_tenant = found(tenant)
    fields = Fields(database, found_tenant)
    fields.add(name, type, description, indexed=indexed, call=call("field add"))
    if indexed:
        indexes = Indexes(database, found_tenant)
        with_progress(indexes, fields.indexed(name), "Indexing", indexes.build)
    row = _row(found_tenant, fields.get(name))
    tell(f"Attribute: {row['attribute']}", as_json=as_json, changed=True, field=row)
    if not as_json:
        click.echo(f"Type in Entra: {row['entraType']}")


def _row(tenant: Tenant, field: dict[str, Any]) -> dict[str, Any]:
    """A field with the name and the type that it has in Entra's attribute list."""
    attribute = f"{tenant.profile.preset.fields_urn}:{field['name']}"
    return field | {"attribute": attribute, "entraType": TYPES[field["type"]].entra}


@field.command("list")
def list_fields(tenant: str, as_json: bool) -> None:
    """Every field of a tenant, in the order of declaration."""
    database, found_tenant = found(tenant)
    show([_row(found_tenant, row) for row in Fields(database, found_tenant).all()], _COLUMNS, as_json=as_json)


@field.command("remove")
@click.argument("name")
@yes
def remove(tenant: str, name: str, yes: bool, as_json: bool) -> None:
    """Remove a field and take its values out of all users."""
    database, found_tenant = found(tenant)
    removal = FieldRemoval(database, found_tenant, name, call("field remove"))
    spelled = removal.name
    held = counted(removal.holders(), "user")
    ask(f"Remove the field {spelled}, and with it the values of {held}?", yes=yes)
    users = removal.run()
    said = f"The field {spelled} is removed, and with it the values of {counted(users, 'user')}."
    tell(said, as_json=as_json, changed=True, field={"name": spelled}, users=users)
