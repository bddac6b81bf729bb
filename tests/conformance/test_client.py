"""scim2-client reads and writes resources, and rejects every answer that violates the RFCs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import BulkOperation, BulkRequest, PatchOp, PatchOperation, Path, SCIMException, SearchRequest

from tests.conformance.conftest import Endpoint


@pytest.fixture(params=["rfc", "360learning"])
def client(request: pytest.FixtureRequest, make_endpoint: Callable[[str], Endpoint]) -> Iterator[SyncSCIMClient]:
    """The client after it has read the discovery endpoints."""
    with make_endpoint(request.param).connect() as http:
        client = SyncSCIMClient(http)
        client.discover()
        yield client


def user(client: SyncSCIMClient, name: str) -> Any:
    """A user who is not created yet."""
    model: Any = client.get_resource_model("User")
    return model.model_validate({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name, "emails": [{"type": "work", "value": f"{name}@example.com"}],
    })  # fmt: skip


def model(client: SyncSCIMClient, name: str) -> Any:
    """The class of a resource type, as discovered."""
    return client.get_resource_model(name)


def test_a_user_is_created_read_replaced_patched_and_deleted(client: SyncSCIMClient):
    """(RFC 7644 §3.3, §3.4.1, §3.5.1, §3.5.2, §3.6)"""
    bob: Any = client.create(user(client, "bob"))
    assert client.query(bob) is bob, "the client has this version already"
    bob.title = "Chief"
    replaced: Any = client.replace(bob)
    assert replaced.title == "Chief"
    operation: Any = PatchOperation(op=PatchOperation.Op.replace_, path=Path("active"), value=False)
    patched: Any = client.modify(replaced, PatchOp[type(replaced)](operations=[operation]))
    assert patched.active is False
    client.delete(patched)
    with pytest.raises(SCIMException):
        client.query(model(client, "User"), bob.id)


def test_a_stale_version_is_refused(client: SyncSCIMClient):
    """(RFC 7644 §3.14)"""
    bob: Any = client.create(user(client, "bob"))
    bob.title = "Chief"
    client.replace(bob)
    bob.title = "Clerk"
    with pytest.raises(SCIMException, match="version"):
        client.replace(bob)


def test_a_user_name_is_taken_once(client: SyncSCIMClient):
    """(RFC 7644 §3.3)"""
    with pytest.raises(SCIMException) as refused:
        client.create(user(client, "PERSON1@EXAMPLE.COM"))
    assert refused.value.to_error().scim_type == "uniqueness"


def test_lists_are_filtered_sorted_and_paged(client: SyncSCIMClient):
    """(RFC 7644 §3.4.2)"""
    wanted = SearchRequest(
        filter='emails[type eq "work" and value sw "person1"]', sort_by="userName", sort_order="descending",
        start_index=2, count=3, attributes=["userName"],
    )  # fmt: skip
    page: Any = client.query(model(client, "User"), query_parameters=wanted)
    names = [f"person{number}@example.com" for number in (19, 18, 17)]
    assert (page.total_results, page.start_index, page.items_per_page) == (11, 2, 3)
    assert [found.user_name for found in page.resources] == names
    assert {found.active for found in page.resources} == {None}


def test_cursors_lead_through_a_list(client: SyncSCIMClient):
    """(RFC 9865 §2)"""
    cursor: str | None = ""
    seen: list[Any] = []
    while cursor is not None:
        wanted = SearchRequest(cursor=cursor, count=10, filter='userName sw "person"')
        page: Any = client.query(model(client, "User"), query_parameters=wanted)
        seen += [found.user_name for found in page.resources]
        cursor = page.next_cursor
    assert sorted(seen) == sorted({f"person{number}@example.com" for number in range(25)})


def test_users_and_groups_are_searched_at_once(client: SyncSCIMClient):
    """(RFC 7644 §3.4.2.1, §3.4.3)"""
    wanted = SearchRequest(filter='userName eq "person1@example.com" or displayName eq "group 1"')
    page: Any = client.search(wanted)
    assert {found.meta.resource_type for found in page.resources} == {"User", "Group"}


def test_a_bulk_job_refers_to_what_it_creates(client: SyncSCIMClient):
    """(RFC 7644 §3.7.2)"""
    group = model(client, "Group")
    members = {"displayName": "Crew", "members": [{"type": "User", "value": "bulkId:bob"}]}
    job = BulkRequest[type(user(client, "bob")) | group](
        operations=[
            BulkOperation[group](method="POST", path="/Groups", bulk_id="crew", data=group.model_validate(members)),
            BulkOperation[type(user(client, "bob"))](
                method="POST", path="/Users", bulk_id="bob", data=user(client, "bob")
            ),
        ]
    )
    answer: Any = client.bulk(job)
    assert [result.status for result in answer.operations] == [201, 201]
    crew: Any = client.query(group, answer.operations[0].location.rpartition("/")[2])
    assert crew.members[0].value == answer.operations[1].location.rpartition("/")[2]
