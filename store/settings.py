"""The server's own values in the database: the secret key, and a row that a check writes."""

import secrets

from store.database.transactions import Database, now
from store.tables import Setting

_NAME = "secret_key"


def secret_key(database: Database) -> str:
    """The secret key that all processes share, created on first use."""
    found = database.read(lambda: Setting.get_or_none(Setting.name == _NAME))
    if found is None:
        row = Setting.insert(name=_NAME, value=secrets.token_urlsafe(32))
        database.write(lambda _: row.on_conflict_ignore().execute())
        found = database.read(lambda: Setting.get(Setting.name == _NAME))
    return str(found.value)


def check_writable(database: Database) -> None:
    """Write a row and commit. Raises Unavailable if the database refuses it."""
    row = Setting.insert(name="checked", value=now())
    row = row.on_conflict(conflict_target=(Setting.name,), update={Setting.value: now()})
    database.write(lambda _: row.execute())
