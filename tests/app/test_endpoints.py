"""/Users and /Groups answer alike: every test here runs on both (RFC 7644 §3.3 to §3.6, §3.8, §3.9)."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from webtest import TestApp

from app import auth, create_app
from app.settings import Settings
from tests.conftest import BASE_URL

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@dataclass(frozen=True)
class Endpoint:
    """One of the two, with what a resource of it needs: `name` is the attribute that names it."""

    path: str
    type: str
    schema: str
    name: str
    other: str

    def body(self, name, **attributes):
        """A body for POST and PUT."""
        body = {"schemas": [self.schema], self.name: name} | attributes
        if self.type == "User":
            body.setdefault("emails", [{"type": "work", "value": f"{name.lower()}@example.com", "primary": True}])
        return body

    def create(self, client, name, **attributes):
        """Create one; returns the answer's body."""
        answer = client.post(self.path, self.body(name, **attributes))
        assert answer.status_int == 201, answer.text
        return answer.json

    def url(self, resource):
        """Its path below the Endpoint URL."""
        return f"{self.path}/{resource['id']}"


USERS = Endpoint("/Users", "User", "urn:ietf:params:scim:schemas:core:2.0:User", "userName", "/Groups")
GROUPS = Endpoint("/Groups", "Group", "urn:ietf:params:scim:schemas:core:2.0:Group", "displayName", "/Users")


@pytest.fixture(params=[USERS, GROUPS], ids=lambda endpoint: endpoint.path[1:])
def at(request):
    """Each of the two endpoints."""
    return request.param


def replace(name, value):
    return {"op": "replace", "path": name, "value": value}


def check_headers(answer, resource):
    """The headers say what `meta` says."""
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Location"] == answer.headers["Content-Location"] == resource["meta"]["location"]
    assert answer.headers["ETag"] == resource["meta"]["version"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Accept, Authorization"


def names(at, answer):
    assert answer.status_int == 200, answer.text
    return [resource[at.name] for resource in answer.json["Resources"]]


def number(resource):
    """The number in a resource's version."""
    tag: str = resource["meta"]["version"]
    assert re.fullmatch(r'W/"\d+"', tag)
    return int(tag[3:-1])


def unchanged(client, at, resource):
    """A resource is as it was, its version and lastModified included."""
    return client.get(at.url(resource)).json == resource


# Create.


def test_a_new_resource_is_answered_whole_with_its_place_and_version(entra, at):
    answer = entra.post(at.path, at.body("Adele", externalId="4f-A"))
    made = answer.json
    assert answer.status_int == 201
    check_headers(answer, made)
    assert made["schemas"] == [at.schema]
    assert made[at.name] == "Adele"
    assert made["externalId"] == "4f-A"
    assert UUID.fullmatch(made["id"])
    assert made["meta"]["resourceType"] == at.type
    assert made["meta"]["location"] == f"{entra.endpoint}{at.path}/{made['id']}"
    assert made["meta"]["version"] == 'W/"1"'
    assert made["meta"]["created"] == made["meta"]["lastModified"]
    assert INSTANT.fullmatch(made["meta"]["created"])


def test_what_the_server_sets_is_ignored_in_a_body(entra, at):
    own: dict[str, Any] = {"id": "mine", "meta": {"resourceType": "Nonsense", "version": "7", "created": "1970"}}
    if at is USERS:
        own["groups"] = [{"value": "mine"}]
    made = at.create(entra, "Adele", **own)
    assert made["id"] != "mine"
    assert made["meta"]["resourceType"] == at.type
    assert "groups" not in made
    assert entra.put(at.url(made), at.body("Adele", **own)).json == made


def test_keys_are_read_in_any_letter_case_and_answered_as_the_schema_spells_them(entra, at):
    body = {key.upper(): value for key, value in at.body("Adele", externalId="4f").items()}
    made = entra.post(at.path, body)
    assert made.status_int == 201
    assert (made.json[at.name], made.json["externalId"]) == ("Adele", "4f")


def test_no_header_of_the_request_gets_into_a_location(entra, at):
    headers = {"Host": "evil.example.org", "X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "http"}
    answer = entra.request("POST", at.path, at.body("Adele"), headers)
    assert answer.headers["Location"].startswith(f"{BASE_URL}/scim/")
    assert "evil" not in answer.text + str(answer.headers)
    assert "evil" not in entra.get(at.path, **headers).text


@pytest.mark.parametrize("missing", ["schemas", "name"])
def test_a_body_without_what_is_required_is_refused(entra, at, missing):
    body = at.body("Adele")
    body.pop(at.name if missing == "name" else missing)
    for answer in (entra.post(at.path, body), entra.put(at.url(at.create(entra, "Bob")), body)):
        assert answer.status_int == 400
        assert answer.json["scimType"] == ("invalidValue" if missing == "name" else "invalidSyntax")
        assert (at.name if missing == "name" else "schemas") in answer.json["detail"]


def test_the_other_endpoints_schema_is_refused(entra, at):
    other = GROUPS if at is USERS else USERS
    answer = entra.post(at.path, at.body("Adele") | {"schemas": [other.schema]})
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidSyntax")
    answer = entra.post(at.path, at.body("Adele") | {"schemas": [at.schema, other.schema]})
    assert (answer.status_int, answer.json["scimType"]) == (400, "invalidSyntax")


# Read.


def test_a_resource_is_read_as_it_was_answered(entra, at):
    made = at.create(entra, "Adele")
    answer = entra.get(at.url(made))
    assert answer.status_int == 200
    assert answer.json == made
    check_headers(answer, made)


def test_a_list_holds_the_same_representations(entra, at):
    made = [at.create(entra, name) for name in ("Adele", "Bob", "Cleo")]
    answer = entra.get(at.path)
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.json == {
        "schemas": [LIST_RESPONSE], "totalResults": 3, "startIndex": 1, "itemsPerPage": 3, "Resources": made,
    }  # fmt: skip


def test_a_list_of_nothing_has_every_member(entra, at):
    empty = {"schemas": [LIST_RESPONSE], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []}
    assert entra.get(at.path).json == empty
    assert entra.get(f'{at.path}?filter={at.name} eq "nobody"').json == empty


def test_head_answers_as_get_does_without_a_body(entra, at):
    made = at.create(entra, "Adele")
    for path in (at.url(made), at.path, f"{at.path}?count=0", "/Schemas"):
        got, head = entra.get(path), entra.request("HEAD", path)
        assert head.status_int == 200
        assert head.body == b""
        assert dict(head.headers) == dict(got.headers)
        assert int(head.headers["Content-Length"]) == len(got.body)


def test_options_says_which_methods_a_url_answers(entra, at):
    made = at.create(entra, "Adele")
    for path, methods in (
        (at.path, "GET, HEAD, OPTIONS, POST"),
        (at.url(made), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ):
        answer = entra.request("OPTIONS", path)
        assert (answer.status_int, answer.body) == (204, b"")
        assert answer.headers["Allow"] == methods
        assert "Content-Type" not in answer.headers


def test_ids_are_compared_with_regard_to_case(entra, at):
    made = at.create(entra, "Adele")
    assert entra.get(f"{at.path}/{made['id'].upper()}").status_int == 404


def test_the_others_ids_are_unknown_here(entra, at):
    made = at.create(entra, "Adele")
    path = f"{at.other}/{made['id']}"
    other = GROUPS if at is USERS else USERS
    assert entra.get(path).status_int == 404
    assert entra.request("HEAD", path).status_int == 404
    assert entra.put(path, other.body("Bob")).status_int == 404
    assert entra.patch(path, replace("externalId", "1")).status_int == 404
    assert entra.delete(path).status_int == 404
    assert unchanged(entra, at, made)


def test_the_answer_is_scim_json_unless_only_json_is_admitted(entra, at):
    made = at.create(entra, "Adele")
    for accept, type in (
        ("application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json, application/scim+json;q=0.5", "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/*", "application/scim+json"),
        ("text/html", "application/scim+json"),
        ("", "application/scim+json"),
    ):
        put = entra.request("PUT", at.url(made), at.body("Adele"), {"Accept": accept})
        for answer in (put, entra.get(at.url(made), Accept=accept), entra.get(at.path, Accept=accept)):
            assert answer.headers["Content-Type"] == type, accept


# Replace.


def test_put_replaces_what_it_does_not_name_too(entra, at):
    made = at.create(entra, "Adele", externalId="4f")
    answer = entra.put(at.url(made), at.body("Adele B"))
    after = answer.json
    assert answer.status_int == 200
    check_headers(answer, after)
    assert after[at.name] == "Adele B"
    assert "externalId" not in after
    assert after["id"] == made["id"]
    assert after["meta"]["created"] == made["meta"]["created"]
    assert after["meta"]["lastModified"] >= made["meta"]["lastModified"]
    assert number(after) == 2
    assert entra.get(at.url(made)).json == after


def test_put_of_what_is_there_is_no_change(entra, at):
    made = at.create(entra, "Adele", externalId="4f")
    answer = entra.put(at.url(made), made)
    assert answer.status_int == 200
    assert answer.json == made
    assert answer.headers["ETag"] == made["meta"]["version"]


def test_put_never_creates(entra, at):
    answer = entra.put(f"{at.path}/{uuid.uuid4()}", at.body("Adele"))
    assert answer.status_int == 404
    assert entra.get(at.path).json["totalResults"] == 0


# Change.


def test_patch_changes_what_it_names_and_the_version(entra, at):
    made = at.create(entra, "Adele")
    answer = entra.patch(at.url(made), replace("externalId", "4f"))
    after = entra.get(at.url(made)).json
    assert answer.headers["ETag"] == after["meta"]["version"] == 'W/"2"'
    assert answer.headers["Location"] == after["meta"]["location"]
    assert after.pop("externalId") == "4f"
    assert after["meta"].pop("lastModified") >= made["meta"].pop("lastModified")
    assert after["meta"].pop("version") != made["meta"].pop("version")
    assert after == made
    if at is USERS:
        assert answer.status_int == 200
        assert answer.json["externalId"] == "4f"
    else:
        assert (answer.status_int, answer.body) == (204, b"")
        assert "Content-Type" not in answer.headers


def test_patch_answers_with_what_is_asked_for(entra, at):
    made = at.create(entra, "Adele")
    answer = entra.request(
        "PATCH", f"{at.url(made)}?attributes=externalId", {"Operations": [replace("externalId", "4f")]}
    )
    assert answer.status_int == 200
    assert answer.json == {"schemas": [at.schema], "id": made["id"], "externalId": "4f"}


def test_a_patch_that_changes_nothing_keeps_the_version(entra, at):
    made = at.create(entra, "Adele", externalId="4f")
    nothing = [
        replace("externalId", "4f"),
        {"op": "add", "path": at.name, "value": "Adele"},
        {"op": "add", "value": {"externalId": "4f", "id": made["id"], "schemas": made["schemas"]}},
        {"op": "Remove", "path": "members" if at is GROUPS else "nickName"},
    ]
    for operation in nothing:
        answer = entra.patch(at.url(made), operation)
        assert answer.status_int in (200, 204)
        assert answer.headers["ETag"] == made["meta"]["version"]
    assert unchanged(entra, at, made)


REFUSED = [
    ({"op": "replace", "path": "nope", "value": 1}, "invalidPath"),
    ({"op": "replace", "path": "externalId["}, "invalidValue"),
    ({"op": "replace", "path": "externalId.", "value": 1}, "invalidPath"),
    ({"op": "replace", "path": "externalId[", "value": 1}, "invalidFilter"),
    ({"op": "replace", "path": "urn:x:y:1.0:User:externalId", "value": 1}, "invalidPath"),
    ({"op": "replace", "path": "id", "value": "1"}, "mutability"),
    ({"op": "replace", "path": "meta.version", "value": "1"}, "mutability"),
    ({"op": "replace", "value": {"nope": 1}}, "invalidSyntax"),
    ({"op": "replace", "path": "externalId", "value": {"a": 1}}, "invalidValue"),
    ({"op": "add", "path": "externalId"}, "invalidValue"),
    ({"op": "add", "path": "externalId", "value": ["1", "2"]}, "invalidValue"),
    ({"op": "remove"}, "noTarget"),
    ({"op": "move", "path": "externalId", "value": "1"}, "invalidSyntax"),
    ({"path": "externalId", "value": "1"}, "invalidSyntax"),
    ({"op": "replace", "path": 7, "value": "1"}, "invalidPath"),
    ("text", "invalidSyntax"),
]


def test_one_refused_operation_undoes_all_of_them(entra, at):
    made = at.create(entra, "Adele", externalId="4f")
    for operation, scim_type in REFUSED:
        answer = entra.patch(at.url(made), replace("externalId", "5e"), replace(at.name, "Bob"), operation)
        assert (answer.status_int, answer.json.get("scimType")) == (400, scim_type), operation
    assert unchanged(entra, at, made)


def test_a_required_attribute_can_be_neither_removed_nor_emptied(entra, at):
    made = at.create(entra, "Adele")
    for operation, scim_type in (
        ({"op": "remove", "path": at.name}, "mutability"),
        (replace(at.name, None), "invalidValue"),
        (replace(at.name, ""), "invalidValue"),
        ({"op": "replace", "value": {at.name: ""}}, "invalidValue"),
    ):
        answer = entra.patch(at.url(made), operation)
        assert (answer.status_int, answer.json["scimType"]) == (400, scim_type)
    assert unchanged(entra, at, made)


def test_what_is_no_patch_message_is_refused(entra, at):
    made = at.create(entra, "Adele")
    bodies: list[dict[str, Any]] = [
        {}, {"Operations": []}, {"Operations": None}, {"Operations": "x"}, {"schemas": ["urn:other"], "Operations": []},
        {"schemas": [at.schema], "Operations": [replace("externalId", "4f")]},
    ]  # fmt: skip
    for body in bodies:
        answer = entra.request("PATCH", at.url(made), body)
        assert (answer.status_int, answer.json["scimType"]) == (400, "invalidSyntax"), body
    assert unchanged(entra, at, made)


@pytest.mark.parametrize("schemas", [{}, {"schemas": None}, {"schemas": []}])
def test_a_patch_message_needs_no_schemas(entra, at, schemas):
    made = at.create(entra, "Adele")
    answer = entra.request("PATCH", at.url(made), schemas | {"operations": [replace("externalId", "4f")]})
    assert answer.status_int in (200, 204)
    assert entra.get(at.url(made)).json["externalId"] == "4f"


# Delete.


def test_what_was_deleted_is_gone_everywhere(entra, at):
    made, kept = at.create(entra, "Adele"), at.create(entra, "Bob")
    answer = entra.delete(at.url(made))
    assert (answer.status_int, answer.body) == (204, b"")
    assert "Content-Type" not in answer.headers
    for again in (
        entra.get(at.url(made)), entra.request("HEAD", at.url(made)), entra.put(at.url(made), at.body("Adele")),
        entra.patch(at.url(made), replace("externalId", "1")), entra.delete(at.url(made)),
    ):  # fmt: skip
        assert again.status_int == 404
    assert entra.get(at.path).json["Resources"] == [kept]
    assert entra.get(at.path).json["totalResults"] == 1
    assert names(at, entra.get(f'{at.path}?filter={at.name} eq "Adele"')) == []
    assert names(at, entra.get(f'{at.path}?filter=id eq "{made["id"]}"')) == []


def test_what_was_deleted_can_come_again_as_somebody_else(entra, at):
    made = at.create(entra, "Adele")
    entra.delete(at.url(made))
    again = at.create(entra, "Adele")
    assert again["id"] != made["id"]
    assert again["meta"]["version"] == 'W/"1"'


# Conflicts.


def test_a_name_in_use_is_a_conflict_that_says_whose_it_is(okta, at):
    made, other = at.create(okta, "Adele"), at.create(okta, "Bob")
    for answer in (
        okta.post(at.path, at.body("aDELE")),
        okta.put(at.url(other), at.body("ADELE")),
        okta.patch(at.url(other), replace(at.name, "adele")),
        okta.patch(at.url(other), {"op": "add", "value": {at.name: "Adele"}}),
    ):
        assert (answer.status_int, answer.json["scimType"]) == (409, "uniqueness")
        assert made["id"] in answer.json["detail"]
        assert at.name in answer.json["detail"]
    assert unchanged(okta, at, made)
    assert unchanged(okta, at, other)
    assert okta.get(at.path).json["totalResults"] == 2


def test_ones_own_name_in_another_case_is_no_conflict(entra, at):
    made = at.create(entra, "Adele")
    assert entra.patch(at.url(made), replace(at.name, "ADELE")).status_int in (200, 204)
    assert entra.put(at.url(made), at.body("adele")).json[at.name] == "adele"


def test_two_may_swap_names_over_a_third(entra, at):
    first, second = at.create(entra, "Adele"), at.create(entra, "Bob")
    for resource, name in ((first, "Cleo"), (second, "Adele"), (first, "Bob")):
        assert entra.patch(at.url(resource), replace(at.name, name)).status_int in (200, 204)
    assert sorted(names(at, entra.get(at.path))) == ["Adele", "Bob"]


def test_the_same_external_id_is_no_conflict(entra, at):
    made = [at.create(entra, name, externalId="4f")["id"] for name in ("Adele", "Bob")]
    found = entra.get(f'{at.path}?filter=externalId eq "4f"').json["Resources"]
    assert [resource["id"] for resource in found] == made
    assert entra.get(f'{at.path}?filter=externalId eq "4F"').json["totalResults"] == 0


# URLs.


def test_slashes_too_many_are_served_and_never_redirected(entra, at):
    made = entra.post(f"/{at.path}/", at.body("Adele"))
    assert made.status_int == 201
    assert made.headers["Location"] == f"{entra.endpoint}{at.path}/{made.json['id']}"
    for path in (f"//{at.url(made.json)}", f"{at.url(made.json)}/", f"{at.path}//{made.json['id']}//"):
        assert entra.get(path).json == made.json
        assert entra.patch(path, replace("externalId", None)).status_int in (200, 204)
        assert entra.put(path, at.body("Adele")).status_int == 200
    for path in (f"/{at.path}", f"{at.path}/", f"{at.path}//?count=1"):
        assert entra.get(path).json["totalResults"] == 1
    assert entra.delete(f"{at.url(made.json)}/").status_int == 204


def test_what_a_query_string_says_beside_the_known_is_ignored(entra, at):
    made = entra.post(f"{at.path}?aadOptscim062020", at.body("Adele"))
    assert made.status_int == 201
    url = f"{at.url(made.json)}?aadOptscim062020&x=%00&x=2"
    assert entra.get(url).json == made.json
    assert entra.request("HEAD", url).status_int == 200
    assert entra.patch(url, replace("externalId", "4f")).status_int in (200, 204)
    assert entra.put(url, at.body("Adele")).status_int == 200
    assert entra.get(f"{at.path}?aadOptscim062020&limit=0").json["totalResults"] == 1
    assert entra.delete(url).status_int == 204


# Projections.


def test_the_attributes_asked_for_and_no_others_come_from_every_method(entra, at):
    asked = f"?attributes={at.name.upper()},nope, meta.nope"
    made = entra.post(f"{at.path}{asked}", at.body("Adele", externalId="4f"))
    assert made.status_int == 201
    url = f"{at.path}/{made.json['id']}"
    wanted = {"schemas": [at.schema], "id": made.json["id"], at.name: "Adele"}
    assert made.json == wanted
    assert made.headers["Location"].endswith(url)
    assert made.headers["ETag"] == 'W/"1"'
    assert entra.get(f"{url}{asked}").json == wanted
    assert entra.get(f"{at.path}{asked}").json["Resources"] == [wanted]
    assert entra.request("PATCH", f"{url}{asked}", {"Operations": [replace("externalId", "5")]}).json == wanted
    assert entra.put(f"{url}{asked}", at.body("Adele", externalId="6")).json == wanted


def test_the_attributes_excluded_come_from_no_method(entra, at):
    asked = f"?excludedAttributes=externalId,META,id,schemas,{at.schema}:{at.name}"
    made = entra.post(f"{at.path}{asked}", at.body("Adele", externalId="4f"))
    assert made.status_int == 201
    url = f"{at.path}/{made.json['id']}"
    put = entra.put(f"{url}{asked}", at.body("Adele", externalId="6"))
    for body in (
        made.json,
        put.json,
        entra.get(f"{url}{asked}").json,
        entra.get(f"{at.path}{asked}").json["Resources"][0],
    ):
        assert not body.keys() & {"externalId", "meta", at.name}
        assert body["schemas"] == [at.schema]
        assert body["id"] == made.json["id"]


def test_a_sub_attribute_is_asked_for_by_its_path(entra, at):
    made = at.create(entra, "Adele")
    asked = entra.get(f"{at.url(made)}?attributes=meta.version,meta.location").json
    assert asked["meta"] == {"version": made["meta"]["version"], "location": made["meta"]["location"]}
    rest = entra.get(f"{at.url(made)}?excludedAttributes=meta.version").json
    assert rest == made | {"meta": {name: value for name, value in made["meta"].items() if name != "version"}}


def test_attributes_and_excluded_attributes_exclude_each_other(entra, at):
    made = at.create(entra, "Adele")
    asked = "?attributes=id&excludedAttributes=meta"
    for answer in (
        entra.get(at.url(made) + asked), entra.get(at.path + asked), entra.post(at.path + asked, at.body("Bob")),
        entra.put(at.url(made) + asked, at.body("Cleo")),
        entra.request("PATCH", at.url(made) + asked, {"Operations": [replace("externalId", "4f")]}),
    ):  # fmt: skip
        assert (answer.status_int, answer.json["scimType"]) == (400, "invalidValue")
    assert entra.get(at.path).json["Resources"] == [made]


def test_names_that_are_none_project_nothing_away(entra, at):
    made = at.create(entra, "Adele")
    for asked in ("?attributes=", "?attributes=,", "?excludedAttributes=", "?excludedAttributes=nope"):
        assert entra.get(at.url(made) + asked).json == made
        assert entra.get(at.path + asked).json["Resources"] == [made]
    only = entra.get(f"{at.url(made)}?attributes=nope").json
    assert only == {"schemas": [at.schema], "id": made["id"]}


# Pages.


@pytest.fixture
def five(entra, at):
    """Five resources, in the order of their creation."""
    made = [at.create(entra, name, externalId=name[0]) for name in ("Emil", "Bob", "Dora", "Adele", "Bobby")]
    return [resource[at.name] for resource in made]


PAGES = [
    (1, 2, 1, 0, 2), (2, 2, 2, 1, 3), (4, 2, 4, 3, 5), (5, 2, 5, 4, 5), (5, 1, 5, 4, 5), (1, 5, 1, 0, 5),
    (6, 2, 6, 5, 5), (100, 5, 100, 5, 5), (0, 2, 1, 0, 2), (-7, 3, 1, 0, 3), (1, 0, 1, 0, 0), (3, 0, 3, 0, 0),
    (1, -5, 1, 0, 0), (1, 5_000_000, 1, 0, 5), (2**31, 1, 2**31, 5, 5), (-(10**40), 10**40, 1, 0, 5),
]  # fmt: skip
"""startIndex and count, the startIndex of the answer, and which part of the list it holds."""


@pytest.mark.parametrize(
    "filter", ["", "&filter=externalId pr", '&filter=id pr and meta.created gt "2020-01-01T00:00:00Z"']
)
def test_a_page_is_the_part_asked_for_of_a_total_that_stays(entra, at, five, filter):
    for start, count, index, first, last in PAGES:
        answer = entra.get(f"{at.path}?startIndex={start}&count={count}{filter}")
        assert names(at, answer) == five[first:last], (start, count)
        assert answer.json["totalResults"] == 5, (start, count)
        assert answer.json["itemsPerPage"] == last - first, (start, count)
        assert answer.json["startIndex"] == index, (start, count)


def test_a_start_beyond_every_number_is_beyond_the_end(entra, at, five):
    answer = entra.get(f"{at.path}?startIndex={10**40}")
    assert names(at, answer) == []
    assert answer.json["totalResults"] == 5


@pytest.mark.parametrize("name", ["startIndex", "count"])
def test_what_is_no_whole_number_is_refused(entra, at, name):
    for text in ("x", "1.5", "1e2", "1_0", "0x1", "%EF%BC%91", "1 0", "--1", "9" * 5_000, "true", "null"):
        answer = entra.get(f"{at.path}?{name}={text}")
        assert (answer.status_int, answer.json.get("scimType")) == (400, "invalidValue"), text
        assert name in answer.json["detail"]


def test_an_empty_number_is_none(entra, at, five):
    assert names(at, entra.get(f"{at.path}?startIndex=&count=")) == five


def test_pages_in_any_order_make_the_whole(entra, at, five):
    for order in ("", f"&sortBy={at.name}", f"&sortBy={at.name}&sortOrder=descending", "&sortBy=externalId"):
        whole = names(at, entra.get(f"{at.path}?count=100{order}"))
        pages = [names(at, entra.get(f"{at.path}?count=2&startIndex={start}{order}")) for start in (1, 3, 5)]
        assert [name for page in pages for name in page] == whole
        assert sorted(whole) == sorted(five)
    assert names(at, entra.get(f"{at.path}?sortBy={at.name}")) == ["Adele", "Bob", "Bobby", "Dora", "Emil"]
    assert names(at, entra.get(f"{at.path}?sortBy={at.name}&sortOrder=DESCENDING&count=2")) == ["Emil", "Dora"]


def test_filter_and_page_go_together(entra, at, five):
    answer = entra.get(f'{at.path}?filter={at.name} sw "bob"&count=1&startIndex=2')
    assert names(at, answer) == ["Bobby"]
    assert (answer.json["totalResults"], answer.json["itemsPerPage"]) == (2, 1)
    answer = entra.get(f'{at.path}?filter={at.name} sw "bob"&count=0')
    assert (answer.json["totalResults"], answer.json["itemsPerPage"]) == (2, 0)


@pytest.fixture
def narrow(database):
    """The application where it serves two resources a page unless asked, and three at most."""
    settings = Settings(public_url=BASE_URL, log_level="error", token_cache=0.0, default_count=2, max_count=3)
    app = create_app(settings, database)
    yield app
    auth.gate(app).background.close()


def test_a_page_has_no_more_than_the_server_serves(entra, at, five, narrow):
    entra.app = TestApp(narrow)
    assert names(at, entra.get(at.path)) == five[:2]
    assert names(at, entra.get(f"{at.path}?count=100")) == five[:3]
    assert entra.get(at.path).json["totalResults"] == 5


def test_a_total_follows_what_comes_and_goes(entra, at):
    totals = []
    for name in ("Adele", "Bob", "Cleo"):
        at.create(entra, name)
        totals.append(entra.get(f"{at.path}?count=0").json["totalResults"])
    entra.post(at.path, at.body("adele"))
    totals.append(entra.get(f"{at.path}?count=1").json["totalResults"])
    for resource in entra.get(at.path).json["Resources"]:
        entra.delete(at.url(resource))
        totals.append(entra.get(f"{at.path}?count=1").json["totalResults"])
    assert totals == [1, 2, 3, 3, 2, 1, 0]
    assert entra.get(f"{at.other}?count=0").json["totalResults"] == 0


def test_a_filter_that_cannot_be_read_finds_nobody_by_guess(entra, at, five):
    for filter in (
        "", " ", "nope", "nope eq 1", "externalId eq", "externalId eq x", "externalId zz 1", "(externalId pr",
        "externalId pr)", "externalId pr and", "password pr", 'externalId eq "a" nonsense', "externalId eq 5",
        'meta.created gt "yesterday"', "' or 1=1 --", "externalId eq 'E'",
    ):  # fmt: skip
        answer = entra.get(f"{at.path}?filter={filter}")
        assert (answer.status_int, answer.json.get("scimType")) == (400, "invalidFilter"), filter


def test_an_order_that_cannot_be_read_is_refused(entra, at):
    for sort in ("sortBy=nope", "sortBy=meta", "sortBy=id[", f"sortBy={'x' * 2_000}", "sortOrder=up"):
        answer = entra.get(f"{at.path}?{sort}")
        assert (answer.status_int, answer.json.get("scimType")) == (400, "invalidValue"), sort
