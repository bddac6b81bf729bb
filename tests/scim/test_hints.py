"""The hint that an error carries for the log: what to do about it in Entra or Okta (RFC 7644 §3.12)."""

import re
from pathlib import Path

import pytest

from scim import identity
from scim.errors import InvalidFilter, ScimError
from scim.filter import parse_filter
from scim.hints import HINTS, hint
from scim.operations import read_operations
from scim.patterns import bind_text
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_USER
from scim.search_all_types import check_known
from scim.validation import check_elements, check_required, load
from tests.patches import op

ROOT = Path(__file__).parents[2]
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
LEARNING = profile(PRESETS["360learning"], [CustomField("level", "integer")])
BARE = profile(PRESETS["360learning"])


def posted(members, tenant=LEARNING):
    return lambda: load(tenant.user, {"schemas": [CORE_USER], **members})


def patched(path, value="x"):
    return lambda: read_operations(LEARNING.user, [op("replace", path, value)], "1")


def filtered(text):
    return lambda: bind_text(LEARNING.user, text)


REFUSED = [
    (posted({"displayName": "Bob"}), "Entra: remove the displayName row"),
    (patched("displayName"), "Entra: remove the displayName row"),
    (patched(None, {"displayName": "Bob"}), "Entra: remove the displayName row"),
    (filtered('displayName eq "Bob"'), "Entra: remove the displayName row"),
    (posted({FIELDS: {"size": 1}}), "Declare the custom field"),
    (posted({FIELDS: {"size": 1}}, BARE), "Declare the custom field"),
    (posted({"schemas": [CORE_USER, FIELDS]}, BARE), "Declare the custom field"),
    (patched(f"{FIELDS}:size"), "Declare the custom field"),
    (posted({"foo": 1}), "Remove the attribute from the attribute mapping, or correct"),
    (posted({"name": {"foo": 1}}), "Remove the attribute from the attribute mapping, or correct"),
    (patched("foo"), "Remove the attribute from the attribute mapping, or correct"),
    (patched('emails[type eq "work"].foo'), "Remove the attribute from the attribute mapping, or correct"),
    (filtered("emails[foo pr]"), "Remove the attribute from the attribute mapping, or correct"),
    (posted({"preferredLanguage": "en-US"}), "Entra: edit the preferredLanguage mapping"),
    (patched("preferredLanguage", 7), "Entra: edit the preferredLanguage mapping"),
    (posted({"active": "perhaps"}), "Entra: map active by the expression"),
    (posted({FIELDS: {"level": "high"}}), "Correct the source value"),
    (posted({FIELDS: {"level": 2**63}}), "Correct the value in the client's directory"),
    (posted({"title": 7}), "Correct the source attribute or the expression"),
    (patched("name.givenName", True), "Correct the source attribute or the expression"),
    (posted({"title": "\ud800", "nickName": 7}), "Correct the source attribute or the expression"),
    (posted({"userName": "x" * 513}), "Correct the value in the client's directory"),
    (posted({"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}), "Correct the value in"),
    (
        lambda: check_elements(LEARNING.user.targets["emails"].attribute, {"emails": [{}] * 1001}),
        "Correct the value in the client's directory",
    ),
    (lambda: check_required(LEARNING.user, {}), "Map an attribute to it"),
    (patched("id"), "Remove the attribute from the attribute mapping."),
    (posted({"userName": " "}), None),
    (posted({"title": "\ud800"}), None),
    (posted({"name": "Babs"}), None),
    (filtered("active gt true"), None),
]


@pytest.mark.parametrize(("work", "said"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_an_error_carries_the_hint_for_what_went_wrong(work, said):
    with pytest.raises(ScimError) as refused:
        work()
    found = hint(refused.value.hint)
    assert (found or "").startswith(said) if said else found is None, (refused.value.detail, found)


def test_a_name_that_no_type_knows_has_the_hint_of_an_unknown_key():
    with pytest.raises(InvalidFilter) as refused:
        check_known(LEARNING.types, parse_filter("foo pr"))
    assert refused.value.hint == "unknown key"


def test_a_user_without_work_e_mail_has_a_hint():
    assert (hint(identity.missing().hint) or "").startswith("Entra: map mail")


def test_every_hint_that_the_code_names_is_there_and_every_hint_is_named():
    packages = (ROOT / name for name in ("app", "scim", "store"))
    code = "".join(path.read_text("utf-8") for package in packages for path in package.rglob("*.py"))
    named = set(re.findall(r'hint(?:=|\()(?:[\w.]+ or )?"([^"{]+)"', code))
    # These two are made of a prefix and the attribute.
    made = {f"forbidden {name}" for preset in PRESETS.values() for name in preset.forbidden}
    made |= {key for key in HINTS if key.startswith("taken ")}
    assert named | made | {"undeclared field", "URL"} == HINTS.keys()
