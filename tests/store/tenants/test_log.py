"""The provisioning log: the client, its request, the outcome, and no secret."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.tables import LogEntry as Row
from store.tables import Refusal, Resource
from store.tenants.log import LISTED, Call, Log
from store.tenants.tokens import Tokens

NOBODY = "2819c223-7f76-453a-919d-413861904646"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SECRET = "Tr0ub4dor&3"


def user(user_name: str, **attributes: Any) -> dict[str, Any]:
    emails = [{"type": "work", "value": f"{user_name}@example.com"}]
    return {"schemas": [CORE_USER], "userName": user_name, "emails": emails} | attributes


def group(name, *ids):
    return {"schemas": [CORE_GROUP], "displayName": name, "members": values(*ids)}


def values(*ids):
    return [{"value": id} for id in ids]


def log_of(client):
    client.background.flush()
    return Log(client.database, client.tenant.pk)


def wrong(client):
    answer = client.request("GET", "/Users", headers={"Authorization": "Bearer wrong"})
    assert answer.status_int == 401


def refusals(client):
    """The number of counted requests without a valid token."""
    client.background.flush()
    query = Refusal.select(Refusal.total).where(Refusal.tenant == client.tenant.pk)
    return sum(total for (total,) in client.database.read(lambda: list(query.tuples())))


def new(client, work):
    """The entries that a request leaves, oldest first, with its answer."""
    known = len(client.log())
    answer = work()
    entries = client.log()
    return entries[: len(entries) - known][::-1], answer


# One entry for each write and each refusal.


def test_every_write_leaves_one_entry(entra):
    bob, team = entra.user("bob"), entra.group("Team")
    users, groups = f"/Users/{bob['id']}", f"/Groups/{team['id']}"
    title = {"op": "replace", "path": "title", "value": "A"}
    writes = [
        ("POST", "User", None, 201, lambda: entra.post("/Users", user("new"))),
        ("PUT", "User", bob["id"], 200, lambda: entra.put(users, user("bob"))),
        ("PATCH", "User", bob["id"], 200, lambda: entra.patch(users, title)),
        ("PATCH", "User", bob["id"], 200, lambda: entra.patch(users, title)),
        ("DELETE", "User", bob["id"], 204, lambda: entra.delete(users)),
        ("POST", "Group", None, 201, lambda: entra.post("/Groups", group("New"))),
        ("PUT", "Group", team["id"], 200, lambda: entra.put(groups, group("Team"))),
        ("PATCH", "Group", team["id"], 204, lambda: entra.patch(groups, {"op": "remove", "path": "members"})),
        ("DELETE", "Group", team["id"], 204, lambda: entra.delete(groups)),
    ]
    for operation, type, id, status, work in writes:
        (entry,), answer = new(entra, work)
        assert answer.status_int == status
        said = (entry["level"], entry["operation"], entry["resourceType"], entry["status"], entry["token"])
        assert said == ("info", operation, type, status, "test")
        assert entry["resource"] == (id or answer.json["id"])
        assert entry["name"].lower() == {"User": "bob", "Group": "team"}[type] if id else "new"
        assert not entry.keys() & {"detail", "hint", "scimType"}


def test_every_refusal_leaves_one_entry_with_the_sentence_that_the_client_got(entra):
    bob, team = entra.user("bob"), entra.group("Team")
    users, groups = f"/Users/{bob['id']}", f"/Groups/{team['id']}"
    forbidden = {"op": "replace", "path": "displayName", "value": "B"}
    refused = [
        ("User", None, lambda: entra.post("/Users", user("bob"))),
        ("User", None, lambda: entra.post("/Users", user("cleo", displayName="Cleo"))),
        ("User", None, lambda: entra.post("/Users", b"{")),
        ("User", None, lambda: entra.request("POST", "/Users", b"{}", {"Content-Type": "text/plain"})),
        ("User", bob["id"], lambda: entra.put(users, user("team", nope=1))),
        ("User", bob["id"], lambda: entra.patch(users, forbidden)),
        ("User", NOBODY, lambda: entra.delete(f"/Users/{NOBODY}")),
        ("User", NOBODY, lambda: entra.get(f"/Users/{NOBODY}")),
        ("User", None, lambda: entra.get("/Users?filter=nope")),
        ("Group", None, lambda: entra.post("/Groups", group("TEAM"))),
        ("Group", team["id"], lambda: entra.patch(groups, {"op": "add", "path": "members", "value": values(NOBODY)})),
        ("Group", NOBODY, lambda: entra.get(f"/Groups/{NOBODY}")),
        (None, None, lambda: entra.get("/Nothing")),
        (None, None, lambda: entra.request("PATCH", "/Users")),
        (None, None, lambda: entra.get("/Schemas?filter=id pr")),
    ]
    for type, id, work in refused:
        (entry,), answer = new(entra, work)
        assert answer.status_int >= 400
        assert (entry["level"], entry["status"]) == ("error", answer.status_int)
        assert (entry.get("resourceType"), entry["token"]) == (type, "test")
        assert entry["detail"] == answer.json["detail"]
        assert entry.get("scimType") == answer.json.get("scimType")
        assert "changes" not in entry
        assert id is None or entry["resource"] == id


def test_an_entry_describes_only_its_own_request(entra):
    """A refused write leaves no entry for the change that was rolled back."""
    team = entra.group("Team")
    entries, answer = new(
        entra,
        lambda: entra.patch(
            f"/Groups/{team['id']}",
            {"op": "replace", "path": "displayName", "value": "Crew"},
            {"op": "add", "path": "members", "value": values(NOBODY)},
        ),
    )
    assert answer.status_int == 400
    assert [(entry["level"], entry["name"]) for entry in entries] == [("error", "Team")]


def test_an_entry_names_the_client(entra):
    second = Tokens(entra.database, entra.tenant.pk).create("second", call=Call())
    headers = {"Authorization": f"Bearer {second}", "User-Agent": "x" * 1_000, "ADSCIMVersion": "5f3a, tenant"}
    (entry,), _ = new(entra, lambda: entra.request("POST", "/Groups", group("Team"), headers))
    assert (entry["token"], entry["activity"]) == ("second", "5f3a, tenant")
    assert entry["client"] == "x" * 300
    now = datetime.now(UTC)
    assert now - timedelta(minutes=5) < datetime.fromisoformat(entry["time"]) <= now


# What changed.


def test_the_entry_of_a_create_lists_the_values(entra):
    (entry,), _ = new(entra, lambda: entra.post("/Users", user("bob", name={"givenName": "B", "familyName": "X"})))
    changes = {change["attribute"]: change["after"] for change in entry["changes"]}
    emails = [{"type": "work", "value": "bob@example.com"}]
    assert changes.items() >= {"userName": "bob", "name.givenName": "B", "name.familyName": "X", "active": True}.items()
    assert changes["emails"] == emails
    assert all(change.keys() == {"attribute", "after"} for change in entry["changes"])


def test_the_entry_of_a_change_lists_values_before_and_after(entra):
    boss, other = entra.user("boss")["id"], entra.user("other")["id"]
    bob = entra.user("bob", title="A", nickName="B", externalId="1")
    operations = [
        {"op": "replace", "path": "title", "value": "Ä"},
        {"op": "remove", "path": "nickName"},
        {"op": "add", "path": "locale", "value": "de"},
        {"op": "replace", "path": "externalId", "value": "1"},
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "add", "path": "manager", "value": boss},
    ]
    (entry,), _ = new(entra, lambda: entra.patch(f"/Users/{bob['id']}", *operations))
    changes = {change.pop("attribute"): change for change in entry["changes"]}
    manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
    assert changes == {
        "title": {"before": "A", "after": "Ä"}, "nickName": {"before": "B"}, "locale": {"after": "de"},
        "active": {"before": True, "after": False}, manager: {"after": boss},
    }  # fmt: skip
    (entry,), _ = new(
        entra, lambda: entra.patch(f"/Users/{bob['id']}", {"op": "add", "path": "manager", "value": other})
    )
    assert entry["changes"] == [{"attribute": manager, "before": boss, "after": other}]


def test_the_entry_of_a_group_lists_added_and_removed_members(entra):
    adele, bob, cleo = (entra.user(name) for name in ("adele", "bob", "cleo"))
    team = entra.group("Team", adele["id"], bob["id"])
    replaced = {"op": "replace", "path": "members", "value": values(bob["id"], cleo["id"])}
    (entry,), _ = new(entra, lambda: entra.patch(f"/Groups/{team['id']}", replaced))
    assert sorted(entry["changes"], key=str) == [
        {"attribute": "members", "after": [{"value": cleo["id"], "display": "cleo"}]},
        {"attribute": "members", "before": [{"value": adele["id"], "display": "adele"}]},
    ]


def test_a_write_that_changes_nothing_has_an_entry_without_changes(entra):
    team = entra.group("Team")
    (entry,), _ = new(entra, lambda: entra.patch(f"/Groups/{team['id']}", {"op": "remove", "path": "members"}))
    assert (entry["level"], entry["status"]) == ("info", 204)
    assert "changes" not in entry


def crowd(client, count):
    """Insert this many users directly into the database; returns their ids."""
    row = {
        "tenant": client.tenant.pk, "type": "User", "created": "2026", "modified": "2026", "document": "{}",
        "keys": "{}", "display": "somebody", "display_key": "somebody",
    }  # fmt: skip
    ids = [f"{client.name}-{number}" for number in range(count)]
    rows = [row | {"id": id, "name_key": id} for id in ids]
    client.database.write(lambda _: Resource.insert_many(rows).execute())
    return ids


def test_of_more_than_a_hundred_members_the_number_and_the_first_are_listed(entra):
    ids = crowd(entra, LISTED + 20)
    (entry,), answer = new(entra, lambda: entra.post("/Groups", group("All", *ids)))
    changes = next(change["after"] for change in entry["changes"] if change["attribute"] == "members")
    assert changes["count"] == LISTED + 20
    assert len(changes["first"]) == LISTED
    removed = {"op": "remove", "path": "members", "value": values(*ids[:LISTED])}
    (entry,), _ = new(entra, lambda: entra.patch(f"/Groups/{answer.json['id']}", removed))
    assert len(entry["changes"][0]["before"]) == LISTED


def test_the_entry_of_a_renamed_resource_has_the_new_name(okta):
    bob = okta.user("bob", displayName="Bob")
    renamed = {"op": "replace", "path": "displayName", "value": "Robert"}
    (entry,), _ = new(okta, lambda: okta.patch(f"/Users/{bob['id']}", renamed))
    assert entry["name"] == "Robert"
    (entry,), _ = new(okta, lambda: okta.patch(f"/Users/{bob['id']}", {"op": "remove", "path": "nope"}))
    assert entry["name"] == "Robert"


# What was tolerated.


def test_a_tolerated_deviation_is_a_warning(entra):
    bob = entra.user("bob")
    team = entra.group("Team")
    tolerated = [
        (lambda: entra.post("/Users", user("new", password=SECRET)), "password was accepted but is never stored."),
        (
            lambda: entra.patch(
                f"/Groups/{team['id']}", {"op": "add", "path": "members", "value": values(NOBODY, bob["id"])}
            ),
            f"Unknown members were skipped: {NOBODY}.",
        ),
        (
            lambda: entra.patch(
                f"/Users/{bob['id']}",
                {"op": "replace", "path": "active", "value": False},
                {"op": "replace", "path": 'emails[type eq "work"].value', "value": "robert@example.com"},
            ),
            "bob@example.com was kept, robert@example.com is pending",
        ),
    ]
    for work, sentence in tolerated:
        (entry,), answer = new(entra, work)
        assert answer.status_int < 300
        assert entry["level"] == "warning"
        assert sentence in entry["detail"]


def test_a_warning_belongs_to_its_own_request(entra):
    entra.post("/Users", user("new", password=SECRET))
    (entry,), _ = new(entra, lambda: entra.post("/Users", user("newer")))
    assert entry["level"] == "info"


# Why is Bob not provisioned?


@pytest.mark.parametrize(
    "body",
    [
        user("bob", displayName="Bob"), user("bob", preferredLanguage="fr-FR"), user("bob") | {"emails": []},
        user("bob", active="perhaps"), user("bob", nope=1), {"USERNAME": "bob"}, user("bob", schemas=["urn:x"]),
    ],
)  # fmt: skip
def test_a_person_who_was_refused_is_found_by_name(entra, body):
    entra.post("/Users", body)
    (entry,) = log_of(entra).entries(about="bob")
    assert (entry["level"], entry["name"]) == ("error", "bob")


NAMED = {"name": {"givenName": "Bob", "familyName": "Meyer"}}


@pytest.mark.parametrize(
    "body",
    [
        user("b.meyer", **NAMED) | {"emails": [{"type": "work", "value": "adele@example.com"}]},
        user("b.meyer", **NAMED) | {"emails": [{"type": "home", "value": "b@example.com"}]},
        user("b.meyer", **NAMED, **{ENTERPRISE: {"manager": NOBODY}}),
    ],
)
def test_a_person_whom_the_directory_refused_is_found_by_user_name(entra, body):
    entra.user("adele")
    entra.post("/Users", body)
    assert [entry["level"] for entry in log_of(entra).entries(about="b.meyer")] == ["error"]


@pytest.mark.parametrize("about", ["B.Meyer", "BOB@example.com"])
def test_a_person_is_found_by_user_name_and_by_work_email(entra, about):
    bob = entra.user("b.meyer", **NAMED, emails=[{"type": "work", "value": "bob@example.com"}])
    entra.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": "perhaps"})
    assert [entry["status"] for entry in log_of(entra).entries(about=about)] == [400, 201]


def test_a_group_is_found_by_its_present_name(entra):
    team = entra.group("Team")
    entra.patch(f"/Groups/{team['id']}", {"op": "replace", "path": "displayName", "value": "Crew"})
    assert [entry["operation"] for entry in log_of(entra).entries(about="crew")] == ["PATCH", "POST"]


def test_a_group_that_was_refused_is_found_by_name(entra):
    entra.post("/Groups", group("Sales") | {"nope": 1})
    assert [entry["status"] for entry in log_of(entra).entries(about="sale")] == [400]


@pytest.mark.parametrize("name", [7, None, ["bob"], {"a": 1}, "x" * 5_000, "a\x00b"])
def test_a_value_that_cannot_be_a_name_is_logged(entra, name):
    (entry,), answer = new(entra, lambda: entra.post("/Users", user("bob") | {"userName": name, "nope": 1}))
    assert answer.status_int == 400
    assert len(entry.get("name", "")) <= 200


def test_the_log_is_searched_by_id_and_by_part_of_the_name_in_any_case(entra):
    _, adele, _ = entra.user("Bob.Meyer"), entra.user("Adele"), entra.user("Émile.Straße")
    entra.delete(f"/Users/{NOBODY}")
    assert [entry["name"] for entry in log_of(entra).entries(about="b.mEY")] == ["Bob.Meyer"]
    assert [entry["name"] for entry in log_of(entra).entries(about=adele["id"])] == ["Adele"]
    assert [entry["status"] for entry in log_of(entra).entries(about=NOBODY)] == [404]
    assert log_of(entra).entries(about="nobody") == []
    for about in ("émile", "ÉMILE", "E\N{COMBINING ACUTE ACCENT}mile", "STRASSE"):
        assert [entry["name"] for entry in log_of(entra).entries(about=about)] == ["Émile.Straße"], about


def test_a_search_of_the_log_has_no_wildcards(entra):
    for name in ("bob", "50%", "a_b", "back\\slash"):
        entra.user(name)
    found = {
        about: [entry["name"] for entry in log_of(entra).entries(about=about)] for about in ("%", "_", "\\", "o'b")
    }
    assert found == {"%": ["50%"], "_": ["a_b"], "\\": ["back\\slash"], "o'b": []}


def test_the_newest_entries_come_first_up_to_the_limit(entra):
    for name in ("adele", "bob", "cleo"):
        entra.user(name)
    assert [entry["name"] for entry in log_of(entra).entries(limit=2)] == ["cleo", "bob"]


def test_a_tenant_sees_only_its_own_log(entra, stranger):
    bob = entra.user("bob")
    stranger.delete(f"/Users/{bob['id']}")
    assert [(entry["operation"], entry["status"]) for entry in stranger.log()] == [("DELETE", 404)]
    assert "name" not in stranger.log()[0]
    assert [entry["operation"] for entry in entra.log()] == ["POST"]
    assert log_of(stranger).entries(about="bob") == []


# Secrets.


def test_neither_a_token_nor_a_password_is_ever_kept(okta):
    bob = okta.user("bob", password=SECRET)
    path = f"/Users/{bob['id']}"
    okta.put(path, user("bob", password=SECRET))
    okta.patch(path, {"op": "replace", "path": "password", "value": SECRET})
    okta.patch(path, {"op": "add", "value": {"password": SECRET, "nope": 1}})
    okta.patch(path, {"op": "add", "value": {f"{CORE_USER}:PassWord": SECRET}})
    okta.post("/Users", user("bob", password=SECRET))
    okta.post("/Users", user("x", password={"value": SECRET}, nope=1))
    okta.post("/Users", b'{"password": "' + SECRET.encode() + b'"')
    okta.get(f'/Users?filter=password eq "{SECRET}"')
    okta.get(f"/Users?access_token={okta.token}&filter=nope")
    okta.request("GET", "/Users", headers={"Authorization": f"Basic {okta.token}"})
    okta.request("POST", "/Users", {}, {"User-Agent": "Okta", "Cookie": okta.token})
    okta.background.flush()
    rows = okta.database.read(lambda: list(Row.select().where(Row.tenant == okta.tenant.pk).dicts()))
    stored = okta.database.read(lambda: list(Resource.select().where(Resource.tenant == okta.tenant.pk).dicts()))
    assert len(rows) == 12
    text = json.dumps([rows, stored], default=str)
    assert SECRET not in text
    assert okta.token not in text
    assert SECRET not in okta.get(path).text


# Requests without a valid token.


def test_requests_without_a_valid_token_are_counted_with_one_entry_a_minute(entra):
    for _ in range(5):
        wrong(entra)
    assert refusals(entra) == 5
    (entry,) = entra.log()
    assert (entry["operation"], entry["level"], entry["status"]) == ("authenticate", "error", 401)
    assert "Secret Token" in entry["hint"]
    assert "token" not in entry
    earlier = f"{datetime.now(UTC) - timedelta(seconds=61):%Y-%m-%dT%H:%M:%S.%f}000Z"
    entra.database.write(lambda _: Row.update(time=earlier).where(Row.tenant == entra.tenant.pk).execute())
    wrong(entra)
    wrong(entra)
    assert refusals(entra) == 7
    assert len(entra.log()) == 2


def test_requests_without_a_valid_token_count_for_the_tenant_in_the_url(entra, stranger):
    answer = entra.app.get(
        f"/scim/{stranger.name}/v2/Users", headers={"Authorization": f"Bearer {entra.token}"}, expect_errors=True
    )
    assert answer.status_int == 401
    assert (refusals(entra), refusals(stranger)) == (0, 1)
    assert entra.log() == []


def test_requests_for_an_unknown_tenant_are_not_counted(entra):
    before = entra.database.read(lambda: Refusal.select().count())
    for name in ("nobody", "UPPER", "a%00b", "%C3%A9"):
        assert entra.app.get(f"/scim/{name}/v2/Users", expect_errors=True).status_int == 401
    assert entra.database.read(lambda: Refusal.select().count()) == before


# Hints.


def test_a_hint_follows_the_error_and_not_the_words_in_it(entra):
    entra.user("manager")
    manager, members = "Provision the manager first", "Provision the members first"
    reader = Tokens(entra.database, entra.tenant.pk).create("manager of members", "read", call=Call())
    team, other = entra.group("Team"), [{"type": "work", "value": "member@example.com"}]
    works = [
        (lambda: entra.post("/Users", user("boss", **{ENTERPRISE: {"manager": NOBODY}})), manager),
        (lambda: entra.post("/Groups", group("New", NOBODY)), members),
        (
            lambda: entra.request("DELETE", f"/Users/{NOBODY}", headers={"Authorization": f"Bearer {reader}"}),
            "Create a token",
        ),
        (lambda: entra.post("/Users", user("manager", emails=other)), "Entra: check that no two users"),
        (
            lambda: entra.patch(f"/Groups/{team['id']}", {"op": "add", "path": "members", "value": values(team["id"])}),
            None,
        ),
        (lambda: entra.get("/Users/member-manager"), "It was deleted here"),
    ]
    for work, wanted in works:
        (entry,), answer = new(entra, work)
        assert answer.status_int >= 400
        assert entry.get("hint", "").startswith(wanted) if wanted else "hint" not in entry, entry
