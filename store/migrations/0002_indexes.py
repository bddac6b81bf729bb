"""Indexes that are made and removed while the server runs: how far each of them is.

Those that are there already serve filters, but no order: what is unassigned has no row in `lookup` yet. A server of the
version before may still write beside this one, and knows nothing of `state`; what it adds is of that kind too.
"""

from typing import Any

_STEPS = (
    """ALTER TABLE "index" ADD COLUMN state TEXT NOT NULL DEFAULT 'filters'""",
    """ALTER TABLE "index" ADD COLUMN position BIGINT NOT NULL DEFAULT 0""",
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns. `migrator` is peewee's and not needed here."""
    for step in _STEPS:
        db.execute_sql(step)
