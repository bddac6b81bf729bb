"""Pages by index and by cursor, .search, and the root (RFC 7644 §3.4.2, §3.4.3, RFC 9865 §2)."""

import sqlite3

import pytest

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="session")
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def people(okta):
    names = ["cleo", "Adele", "bob", "dora", "emil"]
    for name in names:
        okta.user(name, title="Chief" if name in ("bob", "dora") else None)
    okta.group("Sales")
    okta.group("Adele's team")
    return okta


def names(answer):
    return [resource.get("userName", resource.get("displayName")) for resource in answer.json["Resources"]]


def scan(client, path, cursor="cursor"):
    """Every page from the first by nextCursor: the pages' names, and the last page's answer."""
    pages, answer = [], client.get(f"{path}&cursor")
    pages.append(names(answer))
    while "nextCursor" in answer.json:
        answer = client.get(f"{path}&cursor={answer.json['nextCursor']}")
        pages.append(names(answer))
    return pages, answer


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("", ["cleo", "Adele", "bob", "dora", "emil"]),
        ("&sortBy=userName", ["Adele", "bob", "cleo", "dora", "emil"]),
        ("&sortBy=userName&sortOrder=descending", ["emil", "dora", "cleo", "bob", "Adele"]),
    ],
)
def test_a_scan_by_cursor_meets_every_user_once_and_in_order(people, order, wanted):
    pages, last = scan(people, f"/Users?count=2{order}")
    assert [name for page in pages for name in page] == wanted
    assert [len(page) for page in pages] == [2, 2, 1]
    assert last.json["totalResults"] == 5
    assert "startIndex" not in last.json


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_a_scan_by_cursor_passes_the_unassigned_too(people, order):
    pages, _ = scan(people, f"/Users?count=1&sortBy=title&sortOrder={order}")
    met = [name for page in pages for name in page]
    assert sorted(met) == sorted(["cleo", "Adele", "bob", "dora", "emil"])
    assert set(met[:2] if order == "ascending" else met[-2:]) == {"bob", "dora"}


def test_the_previous_cursor_leads_back_and_the_first_page_has_none(people):
    first = people.get("/Users?count=2&sortBy=userName&cursor=")
    assert "previousCursor" not in first.json
    second = people.get(f"/Users?count=2&sortBy=userName&cursor={first.json['nextCursor']}")
    back = people.get(f"/Users?count=2&sortBy=userName&cursor={second.json['previousCursor']}")
    assert names(back) == names(first)
    assert "previousCursor" not in back.json
    assert names(people.get(f"/Users?count=2&sortBy=userName&cursor={back.json['nextCursor']}")) == names(second)


def test_a_scan_by_cursor_repeats_and_skips_no_user_while_others_come_and_go(people):
    first = people.get("/Users?count=2&sortBy=userName&cursor")
    people.delete(f"/Users/{first.json['Resources'][1]['id']}")
    people.user("aaron")
    people.user("caesar")
    rest = people.get(f"/Users?count=10&sortBy=userName&cursor={first.json['nextCursor']}")
    assert rest.json["scimType"] == "invalidCount"
    rest = people.get(f"/Users?count=2&sortBy=userName&cursor={first.json['nextCursor']}")
    assert names(rest) == ["caesar", "cleo"]


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("cursor=garbage", "invalidCursor"),
        ("cursor={cursor}&sortBy=title", "invalidCursor"),
        ("cursor={cursor}&filter=active+eq+true", "invalidCursor"),
        ("cursor={cursor}&count=3", "invalidCount"),
        ("cursor=&count=many", "invalidCount"),
        ("cursor=&startIndex=1", "invalidValue"),
    ],
)
def test_a_cursor_belongs_to_its_query(people, query, scim_type):
    cursor = people.get("/Users?count=2&cursor").json["nextCursor"]
    path = query.format(cursor=cursor)
    answer = people.get(f"/Users?{path}" + ("" if "count" in path else "&count=2"))
    assert answer.status_int == 400
    assert answer.json["scimType"] == scim_type


def test_a_cursor_of_another_tenant_or_type_is_refused_like_any_other(people, stranger):
    cursor = people.get("/Users?count=2&cursor").json["nextCursor"]
    refused = stranger.get(f"/Users?count=2&cursor={cursor}")
    assert refused.json == people.get(f"/Groups?count=2&cursor={cursor}").json
    assert refused.json["scimType"] == "invalidCursor"


def test_a_cursor_needs_no_escape_in_a_url(people):
    cursor = people.get("/Users?count=1&sortBy=userName&cursor").json["nextCursor"]
    assert all(character.isalnum() or character in "-_" for character in cursor)


def test_search_by_post_answers_as_get_does(people):
    message = {
        "schemas": [SEARCH], "filter": 'title eq "chief"', "attributes": ["userName"], "sortBy": "userName",
        "sortOrder": "descending", "startIndex": 1, "count": 1,
    }  # fmt: skip
    answer = people.post("/Users/.search", message)
    same = people.get(
        "/Users?filter=title+eq+%22chief%22&attributes=userName&sortBy=userName&sortOrder=descending&count=1"
    )
    assert answer.status_int == 200
    assert answer.json == same.json
    assert answer.json["totalResults"] == 2
    assert set(answer.json["Resources"][0]) == {"schemas", "id", "userName"}


@pytest.mark.parametrize(
    ("message", "scim_type"),
    [
        ({"schemas": ["urn:other"]}, "invalidSyntax"),
        ({"schemas": [SEARCH], "filter": 5}, "invalidValue"),
        ({"schemas": [SEARCH], "count": "many"}, "invalidValue"),
        ({"schemas": [SEARCH], "attributes": [5]}, "invalidValue"),
        ({"schemas": [SEARCH], "filter": "userName"}, "invalidFilter"),
    ],
)
def test_a_malformed_search_is_refused(people, message, scim_type):
    answer = people.post("/Users/.search", message)
    assert (answer.status_int, answer.json["scimType"]) == (400, scim_type)


def test_the_root_searches_both_types(people):
    assert people.get("").json["totalResults"] == 7
    answer = people.get('?filter=meta.resourceType+eq+"Group"')
    assert names(answer) == ["Sales", "Adele's team"]
    answer = people.get('?filter=displayName+sw+"adele"+or+userName+sw+"ad"&sortBy=id')
    assert sorted(names(answer)) == ["Adele", "Adele's team"]


def test_an_attribute_that_a_type_lacks_counts_as_unassigned_at_the_root(people):
    everyone = people.get("?filter=not+(members+pr)").json["totalResults"]
    assert everyone == 7
    assert people.get('?filter=title+ne+"chief"').json["totalResults"] == 5
    assert people.get("?filter=title+eq+null").json["totalResults"] == 5
    assert people.get("?filter=shoeSize+pr").json["scimType"] == "invalidFilter"


def test_the_root_sorts_both_types_in_one_order(people):
    answer = people.post("/.search", {"schemas": [SEARCH], "sortBy": "userName", "startIndex": 3, "count": 3})
    assert names(answer)[:3] == ["cleo", "dora", "emil"]
    assert answer.json["startIndex"] == 3
    answer = people.get("?sortBy=displayName&sortOrder=descending&count=2&startIndex=6")
    assert names(answer) == ["Sales", "Adele's team"]


def test_the_root_takes_no_cursor_and_no_depth_without_end(people):
    assert people.get("?cursor=").status_int == 400
    assert people.get("?startIndex=20000").json["scimType"] == "tooMany"


@pytest.mark.parametrize(
    ("query", "found", "start", "total"),
    [
        ("startIndex=0&count=2", 2, 1, 5),
        ("startIndex=-3", 5, 1, 5),
        ("count=0", 0, 1, 5),
        ("count=-1", 0, 1, 5),
        ("startIndex=6", 0, 6, 5),
        ("startIndex=5&count=2", 1, 5, 5),
        ("startIndex=99999999999999999999", 0, 2**31, 5),
        ('filter=userName+co+"o"&count=1', 1, 1, 3),
        ('filter=userName+co+"o"&count=0', 0, 1, 3),
        ('filter=userName+co+"zz"', 0, 1, 0),
    ],
)
def test_index_pagination_at_its_edges(people, query, found, start, total):
    answer = people.get(f"/Users?{query}").json
    assert (len(answer["Resources"]), answer["startIndex"], answer["totalResults"]) == (found, start, total)
    assert answer["itemsPerPage"] == found


@pytest.mark.parametrize("order", ["", "&sortBy=userName", "&sortBy=title&sortOrder=descending"])
def test_a_cursor_behind_the_last_who_is_left_leads_back(entra, order):
    """(RFC 9865 §2)"""
    ids = {name: entra.user(name, title="T" if name == "d" else None)["id"] for name in "abcd"}
    first = entra.get(f"/Users?cursor=&count=2{order}").json
    shown = [found["userName"] for found in first["Resources"]]
    for name in ids.keys() - set(shown):
        entra.delete(f"/Users/{ids[name]}")
    behind = entra.get(f"/Users?cursor={first['nextCursor']}&count=2{order}").json
    assert (behind["Resources"], behind["totalResults"], "nextCursor" in behind) == ([], 2, False)
    back = entra.get(f"/Users?cursor={behind['previousCursor']}&count=2{order}").json
    assert [found["userName"] for found in back["Resources"]] == shown
    for name in shown:
        entra.delete(f"/Users/{ids[name]}")
    nobody = entra.get(f"/Users?cursor={behind['previousCursor']}&count=2{order}").json
    assert (nobody["Resources"], "previousCursor" in nobody) == ([], False)
    entra.user("e", title="A")
    there = entra.get(f"/Users?cursor={nobody['nextCursor']}&count=2{order}").json
    assert [found["userName"] for found in there["Resources"]] == ["e"]


@ON_SQLITE
def test_a_page_too_large_for_the_database_is_refused_with_what_to_do(entra):
    """Postgres gives row by row."""
    for name in "abc":
        entra.user(name, title="x" * 4_000)
    connection = entra.database.db.connection()
    known = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
    try:
        refused = entra.get("/Users")
        assert (refused.status_int, refused.json["scimType"]) == (400, "tooMany")
        assert "count" in refused.json["detail"]
        assert len(entra.get("/Users?count=1").json["Resources"]) == 1
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, known)


def test_a_page_keeps_texts_with_line_breaks_apart(entra):
    """On SQLite a page's documents come line by line."""
    title = "one\ntwo\r\n\u2028three\u0085"
    first = entra.user("first", title=title)
    entra.user("second", title="\n")
    entra.group("Team\nof two", first["id"])
    found = entra.get("/Users").json["Resources"]
    assert [user["title"] for user in found] == [title, "\n"]
    assert [group["display"] for group in found[0]["groups"]] == ["Team\nof two"]
    assert "groups" not in found[1]
    assert found == [entra.get(f"/Users/{user['id']}").json for user in found]


def test_a_page_shows_the_groups_that_each_user_alone_would_show(entra):
    """Directly, through another group, in both ways, and none."""
    first, second, _ = entra.user("first"), entra.user("second"), entra.user("third")
    team = entra.group("Team", first["id"])
    entra.group("Above", team["id"], second["id"])
    entra.group("Both", team["id"], first["id"])
    found = entra.get("/Users").json["Resources"]
    shown = [[(group["display"], group["type"]) for group in user.get("groups", ())] for user in found]
    through = [("Team", "direct"), ("Above", "indirect"), ("Both", "direct")]
    assert shown == [through, [("Above", "direct")], []]
    assert found == [entra.get(f"/Users/{user['id']}").json for user in found]
