"""Requests in Entra's mix: it searches for users, reads them, and changes some of them and their groups."""

from collections.abc import Iterable
from random import Random

from bench.directories import NEWCOMERS, external_id, user_body, user_name, work_email
from bench.scenarios import Site

SHARES = {
    "find": 45, "read": 25, "read_group": 5, "change": 12, "create": 5, "change_members": 6, "remove": 2,
}  # fmt: skip
"""How many of a hundred requests are of each kind."""

_FILTERS = (
    ('userName eq "{}"', user_name),
    ('externalId eq "{}"', external_id),
    ('emails[type eq "work"].value eq "{}"', work_email),
)


class Mix:
    """The requests of one tenant's client. Each succeeds in whatever order they are answered."""

    def __init__(self, site: Site, seed: int = 0) -> None:
        self._site = site
        self._random = Random(seed)
        self._created = self._removed = self._changed = 0

    def requests(self, count: int) -> list[bytes]:
        """The next requests."""
        kinds: Iterable[str] = self._random.choices(list(SHARES), list(SHARES.values()), k=count)
        return [getattr(self, f"_{kind}")() for kind in kinds]

    def _somebody(self) -> int:
        """A newcomer, since others may have been deleted."""
        return self._random.randrange(NEWCOMERS)

    def _path(self, number: int) -> str:
        return f"/Users/{self._site.directory.user_id(number)}"

    def _find(self) -> bytes:
        expression, value = self._random.choice(_FILTERS)
        return self._site.search(filter=expression.format(value(self._somebody())))

    def _read(self) -> bytes:
        return self._site.request("GET", self._path(self._somebody()))

    def _group(self) -> str:
        return f"/Groups/{self._site.directory.group_id(self._random.randrange(self._site.directory.teams))}"

    def _read_group(self) -> bytes:
        return self._site.request("GET", f"{self._group()}?excludedAttributes=members")

    def _change(self) -> bytes:
        self._changed += 1
        return self._site.patch(self._path(self._somebody()), "Replace", "title", f"Title {self._changed}")

    def _create(self) -> bytes:
        self._created += 1
        return self._site.request("POST", "/Users", user_body(1_000_000_000 + self._created))

    def _change_members(self) -> bytes:
        member = [{"value": self._site.directory.user_id(self._somebody())}]
        return self._site.patch(self._group(), self._random.choice(["Add", "Remove"]), "members", member)

    def _remove(self) -> bytes:
        if self._removed == self._site.directory.size:
            return self._read()
        self._removed += 1
        return self._site.request("DELETE", self._path(NEWCOMERS + self._removed - 1))
