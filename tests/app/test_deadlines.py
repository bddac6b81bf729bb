"""A search without an index is refused at the deadline and names the index that would help (RFC 7644 §3.12)."""

import threading
from typing import Any
from urllib.parse import quote

import pytest
from peewee import Value
from webtest import TestResponse

from app import auth
from store.database.statements import parameter
from store.tables import Counter, Index, Membership, Resource
from store.tenants.counters import SHARDS
from tests.conftest import Client

MANY = 20_000
SLOW, QUICK = 'filter=title eq "Nobody"', 'filter=userName eq "first"'


class Crowd(Client):
    """A client whose directory is large, by rows that are made without it."""

    def crowd(self) -> None:
        """Copy one user many times."""
        id = self.user("first", title="Engineer", nickName="a", addresses=[{"type": "work", "locality": "Paris"}])["id"]
        columns = [column for name, column in Resource._meta.fields.items() if name not in ("pk", "keys")]
        row: Any = (
            Resource.select(*columns, Resource.keys.as_text().alias("keys")).where(Resource.id == id).dicts().get()
        )
        keys = ("pk", "id", "name_key", "identifier_key")
        copy = {name: value for name, value in row.items() if name not in keys}
        made = Resource.insert({name: parameter(name) for name in (*copy, *keys[1:])})
        statement = self.database.statement(("copy", tuple(copy)), lambda: made)
        rows = [copy | dict.fromkeys(keys[1:], f"{self.tenant.pk:08}{number:024}") for number in range(MANY)]
        self.database.write(lambda _: statement.many(rows))
        Counter.insert(tenant=self.tenant.pk, type="User", shard=SHARDS, total=MANY).execute()

    def ask(self, query: str, path: str = "/Users", method: str = "GET") -> TestResponse:
        """A search by these query parameters."""
        return self.request(method, f"{path}?{quote(query, safe='=&')}")


@pytest.fixture(scope="module")
def crowd(app):
    client = Crowd(app, "360learning")
    client.crowd()
    return client


@pytest.fixture(scope="module")
def rfc_crowd(app):
    client = Crowd(app, "rfc")
    client.crowd()
    return client


@pytest.fixture
def hurried(database, monkeypatch):
    """A deadline that nobody can keep who looks at everybody."""
    monkeypatch.setattr(database, "deadline", 0.001)


def add(client, name):
    return f'"vestibule index add {client.name} {name}"'


REFUSED = {
    "filter=title eq \"Nobody\"": ("The filter on title", ["title"]),
    'filter=title sw "N" or nickName eq "N"': ("The filter on title and nickName", ["title", "nickName"]),
    'filter=addresses.locality eq "Rome"': ("The filter on addresses.locality", ["addresses.locality"]),
    'filter=addresses[type eq "work" and locality eq "Rome"]': (
        "The filter on addresses.locality", ["addresses.locality"],
    ),
    'filter=userName eq "first" or title eq "Nobody"': ("The filter on title", ["title"]),  # One is found at once.
    'filter=title eq "Engineer"&sortBy=nickName&count=1': ("The filter on title", ["title"]),
    'count=0&filter=title eq "Nobody"': ("The filter on title", ["title"]),
    'cursor&filter=title eq "Nobody"': ("The filter on title", ["title"]),
}  # fmt: skip


@pytest.mark.parametrize("query", REFUSED)
def test_a_search_that_takes_too_long_is_refused_with_the_command_that_helps(crowd, hurried, query):
    what, names = REFUSED[query]
    commands = " and ".join(add(crowd, name) for name in names)
    refused = crowd.ask(query)
    assert (refused.status_int, refused.json["scimType"]) == (400, "tooMany")
    assert refused.json["detail"] == (
        f"{what} took longer than 0.001 seconds over this directory: ask the server's operator to run {commands}."
    )


@pytest.mark.parametrize("query", ['filter=not (userName eq "first")', "filter=not (title pr)", 'filter=title co "x"'])
def test_where_no_index_would_help_the_refusal_says_what_to_narrow(crowd, hurried, query):
    refused = crowd.ask(query)
    assert (refused.status_int, refused.json["scimType"]) == (400, "tooMany")
    assert "narrow it by a comparison" in refused.json["detail"]
    assert "vestibule" not in refused.json["detail"]


@pytest.mark.parametrize(
    "sort",
    [
        "title",
        "displayName",
        "emails.value",
        "meta.created",
        "meta.lastModified",
        "id",
    ],
)
def test_an_order_of_everybody_ends_at_the_deadline(rfc_crowd, hurried, sort):
    for path in ("/Users", "/"):
        refused = rfc_crowd.ask(f"sortBy={sort}&sortOrder=descending&count=1", path)
        assert (refused.status_int, refused.json["scimType"]) == (400, "tooMany")
        assert f"The order by {sort}" in refused.json["detail"]
        assert "took longer than 0.001 seconds over this directory: narrow the search by" in refused.json["detail"]


@pytest.mark.parametrize("sort", ["externalId", "name.familyName", "name.givenName"])
def test_an_order_by_an_index_that_meets_equal_values_ends_too(rfc_crowd, hurried, database, sort):
    """All values are equal here, so all users are sorted. Postgres has the statement timeout for it, which costs no
    round trip."""
    is_sqlite = not database.dialect.locks_rows
    assert rfc_crowd.ask(f"sortBy={sort}&sortOrder=descending&count=1").status_int == (400 if is_sqlite else 200)


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_an_order_by_names_is_answered_within_the_deadline(crowd, hurried, order):
    assert crowd.ask(f"sortBy=userName&sortOrder={order}&count=2").json["totalResults"] == MANY + 1
    assert crowd.ask(f"sortBy=displayName&sortOrder={order}&count=2", "/Groups").status_int == 200


def test_the_members_of_a_group_are_searched_for_within_the_deadline(rfc_crowd, hurried):
    id = rfc_crowd.group("Everybody")["id"]
    group = Resource.select(Resource.pk).where(Resource.id == id).scalar()
    users = (Resource.tenant == rfc_crowd.tenant.pk) & (Resource.type == "User")
    row = Resource.select(Value(group), Resource.pk, Value("scim")).where(users)
    Membership.insert_from(row, [Membership.group, Membership.member, Membership.origin]).execute()
    for path in ("/Users", "/"):
        refused = rfc_crowd.ask(f'filter=groups.value eq "{id}"', path)
        assert (refused.status_int, refused.json["scimType"]) == (400, "tooMany")
        assert "narrow it by" in refused.json["detail"]
    assert rfc_crowd.ask(f'filter=userName eq "first" and groups.value eq "{id}"').json["totalResults"] == 1


def test_searches_by_post_and_at_the_root_and_by_head_end_too(crowd, hurried):
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'title eq "x"'}
    for answer in (
        crowd.post("/Users/.search", message),
        crowd.post("/.search", message),
        crowd.ask(SLOW, "/"),
    ):
        assert (answer.status_int, answer.json["scimType"]) == (400, "tooMany"), answer.text
        assert add(crowd, "title") in answer.json["detail"]
    assert crowd.ask(SLOW, method="HEAD").status_int == 400


def test_a_refused_search_is_entered_once(crowd, hurried):
    before = len(crowd.log())
    crowd.ask(SLOW)
    assert len(crowd.log()) == before + 1


def test_everything_else_goes_on_within_the_deadline(crowd, hurried):
    crowd.ask(SLOW)
    assert crowd.ask(QUICK).json["totalResults"] == 1
    assert crowd.get("/Users?count=2").json["totalResults"] == MANY + 1
    assert crowd.get("/Users?count=2&sortBy=userName").status_int == 200
    made = crowd.user(f"new-{threading.get_ident()}")
    assert crowd.patch(f"/Users/{made['id']}", {"op": "add", "path": "title", "value": "x"}).status_int == 200
    assert crowd.delete(f"/Users/{made['id']}").status_int == 204


def test_others_are_served_while_a_search_walks(crowd, database):
    walking = threading.Event()
    answers = []

    def walk():
        walking.set()
        answers.append(crowd.ask(SLOW).status_int)
        database.close()

    walker = threading.Thread(target=walk)
    walker.start()
    walking.wait()
    assert crowd.ask(QUICK).json["totalResults"] == 1
    walker.join()
    assert answers == [200]


def test_within_the_deadline_the_same_searches_are_answered(crowd):
    assert auth.gate(crowd.app.app).database.deadline == 10
    for query in REFUSED:
        assert crowd.ask(query).status_int == 200


def test_an_index_brings_the_search_within_the_deadline(crowd, hurried, vestibule):
    assert crowd.ask(SLOW).status_int == 400
    vestibule("index", "add", crowd.name, "title")
    assert crowd.ask(SLOW).json["totalResults"] == 0
    assert crowd.ask(f'{QUICK} and title eq "Engineer"').json["totalResults"] == 1
    vestibule("index", "remove", crowd.name, "title")
    assert Index.select().where((Index.tenant == crowd.tenant.pk) & (Index.attribute == "title")).count() == 0
    assert crowd.ask(SLOW).status_int == 400
