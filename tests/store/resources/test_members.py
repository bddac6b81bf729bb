"""Members of groups: their origin, unknown members, and cycles (RFC 7643 §4.2)."""

from typing import Any

import pytest

from store.tables import Membership, Resource
from tests.crowd import crowd

NOBODY = "2819c223-7f76-453a-919d-413861904646"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def by_hand(client, group, *members):
    """Make these resources members as the platform side does."""

    def work(_):
        for member in members:
            Membership.insert(group=key(group), member=key(member), origin="manual").execute()

    client.database.write(work)


def key(resource):
    return Resource.get(Resource.id == resource["id"]).pk


def origins(client, group):
    """Where each membership of the group came from, by the member's id."""
    query = Membership.select(Resource.id, Membership.origin).join(Resource, on=(Resource.pk == Membership.member))
    return dict(client.database.read(lambda: list(query.where(Membership.group == key(group)).tuples())))


def members(client, group):
    """The ids of the members as the client sees them."""
    return {member["value"] for member in client.get(url(group)).json.get("members", [])}


def url(group):
    return f"/Groups/{group['id']}"


def version(client, group):
    return client.get(f"{url(group)}?excludedAttributes=members").headers["ETag"]


def values(*resources):
    return [{"value": resource["id"]} for resource in resources]


def change(client, group, op, *resources):
    """Send one operation that names these members; it must succeed."""
    answer = client.patch(url(group), {"op": op, "path": "members", "value": values(*resources)})
    assert answer.status_int == 204, answer.text


def put(client, group, **attributes):
    body = {"schemas": [CORE_GROUP], "displayName": group["displayName"]} | attributes
    return client.put(url(group), body)


@pytest.fixture
def cast(entra):
    """Adele and Bob, members by SCIM, Cleo and Dora by hand, and Emil outside."""
    users = [entra.user(name) for name in ("adele", "bob", "cleo", "dora", "emil")]
    adele, bob, cleo, dora, _ = users
    group = entra.group("Team", adele["id"], bob["id"])
    by_hand(entra, group, cleo, dora)
    return group, users


# The origin of memberships.


def test_a_member_that_a_client_names_is_a_member_by_scim(entra):
    adele, bob, cleo = (entra.user(name) for name in ("adele", "bob", "cleo"))
    group = entra.group("Team", adele["id"])
    change(entra, group, "add", bob)
    assert put(entra, group, members=values(adele, bob, cleo)).status_int == 200
    assert origins(entra, group) == dict.fromkeys((adele["id"], bob["id"], cleo["id"]), "scim")


def test_the_client_sees_members_by_hand_too(entra, cast):
    group, users = cast
    assert members(entra, group) == {user["id"] for user in users[:4]}


def test_replace_keeps_members_by_hand(entra, cast):
    group, (adele, _, cleo, dora, emil) = cast
    change(entra, group, "replace", adele, emil)
    assert origins(entra, group) == {
        adele["id"]: "scim",
        emil["id"]: "scim",
        cleo["id"]: "manual",
        dora["id"]: "manual",
    }


@pytest.mark.parametrize("nobody", [[], None, ""])
def test_replace_by_an_empty_list_keeps_members_by_hand(entra, cast, nobody):
    group, (_, _, cleo, dora, _) = cast
    answer = entra.patch(url(group), {"op": "replace", "path": "members", "value": nobody})
    assert answer.status_int == 204
    assert origins(entra, group) == {cleo["id"]: "manual", dora["id"]: "manual"}


@pytest.mark.parametrize("more", [{}, {"value": None}])
def test_remove_of_all_keeps_members_by_hand(entra, cast, more):
    group, (_, _, cleo, dora, _) = cast
    assert entra.patch(url(group), {"op": "remove", "path": "members", **more}).status_int == 204
    assert origins(entra, group) == {cleo["id"]: "manual", dora["id"]: "manual"}


def test_put_keeps_members_by_hand(entra, cast):
    group, (_, _, cleo, dora, emil) = cast
    assert put(entra, group, members=values(emil)).status_int == 200
    assert origins(entra, group) == {emil["id"]: "scim", cleo["id"]: "manual", dora["id"]: "manual"}


@pytest.mark.parametrize("nobody", [[], None])
def test_put_of_an_empty_list_keeps_members_by_hand(entra, cast, nobody):
    group, (_, _, cleo, dora, _) = cast
    assert put(entra, group, Members=nobody).status_int == 200
    assert origins(entra, group) == {cleo["id"]: "manual", dora["id"]: "manual"}


def test_put_without_members_keeps_them_all(entra, cast):
    group, _ = cast
    before = origins(entra, group)
    assert put(entra, group, externalId="4f").status_int == 200
    assert origins(entra, group) == before


def test_a_patch_without_members_keeps_them_all(entra, cast):
    group, _ = cast
    before = origins(entra, group)
    renamed = {"op": "replace", "value": {"id": group["id"], "displayName": "Crew"}}
    assert entra.patch(url(group), renamed).status_int == 204
    assert origins(entra, group) == before


@pytest.mark.parametrize("form", ["list", "bare", "object", "path", "paths"])
def test_remove_of_a_named_member_removes_it_whatever_its_origin(entra, cast, form):
    group, (adele, bob, cleo, dora, _) = cast
    named = [adele["id"], cleo["id"]]
    forms: dict[str, list[dict[str, Any]]] = {
        "list": [{"op": "Remove", "path": "members", "value": [{"value": id, "$ref": None} for id in named]}],
        "bare": [{"op": "Remove", "path": "members", "value": named}],
        "object": [{"op": "Remove", "path": "members", "value": {"value": id}} for id in named],
        "path": [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in named],
        "paths": [{"op": "remove", "path": f'members[value eq "{named[0]}" or value eq "{named[1]}"]'}],
    }
    assert entra.patch(url(group), *forms[form]).status_int == 204
    assert origins(entra, group) == {bob["id"]: "scim", dora["id"]: "manual"}


def test_remove_of_an_empty_list_removes_no_member(entra, cast):
    group, _ = cast
    before, at = origins(entra, group), version(entra, group)
    change(entra, group, "remove")
    assert origins(entra, group) == before
    assert version(entra, group) == at


@pytest.mark.parametrize("how", ["add", "replace", "put"])
def test_naming_a_member_by_hand_changes_its_origin_without_a_new_version(entra, cast, how):
    group, (adele, bob, cleo, dora, _) = cast
    before, at = entra.get(url(group)).json, version(entra, group)
    if how == "put":
        assert put(entra, group, members=values(adele, bob, cleo)).json == before
    else:
        change(entra, group, how, *((adele, bob, cleo) if how == "replace" else (cleo,)))
    assert origins(entra, group)[cleo["id"]] == "scim"
    assert origins(entra, group)[dora["id"]] == "manual"
    assert version(entra, group) == at
    assert entra.get(url(group)).json == before
    change(entra, group, "replace")
    assert set(origins(entra, group)) == {dora["id"]}


# Requests that change nothing, and requests that change only what they name.


def test_adding_a_present_member_changes_nothing(entra, cast):
    group, (adele, *_) = cast
    at = version(entra, group)
    change(entra, group, "add", adele, adele)
    change(entra, group, "replace", *cast[1][:2])
    assert version(entra, group) == at
    assert len(members(entra, group)) == 4


def test_removing_a_resource_that_is_not_a_member_changes_nothing(entra, cast):
    group, (*_, emil) = cast
    at, before = version(entra, group), members(entra, group)
    change(entra, group, "remove", emil)
    change(entra, group, "remove", {"id": NOBODY})
    assert entra.patch(url(group), {"op": "remove", "path": f'members[value eq "{NOBODY}"]'}).status_int == 204
    assert version(entra, group) == at
    assert members(entra, group) == before


def test_each_request_that_changes_members_is_one_version(entra):
    adele, bob, cleo = (entra.user(name) for name in ("adele", "bob", "cleo"))
    group = entra.group("Team", adele["id"])
    change(entra, group, "add", bob, cleo)
    assert version(entra, group) == 'W/"2"'
    entra.patch(
        url(group),
        {"op": "remove", "path": "members", "value": values(bob)},
        {"op": "add", "path": "members", "value": values(bob)},
        {"op": "replace", "path": "displayName", "value": "Crew"},
    )
    assert version(entra, group) == 'W/"3"'
    assert members(entra, group) == {adele["id"], bob["id"], cleo["id"]}


def test_operations_are_applied_in_order(entra, cast):
    group, (adele, bob, _, _, emil) = cast
    entra.patch(
        url(group),
        {"op": "replace", "path": "members", "value": values(adele)},
        {"op": "add", "path": "members", "value": values(bob, emil)},
        {"op": "remove", "path": f'members[value eq "{adele["id"]}"]'},
    )
    assert {id for id, origin in origins(entra, group).items() if origin == "scim"} == {bob["id"], emil["id"]}


NOBODIES = [
    [{}], [{"value": ""}], [{"value": None}], [None], [""], [[]], [{"display": "Adele"}], [{"value": 7}], 7, {},
    [{"value": {"a": 1}}], [{"value": "x", "nope": 1}], {"value": None},
]  # fmt: skip


def test_a_member_without_an_id_is_refused_and_no_member_is_removed(entra, cast):
    group, _ = cast
    before, at = origins(entra, group), version(entra, group)
    for value in NOBODIES:
        for op in ("add", "replace", "remove"):
            answer = entra.patch(url(group), {"op": op, "path": "members", "value": value})
            assert answer.status_int == 400, (op, value)
        assert put(entra, group, members=value).status_int == 400, value
    assert origins(entra, group) == before
    assert version(entra, group) == at


def test_a_member_cannot_be_changed_in_place(entra, cast):
    group, (adele, _, _, _, emil) = cast
    before = origins(entra, group)
    one = f'members[value eq "{adele["id"]}"]'
    for path, value in (
        (f"{one}.value", emil["id"]),
        (f"{one}.display", "A"),
        ("members.type", "Group"),
        (one, values(emil)),
    ):
        answer = entra.patch(url(group), {"op": "replace", "path": path, "value": value})
        assert (answer.status_int, answer.json["scimType"]) == (400, "mutability"), path
    assert origins(entra, group) == before


def test_a_deleted_user_leaves_the_group_which_gets_a_new_version(entra, cast):
    group, (adele, bob, cleo, dora, _) = cast
    at = version(entra, group)
    entra.delete(f"/Users/{adele['id']}")
    assert members(entra, group) == {bob["id"], cleo["id"], dora["id"]}
    assert version(entra, group) != at


# Unknown members.


def write(client, group, how, ids):
    """Name these ids as members in one of four ways."""
    sent = [{"value": id} for id in ids]
    if how == "post":
        return client.post("/Groups", {"schemas": [CORE_GROUP], "displayName": "New", "members": sent})
    if how == "put":
        return put(client, group, members=sent)
    return client.patch(url(group), {"op": how, "path": "members", "value": sent})


WAYS = ["post", "put", "add", "replace"]


@pytest.mark.parametrize("how", WAYS)
def test_an_unknown_member_among_known_ones_is_skipped_with_a_warning(entra, how):
    adele, bob = entra.user("adele"), entra.user("bob")
    group = entra.group("Team", adele["id"])
    answer = write(entra, group, how, [adele["id"], NOBODY, bob["id"]])
    assert answer.status_int in (200, 201, 204), answer.text
    assert members(entra, answer.json if how == "post" else group) == {adele["id"], bob["id"]}
    entry = entra.log()[0]
    assert entry["level"] == "warning"
    assert NOBODY in entry["detail"]
    assert adele["id"] not in entry["detail"]


@pytest.mark.parametrize("how", WAYS)
def test_only_unknown_members_are_refused_and_named(entra, how):
    adele = entra.user("adele")
    group = entra.group("Team", adele["id"])
    answer = write(entra, group, how, [NOBODY, "x"])
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue")
    assert NOBODY in answer.json["detail"]
    assert members(entra, group) == {adele["id"]}
    assert entra.get("/Groups").json["totalResults"] == 1
    assert version(entra, group) == 'W/"1"'


@pytest.mark.parametrize("how", WAYS)
def test_with_the_preset_rfc_one_unknown_member_refuses_all_and_is_named(okta, how):
    adele, bob = okta.user("adele"), okta.user("bob")
    group = okta.group("Team", adele["id"])
    answer = write(okta, group, how, [adele["id"], NOBODY, bob["id"]])
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue")
    assert NOBODY in answer.json["detail"]
    assert adele["id"] not in answer.json["detail"]
    assert bob["id"] not in answer.json["detail"]
    assert members(okta, group) == {adele["id"]}
    assert okta.get("/Groups").json["totalResults"] == 1


def test_an_operation_that_is_refused_for_its_members_undoes_the_others(okta):
    adele, bob = okta.user("adele"), okta.user("bob")
    group = okta.group("Team", adele["id"])
    answer = okta.patch(
        url(group),
        {"op": "replace", "path": "displayName", "value": "Crew"},
        {"op": "add", "path": "members", "value": values(bob)},
        {"op": "add", "path": "members", "value": [{"value": NOBODY}]},
    )
    assert answer.status_int == 400
    assert members(okta, group) == {adele["id"]}
    assert okta.get(url(group)).json["displayName"] == "Team"


def test_a_user_of_another_tenant_is_unknown(entra, stranger):
    theirs, adele = stranger.user("zoe"), entra.user("adele")
    group = entra.group("Team", adele["id"])
    answer = write(entra, group, "add", [theirs["id"]])
    assert answer.status_int == 400
    assert write(entra, group, "add", [theirs["id"], adele["id"]]).status_int == 204
    assert members(entra, group) == {adele["id"]}
    assert "groups" not in stranger.get(f"/Users/{theirs['id']}").json


def test_ids_in_another_letter_case_are_unknown(okta):
    adele = okta.user("adele")
    group = okta.group("Team")
    assert write(okta, group, "add", [adele["id"].upper()]).status_int == 400


def test_many_unknown_members_are_not_all_listed(okta):
    group = okta.group("Team")
    answer = write(okta, group, "add", [f"nobody-{number:03}-{'x' * 100}" for number in range(500)])
    assert answer.status_int == 400
    assert answer.json["detail"].count("nobody-") == 10
    assert "490 more" in answer.json["detail"]
    assert len(answer.text) < 1_000


# Nested groups.


def nest(client, outer, *inner):
    return client.patch(url(outer), {"op": "add", "path": "members", "value": values(*inner)})


def belongs(client, user):
    """The groups of a user: the name, and direct or indirect."""
    return {group["display"]: group["type"] for group in client.get(f"/Users/{user['id']}").json.get("groups", [])}


def test_a_group_may_contain_groups(entra):
    adele = entra.user("adele")
    inner, outer = entra.group("Inner", adele["id"]), entra.group("Outer")
    assert nest(entra, outer, inner).status_int == 204
    member = entra.get(url(outer)).json["members"][0]
    assert member == {
        "value": inner["id"], "$ref": f"{entra.endpoint}/Groups/{inner['id']}", "type": "Group", "display": "Inner",
    }  # fmt: skip
    assert belongs(entra, adele) == {"Inner": "direct", "Outer": "indirect"}


def test_a_group_cannot_become_a_member_of_itself(entra):
    names = ("A", "B", "C", "D")
    a, b, c, d = (entra.group(name) for name in names)
    for outer, inner in ((a, b), (b, c), (c, d)):
        assert nest(entra, outer, inner).status_int == 204
    adele = entra.user("adele")
    for outer, inner in ((a, a), (b, a), (c, a), (d, a), (d, b), (d, c)):
        for answer in (
            nest(entra, outer, adele, inner),
            entra.patch(url(outer), {"op": "replace", "path": "members", "value": values(inner, adele)}),
            put(entra, outer, members=values(inner)),
            entra.patch(url(outer), {"op": "add", "path": f'members[value eq "{inner["id"]}"]', "value": {}}),
        ):
            assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue")
    assert [version(entra, group) for group in (a, b, c, d)] == ['W/"2"', 'W/"2"', 'W/"2"', 'W/"1"']
    assert members(entra, d) == set()


def test_two_ways_into_a_group_are_not_a_cycle(entra):
    adele = entra.user("adele")
    top, left, right, bottom = (entra.group(name) for name in ("Top", "Left", "Right", "Bottom"))
    for outer, inner in ((top, left), (top, right), (left, bottom), (right, bottom), (top, bottom)):
        assert nest(entra, outer, inner).status_int == 204
    nest(entra, bottom, adele)
    assert belongs(entra, adele) == {"Bottom": "direct", "Left": "indirect", "Right": "indirect", "Top": "indirect"}
    nest(entra, left, adele)
    assert belongs(entra, adele)["Left"] == "direct"


def test_two_groups_may_be_nested_the_other_way_round_later(entra):
    a, b = entra.group("A"), entra.group("B")
    nest(entra, a, b)
    assert nest(entra, b, a).status_int == 400
    change(entra, a, "remove", b)
    assert nest(entra, b, a).status_int == 204


def test_deleting_a_group_in_between_ends_indirect_membership(entra):
    adele = entra.user("adele")
    inner, outer = entra.group("Inner", adele["id"]), entra.group("Outer")
    nest(entra, outer, inner)
    at = version(entra, outer)
    assert entra.delete(url(inner)).status_int == 204
    assert belongs(entra, adele) == {}
    assert members(entra, outer) == set()
    assert version(entra, outer) != at


def test_a_member_is_shown_with_its_current_name(okta):
    bob = okta.user("bob", displayName="Bob")
    group = okta.group("Team", bob["id"])
    okta.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "displayName", "value": "Robert"})
    assert okta.get(url(group)).json["members"][0]["display"] == "Robert"
    okta.patch(url(group), {"op": "replace", "path": "displayName", "value": "Crew"})
    assert okta.get(f"/Users/{bob['id']}").json["groups"][0]["display"] == "Crew"


def test_groups_are_filtered_by_their_members(entra, cast):
    group, (adele, _, cleo, _, emil) = cast
    other = entra.group("Other", emil["id"])

    def found(filter):
        return [each["id"] for each in entra.get(f"/Groups?filter={filter}").json["Resources"]]

    assert found(f'members.value eq "{adele["id"]}"') == [group["id"]]
    assert found(f'members[value eq "{cleo["id"]}"]') == [group["id"]]
    assert found(f'members eq "{emil["id"]}"') == [other["id"]]
    assert found(f'members.value eq "{NOBODY}"') == []


def test_more_members_by_hand_than_a_statement_has_parameters_are_named(entra):
    """A statement takes at most 65,535 parameters on Postgres."""
    group = entra.group("Crew")
    ids = crowd(entra, group["id"], 66_000)
    of_group = Membership.group == Resource.get(Resource.id == group["id"]).pk
    entra.database.write(lambda _: Membership.update(origin="manual").where(of_group).execute())
    for operation in ("add", "remove"):
        change = {"op": operation, "path": "members", "value": [{"value": id} for id in ids]}
        assert entra.patch(f"/Groups/{group['id']}", change).status_int == 204
        by_hand = Membership.select().where(of_group & (Membership.origin == "manual"))
        assert entra.database.read(by_hand.count) == 0
    assert entra.database.read(Membership.select().where(of_group).count) == 0
