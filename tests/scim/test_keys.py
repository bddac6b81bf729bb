"""Comparison keys: equal keys are equal values, and their order is the values' order (RFC 7643 §2.3, §7, RFC 7644
§3.4.2.2, §5)."""

import pytest

from scim import compare, keys
from scim.attributes import Attribute
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import ENTERPRISE_USER

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
PROFILE = profile(PRESETS["rfc"])


@pytest.mark.parametrize(
    ("attribute", "value", "key"),
    [
        (Attribute("title"), "Tour GUIDE", "tour guide"),
        (Attribute("externalId", case_exact=True), "701984-A", "701984-A"),
        (Attribute("title"), "ＡＢＣ", "ａｂｃ"),
        (Attribute("userName", compare="userName"), "ＡＢＣ", "abc"),
        (Attribute("profileUrl", "reference", case_exact=True), "https://Example.com/", "https://Example.com/"),
        (Attribute("active", "boolean"), False, False),
        (Attribute("count", "integer"), 9007199254740993, 9007199254740993),
        (Attribute("ratio", "decimal"), 0.1, 0.1),
        (Attribute("hired", "dateTime"), "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.000000000Z"),
        (Attribute("photo", "binary", case_exact=True), "QQ", "QQ=="),
    ],
)
def test_the_type_and_the_case_of_an_attribute_decide_on_its_key(attribute, value, key):
    assert keys.key_function(attribute)(value) == key


def test_a_document_of_keys_has_the_form_of_the_document():
    user = profile(PRESETS["rfc"], [CustomField("hired", "dateTime")]).user
    document = {
        "userName": "BJensen",
        "externalId": "A-1",
        "name": {"familyName": "Straße"},
        "active": True,
        "emails": [{"value": "Babs@Example.com", "type": "Work", "primary": True}, {"value": "b@x"}],
        ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "A-2"}},
        FIELDS: {"hired": "2020-01-01T00:00:00"},
        "strange": "left out",
    }
    assert keys.keys(user.attributes, document) == {
        "userName": "bjensen",
        "externalId": "A-1",
        "name": {"familyName": "strasse"},
        "active": True,
        "emails": [{"value": "babs@example.com", "type": "work", "primary": True}, {"value": "b@x"}],
        ENTERPRISE_USER: {"department": "tours", "manager": {"value": "A-2"}},
        FIELDS: {"hired": "2020-01-01T00:00:00.000000000Z"},
    }


@pytest.mark.parametrize(
    ("resource_type", "name", "rule"),
    [
        (PROFILE.user, "userName", compare.user_name),
        (PROFILE.user, "emails.value", compare.email),
        (PROFILE.user, "externalId", compare.exact),
        (PROFILE.user, "title", compare.folded),
        (PROFILE.group, "displayName", compare.group_name),
    ],
)
def test_an_attribute_names_the_rule_by_which_it_is_compared(resource_type, name, rule):
    assert keys.key_function(resource_type.targets[name.lower()].attribute) is rule
