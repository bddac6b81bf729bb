"""Bodies and values as clients send them, and what is stored of them (RFC 7643 §2, RFC 7644 §3.3)."""

import time

import pytest

from scim.errors import InvalidSyntax, InvalidValue
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from scim.types import TYPES
from scim.validation import check_required, load, load_element, load_value, with_defaults

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
LEARNING = profile(PRESETS["360learning"])
RFC = profile(PRESETS["rfc"], [CustomField(f"{kind}Field", kind) for kind in TYPES])

MOST = 2**63 - 1
OUT_OF_DOUBLE = f"{FIELDS}:decimalField must have at most 15 significant digits and an exponent of at most 307."
TOO_BIG = f"{FIELDS}:integerField must lie between -{MOST} and {MOST}."
NOT_STORABLE = "title holds a NUL character or half a surrogate pair, which cannot be stored."

WANTED = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "decimal": "a number",
    "dateTime": "a date and time such as 2026-11-23T08:00:00Z",
    "binary": "base64",
    "reference": "a URI",
}
FOREIGN: list[tuple[object, str, tuple[str, ...]]] = [
    # The value, what messages call it, the types that it is right for.
    ("s3cr3t §", "other text", ("string",)),
    (7, "a number", ("integer", "decimal")),
    (7.25, "a number", ("integer", "decimal")),
    (True, "a boolean", ("boolean",)),
    (["s3cr3t", "s3cr3t"], "a list", ()),
    ({"s3cr3t": "s3cr3t"}, "an object", ()),
]


def loaded(members, tenant=RFC):
    return load(tenant.user, {"schemas": [CORE_USER], **members}).document


def patched(name, value, resource_type=RFC.user, **more):
    target = resource_type.targets[name.lower()]
    return load_value(target.attribute, value, target.name, **more)


def field(kind, value):
    return patched(f"{FIELDS}:{kind}Field", value)


def refusal(members, tenant=RFC):
    with pytest.raises(InvalidValue) as refused:
        loaded(members, tenant)
    return refused.value.detail


# Values


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("string", "x", "x"),
        ("string", "0007", "0007"),
        ("string", " x ", " x "),
        ("string", "E\u0301", "E\u0301"),
        ("string", "😀", "😀"),
        ("boolean", True, True),
        ("boolean", False, False),
        ("boolean", "True", True),
        ("boolean", "FALSE", False),
        ("integer", 42, 42),
        ("integer", "42", 42),
        ("integer", "-42", -42),
        ("integer", "+42", 42),
        ("integer", "0007", 7),
        ("integer", 0, 0),
        ("integer", MOST, MOST),
        ("integer", -MOST, -MOST),
        ("integer", str(MOST), MOST),
        ("decimal", 1.5, 1.5),
        ("decimal", "1.5", 1.5),
        ("decimal", "-0.1", -0.1),
        ("decimal", 1, 1),
        ("decimal", "1", 1),
        ("decimal", 2.0, 2),
        ("decimal", "2.50", 2.5),
        ("decimal", "1e3", 1000),
        ("decimal", 1e22, 1e22),
        ("decimal", "0.000", 0),
        ("decimal", 123456789012345, 123456789012345),
        ("decimal", "0.123456789012345", 0.123456789012345),
        ("decimal", "100000000000000000000", 1e20),
        ("dateTime", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"),
        ("dateTime", "2026-11-23T08:00:00.5+02:00", "2026-11-23T08:00:00.5+02:00"),
        ("dateTime", "2026-11-23T24:00:00", "2026-11-23T24:00:00"),
        ("binary", "QQ==", "QQ=="),
        ("binary", "QQ", "QQ"),
        ("reference", "https://example.com/a?b#c", "https://example.com/a?b#c"),
        ("reference", "../Users/7", "../Users/7"),
        ("reference", "urn:x:y", "urn:x:y"),
    ],
    ids=repr,
)
def test_a_value_comes_in_as_text_or_native_and_is_stored_native(kind, sent, stored):
    for form in (sent, [sent], {"value": sent}, [{"VALUE": sent}]):
        value = field(kind, form)
        assert (value, type(value)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("integer", 7.25, "a fraction"),
        *((kind, value, shown) for kind in TYPES for value, shown, right in FOREIGN if kind not in right),
    ],
    ids=repr,
)
def test_a_wrong_value_is_refused_with_field_type_and_kind_and_never_echoed(kind, value, shown):
    with pytest.raises(InvalidValue) as refused:
        field(kind, value)
    assert refused.value.detail == f"{FIELDS}:{kind}Field must be {WANTED[kind]} (type {kind}), not {shown}."


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", "yes"),
        ("boolean", "1"),
        ("boolean", " true"),
        ("integer", "1.0"),
        ("integer", "1e3"),
        ("integer", " 7"),
        ("integer", "٧"),
        ("integer", 1.0),
        ("decimal", "1,5"),
        ("decimal", ".5"),
        ("decimal", "5."),
        ("decimal", "0x10"),
        ("decimal", "NaN"),
        ("decimal", "Infinity"),
        ("dateTime", "2026-11-23"),
        ("dateTime", "23.11.2026 08:00"),
        ("dateTime", "2026-02-29T08:00:00Z"),
        ("binary", "Q"),
        ("binary", "-_-_"),
        ("reference", "two words"),
        ("reference", "<script>"),
    ],
    ids=repr,
)
def test_text_that_is_almost_of_the_type_is_refused(kind, value):
    with pytest.raises(InvalidValue, match=rf"{kind}Field must be .* \(type {kind}\), not "):
        field(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("integer", MOST + 1, TOO_BIG),
        ("integer", -MOST - 1, TOO_BIG),
        ("integer", str(MOST + 1), TOO_BIG),
        ("integer", 10**30, TOO_BIG),
        ("decimal", 1234567890123456, OUT_OF_DOUBLE),
        ("decimal", "0.1234567890123456", OUT_OF_DOUBLE),
        ("decimal", "1.0000000000000000000000000000001", OUT_OF_DOUBLE),
        ("decimal", "1000000000000000000000000000000000000000.1", OUT_OF_DOUBLE),
        ("decimal", "1e400", OUT_OF_DOUBLE),
        pytest.param("decimal", 10**309, OUT_OF_DOUBLE, id="decimal-native-1e309"),
        ("decimal", "1e-400", OUT_OF_DOUBLE),
    ],
)
def test_a_number_that_a_database_would_change_is_refused_with_the_limit(kind, value, sentence):
    with pytest.raises(InvalidValue) as refused:
        field(kind, value)
    assert refused.value.detail == sentence


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfff", "\udc00\ud800"])
def test_text_that_cannot_be_stored_is_refused(text):
    assert refusal({"title": text}) == NOT_STORABLE


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("userName", lambda text: {"userName": text}),
        ("externalId", lambda text: {"externalId": text}),
        ("emails.value", lambda text: {"emails": [{"value": text}]}),
    ],
)
def test_what_is_looked_up_has_a_limit_that_the_refusal_names(name, make):
    assert loaded(make("😀" * 512)) == make("😀" * 512)
    assert refusal(make("x" * 513)) == f"{name} must have at most 512 characters, not 513."


def test_a_group_name_has_the_same_limit():
    body = {"schemas": [CORE_GROUP], "displayName": "x" * 513}
    with pytest.raises(InvalidValue, match=r"^displayName must have at most 512 characters, not 513\.$"):
        load(RFC.group, body)
    assert loaded({"title": "x" * 10_000})["title"] == "x" * 10_000


@pytest.mark.parametrize("blank", [" ", "\t\n", "\u3000"])
def test_a_user_name_that_is_blank_once_prepared_is_refused(blank):
    assert refusal({"userName": blank}) == "userName must not be blank."


def test_the_rule_of_a_preset_tells_how_to_mend_the_value():
    assert refusal({"preferredLanguage": "en-US"}, LEARNING) == (
        'preferredLanguage must be a two-letter language code such as "en"; '
        "in Entra, map it with the expression Mid([preferredLanguage], 1, 2)."
    )
    assert loaded({"preferredLanguage": "fr"}, LEARNING) == {"preferredLanguage": "fr"}
    assert loaded({"preferredLanguage": "en-US"}) == {"preferredLanguage": "en-US"}


def test_of_many_wrong_values_the_refusal_names_three():
    members = {"title": 1, "nickName": 2, "name": {"givenName": 3}, "locale": 4}
    assert refusal(members) == (
        "title must be text (type string), not a number. nickName must be text (type string), not a number. "
        "name.givenName must be text (type string), not a number."
    )


# Unassigned


@pytest.mark.parametrize(
    "members",
    [
        {"title": None},
        {"title": ""},
        {"title": []},
        {"title": [None]},
        {"title": {"value": None}},
        {"active": None},
        {"active": ""},
        {"name": None},
        {"name": ""},
        {"name": []},
        {"name": {}},
        {"name": {"givenName": None, "familyName": ""}},
        {"emails": None},
        {"emails": ""},
        {"emails": []},
        {"emails": {}},
        {"emails": [{}, None, ""]},
        {"emails": [{"value": None, "type": ""}]},
        {"x509Certificates": [{"value": []}]},
        {ENTERPRISE_USER: None},
        {ENTERPRISE_USER: {}},
        {ENTERPRISE_USER: {"department": None, "manager": {"value": ""}}},
        {ENTERPRISE_USER: {"manager": []}},
        {ENTERPRISE_USER: {"manager": ""}},
        {FIELDS: {f"{kind}Field": None for kind in TYPES}},
        {FIELDS: {f"{kind}Field": "" for kind in TYPES}},
        {FIELDS: {f"{kind}Field": [] for kind in TYPES}},
    ],
)
def test_null_and_empty_are_unassigned_and_leave_nothing_behind(members):
    assert loaded(members) == {}


def test_what_is_empty_is_left_out_of_what_is_not():
    members = {
        "name": {"givenName": "Babs", "familyName": None},
        "emails": [{}, {"value": "a@x", "type": ""}],
        ENTERPRISE_USER: {"department": "Tours", "manager": None},
    }
    assert loaded(members) == {
        "name": {"givenName": "Babs"},
        "emails": [{"value": "a@x"}],
        ENTERPRISE_USER: {"department": "Tours"},
    }


@pytest.mark.parametrize(
    ("tenant", "document", "name"),
    [
        (RFC, {"emails": [{"value": "a@x"}]}, "userName"),
        (LEARNING, {"userName": "babs"}, "emails"),
    ],
)
def test_a_document_without_a_required_attribute_is_refused(tenant, document, name):
    with pytest.raises(InvalidValue) as refused:
        check_required(tenant.user, document)
    assert refused.value.detail == f"{name} is required and must have a value."
    check_required(tenant.user, {"userName": "babs", "emails": [{"value": "a@x"}]})


def test_a_group_needs_its_name_but_no_members():
    with pytest.raises(InvalidValue, match=r"^displayName is required"):
        check_required(RFC.group, {})
    check_required(RFC.group, {"displayName": "Sales"})


def test_defaults_fill_what_the_client_left_open():
    assert with_defaults(LEARNING.user, {"userName": "babs"}) == {
        "userName": "babs", "active": True, "preferredLanguage": "en",
    }  # fmt: skip
    assert with_defaults(RFC.user, {"active": False}) == {"active": False}
    assert with_defaults(RFC.group, {}) == {}


# Keys


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"foo": 1}, "foo"),
        ({"foo": None}, "foo"),
        ({"Foo Bar": 1}, "Foo Bar"),
        ({"name": {"foo": 1}}, "name.foo"),
        ({"NAME": {"Foo": 1}}, "name.Foo"),
        ({"emails": [{"value": "a@x"}, {"foo": 1}]}, "emails.foo"),
        ({"emails": {"foo": None}}, "emails.foo"),
        ({"addresses": [{"value": "x"}]}, "addresses.value"),
        ({ENTERPRISE_USER: {"foo": 1}}, f"{ENTERPRISE_USER}:foo"),
        ({ENTERPRISE_USER.lower(): {"manager": {"foo": 1}}}, f"{ENTERPRISE_USER}:manager.foo"),
        ({FIELDS: {"shoeSize": 1}}, f"{FIELDS}:shoeSize"),
        ({"urn:example:2.0:User": {"a": 1, "b": 2}}, "urn:example:2.0:User:a"),
        ({"urn:example:2.0:User": {}}, "urn:example:2.0:User"),
        ({"urn:example:2.0:User": "a"}, "urn:example:2.0:User"),
        ({"foo": {"a": 1}}, "foo"),
        ({FIELDS: {"foo": {"a": 1}}}, f"{FIELDS}:foo"),
        ({"name.givenName": "Babs"}, "name.givenName"),
        ({"department": "Tours"}, "department"),
    ],
)
def test_an_unknown_key_is_refused_as_it_came_with_its_parents(members, key):
    with pytest.raises(InvalidSyntax) as refused:
        loaded(members)
    assert refused.value.detail == f"Invalid or forbidden key found: {key}"


@pytest.mark.parametrize("schemas", [[CORE_USER], [CORE_USER, FIELDS]])
def test_a_custom_field_is_named_also_where_none_was_ever_declared(schemas):
    with pytest.raises(InvalidSyntax) as refused:
        load(LEARNING.user, {"schemas": schemas, FIELDS: {"shoeSize": 1}})
    assert refused.value.detail == f"Invalid or forbidden key found: {FIELDS}:shoeSize"


@pytest.mark.parametrize("key", ["displayName", "DISPLAYNAME", f"{CORE_USER}:displayName", f"{CORE_USER}:DisplayName"])
@pytest.mark.parametrize("value", ["Babs", None, "", 7, []])
def test_a_forbidden_key_is_named_as_the_schema_spells_it_whatever_its_value(key, value):
    with pytest.raises(InvalidSyntax) as refused:
        loaded({key: value}, LEARNING)
    assert refused.value.detail == "Invalid or forbidden key found: displayName"


def test_a_key_forbidden_in_one_preset_is_allowed_in_the_other():
    assert loaded({"displayName": "Babs"}) == {"displayName": "Babs"}


def test_keys_come_in_any_letter_case_and_are_stored_as_the_schema_spells_them():
    members = {
        "USERNAME": "babs",
        "externalID": "A-1",
        "Name": {"GIVENNAME": "Babs"},
        "EMAILS": [{"VALUE": "a@x", "Type": "work"}],
        ENTERPRISE_USER.upper(): {"DEPARTMENT": "Tours"},
    }
    assert loaded(members) == {
        "userName": "babs",
        "externalId": "A-1",
        "name": {"givenName": "Babs"},
        "emails": [{"value": "a@x", "type": "work"}],
        ENTERPRISE_USER: {"department": "Tours"},
    }


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"title": "a", "TITLE": "b"}, "title"),
        ({"title": None, "Title": "b"}, "title"),
        ({"id": "a", "ID": "b"}, "id"),
        ({"Schemas": [CORE_USER]}, "schemas"),
        ({"name": {"givenName": "a", "givenname": "a"}}, "name.givenName"),
        ({"emails": [{"value": "a", "Value": "b"}]}, "emails.value"),
        ({ENTERPRISE_USER: {}, ENTERPRISE_USER.lower(): {}}, ENTERPRISE_USER),
        ({ENTERPRISE_USER: {"division": "a", "Division": "b"}}, f"{ENTERPRISE_USER}:division"),
    ],
)
def test_a_key_given_twice_in_different_letter_case_is_refused(members, key):
    with pytest.raises(InvalidSyntax) as refused:
        loaded(members)
    assert refused.value.detail == f'The key "{key}" is given more than once.'


@pytest.mark.parametrize(
    "members",
    [
        {"id": "made-up"},
        {"ID": 7},
        {"meta": {"resourceType": "Dog", "foo": 1}},
        {"meta": "nonsense"},
        {"groups": [{"value": "g", "foo": 1}]},
        {"groups": []},
        {ENTERPRISE_USER: {"manager": {"displayName": "Boss"}}},
    ],
)
def test_what_only_the_server_sets_is_ignored(members):
    assert loaded(members) == {}


@pytest.mark.parametrize("members", [{"password": "t1meMa$heen"}, {"PASSWORD": None}, {"password": {"a": 1}}])
def test_a_password_is_dropped_and_the_caller_told(members):
    assert load(RFC.user, {"schemas": [CORE_USER], "title": "x", **members}) == ({"title": "x"}, ["password"])


# Tolerances


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("title", ["x"], "x"),
        ("title", {"value": "x"}, "x"),
        ("active", ["True"], True),
        ("name", [{"givenName": "Babs"}], {"givenName": "Babs"}),
        ("emails", {"value": "a@x"}, [{"value": "a@x"}]),
        ("emails", "a@x", [{"value": "a@x"}]),
        ("emails", ["a@x", "b@x"], [{"value": "a@x"}, {"value": "b@x"}]),
        ("emails", [{"value": "a@x", "primary": "True"}], [{"value": "a@x", "primary": True}]),
        ("roles", "admin", [{"value": "admin"}]),
        ("roles", '{"id":"1"}', [{"value": '{"id":"1"}'}]),
    ],
)
def test_one_value_and_a_list_of_one_are_the_same(name, sent, stored):
    assert loaded({name: sent}) == {name: stored}
    assert patched(name, sent) == stored


@pytest.mark.parametrize(
    "manager",
    [
        "26118915",
        {"value": "26118915"},
        ["26118915"],
        [{"value": "26118915"}],
        {"VALUE": "26118915", "displayName": "J"},
    ],
)
def test_a_manager_comes_as_an_id_an_object_or_a_list_of_one(manager):
    assert loaded({ENTERPRISE_USER: {"manager": manager}}) == {ENTERPRISE_USER: {"manager": {"value": "26118915"}}}
    assert patched("manager", manager) == {"value": "26118915"}


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"title": ["a", "b"]}, "title must be text (type string), not a list."),
        ({"name": "Babs"}, "name must be an object, not text."),
        ({"name": [{}, {}]}, "name must be an object, not a list."),
        ({"addresses": ["Main Street"]}, "addresses must be an object, not text."),
        ({"emails": [7]}, "emails must be an object, not a number."),
        ({ENTERPRISE_USER: {"manager": 7}}, f"{ENTERPRISE_USER}:manager must be an object, not a number."),
        ({ENTERPRISE_USER: "Tours"}, f"{ENTERPRISE_USER} must be an object, not text."),
        (
            {"emails": [{"value": "a@x", "primary": True}, {"value": "b@x", "primary": "true"}]},
            "emails must have at most one element whose primary is true.",
        ),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(members, sentence):
    assert refusal(members) == sentence


def test_equal_elements_are_stored_once_in_the_order_of_their_first():
    sent = [
        {"value": "b"},
        {"value": "a"},
        {"type": "work", "value": "b"},
        {"VALUE": "b"},
        {"value": "b", "type": "work"},
    ]
    assert loaded({"roles": sent}) == {"roles": [{"value": "b"}, {"value": "a"}, {"type": "work", "value": "b"}]}


def test_thirty_thousand_members_are_read_in_a_moment():
    # Comparing each with each would take half a minute.
    sent = [{"value": str(number)} for number in range(30_000)]
    began = time.process_time()
    assert len(patched("members", sent, RFC.group)) == 30_000
    assert time.process_time() - began < 5


def test_what_entra_adds_to_a_member_is_ignored():
    member = {"value": "26118915", "$ref": None, "displayName": "Babs"}
    assert patched("members", member, RFC.group) == [{"value": "26118915"}]


# PATCH values


def test_a_patch_value_keeps_what_it_unassigns_where_the_caller_merges():
    assert patched("name", {"givenName": None, "familyName": "Jensen"}, nulls=True) == {
        "givenName": None, "familyName": "Jensen",
    }  # fmt: skip
    assert patched("name", {"givenName": None, "familyName": "Jensen"}) == {"familyName": "Jensen"}
    assert load_element(RFC.user.targets["emails"].attribute, {"value": "a@x", "display": ""}, "emails") == {
        "value": "a@x", "display": None,
    }  # fmt: skip


def test_a_patch_value_with_an_unknown_key_is_refused_with_its_parents():
    with pytest.raises(InvalidSyntax, match=r"^Invalid or forbidden key found: members\.foo$"):
        patched("members", [{"value": "1", "foo": 2}], RFC.group)


# schemas


@pytest.mark.parametrize(
    ("resource_type", "schemas"),
    [
        (RFC.user, [CORE_USER]),
        (RFC.user, [CORE_USER.upper()]),
        (RFC.user, [ENTERPRISE_USER, CORE_USER, FIELDS, CORE_USER]),
        (RFC.user, [CORE_USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"]),
        (RFC.group, [CORE_GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"]),
    ],
)
def test_schemas_holds_the_base_urn_and_what_clients_are_known_to_add(resource_type, schemas):
    assert load(resource_type, {"Schemas": schemas}).document == {}


@pytest.mark.parametrize(
    ("resource_type", "members", "sentence"),
    [
        (RFC.user, {}, f'schemas must be a list of schema URNs that holds "{CORE_USER}".'),
        (RFC.user, {"schemas": None}, f'schemas must be a list of schema URNs that holds "{CORE_USER}".'),
        (RFC.user, {"schemas": [7]}, f'schemas must be a list of schema URNs that holds "{CORE_USER}".'),
        (RFC.user, {"schemas": []}, f'schemas must hold "{CORE_USER}".'),
        (RFC.user, {"schemas": [ENTERPRISE_USER]}, f'schemas must hold "{CORE_USER}".'),
        (RFC.group, {"schemas": [CORE_USER]}, f'schemas must hold "{CORE_GROUP}".'),
        (
            RFC.user,
            {"schemas": [CORE_USER, "urn:example:2.0:User"]},
            'schemas holds "urn:example:2.0:User", which is not a schema of a User here.',
        ),
        (
            RFC.group,
            {"schemas": [CORE_GROUP, ENTERPRISE_USER]},
            f'schemas holds "{ENTERPRISE_USER}", which is not a schema of a Group here.',
        ),
        (
            LEARNING.user,
            {"schemas": [CORE_USER, FIELDS]},
            f'schemas holds "{FIELDS}", which is not a schema of a User here.',
        ),
    ],
)
def test_schemas_without_the_base_urn_or_with_a_foreign_one_is_refused(resource_type, members, sentence):
    with pytest.raises(InvalidSyntax) as refused:
        load(resource_type, members)
    assert refused.value.detail == sentence


def test_an_extension_need_not_be_named_in_schemas():
    assert loaded({ENTERPRISE_USER: {"department": "Tours"}}) == {ENTERPRISE_USER: {"department": "Tours"}}


@pytest.mark.parametrize(("body", "shown"), [([], "a list"), ("x", "text"), (None, "null"), (7, "a number")])
def test_a_body_that_is_no_object_is_refused(body, shown):
    with pytest.raises(InvalidSyntax) as refused:
        load(RFC.user, body)
    assert refused.value.detail == f"The body must be a JSON object that describes a User, not {shown}."
