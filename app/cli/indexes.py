"""vestibule index: which attributes of a tenant are looked up and ordered by an index."""

from collections.abc import Callable
from typing import Any

import click

from app.cli.directory import TenantGroup, call, found
from app.cli.output import progress, show, tell
from store.tenants.indexes import Indexes, IndexName

_COLUMNS = {"type": "type", "attribute": "attribute", "state": "state", "done": "done", "total": "of"}

of_type = click.option("--type", type=click.Choice(("User", "Group")), help="Whose attribute, where both have one.")


@click.group(cls=TenantGroup)
def index() -> None:
    """Indexes on attributes, made and removed while the server runs."""


@index.command("add")
@click.argument("path", metavar="ATTRIBUTE")
@of_type
def add(tenant: str, path: str, type: str | None, as_json: bool) -> None:
    """Index an attribute, named as in a filter.

    Clients are served meanwhile. What was broken off is finished by the same command.
    """
    database, found_tenant = found(tenant)
    indexes = Indexes(database, found_tenant)
    named = indexes.named(path, type)
    before = _row(indexes, named)
    indexes.declare(named, call("index add"))
    with_progress(indexes, named, "Indexing", indexes.build)
    row = _row(indexes, named)
    tell(f"{named.attribute} is indexed.", as_json=as_json, changed=row != before, index=row)


def _row(indexes: Indexes, named: IndexName) -> dict[str, Any] | None:
    """An index as the list has it, None where there is none."""
    return next((row for row in indexes.all() if (row["type"], row["attribute"]) == named), None)


@index.command("list")
def list_indexes(tenant: str, as_json: bool) -> None:
    """Every index of a tenant. Those that all tenants have in columns are not listed."""
    show(Indexes(*found(tenant)).all(), _COLUMNS, as_json=as_json)


@index.command("remove")
@click.argument("path", metavar="ATTRIBUTE")
@of_type
def remove(tenant: str, path: str, type: str | None, as_json: bool) -> None:
    """Remove an index. What it served is looked up without it from now on."""
    database, found_tenant = found(tenant)
    indexes = Indexes(database, found_tenant)
    named = indexes.removable(path, type)
    indexes.withdraw(named, call("index remove"))
    with_progress(indexes, named, "Removing", indexes.purge)
    tell(f"{named.attribute} is not indexed any more.", as_json=as_json, changed=True, index=named._asdict())


def with_progress(
    indexes: Indexes, named: IndexName, label: str, work: Callable[[IndexName, Callable[[int], None]], None]
) -> None:
    """Do something for all resources, and show on stderr how far it is."""
    with progress(indexes.left(named), label) as bar:
        work(named, bar.update)
