"""What requests cost in SQL statements, the token's included: constant for lists, nothing written by reads (RFC 7644
§3.4.2, §3.5)."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.crowd import crowd

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
NOBODY = "2819c223-7f76-453a-919d-413861904646"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_TRANSACTION = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")


@pytest.fixture
def statements(database, monkeypatch) -> Callable[..., list[str]]:
    """Gives the statements of a piece of work on this thread, without those that begin and end transactions."""
    heard: list[str] = []
    here, execute = threading.get_ident(), database.db.execute_sql

    def listen(sql, *parameters):
        if threading.get_ident() == here and not _TRANSACTION.match(sql):
            heard.append(sql)
        return execute(sql, *parameters)

    monkeypatch.setattr(database.db, "execute_sql", listen)

    def of(work, status=200):
        heard.clear()
        answer = work()
        assert answer.status_int == status, answer.text
        return list(heard)

    return of


def user(name: str, **attributes: Any) -> dict[str, Any]:
    emails = [{"type": "work", "value": f"{name}@example.com", "primary": True}]
    return {"schemas": [CORE_USER], "userName": name, "emails": emails} | attributes


def group(name: str, *ids: str) -> dict[str, Any]:
    return {"schemas": [CORE_GROUP], "displayName": name} | ({"members": values(*ids)} if ids else {})


def values(*ids):
    return [{"value": id} for id in ids]


class Cast:
    """Six users and two groups, of which the first has two members; and who will be gone."""

    def __init__(self, client):
        self.ids = [client.user(f"user{number}")["id"] for number in range(6)]
        self.user = f"/Users/{self.ids[0]}"
        self.team = f"/Groups/{client.group('Team', *self.ids[:2])['id']}"
        self.other = client.group("Other")["id"]
        self.gone_user = f"/Users/{client.user('gone')['id']}"
        self.gone_group = f"/Groups/{client.group('Gone', self.ids[0])['id']}"


@pytest.fixture
def cast(entra):
    return Cast(entra)


def is_write(statement):
    return re.match(r"(INSERT|UPDATE|DELETE)\b", statement) is not None


def read(path):
    return lambda client, cast: client.get(path.format(team=cast.team, user=cast.user, nobody=NOBODY))


def create(path, body):
    return lambda client, cast: client.post(path, body(cast))


def replace(path, body):
    return lambda client, cast: client.put(path.format(team=cast.team, user=cast.user), body(cast))


def change(path, operation):
    return lambda client, cast: client.patch(path.format(team=cast.team, user=cast.user), operation(cast))


def members(op, first, last):
    """An operation that names these of the six users."""
    return lambda cast: {"op": op, "path": "members", "value": values(*cast.ids[first:last])}


def one(path, value):
    return lambda cast: {"op": "replace", "path": path, "value": value}


def nested(cast):
    return {"op": "add", "path": "members", "value": values(cast.other)}


def above(cast):
    return group("Above", cast.team.removeprefix("/Groups/"))


COSTS = {
    "GET /Users/id": (2, 2, 200, read("{user}")),
    "GET /Users/id?attributes=": (2, 2, 200, read("{user}?attributes=userName")),
    "GET /Users/id, unknown": (2, 2, 404, read("/Users/{nobody}")),
    "GET /Users": (2, 2, 200, read("/Users")),
    "GET /Users?count=2": (3, 3, 200, read("/Users?count=2")),
    "GET /Users?startIndex=2&count=2": (3, 3, 200, read("/Users?startIndex=2&count=2")),
    "GET /Users?count=0": (2, 2, 200, read("/Users?count=0")),
    "GET /Users?attributes=": (2, 2, 200, read("/Users?attributes=userName")),
    "GET /Users?sortBy=": (2, 2, 200, read("/Users?sortBy=name.familyName")),
    "filter userName": (2, 2, 200, read('/Users?filter=userName eq "user1"')),
    "filter emails": (2, 2, 200, read('/Users?filter=emails[type eq "work"].value eq "user1@example.com"')),
    "filter externalId, nobody": (2, 2, 200, read('/Users?filter=externalId eq "4f"')),
    "filter userName, a page": (3, 3, 200, read('/Users?filter=userName sw "user"&count=2')),
    "POST /Users": (5, 5, 201, create("/Users", lambda cast: user("new"))),
    "POST /Users, in use": (3, 3, 409, create("/Users", lambda cast: user("new"))),
    "POST /Users, refused": (1, 1, 400, create("/Users", lambda cast: {})),
    "PUT /Users/id": (5, 6, 200, replace("{user}", lambda cast: user("user0", title="A"))),
    "PUT /Users/id, the same": (4, 5, 200, replace("{user}", lambda cast: user("user0", title="A"))),
    "PATCH /Users/id": (4, 5, 200, change("{user}", one("title", "B"))),
    "PATCH /Users/id, the same": (3, 4, 200, change("{user}", one("title", "B"))),
    "PATCH manager": (5, 6, 200, change("{user}", lambda cast: one("manager", cast.ids[1])(cast))),
    "DELETE /Users/id": (8, 9, 204, lambda client, cast: client.delete(cast.gone_user)),
    "GET /Groups/id": (3, 3, 200, read("{team}")),
    "GET /Groups/id without members": (2, 2, 200, read("{team}?excludedAttributes=members")),
    "GET /Groups": (3, 3, 200, read("/Groups")),
    "GET /Groups without members": (2, 2, 200, read("/Groups?excludedAttributes=members")),
    "POST /Groups": (4, 4, 201, create("/Groups", lambda cast: group("New"))),
    "POST /Groups with members": (9, 9, 201, create("/Groups", lambda cast: group("Newer", *cast.ids[:2]))),
    "PATCH displayName": (4, 5, 204, change("{team}", one("displayName", "Crew"))),
    "PATCH add a member": (7, 8, 204, change("{team}", members("add", 2, 3))),
    "PATCH add a member again": (5, 6, 204, change("{team}", members("add", 2, 3))),
    "PATCH add two members": (7, 8, 204, change("{team}", members("add", 3, 5))),
    "PATCH remove two members": (8, 9, 204, change("{team}", members("remove", 3, 5))),
    "PATCH replace members": (11, 12, 204, change("{team}", members("replace", 1, 4))),
    "PATCH a group into a group": (8, 10, 204, change("{team}", nested)),
    "POST /Groups with a group": (10, 11, 201, create("/Groups", above)),
    "GET /Users/id, its group in another": (3, 3, 200, lambda client, cast: client.get(f"/Users/{cast.ids[1]}")),
    "GET /Users, a group in another": (3, 3, 200, read("/Users")),
    "PUT /Groups/id": (5, 6, 200, replace("{team}", lambda cast: group("Team"))),
    "DELETE /Groups/id": (7, 8, 204, lambda client, cast: client.delete(cast.gone_group)),
    "GET /Schemas": (1, 1, 200, read("/Schemas")),
    "GET /ServiceProviderConfig": (1, 1, 200, read("/ServiceProviderConfig")),
    "GET /Nothing": (1, 1, 404, read("/Nothing")),
}
"""What each request costs on SQLite and on Postgres, its status, and the request; they are sent in this order.

Postgres locks a row by a statement of its own. More than this is a regression; fewer is to be written down here.
"""


def test_every_request_costs_as_many_statements_as_are_written_down(entra, cast, statements, database_url):
    which = 1 if database_url.startswith("postgresql") else 0
    counted = {
        name: len(statements(lambda w=work: w(entra, cast), status)) for name, (_, _, status, work) in COSTS.items()
    }
    assert counted == {name: cost[which] for name, cost in COSTS.items()}


LISTS = [
    "/Users",
    "/Users?sortBy=userName",
    "/Users?filter=active eq true",
    "/Users?filter=groups pr",
    "/Users?attributes=groups",
    "/Groups",
    "/Groups?sortBy=displayName&sortOrder=descending",
    '/Groups?filter=displayName co "e"',
    "/Groups?attributes=members",
    "/Groups?filter=members pr&excludedAttributes=members",
]


def test_a_list_costs_the_same_however_many_there_are(entra, statements):
    first = entra.user("first")
    entra.group("First", first["id"])
    few = {path: len(statements(lambda p=path: entra.get(p))) for path in LISTS}
    boss = entra.user("boss")["id"]
    for number in range(25):
        body = user(f"user{number}", **{ENTERPRISE: {"manager": boss}})
        id = entra.post("/Users", body).json["id"]
        entra.group(f"Group {number}", id, first["id"], boss)
    many = {path: len(statements(lambda p=path: entra.get(p))) for path in LISTS}
    assert entra.get("/Groups").json["totalResults"] == 26
    assert many == few


READS = [
    "{user}", "/Users", "/Users?count=1", "/Users?count=0", "/Users?startIndex=7", '/Users?filter=userName eq "user1"',
    '/Users?filter=title co "x" or not (name pr)', "/Users?sortBy=emails.value", "{team}", "/Groups?count=1",
    "{team}?attributes=members.value", "/Groups?excludedAttributes=members", '/Groups?filter=members.display sw "u"',
    "/Schemas", "/ResourceTypes/User", "/ServiceProviderConfig", "/Users?cursor&count=2", "/",
]  # fmt: skip


def test_a_read_that_succeeds_writes_nothing(entra, cast, statements):
    before = entra.log()
    for path in (each.format(team=cast.team, user=cast.user) for each in READS):
        for method in ("GET", "HEAD"):
            said = statements(lambda m=method, p=path: entra.request(m, p))
            assert [each for each in said if not re.match(r"(SELECT|WITH)\b", each)] == [], path
    assert statements(lambda: entra.request("OPTIONS", "/Users"), 204)
    assert entra.log() == before


WITHOUT_MEMBERS = ["?excludedAttributes=members", "?attributes=displayName", "?attributes=id,externalId"]


@pytest.mark.parametrize("asked", WITHOUT_MEMBERS)
def test_who_excludes_the_members_does_not_have_them_read(entra, cast, statements, asked):
    works = [
        lambda: entra.get(f"{cast.team}{asked}"),
        lambda: entra.get(f"/Groups{asked}"),
        lambda: entra.get(f'/Groups{asked}&filter=displayName eq "Team"'),
        lambda: entra.get(f'/Groups{asked}&filter=externalId eq "4f"'),
        lambda: entra.put(f"{cast.team}{asked}", group("Team")),
    ]
    for work in works:
        assert [each for each in statements(work) if "membership" in each] == []


@pytest.mark.parametrize("asked", [{"excludedAttributes": "members,groups"}, {"attributes": "id,userName,displayName"}])
@pytest.mark.parametrize("kind", ["User", "Group"])
def test_neither_members_nor_groups_are_read_for_an_answer_that_does_not_show_them(
    entra, cast, statements, asked, kind
):
    """(RFC 7644 §3.9)"""
    path, name = (cast.user, "userName") if kind == "User" else (cast.team, "displayName")
    query = "?" + "&".join(f"{key}={value}" for key, value in asked.items())
    listed = {key: value.split(",") for key, value in asked.items()}
    stored = entra.get(path).json
    new = user("new") if kind == "User" else group("New")
    change = {"Operations": [{"op": "replace", "path": "externalId", "value": "5e"}]}
    works = [
        (200, lambda: entra.get(path + query)),
        (200, lambda: entra.get(f"/{kind}s{query}")),
        (200, lambda: entra.get(f"/{kind}s{query}&sortBy={name}&count=3")),
        (200, lambda: entra.get(f"/{kind}s{query}&cursor&count=3")),
        (200, lambda: entra.get(f'/{kind}s{query}&filter={name} eq "{stored[name]}"')),
        (200, lambda: entra.get(f"/{query}&count=3")),
        (200, lambda: entra.post(f"/{kind}s/.search", {"filter": f'{name} eq "{stored[name]}"', **listed})),
        (200, lambda: entra.post("/.search", {"filter": f'{name} eq "{stored[name]}"', **listed})),
        (201, lambda: entra.request("POST", f"/{kind}s{query}", new)),
        (200, lambda: entra.request("PUT", path + query, {key: stored[key] for key in new if key in stored})),
        (200 if kind == "User" or "attributes" in asked else 204, lambda: entra.request("PATCH", path + query, change)),
    ]
    for number, (status, work) in enumerate(works):
        assert [each for each in statements(work, status) if "membership" in each] == [], number


def test_a_patch_without_an_answer_does_not_read_the_members(entra, cast, statements):
    rename = {"op": "replace", "path": "displayName", "value": "Crew"}
    assert [each for each in statements(lambda: entra.patch(cast.team, rename), 204) if "membership" in each] == []


def test_a_change_of_members_costs_the_same_in_a_large_group(entra, cast, statements):
    """R9: and no statement of it brings as many rows as the group has members."""
    small = entra.group("Small", *cast.ids[:2])["id"]
    large = entra.group("Large", *cast.ids[:2])["id"]
    crowd(entra, large, 1_000)
    for operation in (members("add", 3, 4), members("remove", 3, 4), members("add", 0, 2)):
        few = statements(lambda o=operation: entra.patch(f"/Groups/{small}", o(cast)), 204)
        many = statements(lambda o=operation: entra.patch(f"/Groups/{large}", o(cast)), 204)
        assert many == few
        of_group = [each for each in many if "membership" in each]
        assert of_group
        assert all(re.search(r"IN \(|ANY\(|INSERT", each) for each in of_group), of_group


def test_what_changes_nothing_writes_its_entry_in_the_log_only(entra, cast, statements):
    works = [
        lambda: entra.patch(cast.user, {"op": "add", "path": "active", "value": True}),
        lambda: entra.patch(cast.team, members("add", 0, 2)(cast)),
        lambda: entra.patch(cast.team, {"op": "remove", "path": f'members[value eq "{cast.ids[5]}"]'}),
        lambda: entra.put(cast.team, group("Team", *cast.ids[:2])),
    ]
    for work, status in zip(works, (200, 204, 204, 200), strict=True):
        written = [each for each in statements(work, status) if is_write(each)]
        assert len(written) == 1
        assert "log_entry" in written[0]


def test_a_refused_request_writes_nothing_itself(entra, cast, statements):
    works = [
        (400, lambda: entra.patch(cast.user, {"op": "add", "path": "nope", "value": True})),
        (400, lambda: entra.patch(cast.team, {"op": "add", "path": "members", "value": values(NOBODY)})),
        (404, lambda: entra.delete(f"/Users/{NOBODY}")),
        (404, lambda: entra.get(f"/Users/{NOBODY}")),
        (400, lambda: entra.get("/Users?filter=nope")),
        (400, lambda: entra.post("/Groups", group(""))),
    ]
    for status, work in works:
        known = len(entra.log())
        assert [each for each in statements(work, status) if is_write(each)] == []
        assert len(entra.log()) == known + 1, "the entry is written in the background"


def test_a_request_without_a_valid_token_writes_nothing_itself(entra, statements):
    def wrong():
        return entra.request("GET", "/Users", headers={"Authorization": "Bearer wrong"})

    assert [each for each in statements(wrong, 401) if is_write(each)] == []
    assert [entry["operation"] for entry in entra.log()] == ["authenticate"]


def test_values_are_never_part_of_a_statement(entra, cast, statements):
    """Statements are compiled once and kept: a value in one would be both an injection and a leak."""
    token = "x1y2z3"
    said = statements(lambda: entra.post("/Users", user(token, title=token, externalId=token)), 201)
    said += statements(lambda: entra.get(f'/Users?filter=userName eq "{token}" or title co "{token}"'))
    said += statements(
        lambda: entra.patch(cast.user, {"op": "add", "path": f'emails[type eq "{token}"].value', "value": token})
    )
    said += statements(lambda: entra.patch(cast.team, {"op": "remove", "path": f'members[display eq "{token}"]'}), 204)
    assert len(said) > 10
    assert not [each for each in said if token in each or entra.token in each]
