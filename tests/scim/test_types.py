"""Types of values: everything about a type is in one entry (RFC 7643 §2.3, RFC 7644 §3.4.2.2)."""

import re
from pathlib import Path

import pytest

from scim import discovery, openapi
from scim.errors import InvalidFilter, InvalidValue
from scim.keys import keys
from scim.nodes import Compare
from scim.patterns import bind_text
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_USER
from scim.types import TYPES
from scim.validation import load
from tests.duration import DURATION

GUIDE = Path(__file__).parents[2] / "docs" / "entra.md"
URL = "https://scim.example.com/scim/acme/v2"
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


@pytest.fixture
def tenant(monkeypatch):
    """A profile with a field of a type that was added as one entry."""
    monkeypatch.setitem(TYPES, DURATION.name, DURATION)
    return profile(PRESETS["rfc"], [CustomField("shift", "duration")])


def test_a_new_type_is_one_entry(tenant):
    document = load(tenant.user, {"schemas": [CORE_USER], FIELDS: {"shift": "PT90S"}}).document
    assert document == {FIELDS: {"shift": "PT90S"}}
    assert keys(tenant.user.attributes, document) == {FIELDS: {"shift": "000000090"}}
    with pytest.raises(InvalidValue, match=r"shift must be a duration such as PT90S \(type duration\), not other text"):
        load(tenant.user, {"schemas": [CORE_USER], FIELDS: {"shift": "soon"}})
    found = bind_text(tenant.user, f'{FIELDS}:shift gt "PT5S"')
    assert isinstance(found, Compare)
    assert found.operand == "000000005"
    with pytest.raises(InvalidFilter, match="operator co does not apply"):
        bind_text(tenant.user, f'{FIELDS}:shift co "PT5S"')
    with pytest.raises(InvalidFilter, match="is of type duration and cannot be compared"):
        bind_text(tenant.user, f'{FIELDS}:shift eq "soon"')


def test_a_new_type_is_published(tenant):
    (schema,) = discovery.schemas(tenant, URL, FIELDS)
    assert schema["attributes"][0]["type"] == "duration"
    user = openapi.document(tenant, URL)["components"]["schemas"]["User"]
    shift = user["properties"][FIELDS]["properties"]["shift"]
    assert (shift["type"], shift["format"]) == ("string", "duration")


def test_the_guide_says_what_to_choose_in_entra_for_each_type():
    _, _, rest = GUIDE.read_text("utf-8").partition("| Field type | Entra type |")
    table = re.findall(r"^\| `(\w+)` \| (\w+) \|", rest.partition("\n\n")[0], re.MULTILINE)
    assert dict(table) == {name: each.entra for name, each in TYPES.items()}
