"""The tables as peewee models; store/migrations creates them."""

from typing import Any

from peewee import (
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    DatabaseProxy,
    FloatField,
    Model,
    TextField,
)

proxy = DatabaseProxy()
"""The database of the models, set by `Database.use`."""


class JSONTextField(TextField):
    """JSON that is text in Python. The column is TEXT on SQLite and JSONB on Postgres, where filters read single values
    from it quickly."""

    field_type = "JSONB"

    def as_text(self) -> Any:
        """The whole column as text, for reading: psycopg would parse JSONB, with numbers as doubles."""
        return self.cast("text")


class Table(Model):
    """The base of all tables. Keys are integers that the database assigns, ids are UUIDs that the store assigns."""

    pk = BigAutoField()

    class Meta:
        database = proxy
        legacy_table_names = False


class Tenant(Table):
    """One isolated directory. `revision` counts changes of its preset, custom fields and indexes."""

    name = TextField()
    preset = TextField()
    revision = BigIntegerField(default=1)
    created = TextField()
    integration_group = BigIntegerField(null=True)
    first_contact = TextField(null=True)
    last_contact = TextField(null=True)


class Token(Table):
    """A bearer token of a tenant; only its SHA-256 digest is stored."""

    tenant = BigIntegerField()
    name = TextField()
    digest = TextField()
    scope = TextField()
    created = TextField()
    expires = TextField(null=True)
    revoked = TextField(null=True)
    last_used = TextField(null=True)


class Field(Table):
    """A custom field declared for a tenant."""

    tenant = BigIntegerField()
    name = TextField()
    name_key = TextField()
    type = TextField()
    description = TextField(default="")
    indexed = BooleanField(default=False)


class Index(Table):
    """An index on an attribute of a tenant, whose values are in `lookup`. store/tenants/tenants.py has the states;
    `position` is the key of the last resource whose rows were made, or removed."""

    tenant = BigIntegerField()
    type = TextField()
    attribute = TextField()
    state = TextField(default="complete")
    position = BigIntegerField(default=0)


class Resource(Table):
    """A user or group: its document as it is sent, the document's keys, and columns that are searched or unique.

    Both share one table: ids are unique over all resources (RFC 7643 §3.1), a member is either a user or a group
    (RFC 7643 §4.2), and the root endpoint searches both (RFC 7644 §3.4.2.1).
    """

    id = TextField()
    tenant = BigIntegerField()
    type = TextField()
    version = BigIntegerField(default=1)
    created = TextField()
    modified = TextField()
    document = TextField()
    keys = JSONTextField()
    name_key = TextField()
    identifier_key = TextField(null=True)
    external_key = TextField(null=True)
    given_key = TextField(null=True)
    family_key = TextField(null=True)
    active = BooleanField(null=True)
    display = TextField()
    display_key = TextField()
    manager = BigIntegerField(null=True)
    parent = BigIntegerField(null=True)


class Membership(Table):
    """A member of a group and the origin of the membership: `scim` or `manual`."""

    group = BigIntegerField()
    member = BigIntegerField()
    origin = TextField()

    class Meta:
        primary_key = CompositeKey("group", "member")


class Lookup(Table):
    """One element of an indexed multi-valued attribute, or the value of an indexed singular one, as keys."""

    resource = BigIntegerField()
    attribute = BigIntegerField()
    position = BigIntegerField()
    tenant = BigIntegerField()
    type = TextField(null=True)
    value = TextField(null=True)
    number = FloatField(null=True)
    primary = BooleanField(null=True)

    class Meta:
        primary_key = CompositeKey("resource", "attribute", "position")


class Counter(Table):
    """The number of a tenant's resources of a type, as the sum of a few rows, so that parallel creates do not queue for
    one row."""

    tenant = BigIntegerField()
    type = TextField()
    shard = BigIntegerField()
    total = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("tenant", "type", "shard")


class PendingEmail(Table):
    """The latest work e-mail that a client sent for a user and that was not applied."""

    user = BigIntegerField(primary_key=True)
    tenant = BigIntegerField()
    address = TextField()
    offered = TextField()
    dismissed = TextField(null=True)


class LogEntry(Table):
    """One entry of a tenant's provisioning log."""

    tenant = BigIntegerField()
    time = TextField()
    level = TextField()
    token = TextField(null=True)
    client = TextField(null=True)
    activity = TextField(null=True)
    operation = TextField()
    resource_type = TextField(null=True)
    resource = TextField(null=True)
    name = TextField(null=True)
    name_key = TextField(null=True)
    status = BigIntegerField()
    scim_type = TextField(null=True)
    detail = TextField(null=True)
    hint = TextField(null=True)
    changes = TextField(null=True)


class Refusal(Table):
    """The number of requests without a valid token that a tenant's endpoint refused in one hour."""

    tenant = BigIntegerField()
    hour = TextField()
    total = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("tenant", "hour")


class Setting(Table):
    """A value of the server itself, such as its secret key."""

    name = TextField(primary_key=True)
    value = TextField()
