"""The work e-mail identifies a user, and no client can change it, in any form of request (docs/entra.md) (RFC 7643
§4.1.2)."""

from typing import Any

import pytest

from scim.identity import Kept, identifier, keep_identifier, readdressed
from scim.operations import read_operations
from scim.patch import apply
from scim.preset import PRESETS, profile
from scim.validation import load

LEARNING = profile(PRESETS["360learning"])
RFC = profile(PRESETS["rfc"])

OWN = {"type": "work", "value": "adele@contoso.com", "primary": True}
HOME = {"type": "home", "value": "adele@home.example"}
ADELE: dict[str, Any] = {"userName": "adele", "active": True, "title": "Engineer", "emails": [HOME, OWN]}
WILSON = "wilson@contoso.com"
WORK = 'emails[type eq "work"]'


def op(name, path=None, *value):
    return {"op": name} | ({} if path is None else {"path": path}) | ({"value": value[0]} if value else {})


def patched(*operations, tenant=LEARNING, before=ADELE):
    """What is kept of a PATCH that deactivates as well."""
    read = read_operations(tenant.user, [*operations, op("Replace", "active", "False")], "id").operations
    return keep_identifier(tenant.preset, before, apply(tenant.user, before, read))


def put(**members):
    """What is kept of a PUT that deactivates as well."""
    body = {"schemas": [LEARNING.user.schema.id], "userName": "adele", "title": "Engineer", "active": False} | members
    return keep_identifier(LEARNING.preset, ADELE, load(LEARNING.user, body).document)


def work(address=WILSON, **more):
    return {"type": "work", "value": address, **more}


# Every way to offer another address: by each path, list and key.
OFFERS = [
    [op("Replace", f"{WORK}.value", WILSON)],
    [op("Add", f"{WORK}.value", WILSON)],
    [op("replace", 'EMAILS[TYPE eq "Work"].VALUE', WILSON)],
    [op("replace", f"{LEARNING.user.schema.id}:{WORK}.value", WILSON)],
    [op("replace", WORK, {"value": WILSON})],
    [op("replace", WORK, WILSON)],
    [op("replace", WORK, [{"value": WILSON}])],
    [op("replace", 'emails[type eq "work" and primary eq true].value', WILSON)],
    [op("replace", "emails[primary eq true].value", WILSON)],
    [op("replace", 'emails[primary eq "True"].value', WILSON)],
    [op("replace", 'emails[value eq "adele@contoso.com"].value', WILSON)],
    [op("replace", 'emails[value sw "ADELE@contoso"].value', WILSON)],
    [op("replace", 'emails[not (type eq "home")].value', WILSON)],
    [op("replace", "emails", [HOME, work(primary=True)])],
    [op("replace", "emails", [work()])],
    [op("replace", "emails", work())],
    [op("add", "emails", [work(primary=True)])],
    [op("replace", None, {"emails": [work(primary=True)]})],
    [op("replace", None, {f"{WORK}.value": WILSON})],
    [op("remove", WORK), op("add", "emails", [work(primary=True)])],
    [op("remove", "emails"), op("add", f"{WORK}.value", WILSON)],
    [op("remove", f"{WORK}.value"), op("replace", f"{WORK}.value", WILSON)],
    [op("replace", f"{WORK}.type", "other"), op("add", f"{WORK}.value", WILSON)],
]

# Every way to take it away.
REMOVALS = [
    [op("remove", "emails")],
    [op("remove", WORK)],
    [op("remove", f"{WORK}.value")],
    [op("remove", f"{WORK}.type")],
    [op("remove", "emails.value")],
    [op("remove", "emails.type")],
    [op("remove", "emails[primary eq true]")],
    [op("remove", 'emails[value eq "adele@contoso.com"]')],
    [op("remove", "emails", [OWN])],
    [op("remove", "emails", [{"value": "ADELE@contoso.com"}])],
    [op("replace", "emails", [])],
    [op("replace", "emails", None)],
    [op("replace", "emails", "")],
    [op("replace", "emails", [HOME])],
    [op("replace", WORK, None)],
    [op("replace", f"{WORK}.value", "")],
    [op("replace", f"{WORK}.value", None)],
    [op("replace", f"{WORK}.type", "home")],
    [op("replace", f"{WORK}.type", None)],
    [op("replace", "emails.type", "other")],
    [op("replace", None, {"emails": []})],
    [op("replace", None, {f"{WORK}.value": ""})],
    [op("replace", 'emails[value eq "adele@contoso.com"].type', "home")],
]


def check_kept(kept: Kept) -> None:
    """The address stands there once as what identifies the user, and the rest of the request was applied."""
    assert identifier(LEARNING.preset, kept.document) == OWN["value"]
    assert kept.document["active"] is False
    assert kept.document["title"] == "Engineer"
    primaries = [email for email in kept.document["emails"] if email.get("primary") is True]
    assert len(primaries) <= 1


@pytest.mark.parametrize("operations", OFFERS)
def test_another_address_is_offered_and_not_applied(operations):
    kept = patched(*operations)
    check_kept(kept)
    assert (kept.offered, kept.confirmed) == (WILSON, False)


@pytest.mark.parametrize("operations", REMOVALS)
def test_an_address_that_is_taken_away_stays(operations):
    kept = patched(*operations)
    check_kept(kept)
    assert (kept.offered, kept.confirmed) == (None, False)


@pytest.mark.parametrize(
    ("members", "offered"),
    [
        ({}, None),
        ({"emails": []}, None),
        ({"emails": None}, None),
        ({"emails": [HOME]}, None),
        ({"emails": [work()]}, WILSON),
    ],
)
def test_a_put_leaves_it_as_well(members, offered):
    kept = put(**members)
    check_kept(kept)
    assert (kept.offered, kept.confirmed) == (offered, False)


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [op("replace", f"{WORK}.value", OWN["value"])],
        [op("replace", "emails", [OWN])],
        [op("add", "emails", [OWN])],
        [op("remove", WORK), op("add", "emails", [OWN])],
        [op("remove", 'emails[type eq "home"]')],
        [op("add", "emails", [work("second@contoso.com")])],
        [op("add", f"{WORK}.display", "Adele")],
    ],
)
def test_naming_the_stored_address_confirms_it(operations):
    kept = patched(*operations)
    check_kept(kept)
    assert (kept.offered, kept.confirmed) == (None, True)


def test_another_letter_case_is_applied():
    kept = patched(op("replace", f"{WORK}.value", "Adele@Contoso.com"))
    assert kept.confirmed
    assert identifier(LEARNING.preset, kept.document) == "Adele@Contoso.com"


def test_the_rest_of_the_list_is_what_the_client_wants():
    assert patched(op("replace", "emails", [work()])).document["emails"] == [work(OWN["value"])]
    assert patched(op("remove", "emails")).document["emails"] == [OWN]
    assert patched(op("remove", WORK)).document["emails"] == [HOME, OWN]
    added = patched(op("add", "emails", [work(primary=True)])).document["emails"]
    assert added == [HOME, OWN, work()]
    replaced = patched(op("replace", WORK, {"value": WILSON, "display": "Adele"})).document["emails"]
    assert replaced == [HOME, OWN | {"display": "Adele"}]


def test_another_primary_address_does_not_outrank_it():
    kept = patched(op("replace", 'emails[type eq "home"].primary', True))
    check_kept(kept)
    assert kept.confirmed
    assert kept.document["emails"] == [HOME | {"primary": True}, OWN | {"primary": False}]


def test_nothing_is_kept_where_the_user_name_identifies():
    kept = patched(op("replace", "emails", [work()]), tenant=RFC)
    assert kept == Kept(kept.document)
    assert kept.document["emails"] == [work()]
    assert identifier(RFC.preset, ADELE) is None


def test_who_has_no_address_yet_gets_the_first_one_offered():
    before = {"userName": "adele", "active": True}
    kept = patched(op("replace", f"{WORK}.value", WILSON), before=before)
    assert (kept.offered, identifier(LEARNING.preset, kept.document)) == (None, WILSON)


@pytest.mark.parametrize(
    ("emails", "wanted"),
    [
        ([], None),
        ([HOME], None),
        ([{"value": WILSON}], None),
        ([{"type": "work"}], None),
        ([work()], WILSON),
        ([work() | {"type": "WORK"}], WILSON),
        ([work("a@b"), work()], "a@b"),
        ([work("a@b"), work(primary=True)], WILSON),
        ([work("a@b"), HOME | {"primary": True}, work()], "a@b"),
        ([{"type": "work", "primary": True}, work()], WILSON),
    ],
)
def test_the_identifier_is_the_primary_work_address_else_the_first(emails, wanted):
    assert identifier(LEARNING.preset, {"emails": emails}) == wanted


def test_the_platform_side_changes_it():
    changed = readdressed(LEARNING.preset, ADELE | {"emails": [HOME, OWN, work()]}, WILSON)
    assert changed["emails"] == [HOME, OWN | {"value": WILSON}]
    assert ADELE["emails"] == [HOME, OWN]
    with pytest.raises(LookupError):
        readdressed(LEARNING.preset, {"emails": [HOME]}, WILSON)
