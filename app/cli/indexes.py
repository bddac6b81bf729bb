"""vestibule index: which attributes of a tenant are looked up and ordered by an index."""

import sys
from collections.abc import Callable

import click

from app.cli.directory import found
from app.cli.output import as_json, show
from store.indexes import Indexes, Named

_COLUMNS = {"type": "type", "attribute": "attribute", "state": "state", "done": "done", "total": "of"}

of_type = click.option("--type", type=click.Choice(("User", "Group")), help="Whose attribute, where both have one.")


@click.group()
def index() -> None:
    """Indexes on attributes, made and removed while the server runs."""


@index.command("add")
@click.argument("tenant")
@click.argument("path")
@of_type
def add(tenant: str, path: str, type: str | None) -> None:
    """Index an attribute, named as in a filter.

    Clients are served meanwhile. What was broken off is finished by the same command.
    """
    database, found_tenant = found(tenant)
    indexes = Indexes(database, found_tenant)
    named = indexes.named(path, type)
    indexes.declare(named)
    with_progress(indexes, named, "Indexing", indexes.build)
    click.echo(f"{named.attribute} is indexed.")


@index.command("list")
@click.argument("tenant")
@as_json
def list_indexes(tenant: str, as_json: bool) -> None:
    """Every index of a tenant, beside those that all tenants have in columns."""
    show(Indexes(*found(tenant)).all(), _COLUMNS, as_json=as_json)


@index.command("remove")
@click.argument("tenant")
@click.argument("path")
@of_type
def remove(tenant: str, path: str, type: str | None) -> None:
    """Remove an index; what it served is looked up without it from now on."""
    database, found_tenant = found(tenant)
    indexes = Indexes(database, found_tenant)
    named = indexes.remove(path, type)
    with_progress(indexes, named, "Removing", indexes.purge)
    click.echo(f"{named.attribute} is not indexed any more.")


def with_progress(
    indexes: Indexes, named: Named, label: str, work: Callable[[Named, Callable[[int], None]], None]
) -> None:
    """Do something for all resources, and show on stderr how far it is."""
    with click.progressbar(length=indexes.left(named), label=label, file=sys.stderr) as bar:
        work(named, bar.update)
