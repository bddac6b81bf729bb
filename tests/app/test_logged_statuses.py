"""The status in the log is the one that the client was answered, alone and in a bulk job (RFC 7644 §3.7.3)."""

import pytest

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def named(endpoint, name):
    """A body of the endpoint's type."""
    key, schema = {"/Users": ("userName", USER), "/Groups": ("displayName", GROUP)}[endpoint]
    return {"schemas": [schema], key: name}


def change(endpoint, name):
    """A PatchOp message that renames."""
    (path,) = named(endpoint, name).keys() - {"schemas"}
    return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": name}]}


REQUESTS = {
    "create": ("POST", "", named),
    "create with a bad body": ("POST", "", lambda endpoint, name: {"schemas": [USER, GROUP]}),
    "replace": ("PUT", "/{id}", named),
    "replace nobody": ("PUT", "/nobody", named),
    "patch": ("PATCH", "/{id}", change),
    "patch nothing": ("PATCH", "/{id}", lambda endpoint, name: change(endpoint, "old")),
    "patch nobody": ("PATCH", "/nobody", change),
    "delete": ("DELETE", "/{id}", lambda endpoint, name: None),
    "delete nobody": ("DELETE", "/nobody", lambda endpoint, name: None),
}


@pytest.mark.parametrize("endpoint", ["/Users", "/Groups"])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("query", ["", "?attributes=id", "?excludedAttributes=members"])
def test_a_request_is_logged_with_the_status_of_its_answer(okta, endpoint, method, path, body, query):
    id = okta.post(endpoint, named(endpoint, "old")).json["id"]
    answer = okta.request(method, endpoint + path.format(id=id) + query, body(endpoint, "new"))
    assert okta.log()[0]["status"] == answer.status_int
    assert (answer.status_int == 204) == (answer.body == b"")


@pytest.mark.parametrize("endpoint", ["/Users", "/Groups"])
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS.values(), ids=REQUESTS)
def test_a_bulk_operation_is_logged_with_the_status_of_its_result(okta, endpoint, method, path, body):
    id = okta.post(endpoint, named(endpoint, "old")).json["id"]
    operation = {"method": method, "path": endpoint + path.format(id=id), "data": body(endpoint, "new"), "bulkId": "x"}
    answer = okta.post("/Bulk", {"schemas": [BULK_REQUEST], "Operations": [operation]})
    (result,) = answer.json["Operations"]
    assert str(okta.log()[0]["status"]) == result["status"]


def test_a_reference_that_is_added_later_is_logged_with_the_status_of_the_creation(okta):
    managers = {"a": "b", "b": "a"}
    people = {one: named("/Users", one) | {ENTERPRISE: {"manager": f"bulkId:{managers[one]}"}} for one in managers}
    operations = [{"method": "POST", "path": "/Users", "bulkId": one, "data": body} for one, body in people.items()]
    results = okta.post("/Bulk", {"schemas": [BULK_REQUEST], "Operations": operations}).json["Operations"]
    assert [result["status"] for result in results] == ["201", "201"]
    assert {entry["status"] for entry in okta.log()} == {201}
