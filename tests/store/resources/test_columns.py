"""The columns that are derived from a document (RFC 7643 §7)."""

import pytest

from scim.preset import PRESETS, profile
from store.resources.columns import UNIQUE


@pytest.mark.parametrize("preset", PRESETS)
def test_attributes_that_are_published_as_unique_are_unique(preset):
    for resource_type in profile(PRESETS[preset]).types:
        published = {each.name for each in resource_type.schema.attributes if each.uniqueness == "server"}
        # The work e-mail is unique, but other e-mails are not, so the attribute does not say it.
        assert {each.label for each in UNIQUE[resource_type.name]} - {"work e-mail"} == published
