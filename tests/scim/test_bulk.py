"""The order of the operations of a bulk job, and their references (RFC 7644 §3.7.1, §3.7.2)."""

import time

import pytest

from scim.bulk import BulkOperation, Step, plan, read_job, references, resolved, target, withhold
from scim.errors import InvalidValue


def post(name, *others):
    """An operation that creates a group with a bulkId, its members given by other bulkIds."""
    members = [{"value": f"bulkId:{other}"} for other in others]
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": {"displayName": name, "members": members}}


def steps(*operations):
    return plan(read_job({"Operations": [*operations]}, 2_000))


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ((post("a"), post("b"), post("c")), [Step(0), Step(1), Step(2)]),
        ((post("a", "c"), post("b"), post("c")), [Step(2), Step(0), Step(1)]),
        ((post("a", "b"), post("b", "c"), post("c")), [Step(2), Step(1), Step(0)]),
        ((post("a", "nobody"),), [Step(0)]),
        (
            (post("a", "b"), post("b", "a")),
            [Step(1, frozenset("a")), Step(0), Step(1, frozenset("a"), links=True)],
        ),
        ((post("a", "a"),), [Step(0, frozenset("a")), Step(0, frozenset("a"), links=True)]),
    ],
    ids=["independent", "forward", "a chain", "undefined", "a circle", "oneself"],
)
def test_what_is_referred_to_comes_first_and_circles_are_linked_at_the_end(operations, wanted):
    assert steps(*operations) == wanted


def test_if_all_refer_to_all_each_is_created_once_and_linked_once():
    names = [f"g{number}" for number in range(50)]
    planned = steps(*(post(name, *names) for name in names))
    assert sorted(step.index for step in planned if not step.links) == list(range(50))
    assert sorted(step.index for step in planned if step.links) == list(range(50))


def test_a_group_of_a_thousand_users_created_after_it_is_planned_within_a_second():
    people = [f"u{number}" for number in range(1_500)]
    job = read_job({"Operations": [post("all", *people), *map(post, people)]}, 2_000)
    began = time.monotonic()
    assert plan(job)[-1] == Step(0)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("bulkId:a", ["a"]),
        ("BULKID:a", ["a"]),
        ("/Users/bulkId:a", ["a"]),
        ('members[value eq "bulkId:a" or value eq "bulkId:b"]', ["a", "b"]),
        ({"x": [{"value": "bulkId:a"}, {"$ref": "../Users/bulkId:b"}]}, ["a", "b"]),
        ("see bulkId:a", []),
        ("bulkId", []),
        (7, []),
    ],
)
def test_references_are_found_wherever_a_value_may_hold_one(value, wanted):
    assert list(references(value)) == wanted


def test_a_reference_becomes_the_id_and_what_is_unknown_stays():
    assert resolved({"a": ["bulkId:x", "bulkId:y"], "b": 7}, {"x": "1"}) == {"a": ["1", "bulkId:y"], "b": 7}
    assert resolved(["/Users/bulkId:x", "see bulkId:x"], {"x": "1"}) == ["/Users/1", "see bulkId:x"]


def test_what_is_withheld_is_added_by_a_patch():
    body = {"userName": "a", "urn:x:y": {"department": "D", "manager": "bulkId:b"}, "members": [{"value": "bulkId:b"}]}
    kept, links = withhold(body, frozenset("b"))
    assert kept == {"userName": "a", "urn:x:y": {"department": "D"}}
    assert links == [
        {"op": "add", "path": "urn:x:y:manager", "value": "bulkId:b"},
        {"op": "add", "path": "members", "value": [{"value": "bulkId:b"}]},
    ]


def test_a_path_names_an_endpoint_and_a_resource_by_id_or_reference():
    def named(method, path):
        return target(BulkOperation(method, path, None, None, None), {"x": "1"}, ("Users", "Groups", "Devices"))

    assert named("POST", "/Devices") == ("Devices", None)
    assert named("PATCH", "/Groups/bulkId:x") == ("Groups", "1")
    with pytest.raises(InvalidValue, match="must begin with /Users or /Groups or /Devices"):
        named("POST", "/Schemas")
    with pytest.raises(
        InvalidValue, match="DELETE operation must have the form /Users/id or /Groups/id or /Devices/id"
    ):
        named("DELETE", "/Users")
