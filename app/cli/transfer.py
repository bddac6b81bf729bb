"""vestibule import and export: a tenant's users and groups as SCIM resources, one JSON object a line."""

import json
import os
from collections.abc import Callable, Iterator
from typing import IO

import click

from app.cli.directory import found, settings
from app.cli.output import as_json, counted, progress
from app.cli.platform import resources
from app.cli.tenants import endpoint_url
from app.http import parsed
from store.groups import Groups
from store.imports import Import
from store.search import Query, Searching
from store.users import Users

_PAGE = 500


@click.command("import")
@click.argument("tenant")
@click.argument("file", type=click.File("rb"))
@as_json
def import_resources(tenant: str, file: IO[bytes], as_json: bool) -> None:
    """Add the users and groups of a file, one SCIM resource a line; "-" reads standard input.

    What is there already stays as it is, so that an import that broke off is run again. Lines that are refused are
    named on stderr, and the exit status is 1.
    """
    database, found_tenant = found(tenant)
    work = Import(database, found_tenant, endpoint_url(settings(), tenant), parsed)
    with progress(_size(file), "Importing") as bar:
        for problems in work.run(_told(file, bar.update)):
            for problem in problems:
                click.echo(f"Line {problem.line}: {problem.detail}", err=True)
    totals = work.totals
    if as_json:
        click.echo(json.dumps(totals))
    else:
        users, groups = counted(totals["users"], "user"), counted(totals["groups"], "group")
        click.echo(
            f"{users} and {groups} were added, {counted(totals['unchanged'], 'line')} were there already,"
            f" {counted(totals['refused'], 'line')} were refused."
        )
    if totals["refused"]:
        click.get_current_context().exit(1)


def _size(file: IO[bytes]) -> int | None:
    """How many bytes there are to read, None where nobody knows."""
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None


def _told(file: IO[bytes], update: Callable[[int], None]) -> Iterator[bytes]:
    """The lines, with the progress bar told of each."""
    for line in file:
        update(len(line))
        yield line


@click.command("export")
@click.argument("tenant")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
def export_resources(tenant: str, file: IO[str]) -> None:
    """Write the users and groups of a tenant, one SCIM resource a line, to a file or to standard output."""
    for kind in (Users, Groups):
        for text in _every(resources(tenant, kind, "export")):
            file.write(f"{text}\n")


def _every(source: Searching) -> Iterator[str]:
    """Every resource, page by page; whoever comes or goes meanwhile shifts nobody else."""
    cursor: str | None = ""
    while cursor is not None:
        page = source.search(Query(count=_PAGE, cursor=cursor), secret=b"export")
        yield from page.resources
        cursor = page.next_cursor
