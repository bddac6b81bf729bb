"""Groups as an export writes them: with their parent and the origin of memberships, which clients do not see."""

from collections.abc import Sequence
from typing import Any

from scim.document import quoted
from store.database.statements import parameter
from store.database.transactions import Database
from store.resources.groups import GroupTexts
from store.resources.reading import Stored
from store.tables import Resource


class ExportedGroups(GroupTexts):
    """The texts of groups, each with `parent` and with the `origin` of its members."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parents: dict[int, str] = {}

    def begin(self, rows: Sequence[Stored]) -> None:
        """Read the ids of the parents of a page's groups."""
        dialect = self._database.dialect
        statement = self._database.statement("parents to export", lambda: _parents_query(dialect))
        self._parents = dict(statement(pks=dialect.list_of([row.pk for row in rows])).fetchall())

    def member(self, id: str, type: str, display: str, origin: str) -> str:
        return f'{{"value":"{id}","type":"{type}","display":{quoted(display)},"origin":"{origin}"}}'

    def around(self, row: Stored, members: str | None) -> str | None:
        parent = self._parents.get(row.pk)
        if parent is None:
            return members
        return f'{"" if members is None else f"{members},"}"parent":"{parent}"'


def _parents_query(dialect: Any) -> Any:
    """The ids of the parents of these groups."""
    above = Resource.alias("above")
    query = Resource.select(Resource.pk, above.id).join(above, on=(above.pk == Resource.parent))
    return query.where(dialect.one_of(Resource.pk, parameter("pks")))
