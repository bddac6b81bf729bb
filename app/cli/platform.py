"""What the platform side's commands share: a tenant's users and groups, changed by people."""

from typing import TypeVar

from app.cli.directory import found, settings
from app.cli.tenants import endpoint_url
from store.journal import Call
from store.reading import Reading

Kind = TypeVar("Kind", bound=Reading)


def resources(tenant: str, kind: type[Kind], operation: str) -> Kind:
    """A tenant's resources of that kind; the log says which command changed them. Raises NotFound."""
    database, found_tenant = found(tenant)
    call = Call(operation=f"platform: {operation}", client="command line")
    return kind(database, found_tenant, endpoint_url(settings(), tenant), call)
