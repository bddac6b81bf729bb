"""vestibule import and export: a tenant's users and groups as SCIM resources, one JSON object on each line."""

import errno
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any

import click

from app.cli.directory import TenantCommand, endpoint_url, found, resources, settings
from app.cli.output import counted, printable, progress, tell
from app.wire import parsed
from scim.document import Text
from store.resources.groups import Groups
from store.resources.search import Query
from store.resources.users import Users
from store.resources.writing import Resources
from store.transfer.exporting import ExportedGroups
from store.transfer.importing import Import

_PAGE = 500


@click.command("import", cls=TenantCommand)
@click.argument("file")
def import_resources(tenant: str, file: str, as_json: bool) -> None:
    """Add the users and groups of a file. It has one SCIM resource on each line; "-" reads standard input.

    Existing resources are not changed, so an interrupted import can be run again. Refused lines are named on stderr,
    or with --json in the answer, and the exit status is then 1.
    """
    database, found_tenant = found(tenant)
    work = Import(database, found_tenant, endpoint_url(settings(), tenant), parsed)
    refused: list[dict[str, Any]] = []
    with _opened(file, "rb") as stream, progress(_size(stream), "Importing") as bar:
        for problem in chain.from_iterable(work.run(_told(stream, bar.update))):
            if as_json:
                refused.append(problem._asdict())
            else:
                click.echo(printable(f"Line {problem.line}: {problem.detail}"), err=True)
    totals = work.totals
    changed = bool(totals["users"] or totals["groups"])
    tell(_said(totals), as_json=as_json, changed=changed, **totals, problems=refused)
    if totals["refused"]:
        click.get_current_context().exit(1)


def _said(totals: dict[str, int]) -> str:
    users, groups = counted(totals["users"], "user"), counted(totals["groups"], "group")
    present, refused = (
        f"{counted(number, 'line')} {'was' if number == 1 else 'were'}"
        for number in (totals["unchanged"], totals["refused"])
    )
    return f"{users} and {groups} were added, {present} there already, {refused} refused."


def _opened(file: str, mode: str) -> IO[Any]:
    """The file, or for "-" a standard stream. Raises OSError."""
    try:
        return click.open_file(file, mode, encoding=None if "b" in mode else "utf-8")
    except RuntimeError as error:
        raise OSError(errno.EBADF, "It is closed", "Standard input or output") from error


def _size(file: IO[bytes]) -> int | None:
    """How many bytes there are to read, None if unknown."""
    try:
        return os.fstat(file.fileno()).st_size or None
    except OSError:
        return None


def _told(file: IO[bytes], update: Callable[[int], None]) -> Iterator[bytes]:
    """The lines; the progress bar is updated with each."""
    for line in file:
        update(len(line))
        yield line


@click.command("export", cls=TenantCommand)
@click.argument("file", default="-")
def export_resources(tenant: str, file: str, as_json: bool) -> None:
    """Write the users and groups of a tenant. A line is one SCIM resource; without a file, standard output has them.

    Groups include what clients do not see: their parent, and the origin of each membership. Standard output has only
    the resources, also with --json.
    """
    users, groups = resources(tenant, Users, "export"), resources(tenant, Groups, "export")
    groups.shown = ExportedGroups(groups.database)
    with _opened(file, "w") as stream:
        totals = {"users": _written(stream, users), "groups": _written(stream, groups)}
        # A full disk or a closed pipe must fail here, and not when Python exits.
        stream.flush()
    if file != "-":
        said = f"{counted(totals['users'], 'user')} and {counted(totals['groups'], 'group')}"
        tell(f"{said} are in {file} now.", as_json=as_json, file=file, **totals)


def _written(stream: IO[str], source: Resources) -> int:
    """Write all resources; returns how many there were."""
    count = 0
    for text in _every(source):
        stream.writelines([text] if isinstance(text, str) else text)
        stream.write("\n")
        count += 1
    return count


def _every(source: Resources) -> Iterator[Text]:
    """Every resource, page by page by cursor, so that changes meanwhile shift no page."""
    cursor: str | None = ""
    while cursor is not None:
        page = source.search(Query(count=_PAGE, cursor=cursor), secret=b"export")
        yield from page.resources
        cursor = page.next_cursor
