"""The operations of a PATCH as clients send them, and what they mean (RFC 7644 §3.5.2, docs/entra.md)."""

from typing import Any

import pytest

from scim.errors import InvalidPath, InvalidSyntax, InvalidValue, Mutability
from scim.operations import read_operations
from scim.preset import PRESETS, profile
from scim.schemas import CORE_USER, ENTERPRISE_USER
from tests.patches import BABS, BARE, FIELDS, HOME, ID, RFC, WORK, emails, op, patched, without

LEARNING = profile(PRESETS["360learning"])

# What Entra and Okta send.

SPELLINGS: list[tuple[str, Any, list[Any], Any]] = [
    ("op in any case", BABS, [op("Replace", "title", "Chief")], BABS | {"title": "Chief"}),
    ("op in any case, remove", BABS, [op("REMOVE", "title")], without(BABS, "title")),
    ("a boolean as text", BABS, [op("Replace", "active", "False")], BABS | {"active": False}),
    ("a boolean as small text", BABS, [op("Add", "active", "false")], BABS | {"active": False}),
    ("a boolean in a list", BABS, [op("Replace", "active", [{"value": "False"}])], BABS | {"active": False}),
    ("another word for a boolean", BABS, [op("Replace", "active", "no")], InvalidValue),
    ("Add of a singular attribute sets it", BABS, [op("Add", "title", "Chief")], BABS | {"title": "Chief"}),
    (
        "a value path without a match",
        BARE,
        [op("Replace", 'emails[type eq "work"].value', "x@y")],
        BARE | {"emails": [{"type": "work", "value": "x@y"}]},
    ),
    (
        "two value paths without a match",
        BARE,
        [
            op("Add", 'addresses[type eq "work"].locality', "Paris"),
            op("Add", 'addresses[type eq "work"].country', "FR"),
        ],
        BARE | {"addresses": [{"type": "work", "locality": "Paris", "country": "FR"}]},
    ),
    (
        "a value path with a boolean as text",
        BARE | {"roles": [{"value": "a", "primary": True}, {"value": "b"}]},
        [op("Replace", 'roles[primary eq "True"].value', "c")],
        BARE | {"roles": [{"value": "c", "primary": True}, {"value": "b"}]},
    ),
    (
        "a value path with a boolean as text, without a match",
        BARE,
        [op("Add", 'roles[primary eq "True"].value', "c")],
        BARE | {"roles": [{"value": "c", "primary": True}]},
    ),
    (
        "roles packed as JSON text",
        BARE,
        [op("Add", "roles", '{"id":"1","value":"a"}')],
        BARE | {"roles": [{"value": '{"id":"1","value":"a"}'}]},
    ),
    (
        "a manager as a bare id",
        BARE,
        [op("Add", f"{ENTERPRISE_USER}:manager", "u2")],
        BARE | {ENTERPRISE_USER: {"manager": {"value": "u2"}}},
    ),
    (
        "a manager in a list, by a short path",
        BARE,
        [op("Add", "manager", [{"value": "u2"}])],
        BARE | {ENTERPRISE_USER: {"manager": {"value": "u2"}}},
    ),
    (
        "a manager by its sub-attribute",
        BARE,
        [op("Replace", f"{ENTERPRISE_USER}:manager.value", "u2")],
        BARE | {ENTERPRISE_USER: {"manager": {"value": "u2"}}},
    ),
    *(
        (f"a manager taken away, {index}", BABS, [operation], BABS | {ENTERPRISE_USER: {"department": "Tours"}})
        for index, operation in enumerate(
            (
                op("replace", f"{ENTERPRISE_USER}:manager", ""),
                op("replace", "manager", None),
                op("replace", "manager", []),
                op("replace", "manager", {"value": ""}),
                op("replace", "manager", {"value": None}),
                op("Replace", "manager.value", ""),
                op("Remove", f"{ENTERPRISE_USER}:manager"),
                op("Remove", f"{ENTERPRISE_USER}:manager.value"),
                op("Remove", "manager", [{"value": "26118915"}]),
                op("remove", 'manager[value eq "26118915"]'),
                op("remove", f'{ENTERPRISE_USER}:manager[value eq "26118915"]'),
                op("replace", None, {f"{ENTERPRISE_USER}:manager": ""}),
                op("replace", None, {ENTERPRISE_USER: {"manager": None}}),
            )
        )
    ),
    ("somebody else is not the manager", BABS, [op("remove", 'manager[value eq "u2"]')], BABS),
    (
        "dotted keys without a path",
        BABS,
        [op("replace", None, {"name.givenName": "A", "title": "Chief"})],
        BABS | {"name": {"givenName": "A", "familyName": "Jensen"}, "title": "Chief"},
    ),
    (
        "value paths as keys",
        BABS,
        [op("replace", None, {'emails[type eq "home"].value': "x@y"})],
        emails(WORK, HOME | {"value": "x@y"}),
    ),
    (
        "URNs as keys",
        BARE,
        [op("replace", None, {f"{ENTERPRISE_USER}:organization": "A", f"{FIELDS}:integerField": "7"})],
        BARE | {ENTERPRISE_USER: {"organization": "A"}, FIELDS: {"integerField": 7}},
    ),
    (
        "the extension's object without a path",
        BABS,
        [op("replace", None, {ENTERPRISE_USER: {"organization": "A"}})],
        BABS | {ENTERPRISE_USER: BABS[ENTERPRISE_USER] | {"organization": "A"}},
    ),
    (
        "a dot behind the URN",
        BARE,
        [op("Add", f"{ENTERPRISE_USER}.employeeNumber", "7")],
        BARE | {ENTERPRISE_USER: {"employeeNumber": "7"}},
    ),
    (
        "names in another case",
        BABS,
        [op("Replace", "USERNAME", "b"), op("Replace", "externalID", "e")],
        BABS | {"userName": "b", "externalId": "e"},
    ),
    (
        "a name qualified by the core URN",
        BARE,
        [op("Replace", f"{CORE_USER}:name.givenName", "A")],
        BARE | {"name": {"givenName": "A"}},
    ),
    ("a deactivation without a path", BABS, [op("replace", None, {"active": False})], BABS | {"active": False}),
    ("the own id inside", BABS, [op("replace", None, {"id": ID, "title": "Chief"})], BABS | {"title": "Chief"}),
    ("another id inside", BABS, [op("replace", None, {"id": "another", "title": "Chief"})], Mutability),
    (
        "keys of the server inside",
        BABS,
        [op("replace", None, {"schemas": [CORE_USER], "meta": {"version": "1"}})],
        BABS,
    ),
    ("an unknown key without a path", BABS, [op("replace", None, {"title": "Chief", "foo": 1})], InvalidSyntax),
    (
        "an operation with a name",
        BABS,
        [op("Replace", "title", "Chief") | {"name": "setTitle"}],
        BABS | {"title": "Chief"},
    ),
    (
        "keys of the operation in another case",
        BABS,
        [{"Op": "Replace", "Path": "title", "Value": "Chief"}],
        BABS | {"title": "Chief"},
    ),
    ("an empty path", BABS, [op("Replace", "", {"title": "Chief"})], BABS | {"title": "Chief"}),
    (
        "several operations on one attribute",
        BABS,
        [op("remove", "title"), op("add", "title", "A"), op("replace", "title", "B")],
        BABS | {"title": "B"},
    ),
    ("singular values in a list", BABS, [op("Replace", "title", [{"value": "Chief"}])], BABS | {"title": "Chief"}),
    (
        "a reference with nothing in it",
        BARE,
        [op("Add", "manager", [{"$ref": None, "value": "u2"}])],
        BARE | {ENTERPRISE_USER: {"manager": {"value": "u2"}}},
    ),
]


@pytest.mark.parametrize(
    ("document", "operations", "wanted"), [s[1:] for s in SPELLINGS], ids=[s[0] for s in SPELLINGS]
)
def test_what_clients_send_means_what_they_mean(document, operations, wanted):
    if isinstance(wanted, type):
        with pytest.raises(wanted):
            patched(document, *operations)
    else:
        assert patched(document, *operations) == wanted


def test_operations_may_be_a_single_one():
    single = op("remove", "title")
    assert read_operations(RFC.user, single, ID) == read_operations(RFC.user, [single], ID)


@pytest.mark.parametrize("operations", [None, [], "remove", 7, [[]], [None]])
def test_anything_but_a_list_of_operations_is_refused(operations):
    with pytest.raises(InvalidSyntax):
        read_operations(RFC.user, operations, ID)


def test_a_password_is_dropped_and_named():
    sent = [op("replace", "password", "s3cr3t"), op("add", None, {"password": "t"})]
    assert read_operations(RFC.user, sent, ID) == ([], ["password", "password"])
    assert patched(BABS, *sent) == BABS


@pytest.mark.parametrize("path", ["displayName", "DISPLAYNAME", f"{CORE_USER}:displayName"])
def test_a_forbidden_key_is_refused_on_every_way_in(path):
    for operation, error in (
        (op("replace", path, "x"), InvalidPath),
        (op("replace", None, {path: "x"}), InvalidSyntax),
    ):
        with pytest.raises(error) as refused:
            patched(BABS, operation, resource_type=LEARNING.user)
        assert refused.value.detail == "Invalid or forbidden key found: displayName"
