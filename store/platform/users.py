"""The work e-mails that identify users, changed on the platform side; what clients offered instead waits here."""

import json
from typing import Any

from scim import compare, identity
from scim.document import Document
from scim.errors import InvalidValue, NotFound
from scim.validation import check_required, load_value
from store.database.transactions import now
from store.database.write import Write
from store.resources.reading import Links, Stored
from store.resources.users import Users
from store.tables import PendingEmail, Resource


class PlatformUsers(Users):
    """The users of one tenant, whose identifying e-mail may be changed here and nowhere else."""

    def change(self, id: str, address: str) -> bool:
        """Give a user another work e-mail; whether it differs from the present one.

        Raises NotFound, InvalidValue for what cannot be an address here, Uniqueness where another user has it.
        """
        self.about(id)
        return self._written(lambda write: self._change(write, self._locked(id), address))

    def adopt(self, id: str) -> str:
        """Apply the change that a client offered for this user, dismissed or not; returns the address.

        Raises NotFound where nothing is pending, Uniqueness where another user has the address.
        """
        self.about(id)

        def work(write: Write) -> str:
            row = self._locked(id)
            address = self._offered(row).address
            self._change(write, row, address)
            return str(address)

        return self._written(work)

    def dismiss(self, id: str) -> str:
        """Keep the user's e-mail and forget about the change, until a client offers another one; returns the address.

        Raises NotFound where nothing is pending.
        """
        self.about(id)

        def work(write: Write) -> str:
            offered = self._offered(self._locked(id))
            dismissed = PendingEmail.update(dismissed=now()).where(PendingEmail.user == offered.user)
            dismissed.where(PendingEmail.dismissed.is_null()).execute()
            self.log.record(write, self.call, 200, [{"attribute": "pending e-mail", "before": offered.address}])
            return str(offered.address)

        return self._written(work)

    def pending(self, *, dismissed: bool = False) -> list[dict[str, Any]]:
        """The changes that wait to be adopted or dismissed, the oldest first; with those that were dismissed."""
        query = PendingEmail.select(
            Resource.id, Resource.document, PendingEmail.address, PendingEmail.offered, PendingEmail.dismissed
        )
        query = query.join(Resource, on=(Resource.pk == PendingEmail.user))
        chosen = PendingEmail.tenant == self.tenant.pk
        chosen = chosen if dismissed else chosen & PendingEmail.dismissed.is_null()
        rows: Any = query.where(chosen).order_by(PendingEmail.offered, PendingEmail.user).tuples()
        return self._database.read(lambda: [self._listed(*row) for row in rows])

    def _listed(self, id: str, text: str, address: str, offered: str, dismissed: str | None) -> dict[str, Any]:
        document = json.loads(text)
        email = identity.identifier(self.tenant.profile.preset, document)
        return {
            "id": id, "userName": document["userName"], "email": email,
            "pending": address, "offered": offered, "dismissed": dismissed,
        }  # fmt: skip

    def _offered(self, row: Stored) -> PendingEmail:
        found: PendingEmail | None = PendingEmail.get_or_none(PendingEmail.user == row.pk)
        if found is None:
            raise NotFound(f"No change of the work e-mail of {self.call.name} is pending.")
        return found

    def _change(self, write: Write, row: Stored, address: str) -> bool:
        """What was offered is settled when the address is that one; another one that was offered stays pending."""
        before = self._whole(row)
        after = self._readdressed(before, address)
        offered = PendingEmail.get_or_none(PendingEmail.user == row.pk)
        if offered is not None and compare.email(offered.address) == compare.email(address):
            offered.delete_instance()
        return self._save(write, row, before, after, frozenset(), [], 200)

    def _readdressed(self, before: Document, address: str) -> Document:
        emails = self.type.targets["emails.value"].attribute
        value = load_value(emails, address, "The work e-mail")
        if value is None:
            raise InvalidValue(identity.MISSING_WORK_EMAIL)
        try:
            return identity.readdressed(self.tenant.profile.preset, before, value)
        except LookupError as error:
            raise InvalidValue(
                f"The preset {self.tenant.profile.preset.name} identifies users by their userName: there the client"
                " changes e-mails itself."
            ) from error

    def _checked(
        self, row: Stored | None, before: Document, after: Document, named: frozenset[str]
    ) -> tuple[Document, Links]:
        """What a client may not change, the platform side may; the manager stays."""
        check_required(self.type, after)
        return after, Links() if row is None else row.links

    def _advice(self, column: str) -> str:
        """Nobody is to be linked."""
        return ""
