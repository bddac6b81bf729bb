"""A third resource type is served by its entries in a few tables, its blueprint and its class (RFC 7643 §6)."""

import pytest
from flask import Blueprint, g

import app as application
from app import answers, auth, create_app
from app.http import body, paging, parameters, response
from app.resources import RESOURCES
from app.settings import Settings
from scim import preset
from scim.attributes import Attribute, ResourceType, Schema
from scim.preset import RESOURCE_TYPES
from store.resources import columns
from store.resources.writing import Resources
from tests.conftest import BASE_URL, Client

DEVICE = "urn:ietf:params:scim:schemas:core:2.0:Device"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCANNER = {"schemas": [DEVICE], "displayName": "Scanner", "mac": "00-0B"}

DECLARATION = ResourceType(
    "Device",
    "/Devices",
    "Device",
    Schema(DEVICE, "Device", "A device", (Attribute("displayName", required=True), Attribute("mac"))),
)


class Devices(Resources):
    """The devices of one tenant. Nothing of them is kept in other rows."""

    name = "Device"


def blueprint():
    """/Devices."""
    devices = Blueprint("devices", __name__, url_prefix="/Devices")
    views = {
        ("GET", ""): lambda: answers.search(g.devices, parameters(), paging()),
        ("POST", ""): lambda: answers.create(g.devices, body(), parameters()),
        ("GET", "/<id>"): lambda id: answers.get(g.devices, id, parameters()),
        ("PUT", "/<id>"): lambda id: answers.replace(g.devices, id, body(), parameters()),
        ("PATCH", "/<id>"): lambda id: answers.patch(g.devices, id, body(), parameters()),
        ("DELETE", "/<id>"): lambda id: answers.delete(g.devices, id),
    }
    for (method, rule), answer in views.items():
        view = lambda answer=answer, **values: response(answer(**values))  # noqa: E731 (one view for each row)
        devices.add_url_rule(rule, f"{method}{rule}", view, methods=[method])
    return devices


@pytest.fixture
def client(database, monkeypatch):
    """A client of an application that serves devices too."""
    monkeypatch.setattr(preset, "RESOURCE_TYPES", (*RESOURCE_TYPES, DECLARATION))
    monkeypatch.setitem(columns.COLUMNS, "Device", columns.COLUMNS["Group"])
    monkeypatch.setitem(columns.UNIQUE, "Device", columns.UNIQUE["Group"])
    monkeypatch.setitem(RESOURCES, "Devices", Devices)
    monkeypatch.setattr(application, "BLUEPRINTS", [*application.BLUEPRINTS, blueprint()])
    app = create_app(Settings(public_url=BASE_URL, log_level="error", token_cache=0.0), database)
    yield Client(app, "rfc")
    auth.gate(app).background.close()


def test_a_device_is_created_read_changed_and_deleted(client):
    made = client.post("/Devices", SCANNER)
    url = f"/Devices/{made.json['id']}"
    assert (made.status_int, made.headers["Location"]) == (201, f"{client.endpoint}{url}")
    assert made.json["meta"]["resourceType"] == "Device"
    assert client.get(url).json == made.json
    patched = client.patch(url, {"op": "replace", "path": "mac", "value": "00-0C"})
    assert (patched.status_int, patched.json["mac"]) == (200, "00-0C")
    assert client.put(url, SCANNER).json["mac"] == "00-0B"
    assert client.delete(url).status_int == 204
    assert client.get(url).status_int == 404


def test_devices_are_found_by_filter_and_in_a_search_over_all_types(client):
    client.post("/Devices", SCANNER)
    user, group = client.user("bob"), client.group("Sales")
    found = client.get('/Devices?filter=mac eq "00-0b"').json["Resources"]
    assert [device["displayName"] for device in found] == ["Scanner"]
    assert client.get('/Devices?filter=mac eq "00-0D"').json["totalResults"] == 0
    everything = client.get("").json["Resources"]
    assert sorted(each["meta"]["resourceType"] for each in everything) == ["Device", "Group", "User"]
    assert {user["id"], group["id"]} < {each["id"] for each in everything}


def test_a_bulk_job_takes_devices(client):
    id = client.post("/Devices", SCANNER).json["id"]
    change = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "mac", "value": "00-0C"}]}
    operations = [
        {"method": "POST", "path": "/Devices", "bulkId": "x", "data": SCANNER | {"displayName": "Printer"}},
        {"method": "PATCH", "path": f"/Devices/{id}", "data": change},
        {"method": "DELETE", "path": f"/Devices/{id}"},
        {"method": "DELETE", "path": "/Robots/1"},
    ]
    results = client.post("/Bulk", {"schemas": [BULK_REQUEST], "Operations": operations}).json["Operations"]
    assert [result["status"] for result in results] == ["201", "200", "204", "400"]
    assert client.get("/Devices").json["totalResults"] == 1


def test_the_log_names_devices(client):
    id = client.post("/Devices", SCANNER).json["id"]
    client.post("/Devices", SCANNER | {"shoeSize": 43})
    client.get("/Devices?filter=shoeSize eq 43")
    entries = client.log()
    assert [(entry["resourceType"], entry["status"]) for entry in entries] == [("Device", s) for s in (400, 400, 201)]
    assert (entries[2]["resource"], entries[2]["name"]) == (id, "Scanner")
    assert entries[1]["name"] == "Scanner"


def test_devices_are_published(client):
    assert [each["id"] for each in client.get("/ResourceTypes").json["Resources"]] == ["User", "Group", "Device"]
    assert client.get(f"/Schemas/{DEVICE}").json["name"] == "Device"
