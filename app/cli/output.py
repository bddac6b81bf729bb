"""How commands print: aligned tables and sentences, or JSON for programs."""

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
limit = click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The most entries to list."
)


def tell(sentence: str, *, as_json: bool, **told: Any) -> None:
    """Print the result of a command: a sentence, or what it changed as one JSON object."""
    if as_json:
        write(told)
    else:
        click.echo(printable(sentence))


def write(value: Any) -> None:
    """Print one JSON value; a command with --json writes nothing else to stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def ask(question: str, *, yes: bool) -> None:
    """Ask before going on; on stderr, so that stdout has only the result. Raises Abort unless the answer is yes."""
    if not yes:
        click.confirm(printable(question), abort=True, err=True)


def show(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print rows: whole as JSON, or the columns (name -> heading) as a table."""
    if as_json:
        write(rows)
    elif rows:
        click.echo(table([[cell(row.get(name)) for name in columns] for row in rows], list(columns.values())))
    else:
        click.echo("There are none.", err=True)


def table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    """Lines of aligned columns, two blanks apart."""
    lines = [[heading.upper() for heading in headings], *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def cell(value: Any) -> str:
    """A value in a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else printable(str(value))


def printable(text: str) -> str:
    """A client's text for a terminal, with control characters as escapes."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def with_moments(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A row whose points in time, as the store keeps them, are shown to the second."""
    return dict(row) | {name: row[name] and f"{row[name][:19]}Z" for name in names}


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def progress(length: int | None, label: str) -> Any:
    """A progress bar on stderr, on a terminal only. `update` adds what was done; without a length it shows activity."""
    unknown = itertools.count() if length is None else None
    return click.progressbar(unknown, length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())
