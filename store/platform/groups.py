"""Changes of groups on the platform side: members by hand, and the parent, which SCIM clients do not see."""

from collections.abc import Callable, Sequence
from typing import Any

from peewee import SQL

from scim.errors import InvalidValue
from scim.members import MemberChange
from store.database.statements import parameter
from store.database.write import Write
from store.resources.groups import Groups
from store.resources.members import MANUAL, Memberships
from store.tables import Resource


class PlatformGroups:
    """The groups of one tenant, for changes on the platform side. Their call says who acts."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    def add_members(self, id: str, members: Sequence[str]) -> bool:
        """Make the users and groups with these ids members by hand, which stay when a client replaces the members.

        Returns whether any of them is new. Raises NotFound, or InvalidValue for unknown ids and for a cycle.
        """
        return self._change(id, lambda memberships: memberships.add(members, MANUAL))

    def remove_members(self, id: str, members: Sequence[str]) -> bool:
        """Remove the members with these ids, wherever the memberships came from; returns whether there were any."""
        return self._change(id, lambda memberships: memberships.apply(MemberChange("remove", tuple(members))))

    def _change(self, id: str, change: Callable[[Memberships], None]) -> bool:
        self.groups.about(id)

        def work(write: Write) -> bool:
            row = self.groups.locked(id)
            memberships = self.groups.memberships(row.pk)
            change(memberships)
            document = self.groups.document(row)
            saved = self.groups.store(write, row, document, document, row.links, memberships.changes)
            return saved.version != row.version

        return self.groups.run(work)

    def set_parent(self, id: str, parent: str | None) -> bool:
        """Put the group with this id below another one, or below none; returns whether that changed anything.

        Raises NotFound for an unknown id, InvalidValue if the group would be above itself.
        """
        self.groups.about(id)
        return self.groups.run(lambda write: self.set_parent_within(write, id, parent))

    def set_parent_within(self, write: Write, id: str, parent: str | None) -> bool:
        """The same as a part of a transaction."""
        # Two calls that put two groups below each other lock different rows, so one has to wait for the other here.
        self.groups.database.dialect.serialize(self.groups.tenant.pk)
        row = self.groups.locked(id)
        above = None if parent is None else self.groups.found(parent)
        if above is not None:
            self._refuse_cycle(row.pk, above.pk)
        before, _, before_name = self._parent(Resource.pk == row.pk)
        after, after_name = (None, None) if above is None else (above.pk, above.display)
        if before != after:
            self.groups.rows.update(row.pk, {"parent": after})
        names = {"before": before_name, "after": after_name}
        change = {"attribute": "parent"} | {when: name for when, name in names.items() if name is not None}
        self.groups.log.record(write, self.groups.call, 200, [change] if before != after else [])
        return before != after

    def parent_of(self, id: str) -> str | None:
        """The id of the group's parent, None if it has none."""
        return self._parent((Resource.tenant == self.groups.tenant.pk) & (Resource.id == id))[1]

    def _parent(self, chosen: Any) -> tuple[int | None, str | None, str | None]:
        """The key, the id and the name of the parent of the group that satisfies the condition."""
        above = Resource.alias("above")
        query = above.select(above.pk, above.id, above.display).join(Resource, on=(above.pk == Resource.parent))
        return query.where(chosen).tuples().first() or (None, None, None)

    def _refuse_cycle(self, group: int, parent: int) -> None:
        """Raise InvalidValue if the parent is the group itself or below it."""
        found = self.groups.database.statement("groups above one", _above_query)(parent=parent, group=group)
        if found.fetchone() is not None:
            raise InvalidValue("A group cannot be below itself, directly or through other groups.")


def _above_query() -> Any:
    seed = Resource.select(Resource.pk, Resource.parent).where(Resource.pk == parameter("parent"))
    above = seed.cte("above", recursive=True, columns=("reached", "next"))
    step = Resource.select(Resource.pk, Resource.parent).join(above, on=(Resource.pk == above.c.next))
    above = above.union(step)
    return above.select_from(SQL("1")).where(above.c.reached == parameter("group")).limit(1)
