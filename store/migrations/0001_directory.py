"""The tables: tenants with their tokens, fields and indexes; resources, memberships, lookups; the provisioning log.

On Postgres text that is compared or ordered has the collation C: byte order, which is code point order, as on SQLite.
"""

from typing import Any

from peewee import SqliteDatabase

_POSTGRES = {
    "pk": "BIGSERIAL PRIMARY KEY", "key": 'TEXT COLLATE "C"', "json": "JSONB", "bool": "BOOLEAN", "without": "",
}  # fmt: skip
_SQLITE = {
    "pk": "INTEGER PRIMARY KEY AUTOINCREMENT", "key": "TEXT", "json": "TEXT", "bool": "INTEGER",
    "without": "WITHOUT ROWID",
}  # fmt: skip

_TABLES = """
CREATE TABLE tenant (
    pk {pk}, name {key} NOT NULL UNIQUE, preset TEXT NOT NULL, revision BIGINT NOT NULL, created TEXT NOT NULL,
    integration_group BIGINT, first_contact TEXT, last_contact TEXT);
CREATE TABLE token (
    pk {pk}, tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, name TEXT NOT NULL,
    digest {key} NOT NULL UNIQUE, scope TEXT NOT NULL, created TEXT NOT NULL, expires TEXT, revoked TEXT,
    last_used TEXT);
CREATE INDEX token_tenant ON token (tenant);
CREATE TABLE field (
    pk {pk}, tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, name TEXT NOT NULL,
    name_key {key} NOT NULL, type TEXT NOT NULL, description TEXT NOT NULL, indexed {bool} NOT NULL,
    UNIQUE (tenant, name_key));
CREATE TABLE "index" (
    pk {pk}, tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, type TEXT NOT NULL,
    attribute {key} NOT NULL, state TEXT NOT NULL, position BIGINT NOT NULL, UNIQUE (tenant, type, attribute));
CREATE TABLE resource (
    pk {pk}, id {key} NOT NULL UNIQUE, tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE,
    type TEXT NOT NULL, version BIGINT NOT NULL, created {key} NOT NULL, modified {key} NOT NULL,
    document TEXT NOT NULL, keys {json} NOT NULL, name_key {key} NOT NULL, identifier_key {key}, external_key {key},
    given_key {key}, family_key {key}, active {bool}, display TEXT NOT NULL, display_key {key} NOT NULL,
    manager BIGINT REFERENCES resource (pk) ON DELETE SET NULL,
    parent BIGINT REFERENCES resource (pk) ON DELETE SET NULL);
CREATE UNIQUE INDEX resource_name ON resource (tenant, type, name_key);
CREATE UNIQUE INDEX resource_identifier ON resource (tenant, type, identifier_key);
CREATE INDEX resource_external ON resource (tenant, type, external_key);
CREATE INDEX resource_family ON resource (tenant, type, family_key, id);
CREATE INDEX resource_given ON resource (tenant, type, given_key, id);
CREATE INDEX resource_order ON resource (tenant, type, pk);
CREATE INDEX resource_manager ON resource (manager, tenant, type);
CREATE INDEX resource_parent ON resource (parent);
CREATE TABLE membership (
    "group" BIGINT NOT NULL REFERENCES resource (pk) ON DELETE CASCADE,
    member BIGINT NOT NULL REFERENCES resource (pk) ON DELETE CASCADE,
    origin TEXT NOT NULL, PRIMARY KEY ("group", member)) {without};
CREATE INDEX membership_member ON membership (member, "group");
CREATE TABLE lookup (
    resource BIGINT NOT NULL REFERENCES resource (pk) ON DELETE CASCADE, attribute BIGINT NOT NULL,
    position BIGINT NOT NULL, tenant BIGINT NOT NULL, type {key}, value {key}, number DOUBLE PRECISION,
    "primary" {bool}, PRIMARY KEY (resource, attribute, position)) {without};
CREATE INDEX lookup_value ON lookup (tenant, attribute, value, type, resource);
CREATE INDEX lookup_number ON lookup (tenant, attribute, number, resource) WHERE number IS NOT NULL;
CREATE TABLE counter (
    tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, type TEXT NOT NULL, shard BIGINT NOT NULL,
    total BIGINT NOT NULL, PRIMARY KEY (tenant, type, shard));
CREATE TABLE pending_email (
    "user" BIGINT PRIMARY KEY REFERENCES resource (pk) ON DELETE CASCADE, tenant BIGINT NOT NULL, address TEXT NOT NULL,
    offered TEXT NOT NULL, dismissed TEXT);
CREATE INDEX pending_email_tenant ON pending_email (tenant);
CREATE TABLE log_entry (
    pk {pk}, tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, time {key} NOT NULL, level TEXT NOT NULL,
    token TEXT, client TEXT, activity TEXT, operation TEXT NOT NULL, resource_type TEXT, resource {key}, name TEXT,
    name_key {key}, status BIGINT NOT NULL, scim_type TEXT, detail TEXT, hint TEXT, changes TEXT);
CREATE INDEX log_entry_order ON log_entry (tenant, time, pk);
CREATE INDEX log_entry_resource ON log_entry (tenant, resource);
CREATE INDEX log_entry_time ON log_entry (time);
CREATE TABLE refusal (
    tenant BIGINT NOT NULL REFERENCES tenant (pk) ON DELETE CASCADE, hour TEXT NOT NULL, total BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour));
CREATE TABLE setting (name {key} PRIMARY KEY, value TEXT NOT NULL);
"""


def up(migrator: Any, db: Any) -> None:
    """Create the tables; peewee calls this with its `migrator`."""
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    for statement in _TABLES.format(**words).rstrip(";\n").split(";"):
        db.execute_sql(statement)
