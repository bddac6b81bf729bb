"""Tenants are isolated from each other, and a token is valid for one tenant only (RFC 7644 §6)."""

from datetime import UTC, datetime, timedelta
from threading import get_ident

import pytest

from scim.errors import InvalidValue, NotFound, Uniqueness
from store.platform.fields import FieldRemoval
from store.platform.removal import Removal
from store.tables import Counter, LogEntry, Lookup, Membership, Resource, Token
from store.tables import Tenant as Row
from store.tenants.log import Call
from store.tenants.tenants import Tenants
from store.tenants.tokens import Tokens, digest

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Directory:
    """A client with a manager, a user, their group and an outer group: the same names in every tenant."""

    def __init__(self, client):
        self.client = client
        self.boss = client.user("boss", externalId="1")
        self.user = client.user("bob", externalId="2", **{ENTERPRISE: {"manager": self.boss["id"]}})
        self.group = client.group("Team", self.boss["id"], self.user["id"])
        self.outer = client.group("Outer", self.group["id"])
        self.all = {
            f"/{resource['meta']['resourceType']}s/{resource['id']}"
            for resource in (self.boss, self.user, self.group, self.outer)
        }

    def state(self):
        """All resources of the tenant as its client reads them."""
        return [self.client.get(path).json["Resources"] for path in ("/Users", "/Groups")]


@pytest.fixture
def ours(entra):
    return Directory(entra)


@pytest.fixture
def theirs(make_client):
    return Directory(make_client("360learning"))


def replace(name, value):
    return {"op": "replace", "path": name, "value": value}


def add(name, value):
    return {"op": "add", "path": name, "value": value}


# The resources of another tenant are unknown.


def test_the_same_names_do_not_conflict_in_another_tenant(ours, theirs):
    assert ours.user["id"] != theirs.user["id"]
    assert [len(resources) for resources in ours.state()] == [2, 2]
    answer = ours.client.post("/Users", {"schemas": [CORE_USER], "userName": "BOB", "emails": ours.user["emails"]})
    assert answer.status_int == 409
    assert ours.user["id"] in answer.json["detail"]
    assert theirs.user["id"] not in answer.json["detail"]


def test_an_id_of_another_tenant_is_unknown_to_every_method(ours, theirs):
    before, client = theirs.state(), ours.client
    bodies = {
        "Users": {"schemas": [CORE_USER], "userName": "eve", "emails": [{"type": "work", "value": "eve@example.com"}]},
        "Groups": {"schemas": [CORE_GROUP], "displayName": "Eve's"},
    }
    for url in theirs.all:
        _, endpoint, _ = url.split("/")
        answers = [
            client.get(url),
            client.get(f"{url}?attributes=id"),
            client.get(url, **{"If-None-Match": "*"}),
            client.request("HEAD", url),
            client.put(url, bodies[endpoint]),
            client.patch(url, replace("externalId", "x")),
            client.patch(url, replace("active", False) if endpoint == "Users" else {"op": "remove", "path": "members"}),
            client.delete(url),
        ]
        assert [answer.status_int for answer in answers] == [404] * len(answers), url
    assert theirs.state() == before


def test_an_id_of_another_tenant_gets_the_404_of_an_unknown_id(ours, theirs):
    nobody = "2819c223-7f76-453a-919d-413861904646"
    foreign = ours.client.get(f"/Users/{theirs.user['id']}")
    unknown = ours.client.get(f"/Users/{nobody}")
    assert foreign.text.replace(theirs.user["id"], nobody) == unknown.text
    assert dict(foreign.headers) == dict(unknown.headers)


def test_no_filter_finds_resources_of_another_tenant(ours, theirs):
    boss, user, group, outer = (each["id"] for each in (theirs.boss, theirs.user, theirs.group, theirs.outer))
    location = theirs.user["meta"]["location"]
    foreign = {
        "/Users": [
            f'id eq "{user}"', f'not (id ne "{user}")', f'manager.value eq "{boss}"', f'manager[value eq "{boss}"]',
            f'groups.value eq "{group}"', f'groups[value eq "{outer}" and type eq "indirect"]',
            f'groups.$ref co "{group}"', f'meta.location eq "{location}"', f'{ENTERPRISE}:manager.$ref co "{boss}"',
        ],
        "/Groups": [
            f'id eq "{group}"', f'members.value eq "{user}"', f'members[value eq "{group}" and type eq "Group"]',
            f'members.$ref co "{user}"', f'members eq "{boss}"',
        ],
    }  # fmt: skip
    for path, filters in foreign.items():
        for filter in filters:
            answer = ours.client.get(f"{path}?filter={filter}")
            assert (answer.status_int, answer.json["totalResults"]) == (200, 0), filter
            same = theirs.client.get(f"{path}?filter={filter}")
            assert same.json["totalResults"] > 0, filter


def test_every_filter_and_order_finds_only_the_tenants_own_resources(ours, theirs):
    filters = [
        "", "filter=id pr", 'filter=userName eq "bob" or userName ne "bob"', "filter=manager pr or not (manager pr)",
        'filter=emails.value co "example.com"', 'filter=externalId ne "x"', "filter=groups pr", "sortBy=userName",
        'filter=groups.display eq "team"', "sortBy=emails.value&sortOrder=descending", "sortBy=groups.display",
        "filter=not (groups.display eq \"x\")", "sortBy=manager.displayName", "cursor&count=10",
        "startIndex=1&count=10",
    ]  # fmt: skip
    for query in filters:
        answer = ours.client.get(f"/Users?{query}")
        assert answer.status_int == 200, answer.text
        assert {each["id"] for each in answer.json["Resources"]} <= {ours.boss["id"], ours.user["id"]}, query
        assert answer.json["Resources"], query
        assert theirs.user["id"] not in answer.text, query
        assert theirs.group["id"] not in answer.text, query
    everything = ours.client.get("/?count=100").json
    assert everything["totalResults"] == 4
    assert {each["id"] for each in everything["Resources"]} == {url.rpartition("/")[2] for url in ours.all}


def test_a_user_of_another_tenant_cannot_become_a_member_or_manager(ours, theirs):
    before, after = ours.state(), theirs.state()
    client, group, user = ours.client, f"/Groups/{ours.group['id']}", f"/Users/{ours.user['id']}"
    member, boss = [{"value": theirs.user["id"]}], theirs.boss["id"]
    for answer in (
        client.patch(group, add("members", member)),
        client.patch(group, replace("members", member)),
        client.patch(group, add("members", [{"value": theirs.group["id"]}])),
        client.patch(group, add(f'members[value eq "{boss}"]', {})),
        client.put(group, {"schemas": [CORE_GROUP], "displayName": "Team", "members": member}),
        client.post("/Groups", {"schemas": [CORE_GROUP], "displayName": "New", "members": member}),
        client.patch(user, add("manager", boss)),
        client.patch(user, add("manager", {"value": boss, "$ref": theirs.boss["meta"]["location"]})),
        client.patch(user, add("manager", {"$ref": theirs.boss["meta"]["location"]})),
    ):
        assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue"), answer.text
    assert client.patch(group, {"op": "remove", "path": "members", "value": member}).status_int == 204
    assert (ours.state(), theirs.state()) == (before, after)


def test_a_total_counts_only_the_tenants_own_resources(ours, theirs):
    for path in ("/Users", "/Groups"):
        for query in ("?count=0", "?count=1", "?count=0&filter=id pr", "?count=1&filter=meta.created pr"):
            assert ours.client.get(path + query).json["totalResults"] == 2
    theirs.client.delete(f"/Users/{theirs.user['id']}")
    assert ours.client.get("/Users?count=0").json["totalResults"] == 2
    assert theirs.client.get("/Users?count=0").json["totalResults"] == 1


def test_a_cursor_of_another_tenant_is_refused(ours, theirs):
    cursor = theirs.client.get("/Users?cursor&count=1").json["nextCursor"]
    answer = ours.client.get(f"/Users?cursor={cursor}&count=1")
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidCursor")


def test_a_token_of_another_tenant_is_refused(ours, theirs):
    header = {"Authorization": f"Bearer {theirs.client.token}"}
    for url in (*ours.all, "/Users", "/Groups", "/Schemas", "/Nothing"):
        assert ours.client.request("GET", url, headers=header).status_int == 401


def test_a_custom_field_belongs_to_its_tenant(ours, theirs):
    theirs.client.field("badge", "string")
    mine, others = f"/Users/{ours.user['id']}", f"/Users/{theirs.user['id']}"
    assert theirs.client.patch(others, add(f"{FIELDS}:badge", "7")).status_int == 200
    assert ours.client.patch(mine, add(f"{FIELDS}:badge", "7")).status_int == 400
    assert ours.client.get(f"/Users?filter={FIELDS}:badge pr").status_int == 400
    assert FIELDS not in ours.client.get("/Schemas").text
    assert FIELDS in theirs.client.get("/Schemas").text


def test_fields_of_one_name_may_have_different_types_in_two_tenants(ours, theirs):
    ours.client.field("level", "integer")
    theirs.client.field("level", "string")
    for house in (ours, theirs):
        path = f"/Users/{house.user['id']}"
        assert house.client.patch(path, add(f"{FIELDS}:level", "10")).status_int == 200
    found = [
        (house.client.get(f"/Users?filter={FIELDS}:level {test}").json.get("totalResults"))
        for house, test in (
            (ours, "gt 9"),
            (theirs, 'gt "9"'),
            (ours, "eq 10"),
            (theirs, 'eq "10"'),
            (theirs, 'lt "9"'),
        )
    ]
    assert found == [1, 0, 1, 1, 1]
    assert ours.client.get(f"/Users?filter={FIELDS}:level eq true").status_int == 400


def test_a_field_declared_again_with_another_type_is_compared_as_that_type(entra):
    bob, tenant = f"/Users/{entra.user('bob')['id']}", entra.tenants.get(entra.name)
    for type, value, tests in (
        ("string", "10", {'gt "9"': 0, 'eq "10"': 1, 'sw "1"': 1}),
        ("integer", 10, {"gt 9": 1, "eq 10": 1, "lt 9": 0}),
        ("boolean", True, {"eq true": 1, "eq false": 0}),
        ("dateTime", "2026-01-01T00:00:00Z", {'gt "2025-12-31T23:59:59Z"': 1}),
        ("decimal", 9.5, {"gt 9": 1, "eq 9.50": 1}),
    ):
        entra.field("level", type)
        assert entra.patch(bob, add(f"{FIELDS}:level", value)).status_int == 200
        for test, wanted in tests.items():
            answer = entra.get(f"/Users?filter={FIELDS}:level {test}")
            assert answer.json.get("totalResults") == wanted, (type, test, answer.text)
        assert entra.get(f"/Users?sortBy={FIELDS}:level").status_int == 200
        FieldRemoval(entra.database, tenant, "level", Call()).run()


# Tenants are created and deleted.


def test_a_tenant_is_deleted_with_everything_in_it(ours, theirs):
    tenant, before = theirs.client.tenant.pk, ours.state()
    assert sum(Removal(ours.client.database, theirs.client.name).run()) == 4
    assert theirs.client.get("/Users").status_int == 401
    left = {
        model.__name__: ours.client.database.read(model.select().where(model.tenant == tenant).count)
        for model in (Resource, Token, Counter, LogEntry, Lookup)
    }
    assert left == {"Resource": 0, "Token": 0, "Counter": 0, "LogEntry": 0, "Lookup": 0}
    every = Resource.select(Resource.pk)
    dangling = Membership.select().where(Membership.group.not_in(every) | Membership.member.not_in(every))
    assert ours.client.database.read(dangling.count) == 0
    assert ours.state() == before


def test_a_tenant_that_reuses_a_name_sees_nothing_of_the_old_one(theirs, ours):
    old = theirs.client
    assert sum(Removal(old.database, old.name).run()) == 4
    new = old.tenants.create(old.name, "rfc", call=Call())
    assert old.get("/Users").status_int == 401
    token = Tokens(old.database, new.pk).create("new", call=Call())
    answer = old.request("GET", "/Users", headers={"Authorization": f"Bearer {token}"})
    assert answer.json["totalResults"] == 0


def test_a_tenant_name_that_cannot_be_part_of_a_url_is_refused(entra):
    for name in ("", "A", "a b", "-a", "a-", "a_b", "a.b", "a/b", "é", "x" * 64, "a\n", "..", "%41", "a\x00"):
        with pytest.raises(InvalidValue):
            entra.tenants.create(name, "rfc", call=Call())


def test_a_name_in_use_and_an_unknown_preset_are_refused(entra):
    with pytest.raises(Uniqueness):
        entra.tenants.create(entra.name, "rfc", call=Call())
    with pytest.raises(InvalidValue):
        entra.tenants.create("another-name", "scim1", call=Call())
    with pytest.raises(NotFound):
        entra.tenants.get("nobody")


def test_the_list_of_tenants_has_their_numbers_of_resources(ours, theirs):
    theirs.client.delete(f"/Groups/{theirs.outer['id']}")
    listed = {each["name"]: (each["users"], each["groups"]) for each in ours.client.tenants.all()}
    assert listed[ours.client.name] == (2, 2)
    assert listed[theirs.client.name] == (2, 1)


def test_the_list_of_tenants_costs_two_statements(ours, database, monkeypatch):
    heard: list[int] = []
    execute = database.db.execute_sql

    def listen(sql, *parameters):
        heard.append(get_ident())
        return execute(sql, *parameters)

    monkeypatch.setattr(database.db, "execute_sql", listen)
    assert len(ours.client.tenants.all()) > 1
    assert heard.count(get_ident()) == 2


# Tokens.


def status(client, token):
    return client.request("GET", "/Users?count=0", headers={"Authorization": f"Bearer {token}"}).status_int


def test_a_new_token_is_valid_and_a_revoked_one_invalid_at_the_next_request(entra):
    tokens = Tokens(entra.database, entra.tenant.pk)
    second = tokens.create("second", call=Call())
    assert (status(entra, entra.token), status(entra, second)) == (200, 200)
    first, other = tokens.all()
    tokens.revoke(first["number"], call=Call())
    assert (status(entra, entra.token), status(entra, second)) == (401, 200)
    assert [each["state"] for each in tokens.all()] == ["revoked", "in force"]
    tokens.revoke(other["number"], call=Call())
    assert status(entra, second) == 401


def test_a_token_is_invalid_after_its_expiry(entra):
    tokens = Tokens(entra.database, entra.tenant.pk)
    token = tokens.create("short", days=1, call=Call())
    assert status(entra, token) == 200
    ended = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
    entra.database.write(lambda _: Token.update(expires=ended).where(Token.digest == digest(token)).execute())
    assert status(entra, token) == 401
    assert [each["state"] for each in tokens.all()] == ["in force", "expired"]
    later = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.%f}000Z"
    entra.database.write(lambda _: Token.update(expires=later).where(Token.digest == digest(token)).execute())
    assert status(entra, token) == 200


def test_a_tenant_cannot_revoke_tokens_of_another(entra, stranger):
    (theirs,) = Tokens(stranger.database, stranger.tenant.pk).all()
    with pytest.raises(NotFound):
        Tokens(entra.database, entra.tenant.pk).revoke(theirs["number"], call=Call())
    assert status(stranger, stranger.token) == 200


def test_a_token_is_revoked_once(entra):
    tokens = Tokens(entra.database, entra.tenant.pk)
    tokens.revoke(tokens.all()[0]["number"], call=Call())
    with pytest.raises(NotFound):
        tokens.revoke(tokens.all()[0]["number"], call=Call())


def test_a_token_with_an_invalid_scope_or_lifetime_is_refused(entra):
    tokens = Tokens(entra.database, entra.tenant.pk)
    for scope, days in (("write", None), ("", None), ("read", 0), ("read", -1), ("read", 40_000)):
        with pytest.raises(InvalidValue):
            tokens.create("x", scope, days, call=Call())


def test_only_known_tokens_are_cached(entra):
    """A new token is valid at once, and a cached token is not valid for another tenant."""
    trusting = Tenants(entra.database, trusted=60.0)
    assert trusting.access(entra.name, digest("vest_new")) is None
    later = Tokens(entra.database, entra.tenant.pk).create("later", call=Call())
    known = trusting.access(entra.name, digest(later))
    assert known is not None
    assert known.name == "later"
    assert trusting.access("another", digest(later)) is None
    assert trusting.access(entra.name, digest(later)) == known


def test_a_cached_tenant_is_read_again_when_it_changes(entra):
    before = entra.tenants.get(entra.name)
    assert entra.tenants.get(entra.name) is before
    entra.field("badge", "string")
    after = entra.tenants.get(entra.name)
    assert after.revision == before.revision + 1
    assert f"{FIELDS}:badge".lower() in after.profile.user.targets
    assert f"{FIELDS}:badge".lower() not in before.profile.user.targets
    assert entra.database.read(lambda: Row.get(Row.name == entra.name).revision) == after.revision
