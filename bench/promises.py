"""What a server does besides answering fast, checked over HTTP."""

from collections.abc import Callable

from bench.contenders import MEMBERS, Contender
from bench.directories import user_body
from bench.servers import Server

_ONCE = 5_000_000
"""The number of a user that nothing else creates."""


def _refuses_taken(contender: Contender, server: Server) -> bool:
    contender.made(server, "/Users", user_body(_ONCE))
    return contender.ask(server, "POST", "/Users", user_body(_ONCE))[0] == 409


def _shows_groups(contender: Contender, server: Server) -> bool:
    _, user = contender.ask(server, "GET", f"/Users/{contender.users[0]}")
    return [group["value"] for group in user.get("groups", ())] == [contender.group]


def _forgets_deleted(contender: Contender, server: Server) -> bool:
    gone = contender.users[MEMBERS - 1]
    contender.ask(server, "DELETE", f"/Users/{gone}")
    _, group = contender.ask(server, "GET", f"/Groups/{contender.group}")
    return gone not in [member["value"] for member in group["members"]]


def _refuses_strangers(contender: Contender, server: Server) -> bool:
    stranger = Contender(contender.name, "", contender.prefix, "wrong", {})
    return stranger.ask(server, "GET", "/Users?count=1")[0] == 401


PROMISES: dict[str, Callable[[Contender, Server], bool]] = {
    "a userName that is taken is refused": _refuses_taken,
    "a wrong token is refused": _refuses_strangers,
    "a user shows the groups it is in": _shows_groups,
    "a deleted user leaves its groups": _forgets_deleted,
}
"""The checks while the server runs; the deletion is last."""

SURVIVES = "users are still there after a restart"


def survives(contender: Contender, server: Server) -> bool:
    """Whether a restarted server has the users."""
    return contender.ask(server, "GET", f"/Users/{contender.users[0]}")[0] == 200
