"""What the operator asks of a directory: that it takes writes, and which group the users of a tenant join."""

import peewee

from scim.errors import NotFound
from scim.keys import folded
from store.database import Database, now
from store.models import Resource, Setting
from store.models import Tenant as Row
from store.tenants import Tenant


def check_writable(database: Database) -> None:
    """Write a row and commit. Raises Unavailable where the database does not take it."""
    row = Setting.insert(name="checked", value=now())
    row = row.on_conflict(conflict_target=(Setting.name,), update={Setting.value: now()})
    database.write(row.execute)


def set_integration_group(database: Database, tenant: Tenant, name: str | None) -> None:
    """Let every user that is provisioned from now on join the group of that name; None for no group. Raises
    NotFound."""

    def work() -> None:
        Row.update(integration_group=_group(database, tenant, name)).where(Row.pk == tenant.pk).execute()

    database.write(work)


def _group(database: Database, tenant: Tenant, name: str | None) -> int | None:
    """The key of a group, which is locked so that it is not deleted meanwhile."""
    if name is None:
        return None
    of_tenant = (Resource.tenant == tenant.pk) & (Resource.type == "Group")
    query = Resource.select(Resource.pk).where(of_tenant & (Resource.name_key == folded(name)))
    try:
        return int(database.dialect.for_update(query).tuples().get()[0])
    except peewee.DoesNotExist as error:
        raise NotFound(f"The tenant {tenant.name} has no group {name[:200]}.") from error
