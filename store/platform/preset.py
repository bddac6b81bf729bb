"""Switches a tenant to another preset with all its users, or leaves all as they are.

Clients may write meanwhile, so the steps that can fail come first: check the users, set the tenant's preset, check the
users that were created in between, set the keys by which users are unique. The last step, which cannot be undone,
removes attributes that the preset forbids. A failure before it restores the previous preset. An interrupted switch is
finished by switching again.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import peewee

from scim.changes import differences
from scim.document import Document
from scim.errors import InvalidValue, Mutability, ScimError
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_USER
from scim.validation import load, with_defaults
from store.database.sweep import sweep
from store.database.transactions import Database
from store.database.write import Write
from store.resources import columns
from store.resources.users import Users
from store.settings import forget, keep, kept, note
from store.tables import Resource
from store.tables import Tenant as Row
from store.tenants.fields import Fields
from store.tenants.log import Call, Log, Outdated
from store.tenants.tenants import Tenant, Tenants, bump

_BATCH = 500
_NAMED = 10
"""How many users a refusal names."""


class _Row(NamedTuple):
    """A user as a switch reads it."""

    pk: int
    id: str
    display: str
    document: str
    identifier_key: str | None


class PresetSwitch:
    """The switch of one tenant to another preset; `call` says who acts. Raises InvalidValue for an unknown preset."""

    def __init__(self, database: Database, tenant: Tenant, preset: str, call: Call) -> None:
        if preset not in PRESETS:
            raise InvalidValue(f"There is no preset {preset[:80]}: choose one of {', '.join(PRESETS)}.")
        self._database = database
        self._tenant = tenant
        self._preset = preset
        self._call = call
        # The previous preset, while users are being switched.
        self._note = note(tenant.pk, "switch of preset")

    def run(self, also: Callable[[Write], object] = lambda _: None) -> int:
        """Switch the tenant and its users; returns how many users were changed.

        `also` runs in the transaction that sets the preset. Raises Mutability, naming users that the preset would
        refuse; the tenant keeps its preset then. Raises peewee.IntegrityError if two users had the same work e-mail
        only for a moment.
        """
        interrupted = self._database.read(lambda: kept(self._note))
        if interrupted is None and self._preset == self._tenant.profile.preset.name:
            self._database.write(also)
            return 0
        before = interrupted or self._tenant.profile.preset.name
        self._check(self._users(self._preset))
        users = self._set_preset(self._preset, before, also)
        try:
            self._check(users)
            self._set_identifiers(users)
        except (Mutability, peewee.IntegrityError):
            self._set_identifiers(self._set_preset(before, before))
            self._forget()
            self._check(self._users(self._preset))
            raise
        changed = self._rewrite(users)
        self._forget()
        return changed

    def _users(self, preset: str) -> Users:
        """The tenant's users, as if the tenant had this preset."""
        tenant = Tenants(self._database).get(self._tenant.name)
        fields = [CustomField(**field) for field in Fields(self._database, tenant).all()]
        tenant = tenant._replace(profile=profile(PRESETS[preset], fields))
        return Users(self._database, tenant, "", self._call)

    def _set_preset(self, preset: str, before: str, also: Callable[[Write], object] = lambda _: None) -> Users:
        """Set the tenant's preset, and wait for the writes that began before; returns the users under the preset."""

        def work(write: Write) -> None:
            self._database.dialect.serialize(self._tenant.pk)
            keep(self._note, before)
            Row.update(preset=preset).where(Row.pk == self._tenant.pk).execute()
            bump(self._tenant.pk)
            change = {"attribute": "preset", "before": self._tenant.profile.preset.name, "after": preset}
            Log(self._database, self._tenant.pk).record(write, self._call, 200, [change])
            also(write)

        self._database.write(work)
        self._database.dialect.settle()
        return self._users(preset)

    def _forget(self) -> None:
        self._database.write(lambda _: forget(self._note))

    def _all(self) -> Any:
        """The query for all users of the tenant."""
        shown = (Resource.pk, Resource.id, Resource.display, Resource.document, Resource.identifier_key)
        return Resource.select(*shown).where((Resource.tenant == self._tenant.pk) & (Resource.type == "User"))

    def _check(self, users: Users) -> None:
        """Raise Mutability, naming the users that the preset would refuse or that would not be unique."""
        problems: list[str] = []
        identifiers: dict[str, str] = {}
        for row in self._read():
            try:
                key = columns.identifier_key(users.tenant.profile.preset, _conformed(users, json.loads(row.document)))
            except ScimError as error:
                problems.append(f"{row.display}: {error.detail}")
                continue
            if key is not None and (other := identifiers.setdefault(key, row.id)) != row.id:
                problems.append(f'{row.display}: A user with the work e-mail "{key}" already exists (id {other}).')
        if problems:
            raise self._refusal(problems)

    def _read(self) -> Iterator[_Row]:
        after = 0
        while rows := self._page(after):
            yield from rows
            after = rows[-1].pk

    def _page(self, after: int) -> list[_Row]:
        query = self._all().where(Resource.pk > after).order_by(Resource.pk).limit(_BATCH).tuples()
        return self._database.read(lambda: [_Row(*row) for row in query.clone()])

    def _refusal(self, problems: list[str]) -> Mutability:
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        number = "1 user does" if len(problems) == 1 else f"{len(problems)} users do"
        return Mutability(f"{number} not fit the preset {self._preset}: {' '.join(problems[:_NAMED])}{more}")

    def _set_identifiers(self, users: Users) -> None:
        """Set the key that identifies each user. Clients do not see it, so the version stays. Raises IntegrityError."""

        def work(_: Write, rows: list[Any]) -> None:
            for row in map(_Row._make, rows):
                key = columns.identifier_key(users.tenant.profile.preset, json.loads(row.document))
                if key != row.identifier_key:
                    users.rows.set_keys(row.pk, {"identifier_key": key})

        for _ in sweep(self._database, self._all(), Resource.pk, work):
            pass

    def _rewrite(self, users: Users) -> int:
        """Remove what the preset forbids and add its defaults; returns how many users were changed."""
        changed, step = 0, list[int]()

        def work(write: Write, rows: list[Any]) -> None:
            # A transaction may run twice.
            step.clear()
            for row in map(_Row._make, rows):
                before = json.loads(row.document)
                after = _conformed(users, before)
                if after != before:
                    self._store(write, users, row, before, after)
                    step.append(row.pk)

        while True:
            try:
                for _ in sweep(self._database, self._all(), Resource.pk, work):
                    changed += len(step)
                return changed
            except Outdated:
                # An index or a field was declared meanwhile. The users that were rewritten already stay as they are.
                users.renew()

    def _store(self, write: Write, users: Users, row: _Row, before: Document, after: Document) -> None:
        derived = columns.derived(users.tenant.profile.preset, users.type, after)
        users.rows.update(row.pk, derived, before, after)
        call = users.call.about("User", row.id, row.display)
        users.log.record(write, call, 200, differences(before, after))


def _conformed(users: Users, before: Document) -> Document:
    """The document as a POST under the preset would store it. Raises ScimError if the preset refuses it."""
    forbidden = users.tenant.profile.preset.forbidden
    kept = {name: value for name, value in before.items() if name not in forbidden}
    after = with_defaults(users.type, load(users.type, {"schemas": [CORE_USER]} | kept).document)
    users.check_complete(after)
    return after
