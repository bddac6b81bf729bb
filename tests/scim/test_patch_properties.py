"""Properties of all PATCH requests, checked with random ones: a valid resource, or no change (RFC 7644 §3.5.2)."""

import copy
import json
import os
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.compare import email
from scim.document import dumps
from scim.errors import InvalidValue, ScimError
from scim.identity import identifier, keep_identifier
from scim.members import member_changes
from scim.operations import read_operations
from scim.patch import apply
from scim.preset import Profile
from scim.validation import check_required, load, with_defaults
from tests.strategies import LEARNING, RFC, USER_IDS, documents, operations

# Resource types are large tables.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

often = settings(
    max_examples=int(os.environ.get("PATCH_EXAMPLES", "200")),
    deadline=None,
    derandomize="PATCH_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
OWN = {"emails": [{"type": "work", "value": "own@example.com"}]}


@st.composite
def users(draw, profile: Profile):
    """A stored user of a tenant, and operations."""
    drawn = {"userName": "babs"} | (OWN if profile is LEARNING else {}) | draw(documents(profile.user))
    if profile is LEARNING and identifier(profile.preset, drawn) is None:
        drawn |= OWN
    document = with_defaults(profile.user, load(profile.user, {"schemas": [profile.user.schema.id], **drawn}).document)
    return document, draw(operations(profile.user, document))


def changed(profile: Profile, before, sent):
    """The document as the store would keep it."""
    read = read_operations(profile.user, sent, USER_IDS[0]).operations
    after = with_defaults(profile.user, apply(profile.user, before, read))
    assert with_defaults(profile.user, apply(profile.user, before, read)) == after, "operations were changed"
    kept = keep_identifier(profile.preset, before, after).document
    check_required(profile.user, kept)
    return kept


def check_valid(resource_type, document):
    """The document is one that a client could have sent, in the form in which it would be stored."""
    try:
        again = load(resource_type, {"schemas": [resource_type.schema.id], **document}).document
    except ScimError as error:
        raise AssertionError(document) from error
    assert again == document
    assert json.loads(dumps(document)) == document
    for attribute in resource_type.attributes:
        if attribute.multi_valued and attribute.sub("primary") is not None:
            assert sum(element.get("primary") is True for element in document.get(attribute.name, [])) <= 1


@pytest.mark.parametrize("profile", [RFC, LEARNING], ids=lambda profile: profile.preset.name)
def test_any_patch_of_a_user_leaves_a_valid_one_or_changes_nothing(profile):
    @often
    @given(users(profile))
    def holds(drawn):
        before, sent = drawn
        kept, said = copy.deepcopy(before), copy.deepcopy(sent)
        with suppress(ScimError):
            after = changed(profile, before, sent)
            check_valid(profile.user, after)
            if profile is LEARNING:
                assert email(str(identifier(profile.preset, after))) == email(str(identifier(profile.preset, before)))
        assert (before, sent) == (kept, said)

    holds()


@often
@given(st.data())
def test_any_patch_of_a_group_leaves_a_valid_one_or_changes_nothing(data):
    before = {"displayName": "Guides"} | data.draw(documents(RFC.group))
    sent = data.draw(operations(RFC.group, before))
    kept, said = copy.deepcopy(before), copy.deepcopy(sent)
    with suppress(ScimError):
        changes, rest = member_changes(read_operations(RFC.group, sent, USER_IDS[0]).operations)
        after = apply(RFC.group, before, rest)
        assert apply(RFC.group, before, rest) == after, "operations were changed"
        check_required(RFC.group, after)
        check_valid(RFC.group, after)
        assert all(change.ids is None or all(change.ids) for change in changes)
    assert (before, sent) == (kept, said)


@pytest.mark.parametrize("profile", [RFC, LEARNING], ids=lambda profile: profile.preset.name)
def test_a_document_put_back_as_it_is_changes_nothing(profile):
    @often
    @given(users(profile))
    def holds(drawn):
        document, _ = drawn
        assert changed(profile, document, [{"op": "replace", "value": document}]) == document
        assert changed(profile, document, [{"op": "add", "value": document}]) == document

    holds()


def test_a_value_that_is_missing_is_named_in_the_end():
    with pytest.raises(InvalidValue, match="userName is required"):
        changed(RFC, {"userName": "babs"}, [{"op": "replace", "path": "userName", "value": None}])
