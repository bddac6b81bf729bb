"""Groups as an export writes them: with what clients do not see, their parent and where memberships came from."""

from collections.abc import Sequence
from typing import Any

from scim.document import quoted
from scim.projection import Projection
from store.database.statements import parameter
from store.resources.groups import Groups
from store.resources.reading import Stored
from store.tables import Resource


class ExportGroups(Groups):
    """The groups of one tenant, each with `parent` and with the `origin` of its members."""

    _parents: dict[int, str]
    """The ids of the parents of the groups of the page that is being written."""

    def _computed(self, rows: Sequence[Stored], projection: Projection | None) -> dict[int, str]:
        statement = self._database.statement("parents to export", lambda: _parents_query(self._dialect))
        self._parents = dict(statement(pks=self._dialect.list_of([row.pk for row in rows])).fetchall())
        return super()._computed(rows, projection)

    def _member(self, id: str, type: str, display: str, origin: str) -> str:
        return f'{{"value":"{id}","type":"{type}","display":{quoted(display)},"origin":"{origin}"}}'

    def _whole_text(self, row: Stored, computed: str | None, projection: Projection | None) -> str:
        parent = self._parents.get(row.pk)
        if parent is not None:
            computed = f'{"" if computed is None else f"{computed},"}"parent":"{parent}"'
        return super()._whole_text(row, computed, projection)


def _parents_query(dialect: Any) -> Any:
    """The ids of the groups that these are below."""
    above = Resource.alias("above")
    query = Resource.select(Resource.pk, above.id).join(above, on=(above.pk == Resource.parent))
    return query.where(dialect.one_of(Resource.pk, parameter("pks")))
