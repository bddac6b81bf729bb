"""Groups as the platform side changes them: members by hand, and the parent, which SCIM does not see."""

from collections.abc import Callable, Sequence

from peewee import SQL

from scim.errors import InvalidValue
from scim.members import MemberChange
from store.database.transactions import now
from store.database.write import Write
from store.resources.groups import Groups
from store.resources.members import MANUAL, Memberships
from store.tables import Resource


class PlatformGroups(Groups):
    """The groups of one tenant, changed by people. `create`, `patch` and `delete` are those of SCIM."""

    def add_members(self, id: str, members: Sequence[str]) -> bool:
        """Make the users and groups with these ids members by hand, whom a client's replace leaves alone.

        Returns whether any of them was new. Raises NotFound, or InvalidValue for unknown ids and for a cycle.
        """
        return self._change(id, lambda memberships: memberships.add(members, MANUAL))

    def remove_members(self, id: str, members: Sequence[str]) -> bool:
        """Remove the members with these ids, wherever the memberships came from; whether any of them was one."""
        return self._change(id, lambda memberships: memberships.apply(MemberChange("remove", tuple(members))))

    def _change(self, id: str, change: Callable[[Memberships], None]) -> bool:
        self.about(id)

        def work(write: Write) -> bool:
            row = self._locked(id)
            memberships = self._memberships(row.pk)
            change(memberships)
            document = self._document(row)
            return self._save(write, row, document, document, frozenset(), memberships.changes, 200)

        return self._written(work)

    def set_parent(self, id: str, parent: str | None) -> bool:
        """Put the group with this id below another one, or below none; whether that changed anything.

        Raises NotFound for an unknown id, InvalidValue where the group would come to be above itself.
        """
        self.about(id)
        return self._written(lambda write: self._set_parent(write, id, parent))

    def _set_parent(self, write: Write, id: str, parent: str | None) -> bool:
        # Two people who each put one group below the other would lock different rows, and pass each other by.
        self._dialect.serialize(self.tenant.pk)
        row = self._locked(id)
        above = None if parent is None else self._found(parent)
        if above is not None:
            self._refuse_cycle(row.pk, above.pk)
        before, before_name = self._parent(row.pk)
        after = None if above is None else above.pk
        if before != after:
            changed = {Resource.parent: after, Resource.version: Resource.version + 1, Resource.modified: now()}
            Resource.update(changed).where(Resource.pk == row.pk).execute()
        names = {"before": before_name, "after": None if above is None else self._display(self._document(above))}
        change = {"attribute": "parent"} | {when: name for when, name in names.items() if name is not None}
        self.log.record(write, self.call, 200, [change] if before != after else [])
        return before != after

    def parent_of(self, id: str) -> str | None:
        """The id of the group's parent, None where it has none."""
        above = Resource.alias("above")
        query = above.select(above.id).join(Resource, on=(above.pk == Resource.parent))
        row = query.where((Resource.tenant == self.tenant.pk) & (Resource.id == id)).tuples().first()
        return None if row is None else str(row[0])

    def _parent(self, pk: int) -> tuple[int | None, str | None]:
        """The key and the name of a group's parent."""
        above = Resource.alias("above")
        query = above.select(above.pk, above.display).join(Resource, on=(above.pk == Resource.parent))
        return query.where(Resource.pk == pk).tuples().first() or (None, None)

    def _refuse_cycle(self, group: int, parent: int) -> None:
        """A group above itself would have no place."""
        seed = Resource.select(Resource.pk, Resource.parent).where(Resource.pk == parent)
        above = seed.cte("above", recursive=True, columns=("reached", "next"))
        step = Resource.select(Resource.pk, Resource.parent).join(above, on=(Resource.pk == above.c.next))
        above = above.union(step)
        if above.select_from(SQL("1")).where(above.c.reached == group).limit(1).tuples().first() is not None:
            raise InvalidValue("A group cannot be below itself, directly or through other groups.")
