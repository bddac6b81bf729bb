"""vestibule group: the groups of a tenant, their names, parents and members."""

import json
from collections.abc import Sequence
from typing import Any

import click

from app.cli.directory import TenantGroup, resources
from app.cli.output import limit, show, tell, write
from scim.operations import read_operations
from scim.projection import Projection
from scim.schemas import CORE_GROUP
from scim.validation import load
from store.platform.groups import PlatformGroups
from store.platform.names import id_of
from store.resources.groups import Groups
from store.resources.search import Query
from store.resources.users import Users

_COLUMNS = {"displayName": "name", "externalId": "externalId", "id": "id"}


@click.group(cls=TenantGroup)
def group() -> None:
    """Groups, by id or name."""


@group.command("create")
@click.argument("name")
def create(tenant: str, name: str, as_json: bool) -> None:
    """Create a group. A client that matches groups by name adopts it."""
    groups = resources(tenant, Groups, "group create")
    made = groups.create(load(groups.type, {"schemas": [CORE_GROUP], "displayName": name}).document)
    tell(f"The group {name} is made: {made.id}", as_json=as_json, changed=True, group=_shown(groups, made.id))


def _shown(groups: Groups, id: str, *, members: bool = False) -> dict[str, Any]:
    """A group as SCIM shows it, with its parent and without its members, who may be many."""
    projection = None if members else Projection.read(groups.type, None, ["members"])
    return dict(json.loads(str(groups.get(id, projection).text or "{}"))) | {
        "parent": PlatformGroups(groups).parent_of(id)
    }


@group.command("list")
@click.option("--filter", "expression", help="Which ones, as a SCIM filter: see docs/filters.md.")
@limit
def list_groups(tenant: str, expression: str | None, limit: int, as_json: bool) -> None:
    """List the groups of a tenant, in the order of creation. Their members are not shown."""
    groups = resources(tenant, Groups, "group list")
    page = groups.search(Query(filter=expression, count=limit), Projection.read(groups.type, None, ["members"]))
    show([json.loads(str(text)) for text in page.resources], _COLUMNS, as_json=as_json)
    if len(page.resources) < page.total:
        click.echo(f"{len(page.resources)} of {page.total} are shown; --limit shows more.", err=True)


@group.command("show")
@click.argument("name")
def show_group(tenant: str, name: str, as_json: bool) -> None:
    """Show a group as SCIM does, with its parent, always as JSON."""
    groups = resources(tenant, Groups, "group show")
    write(_shown(groups, id_of(groups, name), members=True))


@group.command("rename")
@click.argument("name")
@click.argument("new")
def rename(tenant: str, name: str, new: str, as_json: bool) -> None:
    """Rename a group; it stays linked to its client."""
    groups = resources(tenant, Groups, "group rename")
    id = id_of(groups, name)
    before = _shown(groups, id)
    change = read_operations(groups.type, {"op": "replace", "path": "displayName", "value": new}, id)
    groups.patch(id, change.operations, body=False)
    group = _shown(groups, id)
    changed = group["displayName"] != before["displayName"]
    tell(f"{name} is called {new} now.", as_json=as_json, changed=changed, group=group)


@group.command("add-member")
@click.argument("name")
@click.argument("who", nargs=-1, required=True)
def add_member(tenant: str, name: str, who: Sequence[str], as_json: bool) -> None:
    """Add members by hand. They stay when a client replaces the members."""
    groups = resources(tenant, Groups, "group add-member")
    people = resources(tenant, Users, "group add-member")
    id = id_of(groups, name)
    added = PlatformGroups(groups).add_members(id, [id_of(people, each) for each in who])
    said = f"They are members of {name} now." if added else "They were members already."
    tell(said, as_json=as_json, changed=added, group=_shown(groups, id))


@group.command("remove-member")
@click.argument("name")
@click.argument("who", nargs=-1, required=True)
def remove_member(tenant: str, name: str, who: Sequence[str], as_json: bool) -> None:
    """Remove members, added by hand or by SCIM."""
    groups = resources(tenant, Groups, "group remove-member")
    people = resources(tenant, Users, "group remove-member")
    id = id_of(groups, name)
    removed = PlatformGroups(groups).remove_members(id, [id_of(people, each) for each in who])
    said = f"They are out of {name}." if removed else "None of them was a member."
    tell(said, as_json=as_json, changed=removed, group=_shown(groups, id))


@group.command("set-parent")
@click.argument("name")
@click.argument("parent", required=False)
def set_parent(tenant: str, name: str, parent: str | None, as_json: bool) -> None:
    """Set the parent of a group, or remove it. Clients do not see parents."""
    groups = resources(tenant, Groups, "group set-parent")
    id = id_of(groups, name)
    changed = PlatformGroups(groups).set_parent(id, None if parent is None else id_of(groups, parent))
    said = f"{name} is below {'no group' if parent is None else parent} now."
    tell(said, as_json=as_json, changed=changed, group=_shown(groups, id))
