"""attributes and excludedAttributes: which attributes an answer has (RFC 7644 §3.9)."""

import copy
from typing import Any

import pytest

from scim.errors import InvalidValue
from scim.preset import PRESETS, CustomField, profile
from scim.projection import Projection
from scim.schemas import CORE_USER, ENTERPRISE_USER

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
RFC = profile(PRESETS["rfc"], [CustomField("shoeSize", "integer")])
LEARNING = profile(PRESETS["360learning"])

BABS: dict[str, Any] = {
    "schemas": [CORE_USER, ENTERPRISE_USER, FIELDS],
    "id": "2819c223",
    "externalId": "701984",
    "userName": "bjensen",
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "active": False,
    "emails": [
        {"value": "babs@example.com", "type": "work", "primary": True},
        {"value": "babs@home.example", "type": "home"},
        {"display": "somewhere"},
    ],
    ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915", "displayName": "John Smith"}},
    FIELDS: {"shoeSize": 0},
    "meta": {"resourceType": "User", "location": "https://scim.example/Users/2819c223"},
}
ALWAYS = {"schemas": BABS["schemas"], "id": "2819c223"}

SALES = {
    "schemas": [LEARNING.group.schema.id],
    "id": "e9e30dba",
    "displayName": "Sales",
    "members": [{"value": "2819c223", "type": "User"}],
    "meta": {"resourceType": "Group"},
}


def only(*names, resource_type=RFC.user):
    return Projection.read(resource_type, names, None)


def without(*names, resource_type=RFC.user):
    return Projection.read(resource_type, None, names)


def left_of_babs(*names):
    return {name: value for name, value in BABS.items() if name not in names}


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["userName"], {"userName": "bjensen"}),
        (["USERNAME"], {"userName": "bjensen"}),
        ([" userName "], {"userName": "bjensen"}),
        ([f"{CORE_USER}:userName"], {"userName": "bjensen"}),
        ([f"{CORE_USER}:userName".upper()], {"userName": "bjensen"}),
        (["userName,active"], {"userName": "bjensen", "active": False}),
        (["active", "userName"], {"userName": "bjensen", "active": False}),
        (["name"], {"name": BABS["name"]}),
        (["name.givenName"], {"name": {"givenName": "Barbara"}}),
        (["name.givenName", "name"], {"name": BABS["name"]}),
        (["name", "name.givenName"], {"name": BABS["name"]}),
        (["name.middleName"], {}),
        (["emails.value"], {"emails": [{"value": "babs@example.com"}, {"value": "babs@home.example"}]}),
        (
            ["emails.value", "Emails.Primary"],
            {"emails": [{"value": "babs@example.com", "primary": True}, {"value": "babs@home.example"}]},
        ),
        ([f"{CORE_USER}:emails.display"], {"emails": [{"display": "somewhere"}]}),
        ([ENTERPRISE_USER], {ENTERPRISE_USER: BABS[ENTERPRISE_USER]}),
        ([ENTERPRISE_USER.lower()], {ENTERPRISE_USER: BABS[ENTERPRISE_USER]}),
        ([f"{ENTERPRISE_USER}:department"], {ENTERPRISE_USER: {"department": "Tours"}}),
        (["manager"], {ENTERPRISE_USER: {"manager": BABS[ENTERPRISE_USER]["manager"]}}),
        ([f"{ENTERPRISE_USER}:manager.displayName"], {ENTERPRISE_USER: {"manager": {"displayName": "John Smith"}}}),
        ([f"{FIELDS}:SHOESIZE"], {FIELDS: {"shoeSize": 0}}),
        (["meta.location"], {"meta": {"location": BABS["meta"]["location"]}}),
        (["id"], {}),
        (["title"], {}),
        (["unknown"], {}),
        (["unknown", "userName"], {"userName": "bjensen"}),
        (['emails[type eq "work"].value'], {}),
        (["password"], {}),
    ],
)
def test_attributes_selects_what_it_names_beside_what_is_always_returned(names, chosen):
    assert only(*names).apply(BABS) == ALWAYS | chosen


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["emails"], left_of_babs("emails")),
        (["EMAILS", "meta"], left_of_babs("emails", "meta")),
        (["emails,meta"], left_of_babs("emails", "meta")),
        ([f"{CORE_USER}:emails"], left_of_babs("emails")),
        (["name.givenName"], BABS | {"name": {"familyName": "Jensen"}}),
        (["name.givenName", "name.familyName"], left_of_babs("name")),
        (["name", "name.givenName"], left_of_babs("name")),
        (
            ["emails.value", "emails.display", "emails.primary"],
            BABS | {"emails": [{"type": "work"}, {"type": "home"}]},
        ),
        (["emails.value", "emails.display", "emails.primary", "emails.type"], left_of_babs("emails")),
        ([ENTERPRISE_USER], left_of_babs(ENTERPRISE_USER)),
        (["manager"], BABS | {ENTERPRISE_USER: {"department": "Tours"}}),
        ([f"{FIELDS}:shoeSize"], left_of_babs(FIELDS)),
        (["id", "schemas"], BABS),
        (["unknown"], BABS),
        (["title"], BABS),
    ],
)
def test_excluded_attributes_leaves_everything_else(names, left):
    assert without(*names).apply(BABS) == left


def test_the_order_of_the_members_stays():
    assert [*only("meta", "userName", "externalId").apply(BABS)] == ["schemas", "id", "externalId", "userName", "meta"]
    assert [*without("userName").apply(BABS)] == [name for name in BABS if name != "userName"]


def test_the_resource_itself_stays_as_it_was():
    before = copy.deepcopy(BABS)
    only("emails.value", "manager.value").apply(BABS)
    without("emails.value", "manager.value").apply(BABS)
    assert before == BABS


def test_an_attribute_that_the_preset_forbids_is_passed_over_like_an_unknown_one():
    projection = only("displayName", "userName", resource_type=LEARNING.user)
    assert projection.apply(BABS | {"displayName": "Babs"}) == ALWAYS | {"userName": "bjensen"}


@pytest.mark.parametrize("nothing", [None, [], [""], [" , "]])
def test_without_a_name_there_is_no_projection(nothing):
    assert Projection.read(RFC.user, nothing, None) is None
    assert Projection.read(RFC.user, None, nothing) is None
    assert Projection.read(RFC.user, nothing, ["name"]) == without("name")
    assert Projection.read(RFC.user, ["id"], nothing) == only("id")


def test_the_two_parameters_exclude_each_other():
    with pytest.raises(InvalidValue, match="attributes and excludedAttributes"):
        Projection.read(RFC.user, ["userName"], ["emails"])


@pytest.mark.parametrize(
    ("projection", "name", "wanted"),
    [
        (only("userName"), "groups", False),
        (only("groups.value"), "groups", True),
        (only("groups"), "groups", True),
        (only("unknown"), "groups", False),
        (only("userName"), "schemas", True),
        (only("userName"), "id", True),
        (only("manager.displayName"), ENTERPRISE_USER, True),
        (only("manager.displayName"), "manager", True),
        (only(ENTERPRISE_USER), "manager", True),
        (only(f"{ENTERPRISE_USER}:department"), ENTERPRISE_USER, True),
        (only(f"{ENTERPRISE_USER}:department"), "manager", False),
        (without("groups"), "groups", False),
        (without("groups.display"), "groups", True),
        (without("emails"), "groups", True),
        (without("unknown"), "groups", True),
        (without("id"), "id", True),
        (without("manager"), "manager", False),
        (without("manager"), ENTERPRISE_USER, True),
        (without(ENTERPRISE_USER), "manager", False),
        (without(ENTERPRISE_USER), ENTERPRISE_USER, False),
        (without("groups"), "members", False),
        (without("members", resource_type=RFC.group), "members", False),
        (without("MEMBERS", resource_type=RFC.group), "members", False),
        (without("displayName", resource_type=RFC.group), "members", True),
        (only("displayName", resource_type=RFC.group), "members", False),
    ],
)
def test_the_store_learns_what_it_need_not_read(projection, name, wanted):
    assert projection.wants(name) is wanted


def test_a_group_without_its_members_is_the_group_that_entra_asks_for():
    projection = without("members", resource_type=LEARNING.group)
    assert projection.apply(SALES) == {name: value for name, value in SALES.items() if name != "members"}
