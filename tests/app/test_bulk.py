"""Bulk jobs (RFC 7644 §3.7)."""

import sqlite3
import time
from contextlib import closing

import pytest

from app import auth, create_app
from app.bulk import BATCH
from app.settings import Settings
from store.tenants.indexes import Indexes, IndexName
from store.tenants.log import Call
from tests import live
from tests.conftest import BASE_URL, Client

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def post(bulk_id, path="/Users", **data):
    schema = USER if path == "/Users" else GROUP
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": {"schemas": [schema], **data}}


def run(client, *operations, **members):
    answer = client.post("/Bulk", {"schemas": [REQUEST], "Operations": list(operations), **members})
    assert answer.status_int == 200, answer.text
    return answer.json["Operations"]


def id_of(result):
    return result["location"].rpartition("/")[2]


def test_operations_of_every_method_are_answered_in_order(okta):
    bob = okta.user("bob")
    created, replaced, patched, deleted = run(
        okta,
        post("ada", userName="ada"),
        {"method": "PUT", "path": f"/Users/{bob['id']}",
         "data": {"schemas": [USER], "userName": "bob", "title": "Chief"}},
        {"method": "patch", "path": f"/Users/{bob['id']}", "version": 'W/"2"',
         "data": {"Operations": [{"op": "replace", "path": "title", "value": "Boss"}]}},
        {"method": "DELETE", "path": f"/Users/{bob['id']}"},
    )  # fmt: skip
    assert created == {
        "method": "POST", "bulkId": "ada", "status": "201", "version": 'W/"1"',
        "location": f"{okta.endpoint}/Users/{id_of(created)}",
    }  # fmt: skip
    assert (replaced["status"], replaced["version"]) == ("200", 'W/"2"')
    assert (patched["method"], patched["status"], patched["version"]) == ("PATCH", "200", 'W/"3"')
    assert deleted == {"method": "DELETE", "status": "204", "location": f"{okta.endpoint}/Users/{bob['id']}"}
    assert okta.get(f"/Users/{bob['id']}").status_int == 404


def test_a_reference_may_point_forward(okta):
    group, user = run(
        okta, post("g", "/Groups", displayName="Sales", members=[{"value": "bulkId:u"}]), post("u", userName="ada")
    )
    members = okta.get(f"/Groups/{id_of(group)}").json["members"]
    assert [member["value"] for member in members] == [id_of(user)]
    assert group["version"] == 'W/"1"'


def test_references_are_resolved_in_paths_and_in_the_filters_of_patch_paths(okta):
    results = run(
        okta,
        post("u", userName="ada"),
        post("v", userName="bob"),
        post("g", "/Groups", displayName="Sales", members=[{"value": "bulkId:u"}, {"value": "bulkId:v"}]),
        {"method": "PATCH", "path": "/Groups/bulkId:g",
         "data": {"Operations": [{"op": "remove", "path": 'members[value eq "bulkId:u"]'}]}},
        {"method": "PATCH", "path": "/Users/bulkId:u",
         "data": {"Operations": [{"op": "add", "path": f"{ENTERPRISE}:manager", "value": "bulkId:v"}]}},
    )  # fmt: skip
    assert [result["status"] for result in results] == ["201", "201", "201", "200", "200"]
    members = okta.get(f"/Groups/{id_of(results[2])}").json["members"]
    assert [member["value"] for member in members] == [id_of(results[1])]
    assert okta.get(f"/Users/{id_of(results[0])}").json[ENTERPRISE]["manager"]["value"] == id_of(results[1])


def test_people_who_manage_each_other_in_a_circle_are_created_and_linked(okta):
    manager = [{ENTERPRISE: {"department": "D", "manager": {"value": f"bulkId:{name}"}}} for name in ("b", "c", "a")]
    results = run(
        okta,
        post("a", userName="ada", **manager[0]),
        post("b", userName="bob", **manager[1]),
        post("c", userName="cleo", **manager[2]),
    )
    assert [result["status"] for result in results] == ["201"] * 3
    ids = [id_of(result) for result in results]
    people = [okta.get(f"/Users/{id}").json for id in ids]
    assert [person[ENTERPRISE]["manager"]["value"] for person in people] == [ids[1], ids[2], ids[0]]
    assert [person[ENTERPRISE]["department"] for person in people] == ["D"] * 3
    assert [result["version"] for result in results] == [person["meta"]["version"] for person in people]


def test_who_is_the_own_manager_is_linked_too(okta):
    (result,) = run(okta, post("a", userName="ada", **{ENTERPRISE: {"manager": "bulkId:a"}}))
    person = okta.get(f"/Users/{id_of(result)}").json
    assert person[ENTERPRISE]["manager"]["value"] == person["id"]


def test_groups_that_contain_each_other_are_refused_and_leave_nothing_half_done(okta):
    results = run(
        okta,
        post("a", "/Groups", displayName="A", members=[{"value": "bulkId:b"}]),
        post("b", "/Groups", displayName="B", members=[{"value": "bulkId:a"}]),
    )
    assert sorted(result["status"] for result in results) == ["201", "400"]
    assert okta.get("/Groups").json["totalResults"] == 1


def test_failures_stand_beside_successes(okta):
    okta.user("bob")
    results = run(
        okta,
        post("x", userName="bob"),
        post("g", "/Groups", displayName="Sales", members=[{"value": "bulkId:x"}]),
        post("h", "/Groups", displayName="Others", members=[{"value": "bulkId:nobody"}]),
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Bulk", "bulkId": "z", "data": {}},
        {"method": "DELETE", "path": "/Users"},
        {"method": "PATCH", "path": "/Users/unknown", "data": {"Operations": [{"op": "remove", "path": "title"}]}},
        post("ok", userName="ada"),
    )
    assert [r["status"] for r in results] == ["409", "409", "400", "405", "400", "400", "400", "404", "201"]
    assert "location" not in results[0]
    assert results[0]["response"]["scimType"] == "uniqueness"
    assert results[7]["location"] == f"{okta.endpoint}/Users/unknown"
    assert all(result["response"]["status"] == result["status"] for result in results[:-1])


def test_a_job_stops_after_as_many_failures_as_it_allows(okta):
    okta.user("bob")
    failing = [post(f"x{number}", userName="bob") for number in range(3)]
    results = run(okta, *failing, post("ok", userName="ada"), failOnErrors=2)
    assert [result["status"] for result in results] == ["409", "409"]
    assert okta.get('/Users?filter=userName+eq+"ada"').json["totalResults"] == 0


def test_a_version_that_has_passed_refuses_its_operation_alone(okta):
    bob = okta.user("bob")
    operation = {"method": "DELETE", "path": f"/Users/{bob['id']}", "version": 'W/"9"'}
    (result,) = run(okta, operation)
    assert result["status"] == "412"
    assert okta.get(f"/Users/{bob['id']}").status_int == 200


@pytest.mark.parametrize(
    ("message", "scim_type"),
    [
        ({"schemas": [REQUEST]}, "invalidSyntax"),
        ({"schemas": ["urn:other"], "Operations": []}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": ["x"]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [{"method": 5}]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [{"method": "POST", "bulkId": "\ud800"}]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [{"method": "PUT", "path": "/Users/\udc00"}]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [{"method": "GET\x00"}]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [{"method": "DELETE", "METHOD": "PUT"}]}, "invalidSyntax"),
        ({"schemas": [REQUEST], "Operations": [], "failOnErrors": 0}, "invalidValue"),
        ({"schemas": [REQUEST], "Operations": [], "failOnErrors": "1"}, "invalidValue"),
        ({"schemas": [REQUEST], "Operations": [post("a"), post("a")]}, "invalidValue"),
    ],
)
def test_a_malformed_job_is_refused_whole(okta, message, scim_type):
    answer = okta.post("/Bulk", message)
    assert (answer.status_int, answer.json["scimType"]) == (400, scim_type)


def test_a_job_over_a_limit_is_refused_with_the_limits_name(okta):
    limits = okta.get("/ServiceProviderConfig").json["bulk"]
    job = {"schemas": [REQUEST], "Operations": [{"method": "GET", "path": "/x"}] * (limits["maxOperations"] + 1)}
    answer = okta.post("/Bulk", job)
    assert (answer.status_int, "maxOperations" in answer.json["detail"]) == (413, True)
    answer = okta.request("POST", "/Bulk", b" " * (limits["maxPayloadSize"] + 1))
    assert (answer.status_int, "maxPayloadSize" in answer.json["detail"]) == (413, True)


def test_a_long_chain_of_references_is_resolved(okta):
    chain = [post(f"g{n}", "/Groups", displayName=f"G{n}", members=[{"value": f"bulkId:g{n + 1}"}]) for n in range(300)]
    results = run(okta, *chain, post("g300", "/Groups", displayName="G300"))
    assert {result["status"] for result in results} == {"201"}


def test_a_job_that_a_busy_database_does_not_take_fails_operation_by_operation(tmp_path):
    url = f"sqlite:///{tmp_path}/v.db"
    live.vestibule("migrate", database_url=url)
    made = live.vestibule("tenant", "create", "demo", "--preset", "rfc", database_url=url)
    token = made.stdout.split("Secret token: ")[1].strip()
    job = {"Operations": [post(str(number), userName=f"u{number}") for number in range(2 * BATCH)]}
    with live.serving("--workers", "1", database_url=url, busy_timeout="0.3") as server:
        with closing(sqlite3.connect(tmp_path / "v.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            refused = server.request("POST", "/scim/demo/v2/Bulk", job, token)
            assert time.monotonic() - began < 10, "the time that one waits is not waited for each"
        taken = server.request("POST", "/scim/demo/v2/Bulk", job, token)
    assert [result["status"] for result in refused.json["Operations"]] == ["503"] * 2 * BATCH
    assert [result["status"] for result in taken.json["Operations"]] == ["201"] * 2 * BATCH


def test_a_job_that_knows_nothing_of_an_index_keeps_it_up_and_does_nothing_twice(database):
    """Its worker trusts what it read of the tenant: every operation is rolled back and done again."""
    settings = Settings(database_url="sqlite:///unused", public_url=BASE_URL, log_level="error", token_cache=5.0)
    trusting = create_app(settings, database)
    client = Client(trusting, "rfc")
    bob = client.user("bob")
    indexes = Indexes(database, client.tenants.get(client.name))
    indexes.declare(IndexName("User", "title"), Call())
    indexes.build(IndexName("User", "title"))
    before = len(client.log())
    people = [post(str(number), userName=f"u{number}", title="t", password="x") for number in range(BATCH)]
    joins = {"op": "add", "path": "members", "value": [{"value": bob["id"]}]}
    results = run(
        client, *people, post("again", userName="u1"), post("g", "/Groups", displayName="G"),
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [joins]}},
    )  # fmt: skip
    auth.gate(trusting).background.close()
    assert [result["status"] for result in results] == ["201"] * BATCH + ["409", "201", "200"]
    assert client.get('/Users?filter=title eq "t"').json["totalResults"] == BATCH
    entries = client.log()[: len(client.log()) - before]
    assert len(entries) == len(results)
    assert {entry.get("detail") for entry in entries if entry["level"] == "warning"} == {
        "password was accepted but is never stored."
    }


def test_each_operation_has_its_entry_in_the_log(okta):
    run(okta, post("a", userName="ada"), post("b", userName="ADA"))
    refused, created = okta.log()
    assert (created["operation"], created["resourceType"], created["name"]) == ("POST (bulk)", "User", "ada")
    assert (refused["status"], refused["scimType"]) == (409, "uniqueness")
