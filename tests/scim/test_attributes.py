"""The one gate through which every attribute name passes (RFC 7643 §2.1, RFC 7644 §3.10)."""

from dataclasses import replace

import pytest

from scim.attributes import Attribute, Schema
from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER, complex_attribute

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
LEARNING = profile(PRESETS["360learning"])
MEMBERS = LEARNING.group.targets["members"].attribute
RFC = profile(PRESETS["rfc"], [CustomField("shoeSize", "integer"), CustomField("title", "string")])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("userName", ["userName"]),
        ("USERNAME", ["userName"]),
        ("externalID", ["externalId"]),
        ("id", ["id"]),
        ("schemas", ["schemas"]),
        ("meta.lastmodified", ["meta", "lastModified"]),
        ("name", ["name"]),
        ("name.givenName", ["name", "givenName"]),
        ("Emails.Value", ["emails", "value"]),
        ("groups.$ref", ["groups", "$ref"]),
        ("displayName", ["displayName"]),
        ("password", ["password"]),
        (f"{CORE_USER}:userName", ["userName"]),
        (f"{CORE_USER}:name.familyName".upper(), ["name", "familyName"]),
        (f"{CORE_USER}:externalId", ["externalId"]),
        (ENTERPRISE_USER, [ENTERPRISE_USER]),
        (ENTERPRISE_USER.lower(), [ENTERPRISE_USER]),
        (f"{ENTERPRISE_USER}:department", [ENTERPRISE_USER, "department"]),
        (f"{ENTERPRISE_USER}:manager.value", [ENTERPRISE_USER, "manager", "value"]),
        (f"{ENTERPRISE_USER}.employeeNumber", [ENTERPRISE_USER, "employeeNumber"]),
        (f"{ENTERPRISE_USER}.manager.value", [ENTERPRISE_USER, "manager", "value"]),
        ("manager", [ENTERPRISE_USER, "manager"]),
        ("manager.displayName", [ENTERPRISE_USER, "manager", "displayName"]),
        ("department", [ENTERPRISE_USER, "department"]),
        (f"{FIELDS}:SHOESIZE", [FIELDS, "shoeSize"]),
        (f"{FIELDS}.shoeSize", [FIELDS, "shoeSize"]),
        (f"{FIELDS}:title", [FIELDS, "title"]),
        ("title", ["title"]),
    ],
)
def test_a_name_stands_for_one_attribute_however_it_is_spelled(name, path):
    assert RFC.user.resolve(name, InvalidPath).path == tuple(path)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "foo",
        "name.foo",
        "name.givenName.foo",
        "userName.value",
        "shoeSize",
        "members",
        CORE_USER,
        f"{CORE_USER}:foo",
        f"{CORE_USER}:department",
        f"{CORE_USER}.userName",
        f"{CORE_GROUP}:displayName",
        f"{ENTERPRISE_USER}:userName",
        f"{ENTERPRISE_USER}:",
        f"{FIELDS}:hatSize",
        " userName",
    ],
)
def test_an_unknown_name_is_refused_as_the_client_sent_it(name):
    with pytest.raises(InvalidFilter) as refused:
        RFC.user.resolve(name, InvalidFilter)
    assert refused.value.detail == f"Invalid or forbidden key found: {name}"


@pytest.mark.parametrize("error", [InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue])
@pytest.mark.parametrize("name", ["displayName", "DISPLAYNAME", f"{CORE_USER}:displayname"])
def test_a_forbidden_name_is_refused_as_the_schema_spells_it(name, error):
    with pytest.raises(error) as refused:
        LEARNING.user.resolve(name, error)
    assert refused.value.detail == "Invalid or forbidden key found: displayName"


def test_a_name_forbidden_for_users_stays_allowed_for_groups():
    assert LEARNING.group.resolve("displayName", InvalidPath).name == "displayName"
    assert LEARNING.user.resolve("manager.displayName", InvalidPath).attribute.name == "displayName"


def test_a_refusal_does_not_echo_a_name_without_end():
    with pytest.raises(InvalidPath) as refused:
        RFC.user.resolve("x" * 10_000, InvalidPath)
    assert len(refused.value.detail) < 300


@pytest.mark.parametrize(
    ("name", "spelled", "container", "multi_valued"),
    [
        ("username", "userName", None, False),
        ("emails", "emails", None, True),
        ("emails.VALUE", "emails.value", "emails", True),
        ("name.givenname", "name.givenName", "name", False),
        (ENTERPRISE_USER.upper(), ENTERPRISE_USER, None, False),
        ("department", f"{ENTERPRISE_USER}:department", None, False),
        ("manager.value", f"{ENTERPRISE_USER}:manager.value", f"{ENTERPRISE_USER}:manager", False),
    ],
)
def test_a_target_knows_its_name_and_what_it_is_part_of(name, spelled, container, multi_valued):
    target = RFC.user.resolve(name, InvalidPath)
    assert target.name == spelled
    assert (target.container.name if target.container else None) == container
    assert target.multi_valued is multi_valued


def test_every_name_that_a_target_gives_itself_leads_back_to_it():
    for resource_type in (*RFC.types, *LEARNING.types):
        for target in resource_type.targets.values():
            assert resource_type.targets[target.name.lower()].path == target.path


def test_a_target_leads_to_its_sub_attributes():
    emails = RFC.user.resolve("emails", InvalidPath)
    value = emails.sub("VALUE")
    assert value is not None
    assert (value.name, value.attribute.max_length) == ("emails.value", 512)
    assert emails.sub("foo") is None
    assert value.sub("value") is None


def test_a_document_carries_common_and_core_attributes_then_extensions_of_which_the_enterprise_user_is_last():
    names = [attribute.name for attribute in RFC.user.attributes]
    assert names[:5] == ["schemas", "id", "externalId", "meta", "userName"]
    assert names[-2:] == [FIELDS, ENTERPRISE_USER]
    assert [attribute.name for attribute in RFC.user.attributes if attribute.is_extension] == [FIELDS, ENTERPRISE_USER]
    assert RFC.user.urns == {urn.lower(): urn for urn in (CORE_USER, ENTERPRISE_USER, FIELDS)}


# Tables that could not be served


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ([Attribute("level", "number")], "level is of type number, which scim.types does not have"),
        ([complex_attribute("badge", "", Attribute("since", "date"))], "since is of type date"),
        ([Attribute("title", compare="phone")], "title compares as phone, which scim.compare does not have"),
        ([replace(MEMBERS, sub_attributes=(*MEMBERS.sub_attributes, Attribute("role")))], "members must have the sub-"),
        ([replace(MEMBERS, sub_attributes=MEMBERS.sub_attributes[:1])], "members must have the sub-attributes"),
    ],
    ids=["type", "type of a sub-attribute", "comparison", "further sub-attribute of members", "members.value alone"],
)
def test_a_schema_that_could_not_be_served_is_refused_when_it_is_made(attributes, said):
    with pytest.raises(ValueError, match=said):
        Schema("urn:example:2.0:Thing", "Thing", "A thing", tuple(attributes))


def test_a_custom_field_may_be_called_members():
    assert (
        profile(PRESETS["rfc"], [CustomField("members", "string")]).user.extensions[0].attributes[0].name == "members"
    )
