"""Another preset for a tenant that has users: every one of them is brought to the new rules, or nothing changes."""

from scim import identity
from scim.document import Document
from scim.errors import InvalidValue, Mutability, ScimError
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_USER
from scim.validation import load, with_defaults
from store.database.statements import parameter
from store.database.transactions import Database
from store.database.write import Write
from store.filters.where import ROW
from store.resources import columns
from store.resources.reading import Stored
from store.resources.users import Users
from store.tables import Tenant as Row
from store.tenants.fields import Fields
from store.tenants.log import Call
from store.tenants.tenants import Tenant, bump

_BATCH = 500
_NAMED = 10
"""How many users a refusal names."""


def switch_preset(database: Database, tenant: Tenant, preset: str) -> int:
    """Let a tenant speak another preset, in one transaction; returns how many users were changed by that.

    Attributes that the new preset forbids are taken out. Raises InvalidValue for an unknown preset, Mutability naming
    users whom the new one would refuse, Uniqueness where two of them would be the same.
    """
    if preset not in PRESETS:
        raise InvalidValue(f"There is no preset {preset[:80]}: choose one of {', '.join(PRESETS)}.")
    if preset == tenant.profile.preset.name:
        return 0
    fields = [CustomField(**field) for field in Fields(database, tenant).all()]
    future = tenant._replace(profile=profile(PRESETS[preset], fields))
    call = Call(operation="platform: tenant set", client="command line")
    return _Switch(Users(database, future, "", call)).run()


class _Switch:
    """The users of a tenant, which is taken to have the new preset already."""

    def __init__(self, users: Users) -> None:
        self.users = users
        self.tenant = users.tenant

    def run(self) -> int:
        """Change every user that has to be changed, and the tenant."""
        return self.users.run(self._run)

    def _run(self, write: Write) -> int:
        self.users.database.dialect.serialize(self.tenant.pk)
        Row.update(preset=self.tenant.profile.preset.name).where(Row.pk == self.tenant.pk).execute()
        bump(self.tenant.pk)
        self.users.log.revision = self.tenant.revision + 1
        changed, after, problems = 0, 0, list[str]()
        while rows := self._after(after):
            after = rows[-1].pk
            for row in rows:
                try:
                    changed += self._switch(row)
                except ScimError as error:
                    problems.append(f"{row.display}: {error.detail}")
        if problems:
            more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
            raise Mutability(
                f"{'1 user does' if len(problems) == 1 else f'{len(problems)} users do'} not fit the preset "
                f"{self.tenant.profile.preset.name}: "
                f"{' '.join(problems[:_NAMED])}{more}"
            )
        self.users.log.record(
            write, self.users.call, 200, [{"attribute": "preset", "after": self.tenant.profile.preset.name}]
        )
        return changed

    def _after(self, pk: int) -> list[Stored]:
        """The next users in the order of creation."""
        following = ROW.pk > parameter("after")
        statement = self.users.database.statement(
            "users after", lambda: self.users.row_query(following, False).order_by(ROW.pk).limit(_BATCH)
        )
        return [Stored(*row) for row in statement(tenant=self.tenant.pk, after=pk).fetchall()]

    def _switch(self, row: Stored) -> bool:
        before = self.users.document(row)
        after = self._as_preset(before)
        followed = columns.following(self.tenant.profile.preset, self.users.type, after)
        if after != before:
            self.users.rows.update(row.pk, followed, before, after)
            return True
        # Only what identifies the user changes, which nobody sees: the version stays.
        self.users.rows.set_keys(row.pk, {"identifier_key": followed["identifier_key"]})
        return False

    def _as_preset(self, before: Document) -> Document:
        """The document as a POST under the new preset would leave it."""
        forbidden = self.tenant.profile.preset.forbidden
        kept = {name: value for name, value in before.items() if name not in forbidden}
        after = with_defaults(self.users.type, load(self.users.type, {"schemas": [CORE_USER]} | kept).document)
        if (
            self.tenant.profile.preset.email_identifies
            and identity.identifier(self.tenant.profile.preset, after) is None
        ):
            raise identity.missing()
        return after
