"""Large groups are sent in pieces, which together are the same text (RFC 7644 §3.4)."""

import json

import psycopg
import pytest
from webtest import TestRequest

from scim.document import Streamed
from store.resources import groups
from store.tables import Membership, Resource
from store.tenants.log import Call

MEMBERS = 25
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True, scope="session")


@pytest.fixture
def crowd(entra, monkeypatch):
    """A group of many members, some of them with names that JSON escapes, between two small ones; its id."""
    monkeypatch.setattr(groups, "CHUNK", 7)
    names = ['Q"uote', "new\nline", "\\u0000", "Zoë"]
    ids = [entra.user(f"u{n}", name={"givenName": names[n % 4], "familyName": str(n)})["id"] for n in range(MEMBERS)]
    entra.group("Before", *ids[:2])
    crowd = entra.group("Crowd", *ids)["id"]
    entra.group("Empty")
    entra.group("Behind", ids[0])
    return crowd


PATHS = (
    "/Groups/{id}",
    "/Groups/{id}?attributes=members.value",
    "/Groups/{id}?attributes=members,displayName",
    "/Groups/{id}?excludedAttributes=members.$ref,members.display",
    "/Groups/{id}?excludedAttributes=members.value,members.$ref,members.type,members.display",
    "/Groups",
    "/Groups?attributes=members.display",
    "/Groups?startIndex=2&count=2",
    "/Groups?sortBy=displayName&sortOrder=descending",
    "/Groups?cursor=&count=3",
    '/Groups?filter=displayName eq "crowd"',
    '/?filter=displayName eq "crowd"',
)


@pytest.mark.parametrize("path", PATHS)
def test_a_large_group_reads_the_same_in_pieces(entra, crowd, path, monkeypatch):
    whole = entra.get(path.format(id=crowd))
    monkeypatch.setattr(groups, "HELD", 10)
    pieces = entra.get(path.format(id=crowd))
    assert (whole.status_int, pieces.status_int) == (200, 200)
    if "cursor" in path:
        # Each cursor is of its own time.
        assert whole.json["Resources"] == pieces.json["Resources"]
    else:
        assert whole.text == pieces.text


def test_a_list_streams_only_what_is_too_large(entra, crowd, monkeypatch):
    monkeypatch.setattr(groups, "HELD", 10)
    sizes = [len(group.get("members", ())) for group in entra.get("/Groups").json["Resources"]]
    assert sizes == [2, MEMBERS, 0, 1]


def test_what_a_write_answers_may_be_large_too(entra, crowd, monkeypatch):
    monkeypatch.setattr(groups, "HELD", 10)
    operation = {"op": "replace", "path": "externalId", "value": "c"}
    answer = entra.patch(f"/Groups/{crowd}?attributes=members", operation)
    assert (answer.status_int, len(answer.json["members"])) == (200, MEMBERS)


@pytest.mark.parametrize("path", ["", "?attributes=members"])
def test_the_pieces_are_made_while_they_go_out(app, entra, crowd, path, monkeypatch):
    monkeypatch.setattr(groups, "HELD", 10)
    request = TestRequest.blank(f"/scim/{entra.name}/v2/Groups/{crowd}{path}")
    request.headers["Authorization"] = f"Bearer {entra.token}"
    headers = {}
    body = app(request.environ, lambda status, given: headers.update(given))
    assert "Content-Length" not in headers
    begun = next(iter(body))
    members = Membership.group == Resource.get(Resource.id == crowd).pk
    entra.database.write(lambda _: Membership.delete().where(members).execute())
    # Whoever left before it was their turn is not there, and what goes out is whole all the same.
    assert len(json.loads(begun + b"".join(body))["members"]) == 7


def test_a_group_that_empties_before_its_members_are_read_has_none(app, entra, crowd, monkeypatch):
    monkeypatch.setattr(groups, "HELD", 10)
    page = groups.Groups(entra.database, entra.tenant, entra.endpoint, Call()).get(crowd)
    members = Membership.group == Resource.get(Resource.id == crowd).pk
    entra.database.write(lambda _: Membership.delete().where(members).execute())
    assert "members" not in json.loads(str(page.text))


@ON_POSTGRES
@pytest.mark.parametrize("read", [0, 1])
def test_a_connection_that_is_cut_before_members_are_read_is_replaced(entra, crowd, database_url, read, monkeypatch):
    monkeypatch.setattr(groups, "HELD", 10)
    monkeypatch.setattr(groups, "CHUNK", 3)
    page = groups.Groups(entra.database, entra.tenant, entra.endpoint, Call()).get(crowd)
    assert isinstance(page.text, Streamed)
    pieces = iter(page.text)
    begun = [next(pieces) for _ in range(read)]
    pid = entra.database.db.connection().info.backend_pid
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert len(json.loads("".join([*begun, *pieces]))["members"]) == MEMBERS
