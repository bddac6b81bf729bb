"""Fills a database with a directory, with the columns that a POST writes, in batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from peewee import Model, PostgresqlDatabase, SqliteDatabase, Value

from bench.directories import Directory, user_body
from scim.validation import load, with_defaults
from store import lookups
from store.database import Database, now
from store.groups import Groups
from store.journal import Call
from store.models import Counter, Lookup, Membership, Resource
from store.tenants import Tenants
from store.tokens import Tokens
from store.users import Users

_BATCH = 10_000
_KINDS = 100
_TEMPLATE = 9_876_543_200
"""The number in the templates that stands for a user's own."""

Row = dict[str, Any]


def fill(url: str, directories: Iterable[Directory], preset: str = "360learning") -> dict[str, str]:
    """Make the tables and the directories; the tokens by tenant."""
    database = Database(url)
    database.migrate()
    if isinstance(database.db, SqliteDatabase):
        for pragma in ("synchronous = off", "cache_size = -500000"):
            database.db.execute_sql(f"PRAGMA {pragma}")
    tokens, after = {}, 0
    for directory in directories:
        tokens[directory.tenant] = _Filling(database, directory, preset, after).run()
        after += directory.users + directory.teams + len(directory.large)
    if isinstance(database.db, PostgresqlDatabase):
        database.db.execute_sql("SELECT setval('resource_pk_seq', %s)", (after + 1,))
        database.db.execute_sql("VACUUM ANALYZE")
    else:
        database.db.execute_sql("PRAGMA wal_checkpoint(truncate)")
    database.close()
    return tokens


class _Filling:
    """One directory on its way into one database. Keys count on from `after`."""

    def __init__(self, database: Database, directory: Directory, preset: str, after: int) -> None:
        self.database = database
        self.directory = directory
        self.tenant = Tenants(database).create(directory.tenant, preset)
        self.first = after + 1
        self.time = now()
        self.users = Users(database, self.tenant, "", Call())
        self.groups = Groups(database, self.tenant, "", Call())

    def run(self) -> str:
        """Write everything; returns a token."""
        directory, group = self.directory, self.first + self.directory.users
        self._write(Resource, self._user_rows())
        self._write(Resource, (self._group_row(number) for number in range(directory.teams + len(directory.large))))
        pairs = ((group + team, self.first + user) for team, user in directory.memberships())
        self._write(Membership, ({"group": team, "member": user, "origin": "scim"} for team, user in pairs))
        self._write(Lookup, self._lookup_rows())
        totals = {"User": directory.users, "Group": directory.teams + len(directory.large)}
        for type, total in totals.items():
            Counter.insert(tenant=self.tenant.pk, type=type, shard=0, total=total).execute()
        return Tokens(self.database, self.tenant.pk).create("bench")

    def _write(self, model: type[Model], rows: Iterator[Row]) -> None:
        """Insert rows, a transaction a batch; the statement is peewee's, and run many times."""
        while batch := list(islice(rows, _BATCH)):
            query = model.insert({getattr(model, name): Value(name, converter=False) for name in batch[0]})
            sql, names = query.sql()
            with self.database.db.atomic():
                self.database.db.cursor().executemany(sql, [[row[name] for name in names] for row in batch])

    def _template(self, number: int) -> tuple[Row, list[Row]]:
        """The columns and lookups of a user whose number is to be replaced by others of its kind."""
        body = user_body(_TEMPLATE + number)
        document = with_defaults(self.users.type, load(self.users.type, body, []))
        checked, _ = self.users._checked(None, {}, document, frozenset())
        indexes = self.tenant.indexes["User"].items()
        found = [
            row | {"attribute": attribute}
            for name, attribute in indexes
            for row in lookups.rows(self.users.type.targets[name.lower()], checked)
        ]
        return self.users._columns(checked), found

    def _user_rows(self) -> Iterator[Row]:
        kinds = [self._template(number)[0] for number in range(_KINDS)]
        for number in range(self.directory.users):
            manager = self.directory.manager(number)
            yield (
                _replaced(kinds[number % _KINDS], number)
                | self._common("User", number)
                | {
                    "id": self.directory.user_id(number),
                    "manager": None if manager is None else self.first + manager,
                }
            )

    def _group_row(self, number: int) -> Row:
        document = {"displayName": f"{self.directory.tenant} group {number}", "externalId": f"group-{number}"}
        own = {"id": self.directory.group_id(number)}
        return self.groups._columns(document) | self._common("Group", self.directory.users + number) | own

    def _common(self, type: str, number: int) -> Row:
        return {
            "pk": self.first + number, "tenant": self.tenant.pk, "type": type, "version": 1, "created": self.time,
            "modified": self.time,
        }  # fmt: skip

    def _lookup_rows(self) -> Iterator[Row]:
        kinds = [self._template(number)[1] for number in range(_KINDS)]
        for number in range(self.directory.users):
            for row in kinds[number % _KINDS]:
                yield _replaced(row, number) | {"resource": self.first + number, "tenant": self.tenant.pk}


def _replaced(row: Row, number: int) -> Row:
    """The row with the template's number replaced by a user's own."""
    old, new = f"{_TEMPLATE + number % _KINDS:010}", f"{number:010}"
    return {name: value.replace(old, new) if isinstance(value, str) else value for name, value in row.items()}
