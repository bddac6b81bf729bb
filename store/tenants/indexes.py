"""The indexes of a tenant's attributes, made and removed while the server runs.

An index is declared first. The fence of the log refuses a write that does not know the declaration, and the write runs
again. So when the running transactions are over, every write keeps the index up to date. Then the rows of the existing
resources are made, some hundreds in each transaction. Reads use the index when all rows are there. A removal takes the
steps in reverse: reads stop using the index first, and a read that used it meanwhile runs again.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from peewee import fn

from scim.attributes import ResourceType, Target
from scim.errors import InvalidValue, NotFound
from store.database.sweep import sweep
from store.database.transactions import Database
from store.database.write import Write
from store.filters import lookup
from store.filters.indexable import INDEXED_AT_FIRST, index_name, reason_against
from store.tables import Field, Index, Resource
from store.tenants.log import Call, Log
from store.tenants.tenants import BUILDING, COMPLETE, REMOVING, Tenant, Tenants, bump

_BRACKETS = re.compile(r"\[.*\]", re.DOTALL)

Progress = Callable[[int], object]
"""Called after each transaction with the number of its resources."""


class IndexName(NamedTuple):
    """An index by the name of the resource type and the attribute as the schema spells it."""

    type: str
    attribute: str


class Indexes:
    """The indexes of one tenant. Each change makes its entry in the provisioning log for the given `call`."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self._database = database
        # The tenant that was passed may be older than a field that was declared since.
        self._tenant = Tenants(database).get(tenant.name)
        self._log = Log(database, tenant.pk)

    def all(self) -> list[dict[str, Any]]:
        """Every index by type and attribute, with its state and for how many resources it is done."""
        query = Index.select().where(Index.tenant == self._tenant.pk).order_by(Index.type, Index.attribute)
        return self._database.read(lambda: [self._listed(row) for row in query])

    def _listed(self, row: Index) -> dict[str, Any]:
        total = self._count(row.type, 0)
        done = total if row.state == COMPLETE else total - self._count(row.type, row.position)
        return {"type": row.type, "attribute": row.attribute, "state": row.state, "done": done, "total": total}

    def _count(self, type: str, after: int) -> int:
        """The number of resources after a key."""
        later = self._of_type(type) & (Resource.pk > after)
        return int(Resource.select(fn.COUNT(Resource.pk)).where(later).scalar())

    def _of_type(self, type: str) -> Any:
        return (Resource.tenant == self._tenant.pk) & (Resource.type == type)

    def named(self, path: str, type: str | None = None) -> IndexName:
        """The index that a name in any spelling stands for; a custom field may be named without its URN. Raises
        InvalidValue if no attribute has that name, or if it cannot be indexed, with the reason."""
        types = [each for each in self._tenant.profile.types if type in (None, each.name)]
        bare = _BRACKETS.sub("", path)
        if bare != path and any(self._target(each, bare) for each in types):
            raise InvalidValue(
                f"An index is on the elements of every type: name the attribute without brackets, as in {bare}."
            )
        found = [(each, target) for each in types if (target := self._target(each, path)) is not None]
        if not found:
            raise InvalidValue(f"There is no attribute {path[:200]}: name it as a filter would.")
        reasons = [reason_against(each, target) for each, target in found]
        if None not in reasons:
            raise InvalidValue(str(reasons[0]))
        chosen, target = found[reasons.index(None)]
        return IndexName(chosen.name, index_name(target))

    def _target(self, type: ResourceType, path: str) -> Target | None:
        field = f"{self._tenant.profile.preset.fields_urn}:{path}"
        return type.targets.get(path.lower()) or type.targets.get(field.lower())

    def left(self, named: IndexName) -> int:
        """The number of resources whose rows in an index are still to be made, or to be removed."""
        row = self._database.read(lambda: self._row(named))
        at = row.position if row is not None and row.state != COMPLETE else 0
        return self._database.read(lambda: self._count(named.type, at))

    def _row(self, named: IndexName) -> Index | None:
        return Index.get_or_none(tenant=self._tenant.pk, type=named.type, attribute=named.attribute)

    def declare(self, named: IndexName, call: Call) -> None:
        """Declare an index, which every write keeps up to date from now on; call `build` after. What is left of a
        withdrawn one is purged first. Raises InvalidValue if there is a complete one."""
        self.purge(named)

        def work(write: Write) -> None:
            self.start(named)
            self._log.record(write, call, 200, [{"attribute": "index", "after": named.attribute}])

        self._database.write(work)

    def start(self, named: IndexName) -> None:
        """Declare an index in the transaction of a change that makes its own entry in the log. Raises InvalidValue if
        there is one already."""
        row = self._row(named)
        if row is None:
            # Another process may declare it at the same time; then they share the work.
            Index.insert(tenant=self._tenant.pk, state=BUILDING, **named._asdict()).on_conflict_ignore().execute()
        elif row.state == COMPLETE:
            raise InvalidValue(f"{named.attribute} is indexed already.")
        self._flag(named.attribute, indexed=True)
        bump(self._tenant.pk)

    def _flag(self, attribute: str, *, indexed: bool) -> None:
        """Store with a custom field whether it is indexed."""
        urn, _, name = attribute.rpartition(":")
        if urn == self._tenant.profile.preset.fields_urn:
            Field.update(indexed=indexed).where((Field.tenant == self._tenant.pk) & (Field.name == name)).execute()

    def build(self, named: IndexName, progress: Progress | None = None) -> None:
        """Make the rows of a declared index, from its position on. Raises NotFound if it was removed."""
        row = self._database.read(lambda: self._row(named))
        if row is None:
            raise _gone(named)
        self._database.dialect.settle()
        type = next(each for each in self._tenant.profile.types if each.name == named.type)
        target = type.targets[named.attribute.lower()]

        def make(documents: dict[int, Any]) -> None:
            lookup.erase(self._database, row.pk, documents)
            lookup.insert(self._database, (self._tenant.pk, row.pk), target, documents)

        if row.state == BUILDING:
            self._sweep(row, make, progress)
        self._database.dialect.analyze("lookup")
        if not self._database.write(lambda _: self._finish(row.pk)):
            raise _gone(named)

    def _finish(self, index: int) -> bool:
        """Let reads use an index; False if it was removed meanwhile."""
        done = Index.update(state=COMPLETE).where((Index.pk == index) & (Index.state != REMOVING)).execute()
        bump(self._tenant.pk)
        return bool(done)

    def removable(self, path: str, type: str | None = None) -> IndexName:
        """The index of that name. Raises NotFound if there is none, InvalidValue for one that every tenant has."""
        rows = [IndexName(row["type"], row["attribute"]) for row in self.all() if type in (None, row["type"])]
        targets = [self._target(each, path) for each in self._tenant.profile.types]
        # The schema may no longer have the attribute.
        spelled = {path.lower(), *(index_name(target).lower() for target in targets if target is not None)}
        named = next((row for row in rows if row.attribute.lower() in spelled), None)
        if named is None:
            raise NotFound(f"The tenant {self._tenant.name} has no index on {path[:200]}.")
        if named in INDEXED_AT_FIRST:
            raise InvalidValue(f"Every tenant has the index on {named.attribute}: clients look people up by it.")
        return named

    def withdraw(self, named: IndexName, call: Call) -> None:
        """Withdraw an index, which neither reads nor writes use from now on. Call `purge` after."""

        def work(write: Write) -> None:
            self.stop(named)
            self._log.record(write, call, 200, [{"attribute": "index", "before": named.attribute}])

        self._database.write(work)

    def stop(self, named: IndexName) -> None:
        """Withdraw an index in the transaction of a change that makes its own entry in the log."""
        of_name = (Index.type == named.type) & (Index.attribute == named.attribute) & (Index.state != REMOVING)
        Index.update(state=REMOVING, position=0).where((Index.tenant == self._tenant.pk) & of_name).execute()
        self._flag(named.attribute, indexed=False)
        bump(self._tenant.pk)

    def purge(self, named: IndexName, progress: Progress | None = None) -> None:
        """Delete the rows of a withdrawn index, from its position on, and then the index."""
        row = self._database.read(lambda: self._row(named))
        if row is None or row.state != REMOVING:
            return
        self._database.dialect.settle()
        self._sweep(row, lambda documents: lookup.erase(self._database, row.pk, documents), progress)
        of_index = (Index.pk == row.pk) & (Index.state == REMOVING)
        self._database.write(lambda _: Index.delete().where(of_index).execute())

    def _sweep(self, row: Index, work: Callable[[dict[int, Any]], None], progress: Progress | None) -> None:
        """Process the documents of all resources after the index's position."""

        def batch(_: Write, rows: list[Any]) -> None:
            work({pk: json.loads(document) for pk, document in rows})

        resources = Resource.select(Resource.pk, Resource.document).where(self._of_type(row.type))
        for count in sweep(self._database, resources, Resource.pk, batch, mark=_Mark(self._database, row)):
            if progress is not None:
                progress(count)


class _Mark:
    """The position of an index, stored in its row. Two processes that sweep for an index share the work."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._index = index

    def read(self) -> int | None:
        """The index's position, locked; None if the index was deleted or is in another state."""
        rows = Index.select(Index.position).where((Index.pk == self._index.pk) & (Index.state == self._index.state))
        row = self._database.dialect.for_update(rows).tuples().first()
        return None if row is None else int(row[0])

    def keep(self, key: int) -> None:
        """Set the position to this key."""
        Index.update(position=key).where(Index.pk == self._index.pk).execute()


def _gone(named: IndexName) -> NotFound:
    return NotFound(f"The index on {named.attribute} was removed meanwhile.")
