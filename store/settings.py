"""The server's own values in the database: the secret key, notes of unfinished work, and a row that a check writes."""

import secrets

from store.database.transactions import Database, now
from store.tables import Setting


def secret_key(database: Database) -> str:
    """The secret key that all processes share, created on first use."""
    row = Setting.insert(name="secret_key", value=secrets.token_urlsafe(32)).on_conflict_ignore()
    while (found := database.read(lambda: kept("secret_key"))) is None:
        database.write(lambda _: row.execute())
    return found


def check_writable(database: Database) -> None:
    """Write a row and commit. Raises Unavailable if the database refuses it."""
    database.write(lambda _: keep("checked", now()))


def kept(name: str) -> str | None:
    """The value of that name, None if there is none; inside a read or a write, like the functions below."""
    found: Setting | None = Setting.get_or_none(Setting.name == name)
    return None if found is None else str(found.value)


def keep(name: str, value: str) -> None:
    """Set the value of that name."""
    row = Setting.insert(name=name, value=value)
    row.on_conflict(conflict_target=(Setting.name,), update={Setting.value: value}).execute()


def forget(name: str) -> None:
    """Delete the value of that name."""
    Setting.delete().where(Setting.name == name).execute()


def note(tenant: int, work: str) -> str:
    """The name of the value that says that some work on a tenant is unfinished."""
    return f"tenant {tenant}: {work}"


def forget_notes(tenant: int) -> None:
    """Delete the notes of a tenant that is being deleted."""
    Setting.delete().where(Setting.name.startswith(note(tenant, ""))).execute()
