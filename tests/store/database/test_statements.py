"""Statements are compiled once, and the cached ones are bounded by the length of their SQL."""

from store.database.statements import OVERHEAD, Statements
from store.tables import Tenant


def test_a_statement_is_built_once(database):
    built = []

    def build():
        built.append(1)
        return Tenant.select(Tenant.pk).where(Tenant.name == "nobody")

    statements = Statements(database.db)
    for _ in range(3):
        assert database.read(lambda: statements.get("shape", build)().fetchall()) == []
    assert len(built) == 1


def test_long_statements_displace_several_short_ones(database):
    statements = Statements(database.db, size=20 * OVERHEAD)
    short, long = (Tenant.select().where(Tenant.name.in_(["x"] * terms)) for terms in (1, 5_000))
    kept = statements.get("short", lambda: short)
    assert statements.get("short", lambda: short) is kept
    assert len(statements.get("long", lambda: long).sql) > 10 * OVERHEAD
    for number in range(10):
        statements.get(number, lambda: short)
    assert statements.get("short", lambda: short) is not kept
