"""Tenants with their presets, and the lookup of a tenant by its token."""

import re
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import peewee
from peewee import JOIN

from scim import compare
from scim.errors import InvalidValue, NotFound, Unavailable, Uniqueness
from scim.preset import PRESETS, CustomField, Profile, profile
from store.database.bounded import Bounded
from store.database.statements import parameter
from store.database.transactions import Database, now
from store.database.write import Write
from store.filters.indexable import INDEXED_AT_FIRST
from store.tables import Counter, Field, Index, Resource, Token
from store.tables import Tenant as Row
from store.tenants.log import Call, Log

TENANT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""The form of a tenant's name, which is a segment of its Endpoint URL."""

BUILDING, COMPLETE, REMOVING = "building", "complete", "removing"
"""The states of an index: writes keep it up to date, but reads do not use it yet; reads use it; its rows are being
deleted."""

CHANGED = "The tenant was changed while this request was running: it was not applied, and may be sent again."

WEIGHT, HELD = 100, 100_000
"""The weight of a tenant without custom fields, and the weight that a worker's caches hold at most, 80 MB; both in
fields."""

_OF_TENANT = (Row.pk, Row.name, Row.preset, Row.revision, Row.integration_group)

IndexNumbers = dict[str, dict[str, int]]
"""The numbers of indexes by resource type and attribute."""


class Tenant(NamedTuple):
    """A tenant with its preset, fields and indexes: reads use `indexes`, writes keep those in `kept` up to date."""

    pk: int
    name: str
    revision: int
    profile: Profile
    indexes: IndexNumbers
    integration_group: int | None
    kept: IndexNumbers

    @property
    def weight(self) -> int:
        """The memory that the tenant takes, in custom fields."""
        return WEIGHT + sum(len(schema.attributes) for schema in self.profile.user.extensions)


class Access(NamedTuple):
    """A token that is not revoked, with its tenant."""

    tenant: Tenant
    token: int
    name: str
    scope: str
    expires: str | None


class Tenants:
    """All tenants of a database. A tenant is cached until its revision changes, a token for `trusted` seconds, so that
    requests of a busy client need no statement for it."""

    def __init__(self, database: Database, trusted: float = 0.0) -> None:
        self._database = database
        self._trusted = trusted
        self._tenants: Bounded[int, Tenant] = Bounded(HELD)
        self._tokens: Bounded[tuple[str, str], tuple[float, Access]] = Bounded(HELD)

    def access(self, tenant: str, digest: str) -> Access | None:
        """The tenant's token with this SHA-256 digest (hexadecimal), None if there is none or it is revoked."""
        known = self._tokens.get((tenant, digest))
        if known is not None and known[0] > time.monotonic():
            return known[1]
        statement = self._database.statement("access", _access_query)
        row = self._database.read(lambda: statement(digest=digest, tenant=tenant).fetchone())
        if row is None:
            return None
        token, name, scope, expires, *of_tenant = row
        access = Access(self._tenant(of_tenant), token, name, scope, expires)
        if self._trusted:
            # A cached token keeps a tenant in memory, so it has the tenant's weight.
            self._tokens.put((tenant, digest), (time.monotonic() + self._trusted, access), access.tenant.weight)
        return access

    def get(self, name: str) -> Tenant:
        """The tenant of that name. Raises NotFound."""
        # A tenant that is being deleted has a name that cannot occur in a URL.
        query: Any = Row.select(*_OF_TENANT).where(Row.name == name).tuples()
        row = self._database.read(query.first) if TENANT_NAME.fullmatch(name) else None
        if row is None:
            raise NotFound(f"There is no tenant {name[:80]}.")
        return self._tenant(row)

    def create(self, name: str, preset: str, *, call: Call, within: Write | None = None) -> Tenant:
        """Create a tenant. Raises InvalidValue for an invalid name or preset, Uniqueness for a name in use."""
        if TENANT_NAME.fullmatch(name) is None:
            raise InvalidValue(
                f'The tenant name "{name[:80]}" cannot be part of a URL: use 1 to 63 lowercase letters, digits and'
                " hyphens."
            )
        if preset not in PRESETS:
            raise InvalidValue(f"There is no preset {preset[:80]}: choose one of {', '.join(PRESETS)}.")

        def work(write: Write) -> None:
            pk = Row.insert(name=name, preset=preset, created=now(), revision=1).execute()
            first = [{"tenant": pk, "type": type, "attribute": attribute} for type, attribute in INDEXED_AT_FIRST]
            Index.insert_many(first).execute()
            changes = [{"attribute": "tenant", "after": name}, {"attribute": "preset", "after": preset}]
            Log(self._database, pk).record(write, call, 200, changes)

        try:
            self._database.write(work, within)
        except peewee.IntegrityError as error:
            raise Uniqueness(f"There is a tenant {name} already.") from error
        return self.get(name)

    def all(self) -> list[dict[str, Any]]:
        """All tenants with their numbers of users and groups, by name."""
        joined = Row.select(Row, Resource.display.alias("joins"))
        joined = joined.join(Resource, JOIN.LEFT_OUTER, on=(Resource.pk == Row.integration_group)).order_by(Row.name)
        of_type = (Counter.tenant, Counter.type)
        totals: Any = Counter.select(*of_type, peewee.fn.SUM(Counter.total)).group_by(*of_type).tuples()

        def work() -> list[dict[str, Any]]:
            counted = {(tenant, type): int(total) for tenant, type, total in totals}
            return [_listed(row, counted) for row in joined.objects()]

        return self._database.read(work)

    def _tenant(self, row: Sequence[Any]) -> Tenant:
        """The tenant with these values of the columns `_OF_TENANT`."""
        pk, _, _, revision, integration_group = row
        known = self._tenants.get(pk)
        if known is not None and known.revision == revision and known.integration_group == integration_group:
            return known
        tenant = self._database.read(lambda: self._read(*row))
        self._tenants.put(pk, tenant, tenant.weight)
        return tenant

    def _read(self, pk: int, name: str, preset: str, revision: int, integration_group: int | None) -> Tenant:
        # Tuples, since a tenant may have thousands of fields and peewee is slow at making objects.
        declared = Field.select(Field.name, Field.type, Field.description, Field.indexed).where(Field.tenant == pk)
        fields: Any = declared.order_by(Field.pk).tuples()
        rows = list(Index.select().where(Index.tenant == pk))
        found = profile(PRESETS[preset], [CustomField(*row) for row in fields])
        indexes, kept = (_numbers(found, rows, states) for states in ({COMPLETE}, {COMPLETE, BUILDING}))
        return Tenant(pk, name, revision, found, indexes, integration_group, kept)


def _listed(row: Any, counted: Mapping[tuple[int, str], int]) -> dict[str, Any]:
    users, groups = (counted.get((row.pk, type), 0) for type in ("User", "Group"))
    return {
        "name": row.name, "preset": row.preset, "users": users, "groups": groups, "integrationGroup": row.joins,
        "created": row.created, "firstContact": row.first_contact, "lastContact": row.last_contact,
    }  # fmt: skip


def _numbers(found: Profile, rows: Iterable[Index], states: Container[str]) -> IndexNumbers:
    """The indexes in one of these states."""
    chosen = [row for row in rows if row.state in states]
    return {type.name: {row.attribute: row.pk for row in chosen if row.type == type.name} for type in found.types}


def _access_query() -> Any:
    in_force = (Token.digest == parameter("digest")) & Token.revoked.is_null() & (Row.name == parameter("tenant"))
    query = Row.select(Token.pk, Token.name, Token.scope, Token.expires, *_OF_TENANT)
    return query.join(Token, on=(Token.tenant == Row.pk)).where(in_force)


def renewed(database: Database, tenant: Tenant) -> Tenant:
    """The current state of a tenant that was changed since the request was checked. Raises Unavailable if the request
    has to be checked again: if an attribute was removed or has another type, if the preset was changed, or if the name
    now belongs to another tenant."""
    found = Tenants(database).get(tenant.name)
    before, after = (each.profile.user.targets for each in (tenant, found))
    known = all(name in after and after[name].attribute.type == before[name].attribute.type for name in before)
    if not known or (found.pk, found.profile.preset) != (tenant.pk, tenant.profile.preset):
        raise Unavailable(CHANGED, headers={"Retry-After": "1"})
    return found


def bump(tenant: int) -> None:
    """Invalidate the caches of a tenant in all workers; inside the transaction of the change."""
    Row.update(revision=Row.revision + 1).where(Row.pk == tenant).execute()


def set_integration_group(write: Write, database: Database, tenant: Tenant, name: str | None, call: Call) -> None:
    """Set the integration group, which new users join, by its name; None for no group. Raises NotFound."""
    group = None if name is None else _group(database, tenant, name)
    Row.update(integration_group=group).where(Row.pk == tenant.pk).execute()
    Log(database, tenant.pk).record(write, call, 200, [{"attribute": "integration group", "after": name}])


def _group(database: Database, tenant: Tenant, name: str) -> int:
    """The key of a group, which is locked so that it cannot be deleted meanwhile."""
    of_tenant = (Resource.tenant == tenant.pk) & (Resource.type == "Group")
    query = Resource.select(Resource.pk).where(of_tenant & (Resource.name_key == compare.group_name(name)))
    try:
        return int(database.dialect.for_update(query).tuples().get()[0])
    except peewee.DoesNotExist as error:
        raise NotFound(f"The tenant {tenant.name} has no group {name[:200]}.") from error
