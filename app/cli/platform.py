"""What the platform side's commands share: a tenant's users and groups, changed by people, and the log of it."""

from collections.abc import Callable
from typing import Any, TypeVar

from app.cli.directory import endpoint_url, found, settings
from store.database.transactions import Database
from store.database.write import Write
from store.resources.reading import Reading
from store.tenants.log import Call, Log

Kind = TypeVar("Kind", bound=Reading)
Result = TypeVar("Result")


def resources(tenant: str, kind: type[Kind], operation: str) -> Kind:
    """A tenant's resources of that kind; the log says which command changed them. Raises NotFound."""
    database, found_tenant = found(tenant)
    return kind(database, found_tenant, endpoint_url(settings(), tenant), call(operation))


def call(operation: str) -> Call:
    """The call of a command, as the log shows it."""
    return Call(operation=f"platform: {operation}", client="command line")


def noted(database: Database, tenant: int, operation: str, work: Callable[[], Result], **change: Any) -> Result:
    """Do what changes a tenant itself, and enter it in its log in the same transaction."""

    def both(write: Write) -> Result:
        result = work()
        Log(database, tenant).record(write, call(operation), 200, [change])
        return result

    return database.write(both)
