"""vestibule user: the users of a tenant, and their work e-mails, which only the platform side changes."""

import json
from typing import Any

import click

from app.cli.directory import TenantGroup, resources
from app.cli.output import limit, show, tell, with_moments, write
from store.platform.names import id_of
from store.platform.users import PlatformUsers
from store.resources.search import Query
from store.resources.users import Users

_COLUMNS = {"userName": "user name", "email": "work e-mail", "active": "active", "id": "id"}
_PENDING = {"userName": "user name", "email": "work e-mail", "pending": "offered", "offered": "since"}


@click.group(cls=TenantGroup)
def user() -> None:
    """Users, by id, work e-mail or userName."""


@user.command("list")
@click.option("--filter", "expression", help="Which ones, as a SCIM filter: see docs/filters.md.")
@limit
def list_users(tenant: str, expression: str | None, limit: int, as_json: bool) -> None:
    """List the users of a tenant, in the order of creation."""
    page = resources(tenant, Users, "user list").search(Query(filter=expression, count=limit))
    people = [json.loads(str(text)) for text in page.resources]
    if not as_json:
        people = [person | {"email": _work_email(person)} for person in people]
    show(people, _COLUMNS, as_json=as_json)
    if len(people) < page.total:
        click.echo(f"{len(people)} of {page.total} are shown; --limit shows more.", err=True)


def _work_email(person: dict[str, object]) -> object:
    emails = person.get("emails")
    work = [each for each in emails if each.get("type", "").lower() == "work"] if isinstance(emails, list) else []
    return next((each.get("value") for each in work), None)


@user.command("show")
@click.argument("who")
def show_user(tenant: str, who: str, as_json: bool) -> None:
    """Show a user as SCIM does, always as JSON."""
    people = resources(tenant, Users, "user show")
    write(_shown(people, id_of(people, who)))


def _shown(people: Users, id: str) -> Any:
    return json.loads(str(people.get(id).text or "{}"))


@user.command("email")
@click.argument("who")
@click.argument("new")
def email(tenant: str, who: str, new: str, as_json: bool) -> None:
    """Change the work e-mail that identifies a user."""
    people = resources(tenant, Users, "user email")
    id = id_of(people, who)
    changed = PlatformUsers(people).change(id, new)
    said = f"{who} is {new} now." if changed else f"{who} has that work e-mail already."
    tell(said, as_json=as_json, changed=changed, user=_shown(people, id))


@user.command("pending")
@click.option("--dismissed", is_flag=True, help="Also those that were dismissed.")
def pending(tenant: str, dismissed: bool, as_json: bool) -> None:
    """List offered work e-mails that were not applied."""
    rows = PlatformUsers(resources(tenant, Users, "user pending")).pending(dismissed=dismissed)
    show([with_moments(row, "offered", "dismissed") for row in rows], _PENDING, as_json=as_json)


@user.command("adopt")
@click.argument("who")
def adopt(tenant: str, who: str, as_json: bool) -> None:
    """Apply the work e-mail that the client offered for a user."""
    people = resources(tenant, Users, "user adopt")
    id = id_of(people, who)
    address = PlatformUsers(people).adopt(id)
    tell(f"{who} is {address} now.", as_json=as_json, changed=True, user=_shown(people, id))


@user.command("dismiss")
@click.argument("who")
def dismiss(tenant: str, who: str, as_json: bool) -> None:
    """Keep a user's work e-mail. The offered one is not listed again unless the client offers another."""
    people = resources(tenant, Users, "user dismiss")
    id = id_of(people, who)
    said = f"{PlatformUsers(people).dismiss(id)} is dismissed; {who} keeps the work e-mail."
    tell(said, as_json=as_json, changed=True, user=_shown(people, id))
