"""vestibule log: the provisioning log of a tenant, which says why somebody is not provisioned."""

import json
from collections.abc import Iterator
from typing import Any

import click

from app.cli.directory import TenantCommand, found
from app.cli.output import printable, write
from store.tenants.log import Log

_WIDTH = 100
"""How many characters of a value are shown; --json has them all."""


@click.command(cls=TenantCommand)
@click.option("--about", metavar="WHO", help="Only a user or group: id, userName, work e-mail or part of the name.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, at most.")
def log(tenant: str, about: str | None, limit: int, as_json: bool) -> None:
    """What was changed, what was refused, and why.

    The newest entry comes last, with --json first.
    """
    database, found_tenant = found(tenant)
    entries = Log(database, found_tenant.pk).entries(about=about, limit=limit)
    if as_json:
        write(entries)
        return
    for entry in reversed(entries):
        click.echo("\n".join(map(printable, _lines(entry))))
    if not entries:
        click.echo("There is nothing in the log.", err=True)


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    """An entry: what was asked for and what came of it, then why, then what changed."""
    about = " ".join(entry[part] for part in ("resourceType", "name", "resource") if part in entry)
    yield f"{entry['time']}  {entry['level']:7}  {entry['status']}  {entry['operation']} {about}".rstrip()
    if "detail" in entry:
        yield f"    {entry['detail']}"
    if "hint" in entry:
        yield f"    Hint: {entry['hint']}"
    for change in entry.get("changes", ()):
        values = [_value(change[when]) for when in ("before", "after") if when in change]
        yield f"    {change['attribute']}: {' -> '.join(values)}{'' if 'after' in change else ' (removed)'}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
