"""Thirty faults that other SCIM servers had in the wild, each a requirement that holds here (docs/conformance.md) (RFC
7644 §3.3 to §3.6, §3.12)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from webtest import TestApp

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"].value'


def members(client, group):
    return {member["value"] for member in client.get(f"/Groups/{group['id']}").json.get("members", [])}


@pytest.mark.parametrize("value", ["False", "false", "FALSE", False], ids=["word", "lower", "upper", "boolean"])
@pytest.mark.parametrize("op", ["Replace", "replace", "ADD"])
def test_text_deactivates_as_a_boolean_does(entra, op, value):
    """R1"""
    bob = entra.user("bob")
    answer = entra.patch(f"/Users/{bob['id']}", {"op": op, "path": "active", "value": value})
    assert answer.json["active"] is False


@pytest.mark.parametrize("path", ["shoeSize", "name.nick", f"{ENTERPRISE}:rank", "urn:unknown:attribute"])
def test_an_operation_is_applied_or_refused_and_never_passed_over(entra, path):
    """R2"""
    bob = entra.user("bob")
    known = {"op": "replace", "path": "title", "value": "Chief"}
    answer = entra.patch(f"/Users/{bob['id']}", known, {"op": "replace", "path": path, "value": "x"})
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidPath")
    assert entra.get(f"/Users/{bob['id']}").json == bob


def test_a_removal_with_a_value_removes_those_and_nobody_else(entra):
    """R3"""
    bob, cleo = entra.user("bob"), entra.user("cleo")
    group = entra.group("Sales", bob["id"], cleo["id"])
    entra.patch(
        f"/Groups/{group['id']}", {"op": "Remove", "path": "members", "value": [{"value": bob["id"], "$ref": None}]}
    )
    assert members(entra, group) == {cleo["id"]}


def test_members_come_and_go_by_value_path_without_duplicates(entra):
    """R4"""
    bob = entra.user("bob")
    group = entra.group("Sales", bob["id"])
    assert (
        entra.patch(
            f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": bob["id"]}]}
        ).status_int
        == 204
    )
    assert len(entra.get(f"/Groups/{group['id']}").json["members"]) == 1
    for _ in range(2):
        gone = {"op": "remove", "path": f'members[value eq "{bob["id"]}"]'}
        assert entra.patch(f"/Groups/{group['id']}", gone).status_int == 204
    assert members(entra, group) == set()


def test_a_change_that_does_not_name_members_leaves_them_alone(okta):
    """R5"""
    bob = okta.user("bob")
    group = okta.group("Sales", bob["id"])
    assert (
        okta.patch(
            f"/Groups/{group['id']}", {"op": "replace", "value": {"id": group["id"], "displayName": "Sold"}}
        ).status_int
        == 204
    )
    okta.put(f"/Groups/{group['id']}", {"schemas": [GROUP], "displayName": "Sold again"})
    assert members(okta, group) == {bob["id"]}


def test_an_empty_list_empties_the_group(okta):
    """R6"""
    group = okta.group("Sales", okta.user("bob")["id"])
    assert okta.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "members", "value": []}).status_int == 204
    assert members(okta, group) == set()


def test_fifty_who_join_at_once_are_all_members(entra):
    """R7"""
    people = [entra.user(f"user{number}")["id"] for number in range(50)]
    group = entra.group("Sales")

    def join(id):
        app = TestApp(entra.app.app)
        headers = {"Authorization": f"Bearer {entra.token}", "Content-Type": "application/scim+json"}
        body = {"Operations": [{"op": "Add", "path": "members", "value": [{"value": id}]}]}
        try:
            return app.patch_json(f"/scim/{entra.name}/v2/Groups/{group['id']}", body, headers=headers).status_int
        finally:
            entra.database.close()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(join, people)) == {204}
    assert members(entra, group) == set(people)


def test_several_who_leave_at_once_are_the_right_ones(entra):
    """R8"""
    people = [entra.user(f"user{number}")["id"] for number in range(6)]
    group = entra.group("Sales", *people)
    gone = [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in (people[0], people[2], people[5])]
    entra.patch(f"/Groups/{group['id']}", *gone)
    assert members(entra, group) == {people[1], people[3], people[4]}


def test_a_member_joins_a_large_group_without_its_members_being_read(entra):
    """R9"""
    people = [{"method": "POST", "path": "/Users", "bulkId": f"u{n}", "data": {"schemas": [USER], "userName": f"u{n}",
               "emails": [{"type": "work", "value": f"u{n}@x.com"}]}} for n in range(500)]  # fmt: skip
    made = entra.post("/Bulk", {"Operations": people}).json["Operations"]
    group = entra.group("Everybody", *(each["location"].rpartition("/")[2] for each in made))
    late = entra.user("late")
    began = time.monotonic()
    entra.patch(f"/Groups/{group['id']}", {"op": "Add", "path": "members", "value": [{"value": late["id"]}]})
    assert "members" not in entra.get(f"/Groups/{group['id']}?excludedAttributes=members").json
    assert time.monotonic() - began < 1


def test_an_unknown_member_is_named_and_no_other(entra, okta):
    """R10"""
    for client, status in ((entra, 204), (okta, 400)):
        bob = client.user("bob")
        group = client.group("Sales")
        change = {"op": "Add", "path": "members", "value": [{"value": bob["id"]}, {"value": "nobody"}]}
        answer = client.patch(f"/Groups/{group['id']}", change)
        said = answer.json["detail"] if status == 400 else client.log()[0]["detail"]
        assert answer.status_int == status
        assert "nobody" in said
        assert bob["id"] not in said


def test_a_value_path_that_selects_nothing_makes_one_element(okta):
    """R11"""
    bob = okta.user("bob")
    operations = [
        {"op": "Add", "path": f'addresses[type eq "work"].{name}', "value": name} for name in ("locality", "region")
    ]
    operations.append({"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Paris"})
    answer = okta.patch(f"/Users/{bob['id']}", *operations)
    assert answer.json["addresses"] == [{"type": "work", "locality": "Paris", "region": "region"}]


def test_a_role_by_a_primary_that_is_text_is_one_role(entra):
    """R12"""
    bob = entra.user("bob")
    for op, value in (("Add", "reader"), ("Replace", "writer")):
        entra.patch(f"/Users/{bob['id']}", {"op": op, "path": 'roles[primary eq "True"].value', "value": value})
    assert entra.get(f"/Users/{bob['id']}").json["roles"] == [{"primary": True, "value": "writer"}]


@pytest.mark.parametrize(
    "form", [lambda id: id, lambda id: {"value": id}, lambda id: [{"value": id}]], ids=["id", "object", "list"]
)
@pytest.mark.parametrize("gone", ["", None, {"value": ""}], ids=["empty", "null", "empty value"])
def test_a_manager_comes_and_goes_in_every_form(entra, form, gone):
    """R13"""
    bob, boss = entra.user("bob"), entra.user("boss")
    path = f"{ENTERPRISE}:manager"
    answer = entra.patch(f"/Users/{bob['id']}", {"op": "Add", "path": path, "value": form(boss["id"])})
    assert answer.json[ENTERPRISE]["manager"]["value"] == boss["id"]
    answer = entra.patch(f"/Users/{bob['id']}", {"op": "Replace", "path": path, "value": gone})
    assert ENTERPRISE not in answer.json


def test_urns_with_dots_are_paths_and_keys(entra):
    """R14"""
    bob = entra.user("bob")
    change = {"op": "replace", "value": {f"{ENTERPRISE}:department": "D", f"{USER}:name.givenName": "B"}}
    answer = entra.patch(
        f"/Users/{bob['id']}", change, {"op": "add", "path": f'{USER}:emails[type eq "home"].value', "value": "h"}
    )
    assert (answer.json[ENTERPRISE]["department"], answer.json["name"]["givenName"]) == ("D", "B")
    assert answer.json["emails"][1] == {"type": "home", "value": "h"}


def test_add_sets_what_has_one_value(entra):
    """R15"""
    bob = entra.user("bob")
    for title in ("Chief", "Boss"):
        assert entra.patch(f"/Users/{bob['id']}", {"op": "Add", "path": "title", "value": title}).json["title"] == title


def test_add_appends_to_a_list_and_a_new_primary_demotes_the_old(okta):
    """R16"""
    bob = okta.user("bob")
    new = {"type": "home", "value": "bob@home", "primary": True}
    for _ in range(2):
        answer = okta.patch(f"/Users/{bob['id']}", {"op": "add", "path": "emails", "value": [new]})
    assert [email.get("primary") for email in answer.json["emails"]] == [False, True]


@pytest.mark.parametrize("empty", ["", None])
def test_what_is_empty_unassigns_and_required_values_stay(entra, empty):
    """R17"""
    bob = entra.user("bob", title="Chief", name={"givenName": "B"})
    answer = entra.patch(f"/Users/{bob['id']}", {"op": "replace", "value": {"title": empty, "name.givenName": empty}})
    assert {"title", "name"}.isdisjoint(answer.json)
    assert entra.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "userName", "value": empty}).status_int == 400


def test_a_user_name_is_taken_in_any_letter_case_by_any_method(entra):
    """R18"""
    entra.user("bob")
    cleo = entra.user("cleo")
    taken = entra.post("/Users", cleo | {"userName": "BOB", "emails": [{"type": "work", "value": "x@x.com"}]})
    put = entra.put(f"/Users/{cleo['id']}", cleo | {"userName": "Bob"})
    patched = entra.patch(f"/Users/{cleo['id']}", {"op": "replace", "path": "userName", "value": "BoB"})
    for answer in (taken, put, patched):
        assert (answer.status_int, answer.json["status"], answer.json["scimType"]) == (409, "409", "uniqueness")
    assert entra.get(f"/Users/{cleo['id']}").json == cleo


def test_who_posts_again_after_a_lost_answer_learns_the_id(entra):
    """R19"""
    bob = entra.user("bob")
    again = entra.post("/Users", {"schemas": [USER], "userName": "bob", "emails": bob["emails"]})
    assert again.status_int == 409
    assert bob["id"] in again.json["detail"]
    assert entra.get('/Users?filter=userName eq "bob"').json["Resources"] == [bob]


def test_who_is_deactivated_stays_to_be_seen(entra):
    """R20"""
    bob = entra.user("bob")
    answer = entra.patch(f"/Users/{bob['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert (answer.status_int, answer.json["active"]) == (200, False)
    assert entra.get('/Users?filter=userName eq "bob"').json["Resources"][0]["active"] is False
    assert entra.get(f"/Users/{bob['id']}").json["active"] is False


def test_who_is_deleted_is_gone_everywhere_and_the_name_is_free(entra):
    """R21"""
    bob = entra.user("bob")
    group = entra.group("Sales", bob["id"])
    assert entra.delete(f"/Users/{bob['id']}").status_int == 204
    answers = [
        entra.get(f"/Users/{bob['id']}"),
        entra.delete(f"/Users/{bob['id']}"),
        entra.patch(f"/Users/{bob['id']}", {"op": "remove", "path": "title"}),
    ]
    assert {answer.status_int for answer in answers} == {404}
    assert entra.get("/Users").json["totalResults"] == 0
    assert members(entra, group) == set()
    assert entra.user("bob")["id"] != bob["id"]


@pytest.mark.parametrize(
    "name", ['o"neil', "back\\slash", "o'neil", "50%", "a_b", "a:b", "Ünter", "x" * 300, "a+b@x.com"]
)
def test_filters_find_names_with_special_characters(okta, name):
    """R22"""
    made = okta.post("/Users", {"schemas": [USER], "userName": name, "externalId": name}).json
    okta.user("other")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%25").replace("+", "%2B")
    for attribute in ("userName", "externalId"):
        assert okta.get(f'/Users?filter={attribute} eq "{quoted}"').json["Resources"] == [made]


@pytest.mark.parametrize(
    "text", ["userName", 'shoe eq "x"', 'userName xx "x"', 'userName eq "a" and', "active gt true"]
)
def test_a_filter_is_answered_or_refused_and_never_widened(entra, text):
    """R23"""
    entra.user("bob")
    answer = entra.get(f"/Users?filter={text}")
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidFilter")
    assert entra.get('/Users?filter=userName co "%"').json["totalResults"] == 0


@pytest.mark.parametrize("text", ["(" * 3_000 + "title pr" + ")" * 3_000, 'title eq "' + "x" * 200_000 + '"'])
def test_hostile_filters_are_refused_at_once(entra, text):
    """R24"""
    began = time.monotonic()
    answer = entra.post("/Users/.search", {"filter": text})
    assert answer.status_int == 400
    assert time.monotonic() - began < 1


def test_totals_are_exact_and_pages_stable(okta):
    """R25"""
    for number in range(7):
        okta.user(f"user{number}")
    pages = [okta.get(f'/Users?filter=userName sw "user"&count=3&startIndex={start}').json for start in (1, 4, 7)]
    assert [page["totalResults"] for page in pages] == [7, 7, 7]
    assert [page["itemsPerPage"] for page in pages] == [3, 3, 1]
    assert len({user["id"] for page in pages for user in page["Resources"]}) == 7


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Users/x", 404),
        ("GET", "/Nothing", 404),
        ("POST", "/Users/x", 405),
        ("POST", "/Users", 400),
        ("DELETE", "/Users", 405),
    ],
)
def test_every_error_is_an_scim_error(entra, method, path, status):
    """R26"""
    answer = entra.request(method, path, b"nonsense" if method == "POST" else None)
    assert (answer.status_int, answer.json["status"], answer.content_type) == (
        status,
        str(status),
        "application/scim+json",
    )
    unauthorized = entra.request(method, path, headers={"Authorization": "Bearer wrong"})
    assert (unauthorized.status_int, unauthorized.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("sent", "status"),
    [("application/scim+json; charset=utf-8", 201), ("application/json", 201), ("", 201), ("text/plain", 415)],
)
def test_both_types_of_json_are_taken_and_scim_is_given(okta, sent, status):
    """R27"""
    body = f'{{"schemas":["{USER}"],"userName":"bob"}}'
    answer = okta.request("POST", "/Users", body, {"Content-Type": sent})
    assert (answer.status_int, answer.content_type) == (status, "application/scim+json")


def test_locations_come_from_the_configuration_and_not_from_the_host_header(entra):
    """R28"""
    bob = entra.user("bob")
    answer = entra.request(
        "GET", f"/Users/{bob['id']}", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert answer.json["meta"]["location"] == answer.headers["Location"] == f"{entra.endpoint}/Users/{bob['id']}"


def test_a_tenant_knows_nothing_of_another(entra, stranger):
    """R29"""
    bob = entra.user("bob", password="secret")
    assert stranger.get(f"/Users/{bob['id']}").status_int == 404
    assert stranger.get("/Users").json["totalResults"] == 0
    assert stranger.user("bob")["id"] != bob["id"]
    assert "secret" not in entra.get(f"/Users/{bob['id']}").text


def test_discovery_lists_what_is_accepted_and_nothing_else(entra):
    """R30"""
    schemas = entra.get("/Schemas").json
    assert schemas["totalResults"] == len(schemas["Resources"])
    user = next(schema for schema in schemas["Resources"] if schema["id"] == USER)
    names = {attribute["name"] for attribute in user["attributes"]}
    assert {"displayName", "password"}.isdisjoint(names)
    assert {"userName", "emails"} <= names
    assert entra.get("/ServiceProviderConfig").json["bulk"]["maxOperations"] > 0
    assert entra.get('/Groups?filter=displayName eq "x"').json["Resources"] == []
