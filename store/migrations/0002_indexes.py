"""Indexes that are made and removed while the server runs: `state` and `position` are how far one is."""

from typing import Any

_STEPS = (
    """ALTER TABLE "index" ADD COLUMN state TEXT NOT NULL DEFAULT 'complete'""",
    """ALTER TABLE "index" ADD COLUMN position BIGINT NOT NULL DEFAULT 0""",
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns. `migrator` is peewee's and not needed here."""
    for step in _STEPS:
        db.execute_sql(step)
