"""References between resources as clients give them, by value and by $ref (RFC 7643 §2.3.7, §4.2, §4.3)."""

import pytest

from scim.schemas import ENTERPRISE_USER

MANAGER = f"{ENTERPRISE_USER}:manager"


def manager_of(client, user):
    return client.get(f"/Users/{user['id']}").json.get(ENTERPRISE_USER, {}).get("manager", {}).get("value")


@pytest.mark.parametrize("start", ["", "https://elsewhere.example/v2", ".."])
def test_a_manager_named_by_reference_alone_is_found(okta, start):
    """(RFC 7643 §4.3)"""
    boss = okta.user("boss")
    bob = okta.user("bob", **{ENTERPRISE_USER: {"manager": {"$ref": f"{start}/Users/{boss['id']}"}}})
    assert bob[ENTERPRISE_USER]["manager"] == {
        "value": boss["id"], "$ref": boss["meta"]["location"], "displayName": "boss",
    }  # fmt: skip


def test_a_patched_reference_changes_the_manager(okta):
    """(RFC 7643 §4.3)"""
    boss, next_boss = okta.user("boss"), okta.user("next")
    bob = okta.user("bob", **{ENTERPRISE_USER: {"manager": {"value": boss["id"]}}})
    change = {"op": "replace", "path": f"{MANAGER}.$ref", "value": f"../Users/{next_boss['id']}"}
    assert okta.patch(f"/Users/{bob['id']}", change).status_int == 200
    assert manager_of(okta, bob) == next_boss["id"]


def test_the_value_counts_where_value_and_reference_differ(okta):
    """(RFC 7643 §4.3)"""
    boss, other = okta.user("boss"), okta.user("other")
    manager = {"value": boss["id"], "$ref": other["meta"]["location"]}
    assert manager_of(okta, okta.user("bob", **{ENTERPRISE_USER: {"manager": manager}})) == boss["id"]


def test_what_was_read_can_be_sent_back(okta):
    """(RFC 7644 §3.5.1)"""
    boss = okta.user("boss")
    bob = okta.user("bob", **{ENTERPRISE_USER: {"manager": {"value": boss["id"]}}})
    answer = okta.put(f"/Users/{bob['id']}", bob)
    assert answer.json == bob


def test_a_reference_to_nobody_is_refused(okta):
    """(RFC 7643 §2.3.7)"""
    bob = okta.user("bob")
    change = {"op": "add", "path": f"{MANAGER}.$ref", "value": "../Users/nobody"}
    answer = okta.patch(f"/Users/{bob['id']}", change)
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue")
    assert manager_of(okta, bob) is None


def test_an_extension_may_repeat_its_own_schema(okta):
    """scim2-client does so in PATCH values (RFC 7643 §3.3)"""
    bob = okta.user("bob")
    change = {"op": "add", "path": ENTERPRISE_USER, "value": {"schemas": [ENTERPRISE_USER], "costCenter": "7"}}
    answer = okta.patch(f"/Users/{bob['id']}", change)
    assert answer.json[ENTERPRISE_USER] == {"costCenter": "7"}


def test_the_name_of_a_member_is_the_servers(okta):
    """(RFC 7643 §4.2)"""
    bob = okta.user("bob", displayName="Bob B.")
    team = okta.group("Team")
    change = {"op": "add", "path": "members", "value": [{"value": bob["id"], "display": "Somebody"}]}
    assert okta.patch(f"/Groups/{team['id']}", change).status_int == 204
    assert okta.get(f"/Groups/{team['id']}").json["members"][0]["display"] == "Bob B."
