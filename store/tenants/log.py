"""The provisioning log: an entry for every write, in its transaction, and for every refusal, some seconds later."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim import compare
from scim.document import dumps, shown
from scim.errors import ScimError
from scim.hints import hint
from scim.versions import Precondition
from store.database.statements import Statements, parameter
from store.database.sweep import sweep_out
from store.database.transactions import Database, instant_at, now
from store.database.write import Place, Write
from store.tables import LogEntry as Row
from store.tables import Refusal, Resource, Tenant

INFO, WARNING, ERROR = "info", "warning", "error"
LISTED = 100
"""The number of values that an entry lists; of more values it gives the number and the first ones."""

_COLUMNS = ("tenant", "time", "level", "token", "client", "activity", "operation", "resource_type", "resource", "name",
            "name_key", "status", "scim_type", "detail", "hint", "changes")  # fmt: skip
_OF_CALL = ("token", "client", "activity", "operation", "resource_type", "resource")

Entry = dict[str, Any]
"""A log entry by its columns."""


@dataclass(slots=True)
class Call:
    """The client and its request, as a log entry names them beside the outcome.

    `token` is the token's name, `activity` the client's own correlation id. `warnings` collects what was tolerated.
    `resource` and `name` are set as soon as they are known, so that a refusal can name them. `precondition` is checked
    when the resource is locked.
    """

    operation: str = ""
    token: str | None = None
    client: str | None = None
    activity: str | None = None
    resource_type: str | None = None
    resource: str | None = None
    name: str | None = None
    precondition: Precondition | None = None
    warnings: list[str] = field(default_factory=list)

    def about(self, resource_type: str, id: str, name: str) -> "Call":
        """The same call for one resource of many."""
        return replace(self, resource_type=resource_type, resource=id, name=name, warnings=[])


class Outdated(Exception):
    """The tenant was changed since the request read it; work that depends on its indexes has to be done again."""


class Log:
    """One tenant's provisioning log. `revision` is the tenant's revision that the writes are made for."""

    def __init__(self, database: Database, tenant: int, revision: int | None = None) -> None:
        self._database = database
        self._tenant = tenant
        self.revision = revision

    def record(self, write: Write, call: Call, status: int, changes: Sequence[dict[str, Any]] = ()) -> None:
        """Enter an applied write, at the end of its transaction.

        The end raises Outdated if the tenant has another revision than the write was made for. All writes pass this
        fence, so a change of a tenant waits only for running transactions, not for processes that know the old
        revision.
        """
        warnings = " ".join(dict.fromkeys(call.warnings)) or None
        level = WARNING if warnings else INFO
        listed = [{key: _bounded(value) for key, value in change.items()} for change in changes]
        text = dumps(listed) if listed else None
        row = _entry(self._tenant, call, level, status, detail=warnings, changes=text)
        write.leave(Place.LOG, _enter, (row, self.revision))

    def entries(self, *, about: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The entries as they are shown, newest first; `about` is a resource's id, userName, work e-mail or group name,
        or part of the name in an entry, in any letter case."""
        query = Row.select().where(Row.tenant == self._tenant).order_by(Row.time.desc(), Row.pk.desc()).limit(limit)
        if about is not None:
            # Entries show the display name, which may differ from these.
            called = Resource.name_key.in_((compare.user_name(about), compare.group_name(about)))
            called = (Resource.tenant == self._tenant) & (called | (Resource.identifier_key == compare.email(about)))
            of_one = (Row.resource == about) | Row.resource.in_(Resource.select(Resource.id).where(called))
            query = query.where(of_one | Row.name_key.contains(compare.folded(about)))
        return self._database.read(lambda: [_shown(row) for row in query])


def refusal(tenant: int, call: Call, error: ScimError) -> Entry:
    """The entry for a request that is refused now."""
    values = {"scim_type": error.scim_type, "detail": error.detail, "hint": hint(error.hint)}
    return _entry(tenant, call, ERROR, error.status, **values)


def unauthenticated(tenant: int, time: str) -> Entry:
    """The entry for requests without a valid token."""
    call = Call(operation="authenticate")
    detail = "Requests without a valid token were refused."
    return _entry(tenant, call, ERROR, 401, detail=detail, hint=hint("token")) | {"time": time}


def left_out(count: int, last: Entry) -> Entry:
    """The entry for refusals that were too many to be entered one by one; `last` is the last of them."""
    call = Call(operation="refusals")
    more = "1 more request was" if count == 1 else f"{count} more requests were"
    detail = f"{more} refused than could be logged; the last one had this status."
    return _entry(last["tenant"], call, ERROR, last["status"], detail=detail) | {"time": last["time"]}


def named(entry: Entry, name: str | None) -> Entry:
    """The entry with the name of its resource."""
    return entry | {"name": name, "name_key": None if name is None else compare.folded(name)}


def _entry(tenant: int, call: Call, level: str, status: int, **values: Any) -> Entry:
    row = dict.fromkeys(_COLUMNS) | values
    row |= {"tenant": tenant, "time": now(), "level": level, "status": int(status)}
    row |= {name: getattr(call, name) for name in _OF_CALL}
    return named(row, call.name)


def _enter(statements: Statements, recorded: Sequence[tuple[Entry, int | None]]) -> None:
    """Enter the writes of one transaction, each given with the revision that it was made for; compare the revisions.

    The last entry's statement returns the revision, so the fence needs no statement of its own. It is None if the
    tenant was deleted.
    """
    *others, last = [entry for entry, _ in recorded]
    if others:
        statements.get("log entries", insert_entries).many(others)
    (revision,) = statements.get("log entry", _insert_query)(**last).fetchone()
    if any(made_for not in (None, revision) for _, made_for in recorded):
        raise Outdated


def prune(database: Database, days: int, batch: int = 2_000) -> Iterator[int]:
    """Delete entries, and counts of requests without a valid token, that are older; of all tenants. Yields the number
    of deleted rows after each transaction."""
    oldest = instant_at(time.time() - days * 86_400)
    yield from sweep_out(database, Row, Row.time < oldest, Row.time, batch=batch)
    counts = Refusal.delete().where(Refusal.hour < oldest[:13])
    yield database.write_aside(lambda _: int(counts.execute(database.db)))


def _insert_query() -> Any:
    revision = Tenant.select(Tenant.revision).where(Tenant.pk == parameter("tenant"))
    return insert_entries().returning(revision)


def insert_entries() -> Any:
    """The statement that inserts an entry, with a parameter for each column."""
    return Row.insert({name: parameter(name) for name in _COLUMNS})


def _bounded(value: Any) -> Any:
    """A value of a change; a long list is cut."""
    is_long = isinstance(value, list) and len(value) > LISTED
    return {"count": len(value), "first": value[:LISTED]} if is_long else value


def _shown(row: Row) -> dict[str, Any]:
    """An entry with the names of the log's output."""
    entry = {
        "time": shown(row.time), "level": row.level, "operation": row.operation, "status": row.status,
        "resourceType": row.resource_type, "resource": row.resource, "name": row.name, "scimType": row.scim_type,
        "detail": row.detail, "hint": row.hint, "changes": json.loads(row.changes) if row.changes else None,
        "token": row.token, "client": row.client, "activity": row.activity,
    }  # fmt: skip
    return {key: value for key, value in entry.items() if value is not None}
