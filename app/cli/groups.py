"""vestibule group: the groups of a tenant, as people make, name and fill them."""

import json
from collections.abc import Sequence

import click

from app.cli.output import as_json, counted, show
from app.cli.platform import resources
from scim.projection import Projection
from scim.schemas import CORE_GROUP
from store.named import id_of
from store.platform_groups import PlatformGroups
from store.search import Query
from store.users import Users

_COLUMNS = {"displayName": "name", "externalId": "externalId", "id": "id"}


@click.group()
def group() -> None:
    """Groups, by id or name."""


@group.command("create")
@click.argument("tenant")
@click.argument("name")
def create(tenant: str, name: str) -> None:
    """Make a group; a client that brings one of that name adopts it."""
    made = resources(tenant, PlatformGroups, "group create").create({"schemas": [CORE_GROUP], "displayName": name})
    click.echo(f"The group {name} is made: {made.id}")


@group.command("list")
@click.argument("tenant")
@click.option("--filter", "expression", help="Which ones, as a SCIM filter: see docs/filters.md.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@as_json
def list_groups(tenant: str, expression: str | None, limit: int, as_json: bool) -> None:
    """The groups of a tenant, in the order of creation, without their members."""
    groups = resources(tenant, PlatformGroups, "group list")
    page = groups.search(Query(filter=expression, count=limit), Projection.read(groups.type, None, ["members"]))
    show([json.loads(str(text)) for text in page.resources], _COLUMNS, as_json=as_json)
    if len(page.resources) < page.total:
        click.echo(f"{len(page.resources)} of {page.total} are shown; --limit shows more.", err=True)


@group.command("show")
@click.argument("tenant")
@click.argument("name")
def show_group(tenant: str, name: str) -> None:
    """One group as SCIM sees it, with its parent, as JSON."""
    groups = resources(tenant, PlatformGroups, "group show")
    id = id_of(groups, name)
    shown = json.loads(str(groups.get(id).text or "{}")) | {"parent": groups.parent_of(id)}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@group.command("rename")
@click.argument("tenant")
@click.argument("name")
@click.argument("new")
def rename(tenant: str, name: str, new: str) -> None:
    """Give a group another name; it stays linked to its client."""
    groups = resources(tenant, PlatformGroups, "group rename")
    operations = [{"op": "replace", "path": "displayName", "value": new}]
    groups.patch(id_of(groups, name), operations, body=False)
    click.echo(f"{name} is called {new} now.")


@group.command("add-member")
@click.argument("tenant")
@click.argument("name")
@click.argument("who", nargs=-1, required=True)
def add_member(tenant: str, name: str, who: Sequence[str]) -> None:
    """Add people by hand; what a client replaces leaves them in the group."""
    groups = resources(tenant, PlatformGroups, "group add-member")
    people = resources(tenant, Users, "group add-member")
    added = groups.add_members(id_of(groups, name), [id_of(people, each) for each in who])
    click.echo(f"{name} has {counted(len(who), 'new member')}." if added else "They were members already.")


@group.command("remove-member")
@click.argument("tenant")
@click.argument("name")
@click.argument("who", nargs=-1, required=True)
def remove_member(tenant: str, name: str, who: Sequence[str]) -> None:
    """Take people out, whoever put them in."""
    groups = resources(tenant, PlatformGroups, "group remove-member")
    people = resources(tenant, Users, "group remove-member")
    removed = groups.remove_members(id_of(groups, name), [id_of(people, each) for each in who])
    click.echo(f"They are out of {name}." if removed else "None of them was a member.")


@group.command("set-parent")
@click.argument("tenant")
@click.argument("name")
@click.argument("parent", required=False)
def set_parent(tenant: str, name: str, parent: str | None) -> None:
    """Put a group below another one, or below none; clients do not see it."""
    groups = resources(tenant, PlatformGroups, "group set-parent")
    groups.set_parent(id_of(groups, name), None if parent is None else id_of(groups, parent))
    click.echo(f"{name} is below {parent} now." if parent else f"{name} is below no group now.")
