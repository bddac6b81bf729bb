"""Operations of a bulk job that share a transaction (RFC 7644 §3.7)."""

from collections.abc import Callable

from store.database import Database
from store.tenants import Tenant


def together(database: Database, tenant: Tenant, work: Callable[[], None]) -> None:
    """Run work that writes several times in one transaction, so that what a commit costs is paid once.

    Each write is a part of it that is undone by itself. Where the whole loses a race it is run again. Raises
    Unavailable when that does not help; then nothing was applied, unless it is Unconfirmed.
    """

    def once() -> None:
        # Two jobs of a tenant would lock the same rows in different orders; no key of a tenant is negative.
        database.dialect.serialize(-tenant.pk)
        work()

    database.write(once)
