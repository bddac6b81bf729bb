"""`vestibule index`: which attributes can be indexed, which are refused and why, and what filters find."""

import json

import pytest

from store.database.sweep import BATCH
from store.database.transactions import Database
from store.filters import lookup
from store.tables import Index, Lookup, Resource
from store.tenants.tenants import BUILDING, REMOVING

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"

ADDRESSES = [
    {"type": "work", "locality": "Paris", "country": "FR"},
    {"type": "home", "locality": "Rome", "country": "IT", "primary": True},
]


@pytest.fixture
def people(entra):
    """Two people with everything, and one with nothing."""
    entra.field("badge", "string")
    entra.field("floor", "integer")
    babs = entra.user(
        "babs", title="Engineer", addresses=ADDRESSES, active=False, profileUrl="https://example.com/Babs",
        name={"formatted": "Babs B"}, phoneNumbers=[{"type": "work", "value": "+33 1"}],
        roles=[{"value": "admin", "display": "Boss", "type": "x"}],
        x509Certificates=[{"value": "AQ=="}],
        **{ENTERPRISE: {"department": "R&D"}, EXTENSION: {"badge": "B-7", "floor": 3}},
    )  # fmt: skip
    entra.user("cleo", title="engineering", addresses=ADDRESSES[:1], **{EXTENSION: {"floor": 4}})
    entra.user("dora")
    return babs


def names(client, text):
    answer = client.get(f"/Users?filter={text}")
    assert answer.status_int == 200, answer.text
    return [user["userName"] for user in answer.json["Resources"]]


def indexes(vestibule, client):
    return [row["attribute"] for row in json.loads(vestibule("index", "list", client.name, "--json"))]


SPELLINGS = {
    "TITLE": ("title", 'title sw "ENGINEER"', ["babs", "cleo"]),
    f"{CORE}:title": ("title", 'title eq "engineer"', ["babs"]),
    "name.formatted": ("name.formatted", 'name.formatted sw "BABS"', ["babs"]),
    "active": ("active", "active eq false", ["babs"]),
    "profileUrl": ("profileUrl", 'profileUrl eq "https://example.com/Babs"', ["babs"]),
    "phoneNumbers": ("phoneNumbers", 'phoneNumbers[type eq "work" and value eq "%2B33 1"]', ["babs"]),
    "phoneNumbers.value": ("phoneNumbers", 'phoneNumbers.value sw "%2B33"', ["babs"]),
    "addresses.Locality": ("addresses.locality", 'addresses.locality eq "paris"', ["babs", "cleo"]),
    "addresses.country": ("addresses.country", 'addresses[type eq "home" and country eq "it"]', ["babs"]),
    "addresses.type": ("addresses.type", 'addresses.type eq "HOME"', ["babs"]),
    "addresses.primary": ("addresses.primary", "addresses.primary eq true", ["babs"]),
    "roles.display": ("roles.display", 'roles[display eq "boss" and type eq "x"]', ["babs"]),
    "x509Certificates": ("x509Certificates", 'x509Certificates.value eq "AQ"', ["babs"]),
    f"{ENTERPRISE.lower()}:department": (f"{ENTERPRISE}:department", 'department eq "r%26d"', ["babs"]),
    "department": (f"{ENTERPRISE}:department", 'department sw "R"', ["babs"]),
    "badge": (f"{EXTENSION}:badge", f'{EXTENSION}:badge eq "b-7"', ["babs"]),
    f"{EXTENSION}:FLOOR": (f"{EXTENSION}:floor", f"{EXTENSION}:floor ge 4", ["cleo"]),
}


@pytest.mark.parametrize("path", SPELLINGS)
def test_an_attribute_is_indexed_under_any_spelling_and_found_as_before(vestibule, entra, people, path):
    attribute, text, found = SPELLINGS[path]
    assert names(entra, text) == found
    assert vestibule("index", "add", entra.name, path).splitlines()[-1] == f"{attribute} is indexed."
    assert indexes(vestibule, entra) == sorted(["emails", attribute])
    assert names(entra, text) == found
    entra.patch(f"/Users/{people['id']}", {"op": "remove", "path": attribute})
    assert "babs" not in names(entra, text)
    vestibule("index", "remove", entra.name, path)
    assert indexes(vestibule, entra) == ["emails"]
    assert "babs" not in names(entra, text)


REFUSED = {
    "userName": "userName is indexed already, by a column of its own.",
    "externalid": "externalId is indexed already, by a column of its own.",
    "name.familyName": "name.familyName is indexed already, by a column of its own.",
    "manager": f"{ENTERPRISE}:manager is indexed already, by a column of its own.",
    "members": "members is indexed already, by a column of its own.",
    "emails": "emails is indexed already.",
    "emails.value": "emails is indexed already.",
    "meta.created": "meta.created is computed by the server from other resources, so it cannot be indexed.",
    "groups.display": "groups.display is computed by the server from other resources, so it cannot be indexed.",
    "manager.displayName":
        f"{ENTERPRISE}:manager.displayName is computed by the server from other resources, so it cannot be indexed.",
    "name": "name is complex: name one of its sub-attributes.",
    "addresses": "addresses is complex: name one of its sub-attributes.",
    ENTERPRISE: f"{ENTERPRISE} is complex: name one of its sub-attributes.",
    "password": "password is not stored in this tenant, so there is nothing to index.",
    "shoeSize": "There is no attribute shoeSize: name it as a filter would.",
    'addresses[type eq "work"].locality':
        "An index is on the elements of every type: name the attribute without brackets, as in addresses.locality.",
    'phoneNumbers[type eq "]"]':
        "An index is on the elements of every type: name the attribute without brackets, as in phoneNumbers.",
}  # fmt: skip


@pytest.mark.parametrize("path", REFUSED)
def test_what_cannot_be_indexed_is_refused_with_the_reason(refusal, entra, path):
    assert refusal("index", "add", entra.name, path) == REFUSED[path]


def test_what_a_preset_forbids_is_indexed_where_it_is_not_forbidden(vestibule, refusal, entra, okta):
    refused = refusal("index", "add", entra.name, "displayName", "--type", "User")
    assert refused == "displayName is not stored in this tenant, so there is nothing to index."
    assert vestibule("index", "add", okta.name, "displayName").splitlines()[-1] == "displayName is indexed."
    okta.user("babs", displayName="Babs")
    assert names(okta, 'displayName eq "BABS"') == ["babs"]
    assert "by a column" in refusal("index", "add", okta.name, "displayName", "--type", "Group")
    vestibule("tenant", "set", okta.name, "--preset", "360learning", "--yes")
    assert rows(okta, "displayName") == []


def test_the_index_on_emails_stays(refusal, entra):
    assert "Every tenant has the index on emails" in refusal("index", "remove", entra.name, "emails.value")
    assert "no index on title" in refusal("index", "remove", entra.name, "title")


def test_a_field_is_indexed_when_it_is_declared_or_later(vestibule, entra):
    entra.field("first", "string")
    id = entra.user("babs", **{EXTENSION: {"first": "x"}})["id"]
    vestibule("field", "add", entra.name, "second", "string", "--indexed")
    vestibule("index", "add", entra.name, "FIRST")
    listed = json.loads(vestibule("field", "list", entra.name, "--json"))
    assert [(field["name"], field["indexed"]) for field in listed] == [("first", True), ("second", True)]
    entra.patch(f"/Users/{id}", {"op": "add", "path": f"{EXTENSION}:second", "value": "y"})
    assert names(entra, f'{EXTENSION}:first eq "x" and {EXTENSION}:second eq "y"') == ["babs"]
    vestibule("index", "remove", entra.name, "second")
    assert not json.loads(vestibule("field", "list", entra.name, "--json"))[1]["indexed"]
    vestibule("field", "remove", entra.name, "first", "--yes")
    assert indexes(vestibule, entra) == ["emails"]
    assert rows(entra, f"{EXTENSION}:first") == []


def rows(client, attribute):
    number = Index.select(Index.pk).where((Index.tenant == client.tenant.pk) & (Index.attribute == attribute))
    return list(Lookup.select().where((Lookup.tenant == client.tenant.pk) & Lookup.attribute.in_(number)))


def test_what_was_broken_off_is_finished_by_the_same_command(vestibule, entra):
    first = entra.user("babs", title="babs")["id"]
    entra.user("cleo", title="cleo")
    pk = Resource.select(Resource.pk).where(Resource.id == first).scalar()
    Index.insert(tenant=entra.tenant.pk, type="User", attribute="title", state=BUILDING, position=pk).execute()
    assert names(entra, 'title eq "babs"') == ["babs"], "an index that is not complete is not relied on"
    listed = json.loads(vestibule("index", "list", entra.name, "--json"))[1]
    assert (listed["state"], listed["done"], listed["total"]) == (BUILDING, 1, 2)
    vestibule("index", "add", entra.name, "title")
    assert [row.value for row in rows(entra, "title")] == ["cleo"], "it goes on from where it was"
    assert names(entra, 'title eq "cleo"') == ["cleo"]
    Index.update(state=REMOVING, position=0).where(
        Index.attribute == "title", Index.tenant == entra.tenant.pk
    ).execute()
    vestibule("index", "add", entra.name, "title")
    assert names(entra, 'title sw ""') == ["babs", "cleo"]
    Index.update(state=REMOVING, position=0).where(
        Index.attribute == "title", Index.tenant == entra.tenant.pk
    ).execute()
    vestibule("index", "remove", entra.name, "title")
    assert Lookup.select().where(Lookup.resource == pk).count() == 1, "the e-mail's row stays"


def test_the_rest_of_a_removal_that_was_broken_off_goes_in_transactions_of_its_own(vestibule, entra, monkeypatch):
    entra.user("babs", title="babs")
    vestibule("index", "add", entra.name, "title")
    Index.update(state=REMOVING, position=0).where(
        Index.attribute == "title", Index.tenant == entra.tenant.pk
    ).execute()
    begun, depths, write, erase = [], set(), Database.write, lookup.erase

    def writing(database, work, within=None):
        begun.append(work)
        result = write(database, work, within)
        begun.pop()
        return result

    def erasing(*given):
        depths.add(len(begun))
        erase(*given)

    monkeypatch.setattr(Database, "write", writing)
    monkeypatch.setattr(lookup, "erase", erasing)
    vestibule("index", "add", entra.name, "title")
    assert depths == {1}, "clients wait for a few hundred users, not for all"


def test_a_removal_that_is_broken_off_is_in_the_log(vestibule, run, entra, monkeypatch):
    entra.user("babs", title="babs")
    vestibule("index", "add", entra.name, "title")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lookup, "erase", interrupted)
    assert run("index", "remove", entra.name, "TITLE").exit_code == 1
    assert entra.log(1)[0]["operation"] == "platform: index remove"
    assert entra.log(1)[0]["changes"] == [{"attribute": "index", "before": "title"}]


def test_many_users_are_indexed_in_several_transactions(vestibule, run, entra):
    for number in range(BATCH + 2):
        entra.user(f"user-{number}", title=f"t{number}")
    added = run("index", "add", entra.name, "title")
    assert (added.exit_code, added.stdout) == (0, "title is indexed.\n")
    assert len(rows(entra, "title")) == BATCH + 2
    assert names(entra, f'title eq "t{BATCH + 1}"') == [f"user-{BATCH + 1}"]


def test_no_other_tenant_is_touched(vestibule, entra, make_client):
    neighbour = make_client()
    for client in (entra, neighbour):
        client.user("babs", title="x")
        vestibule("index", "add", client.name, "title")
    vestibule("index", "remove", entra.name, "title")
    assert indexes(vestibule, neighbour) == ["emails", "title"]
    assert len(rows(neighbour, "title")) == 1


@pytest.mark.parametrize("name", ["title", "active", f"{EXTENSION}:floor", f"{EXTENSION}:badge"])
def test_an_index_changes_no_order(vestibule, entra, people, name):
    entra.group("Everybody", people["id"])
    entra.user("long", title="x" * 300, **{EXTENSION: {"floor": 2**53 + 1}})
    entra.user("longer", title="x" * 299 + "a", **{EXTENSION: {"floor": 2**53}})

    def orders():
        places = ("/Users?count=2&", "/Users?count=100&", "/Users?startIndex=2&count=2&", "/?")
        queries = [f"{place}sortBy={name}&sortOrder={way}" for place in places for way in ("ascending", "descending")]
        return [[each["id"] for each in entra.get(query).json["Resources"]] for query in queries]

    def by_cursor(cursor):
        pages = []
        while cursor is not None:
            answer = entra.get(f"/Users?count=1&sortBy={name}&cursor={cursor}").json
            pages += [each["userName"] for each in answer["Resources"]]
            cursor = answer.get("nextCursor")
        return pages

    before, paged = orders(), by_cursor("")
    begun = entra.get(f"/Users?count=1&sortBy={name}&cursor").json["nextCursor"]
    vestibule("index", "add", entra.name, name)
    assert (orders(), by_cursor("")) == (before, paged)
    assert by_cursor(begun) == paged[1:], "a cursor from before leads on"
