"""The work e-mail that identifies a user: clients offer changes, and the platform side adopts or dismisses them (RFC
7643 §4.1.2)."""

import pytest

from scim.errors import InvalidValue, NotFound, Uniqueness
from store.platform.users import PlatformUsers
from store.resources.users import Users
from store.tenants.log import Call

WORK = 'emails[type eq "work"].value'
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def emails(client):
    """The platform side of a client's tenant."""
    call = Call(operation="platform: user email", client="command line")
    return PlatformUsers(Users(client.database, client.tenants.get(client.name), client.endpoint, call))


def offer(client, user, address, **also):
    """Send a change of the work e-mail, as Entra does; it must not fail."""
    operations = [{"op": "Replace", "path": WORK, "value": address}]
    operations += [{"op": "Replace", "path": path, "value": value} for path, value in also.items()]
    answer = client.patch(f"/Users/{user['id']}", *operations)
    assert answer.status_int == 200, answer.text
    return answer.json


def shown(client, user):
    return client.get(f"/Users/{user['id']}").json


def address(client, user):
    return shown(client, user)["emails"][0]["value"]


def pending(client, *, dismissed=False):
    return [(row["userName"], row["pending"]) for row in emails(client).pending(dismissed=dismissed)]


@pytest.fixture
def bob(entra):
    return entra.user("bob")


def test_a_leaver_is_disabled_by_the_request_that_offers_another_address(entra, bob):
    answer = offer(entra, bob, "gone@example.com", active="False")
    assert answer["active"] is False
    assert answer["emails"][0]["value"] == "bob@example.com"
    assert pending(entra) == [("bob", "gone@example.com")]


def test_only_the_latest_offer_is_pending(entra, bob):
    offer(entra, bob, "first@example.com")
    offer(entra, bob, "second@example.com")
    assert pending(entra) == [("bob", "second@example.com")]


def test_a_dismissed_offer_stays_dismissed_until_there_is_another(entra, bob):
    offer(entra, bob, "first@example.com")
    assert emails(entra).dismiss(bob["id"]) == "first@example.com"
    offer(entra, bob, "FIRST@example.com")
    assert pending(entra) == []
    assert pending(entra, dismissed=True) == [("bob", "first@example.com")]
    offer(entra, bob, "second@example.com")
    assert pending(entra) == [("bob", "second@example.com")]


def test_the_log_does_not_call_a_dismissed_offer_pending(entra, bob):
    offer(entra, bob, "first@example.com")
    assert "first@example.com is pending" in entra.log()[0]["detail"]
    emails(entra).dismiss(bob["id"])
    offer(entra, bob, "first@example.com")
    assert "first@example.com was dismissed before" in entra.log()[0]["detail"]
    assert entra.log()[0]["level"] == "warning"


def test_sending_the_stored_address_deletes_the_pending_offer(entra, bob):
    offer(entra, bob, "first@example.com")
    offer(entra, bob, "bob@example.com")
    assert pending(entra, dismissed=True) == []


def test_a_change_of_letter_case_is_applied_and_nothing_is_pending(entra, bob):
    assert offer(entra, bob, "Bob@Example.com")["emails"][0]["value"] == "Bob@Example.com"
    assert pending(entra) == []


def test_an_adopted_offer_is_the_address_and_the_same_request_changes_nothing(entra, bob):
    offer(entra, bob, "robert@example.com")
    assert emails(entra).adopt(bob["id"]) == "robert@example.com"
    assert address(entra, bob) == "robert@example.com"
    assert pending(entra, dismissed=True) == []
    before = shown(entra, bob)["meta"]
    offer(entra, bob, "robert@example.com")
    assert shown(entra, bob)["meta"] == before
    assert entra.log()[0]["level"] == "info"


def test_a_dismissed_offer_can_still_be_adopted(entra, bob):
    offer(entra, bob, "robert@example.com")
    emails(entra).dismiss(bob["id"])
    assert emails(entra).adopt(bob["id"]) == "robert@example.com"


def test_an_address_of_another_user_cannot_be_adopted_and_stays_pending(entra, bob):
    entra.user("alice")
    offer(entra, bob, "Alice@example.com")
    with pytest.raises(Uniqueness, match=r'work e-mail "Alice@example.com" already exists \(id [-0-9a-f]{36}\)\.$'):
        emails(entra).adopt(bob["id"])
    assert pending(entra) == [("bob", "Alice@example.com")]
    assert address(entra, bob) == "bob@example.com"


@pytest.mark.parametrize("decide", ["adopt", "dismiss"])
def test_without_an_offer_nothing_can_be_adopted_or_dismissed(entra, bob, decide):
    with pytest.raises(NotFound, match="No change of the work e-mail of bob is pending"):
        getattr(emails(entra), decide)(bob["id"])


def test_the_platform_side_changes_an_address_with_version_and_log(entra, bob):
    assert emails(entra).change(bob["id"], "robert@example.com")
    assert shown(entra, bob)["meta"]["version"] == 'W/"2"'
    entry = entra.log()[0]
    assert (entry["operation"], entry["client"], entry["name"]) == ("platform: user email", "command line", "bob")
    assert entry["changes"][0]["attribute"] == "emails"
    assert "token" not in entry


def test_an_address_that_is_changed_on_the_platform_side_is_found_and_taken_at_once(entra, bob):
    emails(entra).change(bob["id"], "robert@example.com")
    found = entra.get('/Users?filter=emails[type eq "work"].value eq "ROBERT@example.com"').json
    assert [user["id"] for user in found["Resources"]] == [bob["id"]]
    body = {"schemas": [CORE_USER], "userName": "robert", "emails": [{"type": "work", "value": "robert@example.com"}]}
    assert entra.post("/Users", body).status_int == 409
    entra.user("new", emails=[{"type": "work", "value": "bob@example.com"}])


def test_the_same_address_again_changes_nothing(entra, bob):
    assert not emails(entra).change(bob["id"], "bob@example.com")
    assert shown(entra, bob)["meta"]["version"] == 'W/"1"'


def test_changing_to_the_offered_address_deletes_the_offer_and_another_keeps_it(entra, bob):
    offer(entra, bob, "robert@example.com")
    emails(entra).change(bob["id"], "bobby@example.com")
    assert pending(entra) == [("bob", "robert@example.com")]
    emails(entra).change(bob["id"], "Robert@example.com")
    assert pending(entra) == []


def test_an_address_that_is_taken_is_refused_and_changes_nothing(entra, bob):
    entra.user("alice")
    with pytest.raises(Uniqueness, match=r'A user with the work e-mail "ALICE@example\.com" already exists'):
        emails(entra).change(bob["id"], "ALICE@example.com")
    assert address(entra, bob) == "bob@example.com"


@pytest.mark.parametrize("wrong", ["", "a" * 513, "nul\x00@example.com"])
def test_the_platform_side_cannot_set_an_invalid_address(entra, bob, wrong):
    with pytest.raises(InvalidValue, match="work e-mail"):
        emails(entra).change(bob["id"], wrong)


def test_the_address_changes_and_the_rest_of_the_element_and_the_manager_stay(entra, bob):
    boss = entra.user("boss")
    entra.patch(f"/Users/{bob['id']}", {"op": "Add", "path": "manager", "value": boss["id"]})
    emails(entra).change(bob["id"], "robert@example.com")
    after = shown(entra, bob)
    assert after["emails"] == [{"type": "work", "value": "robert@example.com", "primary": True}]
    assert after["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"] == boss["id"]


def test_an_address_that_would_be_listed_twice_is_listed_once(entra):
    both = [{"type": "work", "value": "a@example.com", "primary": True}, {"type": "work", "value": "b@example.com"}]
    user = entra.user("ann", emails=both)
    emails(entra).change(user["id"], "B@example.com")
    assert shown(entra, user)["emails"] == [{"type": "work", "value": "B@example.com", "primary": True}]


def test_with_the_preset_rfc_the_client_changes_addresses_itself(okta):
    user = okta.user("ann")
    assert offer(okta, user, "other@example.com")["emails"][0]["value"] == "other@example.com"
    assert pending(okta) == []
    with pytest.raises(InvalidValue, match="identifies users by their userName"):
        emails(okta).change(user["id"], "third@example.com")


def test_another_tenants_users_are_unknown(entra, bob, stranger):
    with pytest.raises(NotFound, match="There is no User with the id"):
        emails(stranger).change(bob["id"], "robert@example.com")


def test_a_pending_offer_is_deleted_with_the_user(entra, bob):
    offer(entra, bob, "robert@example.com")
    entra.delete(f"/Users/{bob['id']}")
    assert pending(entra, dismissed=True) == []
