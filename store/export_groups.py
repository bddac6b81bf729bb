"""Groups as an export writes them: with what clients do not see, their parent and where memberships came from."""

from collections.abc import Sequence
from typing import Any

from scim.document import dumps
from scim.projection import Projection
from store.compiled import parameter
from store.groups import Groups
from store.models import Membership, Resource


class ExportGroups(Groups):
    """The groups of one tenant, each with `parent` and with the `origin` of its members."""

    def _computed(self, pks: Sequence[int], projection: Projection | None) -> dict[int, list[tuple[str, str]]]:
        members: dict[int, list[dict[str, str]]] = {}
        for pk, id, type, display, origin in self._listed("members to export", _members_query, pks):
            members.setdefault(pk, []).append({"value": id, "type": type, "display": display, "origin": origin})
        computed = {pk: [("members", dumps(listed))] for pk, listed in members.items()}
        for pk, parent in self._listed("parents to export", _parents_query, pks):
            computed.setdefault(pk, []).append(("parent", dumps(parent)))
        return computed

    def _listed(self, name: str, query: Any, pks: Sequence[int]) -> Any:
        statement = self._database.statement(name, lambda: query(self._dialect))
        return statement(pks=self._dialect.list_of(pks)).fetchall()


def _members_query(dialect: Any) -> Any:
    """Who is in these groups, those who came first first."""
    member = Resource.alias("member_row")
    query = Membership.select(Membership.group, member.id, member.type, member.display, Membership.origin)
    query = query.join(member, on=(member.pk == Membership.member))
    return query.where(dialect.one_of(Membership.group, parameter("pks"))).order_by(Membership.group, Membership.member)


def _parents_query(dialect: Any) -> Any:
    """The ids of the groups that these are below."""
    above = Resource.alias("above")
    query = Resource.select(Resource.pk, above.id).join(above, on=(above.pk == Resource.parent))
    return query.where(dialect.one_of(Resource.pk, parameter("pks")))
