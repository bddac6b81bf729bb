"""The server's secret key, which signs what clients carry back to it."""

import secrets

from store.database import Database
from store.models import Setting

_NAME = "secret_key"


def secret_key(database: Database) -> str:
    """The key that the database keeps for all processes; made the first time."""
    found = database.read(lambda: Setting.get_or_none(Setting.name == _NAME))
    if found is None:
        row = Setting.insert(name=_NAME, value=secrets.token_urlsafe(32))
        database.write(lambda: row.on_conflict_ignore().execute())
        found = database.read(lambda: Setting.get(Setting.name == _NAME))
    return str(found.value)
