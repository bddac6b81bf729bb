"""The presets: what each accepts, and what custom fields add (RFC 7643 §2.2, §4.1)."""

import pytest

from scim.preset import DEFAULT_PRESET, FIELD_NAME, PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from scim.types import TYPES

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
LEARNING = profile(PRESETS["360learning"])
RFC = profile(PRESETS["rfc"])


def core(tenant, name):
    return next(attribute for attribute in tenant.user.schema.attributes if attribute.name == name)


def test_a_tenant_speaks_to_entra_unless_it_says_otherwise():
    assert DEFAULT_PRESET == "360learning"
    assert {*PRESETS} == {"360learning", "rfc"}


@pytest.mark.parametrize(
    ("name", "characteristic", "learning", "rfc"),
    [
        ("displayName", "forbidden", True, False),
        ("userName", "forbidden", False, False),
        ("userName", "required", True, True),
        ("userName", "compare", "userName", "userName"),
        ("emails", "required", True, False),
        ("emails", "identifies", True, False),
        ("active", "default", True, True),
        ("preferredLanguage", "default", "en", None),
        ("password", "returned", "never", "never"),
        ("groups", "computed", True, True),
    ],
)
def test_the_presets_differ_in_a_few_characteristics_of_the_user(name, characteristic, learning, rfc):
    assert getattr(core(LEARNING, name), characteristic) == learning
    assert getattr(core(RFC, name), characteristic) == rfc


@pytest.mark.parametrize(
    ("language", "accepted"),
    [("en", True), ("FR", True), ("en-US", False), ("e", False), ("ée", False), ("en\n", False)],
)
def test_a_language_is_two_letters_where_the_preset_says_so(language, accepted):
    rule = core(LEARNING, "preferredLanguage").rule
    assert bool(rule.pattern.fullmatch(language)) is accepted
    assert "Mid([preferredLanguage], 1, 2)" in rule.sentence
    assert core(RFC, "preferredLanguage").rule is None


def test_every_other_attribute_is_the_same_in_both_presets():
    changed = {"displayName", "emails", "preferredLanguage"}
    names = [attribute.name for attribute in RFC.user.schema.attributes if attribute.name not in changed]
    assert [core(LEARNING, name) for name in names] == [core(RFC, name) for name in names]
    assert LEARNING.group.schema is RFC.group.schema


def test_a_tenant_without_custom_fields_has_no_extension_for_them():
    assert [schema.id for schema in LEARNING.user.extensions] == [ENTERPRISE_USER]
    assert LEARNING.types == (LEARNING.user, LEARNING.group)
    assert (LEARNING.user.schema.id, LEARNING.group.schema.id) == (CORE_USER, CORE_GROUP)
    assert (LEARNING.user.endpoint, LEARNING.group.endpoint) == ("/Users", "/Groups")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())
def test_a_custom_field_is_an_attribute_of_the_extension_for_users(preset):
    tenant = profile(preset, [CustomField("shoeSize", "integer", "In Paris points"), CustomField("badge", "reference")])
    assert [schema.id for schema in tenant.user.extensions] == [FIELDS, ENTERPRISE_USER]
    assert tenant.group.extensions == ()
    size, badge = tenant.user.extensions[0].attributes
    assert (size.name, size.type, size.description) == ("shoeSize", "integer", "In Paris points")
    assert (size.required, size.multi_valued, size.mutability, size.case_exact) == (False, False, "readWrite", False)
    assert (badge.type, badge.case_exact, badge.reference_types) == ("reference", True, ("external",))


def test_a_custom_field_has_any_simple_type():
    fields = [CustomField(f"a{kind}", kind) for kind in TYPES]
    attributes = profile(PRESETS["rfc"], fields).user.extensions[0].attributes
    assert [attribute.type for attribute in attributes] == [
        "string", "integer", "decimal", "boolean", "dateTime", "reference", "binary",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a", "shoeSize", "cost-center_2", "A" * 100])
def test_a_field_is_called_by_an_attribute_name_of_the_rfc(name):
    assert FIELD_NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "2nd", "_a", "-a", "$ref", "shoe size", "a.b", "a:b", "größe", "a\n", "A" * 101])
def test_no_other_name_serves_for_a_field(name):
    assert FIELD_NAME.fullmatch(name) is None
