"""Changes of the work e-mails that identify users, on the platform side: their own, and those that clients offered."""

import json
from typing import Any

from scim import compare, identity
from scim.document import Document
from scim.errors import InvalidValue, NotFound
from scim.validation import check_required, load_value
from store.database.transactions import now
from store.database.write import Write
from store.resources.reading import Stored
from store.resources.users import Users
from store.tables import PendingEmail, Resource


class PlatformUsers:
    """The users of one tenant, for changes of the e-mails that identify them. Their call says who acts."""

    def __init__(self, users: Users) -> None:
        self.users = users

    def change(self, id: str, address: str) -> bool:
        """Give a user another work e-mail; returns whether it differs from the present one.

        Raises NotFound, InvalidValue for an invalid address, Uniqueness if another user has it.
        """
        self.users.about(id)
        # Advice on how a client links users does not help here.
        return self.users.run(lambda write: self._change(write, self.users.locked(id), address), advise=False)

    def adopt(self, id: str) -> str:
        """Apply the change that a client offered for this user, dismissed or not; returns the address.

        Raises NotFound if nothing is pending, Uniqueness if another user has the address.
        """
        self.users.about(id)

        def work(write: Write) -> str:
            row = self.users.locked(id)
            address = self._offered(row).address
            self._change(write, row, address)
            return str(address)

        return self.users.run(work, advise=False)

    def dismiss(self, id: str) -> str:
        """Keep the user's e-mail and dismiss the change until a client offers another one; returns the address.

        Raises NotFound if nothing is pending.
        """
        self.users.about(id)

        def work(write: Write) -> str:
            offered = self._offered(self.users.locked(id))
            dismissed = PendingEmail.update(dismissed=now()).where(PendingEmail.user == offered.user)
            dismissed.where(PendingEmail.dismissed.is_null()).execute()
            change = {"attribute": "pending e-mail", "before": offered.address}
            self.users.log.record(write, self.users.call, 200, [change])
            return str(offered.address)

        return self.users.run(work)

    def pending(self, *, dismissed: bool = False) -> list[dict[str, Any]]:
        """The changes to adopt or dismiss, the oldest first; with `dismissed`, also those that were dismissed."""
        query = PendingEmail.select(
            Resource.id, Resource.document, PendingEmail.address, PendingEmail.offered, PendingEmail.dismissed
        )
        query = query.join(Resource, on=(Resource.pk == PendingEmail.user))
        chosen = PendingEmail.tenant == self.users.tenant.pk
        chosen = chosen if dismissed else chosen & PendingEmail.dismissed.is_null()
        rows: Any = query.where(chosen).order_by(PendingEmail.offered, PendingEmail.user).tuples()
        return self.users.database.read(lambda: [self._listed(*row) for row in rows])

    def _listed(self, id: str, text: str, address: str, offered: str, dismissed: str | None) -> dict[str, Any]:
        document = json.loads(text)
        email = identity.identifier(self.users.tenant.profile.preset, document)
        return {
            "id": id, "userName": document["userName"], "email": email,
            "pending": address, "offered": offered, "dismissed": dismissed,
        }  # fmt: skip

    def _offered(self, row: Stored) -> PendingEmail:
        found: PendingEmail | None = PendingEmail.get_or_none(PendingEmail.user == row.pk)
        if found is None:
            raise NotFound(f"No change of the work e-mail of {self.users.call.name} is pending.")
        return found

    def _change(self, write: Write, row: Stored, address: str) -> bool:
        """Store another address. A pending change to the same address is deleted, one to another address stays."""
        before = self.users.whole(row)
        after = self._readdressed(before, address)
        check_required(self.users.type, after)
        offered = PendingEmail.get_or_none(PendingEmail.user == row.pk)
        if offered is not None and compare.email(offered.address) == compare.email(address):
            offered.delete_instance()
        return self.users.store(write, row, before, after, row.links).version != row.version

    def _readdressed(self, before: Document, address: str) -> Document:
        preset = self.users.tenant.profile.preset
        emails = self.users.type.targets["emails.value"].attribute
        value = load_value(emails, address, "The work e-mail")
        if value is None:
            raise identity.missing()
        try:
            return identity.readdressed(preset, before, value)
        except LookupError as error:
            raise InvalidValue(
                f"The preset {preset.name} identifies users by their userName, so clients change e-mails themselves."
            ) from error
