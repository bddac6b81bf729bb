"""A further resource type is one entry in the list of resource types (RFC 7643 §6)."""

import pytest

from scim import bulk, discovery, openapi, preset
from scim.attributes import Attribute, ResourceType, Schema
from scim.errors import InvalidFilter, InvalidValue
from scim.filter import parse_filter
from scim.operations import read_operations
from scim.patch import apply
from scim.patterns import bind_text
from scim.preset import PRESETS, RESOURCE_TYPES
from scim.search_all_types import check_known
from scim.validation import load

URL = "https://scim.example.com/scim/acme/v2"
DEVICE = "urn:ietf:params:scim:schemas:core:2.0:Device"
DECLARATION = ResourceType(
    "Device", "/Devices", "Device", Schema(DEVICE, "Device", "A device", (Attribute("displayName"), Attribute("mac")))
)


@pytest.fixture
def tenant(monkeypatch):
    """A profile with a third resource type."""
    monkeypatch.setattr(preset, "RESOURCE_TYPES", (*RESOURCE_TYPES, DECLARATION))
    return preset.profile(PRESETS["360learning"])


def test_a_third_type_is_published(tenant):
    assert [each["id"] for each in discovery.resource_types(tenant, URL)] == ["User", "Group", "Device"]
    assert [each["id"] for each in discovery.schemas(tenant, URL, DEVICE)] == [DEVICE]
    document = openapi.document(tenant, URL)
    assert {"/Devices", "/Devices/{id}", "/Devices/.search"} <= document["paths"].keys()
    assert {"Device", "NewDevice", "DeviceListResponse"} <= document["components"]["schemas"].keys()
    assert document["paths"]["/"]["get"]["summary"] == "A page of users, groups and devices"


def test_a_third_type_is_loaded_filtered_and_patched(tenant):
    device = tenant.type("Device")
    document = load(device, {"schemas": [DEVICE], "MAC": "00-0B", "displayName": "Scanner"}).document
    assert document == {"mac": "00-0B", "displayName": "Scanner"}
    bind_text(device, f'{DEVICE}:mac eq "00-0B"')
    read = read_operations(device, [{"op": "replace", "path": "mac", "value": "00-0C"}], "1")
    assert apply(device, document, read.operations) == document | {"mac": "00-0C"}


def test_a_third_type_is_searched_with_all_types(tenant):
    check_known(tenant.types, parse_filter("mac pr"))
    with pytest.raises(InvalidFilter):
        check_known(tenant.types[:2], parse_filter("mac pr"))


def test_a_third_type_is_a_target_of_bulk_operations(tenant):
    endpoints = [each.endpoint.strip("/") for each in tenant.types]
    operation = bulk.BulkOperation("PATCH", "/Devices/1", None, None, {})
    assert bulk.target(operation, {}, endpoints) == ("Devices", "1")
    with pytest.raises(InvalidValue, match="must begin with /Users or /Groups or /Devices"):
        bulk.target(bulk.BulkOperation("POST", "/Robots", None, None, {}), {}, endpoints)
    with pytest.raises(InvalidValue, match="must have the form /Users/id or /Groups/id or /Devices/id"):
        bulk.target(bulk.BulkOperation("PUT", "/Devices", None, None, {}), {}, endpoints)
