"""What each PATCH operation makes of a document: every case of RFC 7644 §3.5.2, and what clients send beside it."""

import copy
from typing import Any

import pytest

from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, ScimError
from scim.patch import MemberChange, apply, member_changes, read_operations
from scim.preset import FIELD_TYPES, PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from scim.validation import check_required

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
RFC = profile(PRESETS["rfc"], [CustomField(f"{kind}Field", kind) for kind in FIELD_TYPES])
LEARNING = profile(PRESETS["360learning"])
ID = "2819c223"

WORK = {"type": "work", "value": "babs@work.example", "primary": True}
HOME = {"type": "home", "value": "babs@home.example"}
OTHER = {"type": "other", "value": "babs@other.example"}
NOTHING: tuple[Any, ...] = (None, "", [])
BARE: dict[str, Any] = {"userName": "babs"}
BABS: dict[str, Any] = BARE | {
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "title": "Guide",
    "active": True,
    "emails": [WORK, HOME],
    ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915"}},
}


def patched(document, *operations, resource_type=RFC.user, dropped=None):
    """The document after the operations, as the store applies them."""
    read = read_operations(resource_type, [*operations], ID, [] if dropped is None else dropped)
    changed = apply(resource_type, document, read)
    check_required(resource_type, changed)
    return changed


def op(name, path=None, *value):
    """An operation; without a value where none is given."""
    return {"op": name} | ({} if path is None else {"path": path}) | ({"value": value[0]} if value else {})


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}


def emails(*elements):
    return BABS | {"emails": [*elements]}


# The decision table: target by operation. None stands for the document as it was.
TABLE: dict[str, list[tuple[Any, Any, Any]]] = {
    "no path": [
        (BABS, op("add", None, {"title": "Chief", "nickName": "B"}), BABS | {"title": "Chief", "nickName": "B"}),
        (BABS, op("add", None, {"emails": [OTHER]}), emails(WORK, HOME, OTHER)),
        (BABS, op("replace", None, {"title": "Chief", "emails": [OTHER]}), emails(OTHER) | {"title": "Chief"}),
        (
            BABS,
            op("replace", None, {"name": {"givenName": "B"}}),
            BABS | {"name": {"givenName": "B", "familyName": "Jensen"}},
        ),
        (BABS, op("replace", None, {}), None),
        (BABS, op("remove"), NoTarget),
        (BABS, op("remove", ""), NoTarget),
        (BABS, op("remove", None, {"title": "Guide"}), NoTarget),
        (BABS, op("add", None, "Guide"), InvalidValue),
    ],
    "singular simple": [
        (BABS, op("add", "title", "Chief"), BABS | {"title": "Chief"}),
        (BARE, op("add", "title", "Chief"), BARE | {"title": "Chief"}),
        (BABS, op("replace", "title", "Chief"), BABS | {"title": "Chief"}),
        (BARE, op("replace", "title", "Chief"), BARE | {"title": "Chief"}),
        (BABS, op("replace", "title", "Guide"), None),
        (BABS, op("remove", "title"), without(BABS, "title")),
        (BARE, op("remove", "title"), None),
        *((BABS, op(name, "title", value), without(BABS, "title")) for name in ("add", "replace") for value in NOTHING),
        (BARE, op("replace", "title", None), None),
        (BABS, op("replace", "active", False), BABS | {"active": False}),
        (BABS, op("add", "title"), InvalidValue),
        (BABS, op("replace", "title"), InvalidValue),
        (BABS, op("replace", "title", 7), InvalidValue),
        (BABS, op("replace", "title", ["a", "b"]), InvalidValue),
    ],
    "singular complex, an object": [
        (BABS, op("add", "name", {"givenName": "B"}), BABS | {"name": {"givenName": "B", "familyName": "Jensen"}}),
        (BABS, op("replace", "name", {"givenName": "B"}), BABS | {"name": {"givenName": "B", "familyName": "Jensen"}}),
        (BABS, op("replace", "name", {"givenName": None}), BABS | {"name": {"familyName": "Jensen"}}),
        (BARE, op("replace", "name", {"givenName": "B"}), BARE | {"name": {"givenName": "B"}}),
        (BABS, op("replace", "name", None), without(BABS, "name")),
        (BABS, op("replace", "name", {"givenName": "", "familyName": ""}), without(BABS, "name")),
        (BABS, op("replace", "name", {}), None),
        (BABS, op("remove", "name"), without(BABS, "name")),
        (BABS, op("replace", "name", {"foo": "x"}), InvalidSyntax),
    ],
    "sub-attribute": [
        (BABS, op("add", "name.middleName", "J"), BABS | {"name": BABS["name"] | {"middleName": "J"}}),
        (BARE, op("replace", "name.givenName", "B"), BARE | {"name": {"givenName": "B"}}),
        (BABS, op("remove", "name.givenName"), BABS | {"name": {"familyName": "Jensen"}}),
        (BARE | {"name": {"givenName": "B"}}, op("remove", "name.givenName"), BARE),
        (BARE, op("remove", "name.givenName"), None),
    ],
    "multi-valued, no filter": [
        (BABS, op("add", "emails", [OTHER]), emails(WORK, HOME, OTHER)),
        (BABS, op("add", "emails", OTHER), emails(WORK, HOME, OTHER)),
        (BABS, op("add", "emails", [OTHER, OTHER]), emails(WORK, HOME, OTHER)),
        (BARE, op("add", "emails", [WORK]), BARE | {"emails": [WORK]}),
        (BABS, op("add", "emails", [HOME]), None),
        (BABS, op("add", "emails", [HOME | {"display": "Home"}]), emails(WORK, HOME | {"display": "Home"})),
        (
            BABS,
            op("add", "emails", [HOME | {"value": "BABS@home.example"}]),
            emails(WORK, HOME | {"value": "BABS@home.example"}),
        ),
        (BABS, op("add", "emails", []), None),
        (BABS, op("add", "emails", None), None),
        (BABS, op("replace", "emails", [OTHER]), emails(OTHER)),
        (BABS, op("replace", "emails", None), without(BABS, "emails")),
        (BABS, op("replace", "emails", []), without(BABS, "emails")),
        (BABS, op("remove", "emails"), without(BABS, "emails")),
        (BARE, op("remove", "emails"), None),
        (BABS, op("remove", "emails", [HOME]), emails(WORK)),
        (BABS, op("remove", "emails", [{"type": "home"}]), emails(WORK)),
        (BABS, op("remove", "emails", [{"type": "HOME", "value": "Babs@Home.example"}]), emails(WORK)),
        (BABS, op("remove", "emails", [OTHER]), None),
        (BABS, op("remove", "emails", []), None),
    ],
    "elements that a filter selects": [
        (BABS, op("add", 'emails[type eq "home"]', {"display": "H"}), emails(WORK, HOME | {"display": "H"})),
        (BABS, op("replace", 'emails[type eq "home"]', {"value": "x@y"}), emails(WORK, HOME | {"value": "x@y"})),
        (BABS, op("replace", 'emails[type eq "home"]', "x@y"), emails(WORK, HOME | {"value": "x@y"})),
        (BABS, op("replace", 'emails[type eq "home"]', [{"value": "x@y"}]), emails(WORK, HOME | {"value": "x@y"})),
        (
            BABS,
            op("replace", "emails[value pr]", {"display": "E"}),
            emails(WORK | {"display": "E"}, HOME | {"display": "E"}),
        ),
        (BABS, op("replace", 'emails[type eq "home"]', None), emails(WORK)),
        (BABS, op("remove", 'emails[type eq "home"]'), emails(WORK)),
        (BABS, op("remove", 'emails[type eq "home"]', [WORK]), emails(WORK)),
        (BABS, op("remove", "emails[value pr]"), without(BABS, "emails")),
        (BABS, op("remove", 'emails[type eq "fax"]'), None),
        (BABS, op("remove", 'emails[not (type eq "home")]'), emails(HOME)),
        (BABS, op("add", 'emails[type eq "home"]', [WORK, HOME]), InvalidValue),
    ],
    "no element is selected": [
        (
            BABS,
            op("add", 'emails[type eq "other"]', {"value": "x@y"}),
            emails(WORK, HOME, {"type": "other", "value": "x@y"}),
        ),
        (
            BABS,
            op("replace", 'emails[type eq "other"]', {"value": "x@y"}),
            emails(WORK, HOME, {"type": "other", "value": "x@y"}),
        ),
        (
            BABS,
            op("replace", 'emails[type eq "Other"].value', "x@y"),
            emails(WORK, HOME, {"type": "Other", "value": "x@y"}),
        ),
        (BARE, op("add", 'emails[type eq "work"].value', "x@y"), BARE | {"emails": [{"type": "work", "value": "x@y"}]}),
        (
            BARE,
            op("add", 'emails[type eq "work" and primary eq true].value', "x@y"),
            BARE | {"emails": [{"type": "work", "primary": True, "value": "x@y"}]},
        ),
        (BABS, op("add", "emails[not (type pr)].value", "x@y"), NoTarget),
        (BABS, op("replace", 'emails[type eq "fax" or type eq "other"].value', "x@y"), NoTarget),
        (BABS, op("replace", 'emails[type sw "f"].value', "x@y"), NoTarget),
        (BABS, op("replace", 'emails[type eq "fax" and type eq "other"].value', "x@y"), NoTarget),
        (BABS, op("remove", 'emails[type eq "fax"].value'), None),
        # What the filter describes must be a value, too.
        (BARE, op("add", 'photos[value eq "no uri"].display', "x"), InvalidValue),
        (BARE, op("add", f'emails[value eq "{"x" * 513}"].display', "x"), InvalidValue),
    ],
    "sub-attribute of selected elements": [
        (BABS, op("add", 'emails[type eq "home"].display', "H"), emails(WORK, HOME | {"display": "H"})),
        (BABS, op("replace", 'emails[type eq "home"].value', "x@y"), emails(WORK, HOME | {"value": "x@y"})),
        (
            BABS,
            op("replace", "emails[value pr].display", "E"),
            emails(WORK | {"display": "E"}, HOME | {"display": "E"}),
        ),
        (
            BABS,
            op("remove", "emails[primary eq true].primary"),
            emails({"type": "work", "value": "babs@work.example"}, HOME),
        ),
        (BABS | {"roles": [{"value": "a"}]}, op("remove", 'roles[value eq "a"].value'), BABS),
        (BABS, op("replace", 'emails[type eq "home"].foo', "x"), InvalidPath),
        (BABS, op("replace", 'emails[foo eq "home"].value', "x"), InvalidFilter),
    ],
    "sub-attribute of all elements": [
        (BABS, op("add", "emails.display", "E"), emails(WORK | {"display": "E"}, HOME | {"display": "E"})),
        (BABS, op("replace", "emails.type", "other"), emails(WORK | {"type": "other"}, HOME | {"type": "other"})),
        (BABS, op("remove", "emails.type"), emails(without(WORK, "type"), without(HOME, "type"))),
        (BARE, op("add", "emails.display", "E"), NoTarget),
        (BARE, op("replace", "emails.value", "x@y"), NoTarget),
        (BARE, op("remove", "emails.value"), None),
        (BABS, op("replace", "emails.primary", True), InvalidValue),
    ],
    "extension": [
        (
            BABS,
            op("add", ENTERPRISE_USER, {"costCenter": "1"}),
            BABS | {ENTERPRISE_USER: BABS[ENTERPRISE_USER] | {"costCenter": "1"}},
        ),
        (
            BABS,
            op("replace", ENTERPRISE_USER, {"department": "X"}),
            BABS | {ENTERPRISE_USER: BABS[ENTERPRISE_USER] | {"department": "X"}},
        ),
        (BARE, op("replace", ENTERPRISE_USER, {"department": "X"}), BARE | {ENTERPRISE_USER: {"department": "X"}}),
        (BABS, op("remove", ENTERPRISE_USER), without(BABS, ENTERPRISE_USER)),
        (BARE, op("remove", ENTERPRISE_USER), None),
        (BARE, op("add", f"{FIELDS}:integerField", "42"), BARE | {FIELDS: {"integerField": 42}}),
        (BARE | {FIELDS: {"integerField": 42}}, op("remove", f"{FIELDS}:integerField"), BARE),
        (BARE, op("add", f"{FIELDS}:shoeSize", "42"), InvalidPath),
        (BABS, op("remove", "schemas", [ENTERPRISE_USER]), without(BABS, ENTERPRISE_USER)),
        (BABS, op("remove", f'schemas[value eq "{ENTERPRISE_USER}"]'), without(BABS, ENTERPRISE_USER)),
        (BABS, op("replace", "schemas", [CORE_USER]), without(BABS, ENTERPRISE_USER)),
        (BABS, op("add", "schemas", [ENTERPRISE_USER]), None),
        (BABS, op("add", "schemas", ["urn:foo"]), InvalidValue),
        (BABS, op("remove", "schemas"), Mutability),
        (BABS, op("replace", "schemas", [ENTERPRISE_USER]), Mutability),
    ],
    "read-only": [
        *(
            (BABS, op(name, path, "x"), Mutability)
            for name in ("add", "replace")
            for path in ("id", "meta.version", "groups")
        ),
        *((BABS, op("remove", path), Mutability) for path in ("id", "meta", "groups", 'groups[value eq "x"]')),
        (BABS, op("replace", "manager.displayName", "Jim"), Mutability),
        *(
            (BABS, op(name, None, {"title": "Chief", key: [{"value": "x"}]}), Mutability)
            for name in ("add", "replace")
            for key in ("groups", "meta.version", "manager.displayName")
        ),
        # Inside an object that may be written it is passed over, as in a body (RFC 7644 §3.3).
        (BABS, op("replace", None, {"manager": {"displayName": "Jim"}}), None),
    ],
    "required": [
        (BABS, op("add", "userName", "b"), BABS | {"userName": "b"}),
        (BABS, op("replace", "userName", "b"), BABS | {"userName": "b"}),
        *((BABS, op("replace", "userName", value), InvalidValue) for value in NOTHING),
        (BABS, op("remove", "userName"), Mutability),
    ],
    "never stored": [
        (BABS, op("replace", "password", "s3cr3t"), None),
        (BABS, op("replace", None, {"password": "s3cr3t", "title": "Chief"}), BABS | {"title": "Chief"}),
        (BABS, op("remove", "password"), None),
    ],
    "no such path": [
        *(
            (BABS, op("replace", path, "x"), InvalidPath)
            for path in ("foo", "name.foo", "/emails", "name..x", "emails.value.x", "[")
        ),
        (BABS, op("replace", 'emails[type eq "work"', "x"), InvalidFilter),
        (BABS, op("replace", "emails[0]", "x"), InvalidFilter),
        (BABS, op("replace", 'title[value eq "Guide"]', "x"), InvalidFilter),
        (BABS, op("replace", 'name.givenName[value eq "x"]', "x"), InvalidPath),
        (BABS, op("replace", "emails[active gt true]", "x"), InvalidFilter),
        (BABS, op("replace", 7, "x"), InvalidPath),
    ],
    "no operation": [
        *((BABS, op(name, "title", "x"), InvalidSyntax) for name in ("move", "copy", "test", "", None, 7)),
        (BABS, {"path": "title", "value": "x"}, InvalidSyntax),
        (BABS, "remove", InvalidSyntax),
        (BABS, op("add", "title", "x") | {"OP": "remove"}, InvalidSyntax),
        (BABS, op("add", None, {"title": "x", "TITLE": "y"}), InvalidSyntax),
    ],
}
CASES = [
    pytest.param(document, operation, wanted, id=f"{target}, {index}")
    for target, cases in TABLE.items()
    for index, (document, operation, wanted) in enumerate(cases)
]


@pytest.mark.parametrize(("document", "operation", "wanted"), CASES)
def test_each_operation_does_to_each_target_what_the_table_says(document, operation, wanted):
    before, sent = copy.deepcopy(document), copy.deepcopy(operation)
    if isinstance(wanted, type):
        with pytest.raises(ScimError) as refused:
            patched(document, operation)
        assert type(refused.value) is wanted, refused.value.detail
    else:
        assert patched(document, operation) == (document if wanted is None else wanted)
    assert (document, operation) == (before, sent)


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


# In order, at the end, as a whole.


def test_an_operation_sees_what_the_one_before_left():
    moved = patched(BABS, op("replace", 'emails[type eq "home"].type', "other"), op("remove", 'emails[type eq "home"]'))
    assert moved == emails(WORK, HOME | {"type": "other"})


def test_a_required_attribute_may_come_back_in_the_same_request():
    assert patched(BABS, op("replace", "userName", None), op("add", "userName", "b")) == BABS | {"userName": "b"}


def test_operations_may_be_a_single_one():
    assert read_operations(RFC.user, op("remove", "title"), ID, []) == read_operations(
        RFC.user, [op("remove", "title")], ID, []
    )


@pytest.mark.parametrize("operations", [None, [], "remove", 7, [[]], [None]])
def test_what_is_no_list_of_operations_is_refused(operations):
    with pytest.raises(InvalidSyntax):
        read_operations(RFC.user, operations, ID, [])


def test_a_password_is_dropped_and_named():
    dropped: list[str] = []
    patched(BABS, op("replace", "password", "s3cr3t"), op("add", None, {"password": "t"}), dropped=dropped)
    assert dropped == ["password", "password"]


@pytest.mark.parametrize("path", ["displayName", "DISPLAYNAME", f"{CORE_USER}:displayName"])
def test_a_forbidden_key_is_refused_on_every_way_in(path):
    for operation, error in (
        (op("replace", path, "x"), InvalidPath),
        (op("replace", None, {path: "x"}), InvalidSyntax),
    ):
        with pytest.raises(error) as refused:
            patched(BABS, operation, resource_type=LEARNING.user)
        assert refused.value.detail == "Invalid or forbidden key found: displayName"


# One primary


PRIMARIES: list[tuple[Any, list[bool | None]]] = [
    (op("replace", 'emails[type eq "home"].primary', True), [False, True]),
    (op("add", 'emails[type eq "home"]', {"primary": "True"}), [False, True]),
    (op("add", "emails", [OTHER | {"primary": True}]), [False, None, True]),
    (op("add", "emails", [HOME | {"primary": True}]), [False, True]),
    (op("add", 'emails[type eq "fax" and primary eq true].value', "x@y"), [False, None, True]),
    (op("replace", 'emails[type eq "work"].primary', False), [False, None]),
    (op("replace", "emails", [HOME, OTHER | {"primary": True}]), [None, True]),
]


@pytest.mark.parametrize(("operation", "wanted"), PRIMARIES)
def test_what_becomes_primary_is_the_only_one(operation, wanted):
    assert [email.get("primary") for email in patched(BABS, operation)["emails"]] == wanted


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "emails", [OTHER | {"primary": True}, HOME | {"primary": True}]),
        op("replace", "emails", [OTHER | {"primary": True}, HOME | {"primary": True}]),
        op("replace", "emails[value pr].primary", True),
        op("replace", "emails[value pr]", {"primary": True}),
    ],
)
def test_two_primaries_in_one_operation_are_refused(operation):
    with pytest.raises(InvalidValue, match="at most one element whose primary is true"):
        patched(BABS, operation)


# Members of groups


MEMBERS = [
    (op("Add", "members", [{"$ref": None, "value": "u1"}]), MemberChange("add", ("u1",))),
    (
        op("add", "members", [{"value": "u1", "display": "B", "type": "User"}, {"value": "u1"}, {"value": "u2"}]),
        MemberChange("add", ("u1", "u2")),
    ),
    (op("add", "members", "u1"), MemberChange("add", ("u1",))),
    (op("add", "members", ["u1", "u2"]), MemberChange("add", ("u1", "u2"))),
    (op("add", "members", {"value": "u1", "displayName": "B"}), MemberChange("add", ("u1",))),
    (op("add", None, {"members": [{"value": "u1"}]}), MemberChange("add", ("u1",))),
    (op("replace", "members", [{"value": "u1"}]), MemberChange("replace", ("u1",))),
    (op("replace", "members", []), MemberChange("replace", ())),
    (op("replace", "members", None), MemberChange("replace", ())),
    (op("Remove", "members"), MemberChange("remove")),
    (op("Remove", "members", [{"$ref": None, "value": "u1"}]), MemberChange("remove", ("u1",))),
    (op("Remove", "members", []), MemberChange("remove", ())),
    (op("add", 'members[value eq "u1"]', {"value": "u1"}), MemberChange("add", ("u1",))),
]


@pytest.mark.parametrize(("operation", "wanted"), MEMBERS)
def test_operations_on_members_name_ids(operation, wanted):
    changes, rest = member_changes(read_operations(RFC.group, [operation], ID, []))
    assert (changes, rest) == ([wanted], [])


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ('members[value eq "u1"]', ("u1",)),
        ('members[value eq"u1"]', ("u1",)),
        (f'{CORE_GROUP}:members[VALUE EQ "u1"]', ("u1",)),
        ('members[type eq "Group"]', None),
        ('members[value eq "u1" or value eq "u2"]', None),
        ('members[value eq "u1" and type eq "User"]', None),
    ],
)
def test_a_filter_selects_the_members_to_remove(path, ids):
    ([change], rest) = member_changes(read_operations(RFC.group, [op("remove", path)], ID, []))
    assert (change.op, change.ids, rest) == ("remove", ids, [])
    assert change.filter is not None


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("replace", 'members[value eq "u1"].value', "u2"), Mutability),
        (op("replace", 'members[value eq "u1"].display', "B"), Mutability),
        (op("replace", 'members[value eq "u1"]', {"value": "u2"}), Mutability),
        (op("replace", "members.value", "u2"), Mutability),
        (op("add", 'members[type eq "User"]', {"display": "B"}), ScimError),
        (op("add", "members", [{"display": "B"}]), InvalidValue),
        (op("add", "members", [{"value": "u1", "foo": 1}]), InvalidSyntax),
        (op("remove", "displayName"), Mutability),
        (op("replace", "displayName", ""), InvalidValue),
        (op("replace", "members", 7), InvalidValue),
    ],
)
def test_what_members_and_names_of_groups_cannot_be(operation, error):
    def change():
        _, rest = member_changes(read_operations(RFC.group, [operation], ID, []))
        check_required(RFC.group, apply(RFC.group, {"displayName": "Guides"}, rest))

    with pytest.raises(error):
        change()
