"""Groups on the platform side: members by hand, parents, the integration group, renaming, and what clients see (RFC
7643 §4.2)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from scim.errors import InvalidValue, NotFound
from store.platform.groups import PlatformGroups
from store.platform.names import id_of
from store.resources.groups import Groups
from store.resources.users import Users
from store.tables import Membership, Resource
from store.tenants.log import Call
from store.tenants.tenants import set_integration_group
from tests import writes

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def platform(client, operation="platform: group"):
    """The platform side of a client's tenant."""
    call = Call(operation=operation, client="command line")
    return PlatformGroups(Groups(client.database, client.tenants.get(client.name), client.endpoint, call))


def users(client):
    return Users(client.database, client.tenants.get(client.name), client.endpoint, Call())


def shown(client, group):
    return client.get(f"/Groups/{group['id']}").json


def version(client, group):
    return shown(client, group)["meta"]["version"]


def members(client, group):
    return {member["display"] for member in shown(client, group).get("members", ())}


def parent(client, group):
    above = Resource.alias("above")
    query = above.select(above.id).join(Resource, on=(above.pk == Resource.parent))
    row = client.database.read(lambda: query.where(Resource.id == group["id"]).tuples().first())
    return row and row[0]


def origins(client, group):
    group_row, member = Resource.alias("group_row"), Resource.alias("member")
    query = Membership.select(member.display, Membership.origin).join(member, on=(member.pk == Membership.member))
    query = query.join(group_row, on=(group_row.pk == Membership.group)).where(group_row.id == group["id"])
    return dict(client.database.read(lambda: list(query.tuples())))


@pytest.fixture
def sales(entra):
    return entra.group("Sales")


def test_members_by_hand_stay_when_the_client_replaces_the_members(entra, sales):
    ann, bob, cat = (entra.user(name) for name in ("ann", "bob", "cat"))
    platform(entra).add_members(sales["id"], [ann["id"]])
    for wanted in (bob, cat):
        entra.patch(f"/Groups/{sales['id']}", {"op": "Replace", "path": "members", "value": [{"value": wanted["id"]}]})
    assert members(entra, sales) == {"ann", "cat"}
    assert origins(entra, sales) == {"ann": "manual", "cat": "scim"}


def test_adding_a_member_by_scim_by_hand_changes_nothing(entra):
    ann = entra.user("ann")
    group = entra.group("Sales", ann["id"])
    assert not platform(entra).add_members(group["id"], [ann["id"]])
    assert version(entra, group) == 'W/"1"'
    assert origins(entra, group) == {"ann": "scim"}


def test_adding_by_hand_makes_a_new_version_and_a_log_entry(entra, sales):
    ann = entra.user("ann")
    assert platform(entra, "platform: group add-member").add_members(sales["id"], [ann["id"]])
    assert version(entra, sales) == 'W/"2"'
    entry = entra.log()[0]
    assert (entry["operation"], entry["name"]) == ("platform: group add-member", "Sales")
    assert entry["changes"] == [{"attribute": "members", "after": [{"value": ann["id"], "display": "ann"}]}]


def test_the_platform_side_removes_members_whatever_their_origin(entra):
    ann, bob, cat = (entra.user(name) for name in ("ann", "bob", "cat"))
    group = entra.group("Sales", ann["id"])
    platform(entra).add_members(group["id"], [bob["id"]])
    assert platform(entra).remove_members(group["id"], [ann["id"], bob["id"]])
    assert members(entra, group) == set()
    assert not platform(entra).remove_members(group["id"], [cat["id"]])


def test_a_group_that_is_created_here_is_found_by_name_and_then_linked(entra):
    made = writes.create(platform(entra).groups, {"schemas": [CORE_GROUP], "displayName": "Marketing"})
    assert entra.get('/Groups?filter=externalId eq "entra-1"').json["totalResults"] == 0
    found = entra.get('/Groups?filter=displayName eq "marketing"').json["Resources"]
    assert [group["id"] for group in found] == [made.id]
    adopted = entra.patch(f"/Groups/{made.id}", {"op": "Add", "path": "externalId", "value": "entra-1"})
    assert adopted.status_int == 204
    assert entra.get('/Groups?filter=externalID eq "entra-1"').json["Resources"][0]["id"] == made.id


def test_a_group_that_is_renamed_here_stays_linked_until_the_client_renames_it(entra, sales):
    entra.patch(f"/Groups/{sales['id']}", {"op": "Add", "path": "externalId", "value": "entra-2"})
    rename = {"op": "replace", "path": "displayName", "value": "Sales France"}
    writes.patch(platform(entra).groups, sales["id"], rename)
    ann = entra.user("ann")
    entra.patch(f"/Groups/{sales['id']}", {"op": "Add", "path": "members", "value": [{"value": ann["id"]}]})
    found = entra.get('/Groups?filter=externalId eq "entra-2"').json["Resources"][0]
    assert (found["id"], found["displayName"]) == (sales["id"], "Sales France")
    entra.patch(f"/Groups/{sales['id']}", {"op": "Replace", "path": "displayName", "value": "Sales EMEA"})
    assert shown(entra, sales)["displayName"] == "Sales EMEA"


def test_every_new_user_joins_the_integration_group_and_a_replace_keeps_them(entra, sales):
    entra.user("before")
    entra.database.write(lambda write: set_integration_group(write, entra.database, entra.tenant, "SALES", Call()))
    ann = entra.user("ann")
    assert ann["groups"][0]["display"] == "Sales"
    entra.patch(f"/Groups/{sales['id']}", {"op": "Replace", "path": "members", "value": []})
    assert members(entra, sales) == {"ann"}
    assert version(entra, sales) == 'W/"2"'


def test_users_are_created_though_the_integration_group_was_deleted(entra, sales):
    entra.database.write(lambda write: set_integration_group(write, entra.database, entra.tenant, "Sales", Call()))
    entra.delete(f"/Groups/{sales['id']}")
    assert "groups" not in entra.user("ann")


def test_a_parent_is_set_changed_and_removed(entra, sales):
    europe, world = entra.group("Europe"), entra.group("World")
    assert platform(entra).set_parent(sales["id"], europe["id"])
    assert not platform(entra).set_parent(sales["id"], europe["id"])
    assert platform(entra).set_parent(sales["id"], world["id"])
    assert entra.log()[0]["changes"] == [{"attribute": "parent", "before": "Europe", "after": "World"}]
    assert parent(entra, sales) == world["id"]
    assert platform(entra).set_parent(sales["id"], None)
    assert parent(entra, sales) is None
    assert version(entra, sales) == 'W/"4"'


def test_the_client_neither_sees_nor_changes_a_parent(entra, sales):
    europe = entra.group("Europe")
    seen = shown(entra, sales)
    platform(entra).set_parent(sales["id"], europe["id"])
    del seen["meta"]
    after = shown(entra, sales)
    assert {name: value for name, value in after.items() if name != "meta"} == seen
    entra.put(f"/Groups/{sales['id']}", {"schemas": [CORE_GROUP], "displayName": "Sales", "members": []})
    entra.patch(f"/Groups/{sales['id']}", {"op": "Replace", "path": "displayName", "value": "Vente"})
    assert parent(entra, sales) == europe["id"]
    ann = entra.user("ann")
    entra.patch(f"/Groups/{sales['id']}", {"op": "Add", "path": "members", "value": [{"value": ann["id"]}]})
    groups = entra.get(f"/Users/{ann['id']}").json["groups"]
    assert [(group["display"], group["type"]) for group in groups] == [("Vente", "direct")]


def test_a_deleted_parent_leaves_its_groups_without_one(entra, sales):
    europe = entra.group("Europe")
    platform(entra).set_parent(sales["id"], europe["id"])
    entra.delete(f"/Groups/{europe['id']}")
    assert parent(entra, sales) is None
    assert shown(entra, sales)["displayName"] == "Sales"


def test_a_group_cannot_be_below_itself_directly_or_through_others(entra, sales):
    europe, world = entra.group("Europe"), entra.group("World")
    platform(entra).set_parent(sales["id"], europe["id"])
    platform(entra).set_parent(europe["id"], world["id"])
    for group in (sales, europe, world):
        with pytest.raises(InvalidValue, match="cannot be below itself"):
            platform(entra).set_parent(group["id"], sales["id"])
    assert parent(entra, world) is None


def test_two_concurrent_calls_cannot_put_two_groups_below_each_other(entra, sales):
    europe = entra.group("Europe")

    def put(one, other):
        try:
            return platform(entra).set_parent(one["id"], other["id"])
        except InvalidValue:
            return "refused"
        finally:
            entra.database.close()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            outcomes = list(pool.map(put, (sales, europe), (europe, sales)))
            assert sorted(map(str, outcomes)) == ["True", "refused"]
            assert sum(parent(entra, group) is not None for group in (sales, europe)) == 1
            for group in (sales, europe):
                platform(entra).set_parent(group["id"], None)


def test_a_parent_may_be_a_member_of_its_group(entra, sales):
    europe = entra.group("Europe", sales["id"])
    assert platform(entra).set_parent(europe["id"], sales["id"])


def test_nesting_by_hand_is_refused_if_it_would_be_a_cycle(entra, sales):
    europe = entra.group("Europe", sales["id"])
    with pytest.raises(InvalidValue, match="a member of itself"):
        platform(entra).add_members(sales["id"], [europe["id"]])
    with pytest.raises(InvalidValue, match="a member of itself"):
        platform(entra).add_members(sales["id"], [sales["id"]])


def test_another_tenants_groups_are_unknown_as_group_and_as_parent(entra, sales, stranger):
    theirs = stranger.group("Theirs")
    with pytest.raises(NotFound):
        platform(stranger).set_parent(sales["id"], None)
    with pytest.raises(NotFound):
        platform(stranger).set_parent(theirs["id"], sales["id"])


def test_users_and_groups_are_found_by_id_name_or_e_mail(entra, sales):
    groups = platform(entra).groups
    bob = entra.user("Bob", emails=[{"type": "work", "value": "robert@example.com"}])
    assert {id_of(users(entra), word) for word in ("bob", "BOB", "Robert@Example.com", bob["id"])} == {bob["id"]}
    assert {id_of(groups, word) for word in ("SALES", sales["id"])} == {sales["id"]}
    with pytest.raises(NotFound, match=r'no group with the id or name "bob"'):
        id_of(groups, "bob")


def test_a_word_that_means_two_users_is_refused_with_both_ids(entra):
    ann = entra.user("ann", emails=[{"type": "work", "value": "x@example.com"}])
    other = entra.user("x@example.com", emails=[{"type": "work", "value": "y@example.com"}])
    with pytest.raises(InvalidValue) as refused:
        id_of(users(entra), "X@example.com")
    assert ann["id"] in refused.value.detail
    assert other["id"] in refused.value.detail
