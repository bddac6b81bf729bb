"""The document after each PATCH operation: every case of RFC 7644 §3.5.2."""

import copy
from typing import Any

import pytest

from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, ScimError
from scim.schemas import CORE_USER, ENTERPRISE_USER
from tests.patches import BABS, BARE, FIELDS, HOME, NOTHING, OTHER, WORK, emails, op, patched, without

# The decision table: target by operation. None means that the document is unchanged.
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
        # The element that the filter describes must be valid, too.
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
        # Inside a writable object it is ignored, as in a body (RFC 7644 §3.3).
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


# Several operations.


def test_an_operation_sees_what_the_one_before_left():
    moved = patched(BABS, op("replace", 'emails[type eq "home"].type', "other"), op("remove", 'emails[type eq "home"]'))
    assert moved == emails(WORK, HOME | {"type": "other"})


def test_a_required_attribute_may_come_back_in_the_same_request():
    assert patched(BABS, op("replace", "userName", None), op("add", "userName", "b")) == BABS | {"userName": "b"}


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
