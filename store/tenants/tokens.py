"""Bearer tokens: created and shown once, stored as a digest."""

import hashlib
import secrets
import time
from typing import Any

from scim.errors import InvalidValue, NotFound
from store.database.transactions import Database, instant_at, now
from store.database.write import Write
from store.tables import Token
from store.tenants.log import Call, Log

PREFIX = "vest_"
"""The prefix of every token, by which secret scanners find tokens in source code."""

SCOPES = ("provision", "read")

MAX_NAME = 100

_UNKNOWN = "The tenant has no token {} in force."


def digest(secret: str) -> str:
    """The SHA-256 of a token in hexadecimal. A token has 256 random bits, so it needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """The tokens of one tenant."""

    def __init__(self, database: Database, tenant: int) -> None:
        self._database = database
        self._tenant = tenant
        self._log = Log(database, tenant)

    def create(
        self, name: str, scope: str = "provision", days: int | None = None, *, call: Call, within: Write | None = None
    ) -> str:
        """Create a token and return its secret; it expires after `days`, or never. Raises InvalidValue."""
        if scope not in SCOPES:
            raise InvalidValue(f"There is no scope {scope[:80]}: choose one of {', '.join(SCOPES)}.")
        if days is not None and not 0 < days <= 36_500:
            raise InvalidValue("A token can expire after 1 to 36500 days.")
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidValue(f"A token's name has 1 to {MAX_NAME} characters.")
        secret = PREFIX + secrets.token_urlsafe(32)
        expires = None if days is None else instant_at(time.time() + days * 86_400)
        row = {"tenant": self._tenant, "name": name, "digest": digest(secret), "scope": scope}

        def work(write: Write) -> None:
            Token.insert(**row, created=now(), expires=expires).execute()
            self._log.record(write, call, 200, [{"attribute": "token", "after": name}])

        self._database.write(work, within)
        return secret

    def all(self) -> list[dict[str, Any]]:
        """All tokens, oldest first, without their digests."""
        query = Token.select().where(Token.tenant == self._tenant).order_by(Token.pk)
        return self._database.read(lambda: [_listed(row) for row in query])

    def known(self, secret: str) -> dict[str, Any]:
        """The token with that secret, as `all` returns it."""
        return self._database.read(lambda: _listed(Token.get(Token.digest == digest(secret))))

    def get(self, number: int) -> dict[str, Any]:
        """A token as `all` returns it. Raises NotFound unless the tenant has it and it is not revoked."""
        found = next((each for each in self.all() if each["number"] == number and not each["revoked"]), None)
        if found is None:
            raise NotFound(_UNKNOWN.format(number))
        return found

    def revoke(self, number: int, *, call: Call) -> None:
        """Revoke a token. Raises NotFound unless the tenant has it and it is not revoked."""
        in_force = (Token.tenant == self._tenant) & (Token.pk == number) & Token.revoked.is_null()

        def work(write: Write) -> None:
            name = self.get(number)["name"]
            if not Token.update(revoked=now()).where(in_force).execute():
                raise NotFound(_UNKNOWN.format(number))
            self._log.record(write, call, 200, [{"attribute": "token", "before": name}])

        self._database.write(work)


def _listed(row: Token) -> dict[str, Any]:
    state = "revoked" if row.revoked else "expired" if row.expires and row.expires <= now() else "in force"
    return {
        "number": row.pk, "name": row.name, "scope": row.scope, "state": state, "created": row.created,
        "expires": row.expires, "revoked": row.revoked, "lastUsed": row.last_used,
    }  # fmt: skip
