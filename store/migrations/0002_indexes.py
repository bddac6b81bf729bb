"""Indexes that are made and removed while the server runs, and that hold an order.

`state` and `position` are how far an index is. `id` is that of the resource, by which ties are ordered, in rows of
singular attributes; in the index on `lookup` it stands behind the value.

Those that are there already serve filters, but no order: what is unassigned has no row in `lookup` yet. A server of the
version before may still write beside this one, and knows nothing of `state`; what it adds is of that kind too.
"""

from typing import Any

from peewee import SqliteDatabase

_STEPS = (
    """ALTER TABLE "index" ADD COLUMN state TEXT NOT NULL DEFAULT 'filters'""",
    """ALTER TABLE "index" ADD COLUMN position BIGINT NOT NULL DEFAULT 0""",
    "ALTER TABLE lookup ADD COLUMN id {key}",
    "DROP INDEX lookup_value",
    "DROP INDEX lookup_number",
    "CREATE INDEX lookup_value ON lookup (tenant, attribute, value, type, id, resource)",
    "CREATE INDEX lookup_number ON lookup (tenant, attribute, number, id, resource) WHERE number IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns. `migrator` is peewee's and not needed here."""
    key = "TEXT" if isinstance(db, SqliteDatabase) else 'TEXT COLLATE "C"'
    for step in _STEPS:
        db.execute_sql(step.format(key=key))
