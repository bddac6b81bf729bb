"""ETag, If-Match and If-None-Match (RFC 7644 §3.14)."""

import pytest

PATCH = {"Operations": [{"op": "replace", "path": "title", "value": "Boss"}]}


@pytest.fixture
def bob(okta):
    return okta.user("bob")


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1", "*", 'W/"9", W/"1"', ' W/"9" , "1" '])
def test_a_patch_of_the_version_that_is_named_is_applied(okta, bob, tag):
    answer = okta.request("PATCH", f"/Users/{bob['id']}", PATCH, {"If-Match": tag})
    assert (answer.status_int, answer.headers["ETag"]) == (200, 'W/"2"')
    assert answer.json["meta"]["version"] == 'W/"2"'


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("headers", [{"If-Match": 'W/"7"'}, {"If-None-Match": 'W/"1"'}, {"If-None-Match": "*"}])
def test_a_write_of_another_version_is_refused_and_changes_nothing(okta, bob, method, headers):
    body = PATCH if method == "PATCH" else bob | {"title": "Boss"} if method == "PUT" else None
    answer = okta.request(method, f"/Users/{bob['id']}", body, headers)
    assert answer.status_int == 412
    assert okta.get(f"/Users/{bob['id']}").json == bob


def test_groups_have_preconditions_too(okta):
    group = okta.group("Sales")
    refused = okta.request("PATCH", f"/Groups/{group['id']}", PATCH, {"If-Match": 'W/"2"'})
    assert refused.status_int == 400  # title is no attribute of a group
    rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "Sold"}]}
    assert okta.request("PATCH", f"/Groups/{group['id']}", rename, {"If-Match": 'W/"2"'}).status_int == 412
    assert okta.request("PATCH", f"/Groups/{group['id']}", rename, {"If-Match": 'W/"1"'}).headers["ETag"] == 'W/"2"'


def test_an_unknown_resource_is_404_whatever_the_precondition(okta):
    assert okta.request("PATCH", "/Users/nobody", PATCH, {"If-Match": "*"}).status_int == 404


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "*", 'W/"0", W/"1"'])
def test_a_reader_who_has_the_version_gets_304(okta, bob, tag):
    answer = okta.request("GET", f"/Users/{bob['id']}", headers={"If-None-Match": tag})
    assert (answer.status_int, answer.body, answer.headers["ETag"]) == (304, b"", 'W/"1"')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reader_who_asks_for_a_version_that_has_passed_is_refused(okta, bob, method):
    """(RFC 9110 §13.1.1)"""
    assert okta.request(method, f"/Users/{bob['id']}", headers={"If-Match": 'W/"1"'}).status_int == 200
    assert okta.request(method, f"/Users/{bob['id']}", headers={"If-Match": 'W/"7"'}).status_int == 412
    both = {"If-Match": 'W/"7"', "If-None-Match": 'W/"1"'}
    assert okta.request(method, f"/Users/{bob['id']}", headers=both).status_int == 412


def test_a_reader_who_has_another_version_gets_the_resource(okta, bob):
    answer = okta.request("GET", f"/Users/{bob['id']}", headers={"If-None-Match": 'W/"3"'})
    assert (answer.status_int, answer.json) == (200, bob)


def test_a_change_of_nothing_keeps_version_and_time(okta, bob):
    answer = okta.patch(f"/Users/{bob['id']}", {"op": "add", "path": "userName", "value": "bob"})
    assert answer.json == bob
    assert okta.put(f"/Users/{bob['id']}", bob).json == bob
