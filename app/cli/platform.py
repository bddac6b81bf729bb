"""What the platform side's commands share: a tenant's users and groups, changed by people, and the log of it."""

from typing import TypeVar

from app.cli.directory import endpoint_url, found, settings
from store.resources.reading import Reading
from store.tenants.log import Call

Kind = TypeVar("Kind", bound=Reading)


def resources(tenant: str, kind: type[Kind], operation: str) -> Kind:
    """A tenant's resources of that kind; the log says which command changed them. Raises NotFound."""
    database, found_tenant = found(tenant)
    return kind(database, found_tenant, endpoint_url(settings(), tenant), call(operation))


def call(operation: str) -> Call:
    """The call of a command, as the log shows it."""
    return Call(operation=f"platform: {operation}", client="command line")
