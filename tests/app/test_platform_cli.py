"""The platform side on the command line: users, groups, import and export, and what a client sees of them."""

import io
import json
import os

import pytest

from app.cli.failures import INTERRUPTED
from store.transfer import groups as import_groups
from store.transfer import importing as imports
from store.transfer.importing import BATCH_LINES
from tests import live

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def person(name, **attributes):
    return {"schemas": [USER], "userName": name, "emails": [{"type": "work", "value": f"{name}@x.com"}], **attributes}


def lines(tmp_path, *resources):
    file = tmp_path / "people.jsonl"
    file.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in resources), "utf-8")
    return str(file)


def test_people_are_listed_and_shown(vestibule, entra):
    bob = entra.user("bob")
    assert bob["id"] in vestibule("user", "list", entra.name)
    assert json.loads(vestibule("user", "list", entra.name, "--json", "--filter", 'userName eq "BOB"')) == [bob]
    for word in (bob["id"], "bob", "BOB@example.com"):
        assert json.loads(vestibule("user", "show", entra.name, word)) == bob


def test_a_changed_mail_waits_until_somebody_decides(vestibule, entra):
    bob = entra.user("bob")
    change = {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "robert@example.com"}
    entra.patch(f"/Users/{bob['id']}", change)
    assert "robert@example.com" in vestibule("user", "pending", entra.name)
    vestibule("user", "dismiss", entra.name, "bob")
    entra.patch(f"/Users/{bob['id']}", change)
    assert json.loads(vestibule("user", "pending", entra.name, "--json")) == []
    assert "is robert@example.com now" in vestibule("user", "adopt", entra.name, "bob")
    version = entra.get(f"/Users/{bob['id']}").headers["ETag"]
    assert entra.patch(f"/Users/{bob['id']}", change).headers["ETag"] == version
    assert "is r2@example.com now" in vestibule("user", "email", entra.name, "robert@example.com", "r2@example.com")
    assert entra.get('/Users?filter=emails[type eq "work"].value eq "R2@example.com"').json["totalResults"] == 1


def test_who_is_unknown_is_named_in_one_sentence(refusal, entra):
    assert "nobody" in refusal("user", "show", entra.name, "nobody")
    assert "nobody" in refusal("group", "show", entra.name, "nobody")
    assert "pending" in refusal("user", "adopt", entra.name, entra.user("bob")["id"])


def test_a_group_of_the_platform_is_adopted_by_name_and_keeps_who_was_added_by_hand(vestibule, entra):
    bob, cleo = entra.user("bob"), entra.user("cleo")
    vestibule("group", "create", entra.name, "Sales")
    vestibule("group", "add-member", entra.name, "sales", "bob")
    found = entra.get('/Groups?filter=displayName eq "SALES"').json["Resources"][0]
    entra.patch(f"/Groups/{found['id']}", {"op": "Add", "path": "externalId", "value": "g-1"})
    entra.patch(f"/Groups/{found['id']}", {"op": "Replace", "path": "members", "value": [{"value": cleo["id"]}]})
    shown = json.loads(vestibule("group", "show", entra.name, "Sales"))
    assert {member["value"] for member in shown["members"]} == {bob["id"], cleo["id"]}
    vestibule("group", "rename", entra.name, "Sales", "Sold")
    assert entra.get('/Groups?filter=externalId eq "g-1"').json["Resources"][0]["displayName"] == "Sold"
    entra.patch(f"/Groups/{found['id']}", {"op": "Replace", "path": "displayName", "value": "Sales"})
    assert "Sales" in vestibule("group", "list", entra.name)
    vestibule("group", "remove-member", entra.name, "Sales", "bob", "cleo")
    assert "members" not in entra.get(f"/Groups/{found['id']}").json


def test_a_parent_is_seen_by_people_only_and_never_by_clients(vestibule, refusal, entra):
    sales, world = entra.group("Sales"), entra.group("World")
    vestibule("group", "set-parent", entra.name, "Sales", "World")
    assert json.loads(vestibule("group", "show", entra.name, "Sales"))["parent"] == world["id"]
    assert "parent" not in entra.get(f"/Groups/{sales['id']}").json
    assert refusal("group", "set-parent", entra.name, "World", "Sales")
    entra.delete(f"/Groups/{world['id']}")
    assert json.loads(vestibule("group", "show", entra.name, "Sales"))["parent"] is None


def test_every_user_who_is_provisioned_joins_the_integration_group(vestibule, entra):
    vestibule("group", "create", entra.name, "Everybody")
    vestibule("tenant", "set", entra.name, "--integration-group", "Everybody")
    bob = entra.user("bob")
    assert [group["display"] for group in entra.get(f"/Users/{bob['id']}").json["groups"]] == ["Everybody"]


@pytest.fixture
def directory(tmp_path):
    boss = {"manager": {"value": "22222222-2222-4222-8222-222222222222"}}
    return lines(
        tmp_path,
        person("bob", id="11111111-1111-4111-8111-111111111111", **{ENTERPRISE: boss}),
        person("cleo", id="22222222-2222-4222-8222-222222222222", title="Chief"),
        {"schemas": [GROUP], "displayName": "Sales", "members": [{"value": "11111111-1111-4111-8111-111111111111"}]},
    )


def test_an_import_adds_people_and_groups_and_runs_again_without_a_trace(vestibule, okta, directory):
    counts = json.loads(vestibule("import", okta.name, directory, "--json"))
    assert (counts["users"], counts["groups"], counts["refused"]) == (2, 1, 0)
    bob = okta.get('/Users?filter=userName eq "bob"').json["Resources"][0]
    cleo = okta.get('/Users?filter=userName eq "cleo"').json["Resources"][0]
    assert bob[ENTERPRISE]["manager"]["value"] == cleo["id"]
    assert [group["display"] for group in bob["groups"]] == ["Sales"]
    assert okta.get("/Users?count=0").json["totalResults"] == 2
    again = json.loads(vestibule("import", okta.name, directory, "--json"))
    assert (again["users"], again["groups"], again["unchanged"], again["refused"]) == (0, 0, 3, 0)


def test_a_long_line_of_members_is_taken_part_by_part(run, okta, tmp_path, monkeypatch):
    monkeypatch.setattr(import_groups, "MEMBERS_AT_ONCE", 2)
    names = ["ann", "bob", "nobody", "cleo", "bob", "dora"]
    people = [person(name) for name in names if name != "nobody"]
    sales = {"schemas": [GROUP], "displayName": "Sales", "members": [{"value": name} for name in names]}
    result = run("import", okta.name, lines(tmp_path, *people[:3], people[4], sales))
    assert "Line 5: The group Sales lacks members or a parent that were not found: nobody." in result.stderr
    found = okta.get("/Groups").json["Resources"][0]
    assert {member["display"] for member in found["members"]} == {"ann", "bob", "cleo", "dora"}
    entries = [each for each in okta.log() if each["operation"] == "platform: import"]
    assert [len(each["changes"][-1]["after"]) for each in entries if each.get("resource") == found["id"]] == [4]


def test_postgres_sees_how_its_tables_grow(vestibule, database, okta, tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "BATCH_LINES", 1)
    heard, execute = [], database.db.execute_sql

    def listen(sql, *rest):
        heard.append(sql)
        return execute(sql, *rest)

    monkeypatch.setattr(database.db, "execute_sql", listen)
    vestibule("import", okta.name, lines(tmp_path, *map(person, ["ann", "bob", "cleo", "dora", "eve"])))
    # After the first user, the second, and the fourth; SQLite does without.
    assert sum(sql.startswith("ANALYZE") for sql in heard) == (3 if database.dialect.locks_rows else 0)


def test_lines_that_are_refused_are_named_and_the_others_are_added(run, entra, tmp_path):
    file = lines(
        tmp_path, person("bob"), "nonsense", person("cleo", displayName="C"), {"schemas": [USER]}, person("dora")
    )
    result = run("import", entra.name, file)
    assert result.exit_code == 1
    assert "Line 2: The body is not JSON" in result.stderr
    assert "Line 3: Invalid or forbidden key found: displayName" in result.stderr
    assert "Line 4: " in result.stderr
    assert "2 users and 0 groups were added" in result.stdout
    assert entra.get("/Users").json["totalResults"] == 2


def test_a_user_and_a_group_of_one_id_are_imported_apart(vestibule, okta, tmp_path):
    id = "5a1e0000-0000-4000-8000-00000000000a"
    ann = person("ann") | {"id": id}
    crew = {"schemas": [GROUP], "id": id, "displayName": "Crew", "members": [{"value": id, "type": "User"}]}
    world = {"schemas": [GROUP], "displayName": "World", "members": [{"value": id, "type": "Group"}]}
    for _ in range(2):
        vestibule("import", okta.name, lines(tmp_path, ann, crew, world))
    groups = {each["displayName"]: each for each in okta.get("/Groups").json["Resources"]}
    (user,) = okta.get("/Users").json["Resources"]
    assert user["id"] == id
    assert len({id, *(each["id"] for each in groups.values())}) == 3
    assert [each["value"] for each in groups["Crew"]["members"]] == [id]
    assert [each["value"] for each in groups["World"]["members"]] == [groups["Crew"]["id"]]


def test_of_two_lines_that_give_a_user_two_managers_the_first_counts(run, okta, tmp_path):
    ann = [person("ann") | {ENTERPRISE: {"manager": {"value": name}}} for name in ("boss", "other", "boss")]
    result = run("import", okta.name, lines(tmp_path, *ann, person("boss"), person("other")))
    assert "Line 2: The user has another manager, which was kept." in result.stderr
    users = {each["userName"]: each for each in okta.get("/Users").json["Resources"]}
    assert users["ann"][ENTERPRISE]["manager"]["value"] == users["boss"]["id"]
    assert users["ann"]["meta"]["version"] == 'W/"2"'


def test_the_log_of_an_import_names_each_person(vestibule, okta, tmp_path):
    boss, ann = person("boss"), person("ann") | {ENTERPRISE: {"manager": {"value": "boss"}}}
    early = person("early") | {ENTERPRISE: {"manager": {"value": "ann"}}}
    vestibule("import", okta.name, lines(tmp_path, early, boss, ann))
    ids = {each["userName"]: each["id"] for each in okta.get("/Users").json["Resources"]}
    for name, id in ids.items():
        entries = json.loads(vestibule("log", okta.name, "--about", name, "--json"))
        assert {entry["resource"] for entry in entries} == {id}, name
        assert {entry["name"] for entry in entries} == {name}
        assert entries[-1]["status"] == 201
        assert {"attribute": "userName", "after": name} in entries[-1]["changes"]
    (linked, _) = json.loads(vestibule("log", okta.name, "--about", "early", "--json"))
    assert linked["changes"] == [{"attribute": f"{ENTERPRISE}:manager.value", "after": ids["ann"]}]


def test_an_import_reads_a_pipe_whose_length_nobody_knows(vestibule, okta):
    text = "".join(f"{json.dumps(person(name))}\n" for name in ("bob", "cleo"))
    assert "2 users and 0 groups were added" in vestibule("import", okta.name, "-", input=text)
    once = vestibule("import", okta.name, "-", input=text.splitlines()[0])
    assert once == "0 users and 0 groups were added, 1 line was there already, 0 lines were refused.\n"
    assert "0 users and 0 groups were added" in vestibule("import", okta.name, "-", input="")


class Interrupted(io.BytesIO):
    """A file during whose reading somebody presses Ctrl-C."""

    def __next__(self):
        """The next line, as long as nobody does."""
        if self.tell() > len(self.getvalue()) * 0.9:
            raise KeyboardInterrupt
        return super().__next__()


def test_an_import_that_was_interrupted_is_finished_by_running_it_again(run, vestibule, okta):
    text = "".join(f"{json.dumps(person(f'user{number}'))}\n" for number in range(BATCH_LINES + 200))
    interrupted = run("import", okta.name, "-", input=Interrupted(text.encode()))
    assert (interrupted.exit_code, interrupted.stdout) == (1, "")
    assert interrupted.stderr == f"Error: {INTERRUPTED}\n"
    assert okta.get("/Users?count=0").json["totalResults"] == BATCH_LINES
    again = json.loads(vestibule("import", okta.name, "-", "--json", input=text))
    assert (again["users"], again["unchanged"], again["refused"]) == (200, BATCH_LINES, 0)


@pytest.mark.parametrize("stream", ["pipe", "disk"])
def test_an_export_nobody_takes_ends_without_a_word_too_many(vestibule, okta, database_url, stream):
    """A closed pipe is no failure of ours and says nothing; a full disk is one sentence."""
    okta.user("bob")
    if stream == "pipe":
        reading, output = os.pipe()
        os.close(reading)
    else:
        output = os.open("/dev/full", os.O_WRONLY)
    done = live.vestibule("export", okta.name, stdout=output, database_url=database_url)
    os.close(output)
    said = "" if stream == "pipe" else "Error: The system: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, said)


BAD_LINES = {
    "nonsense": "The body is not JSON",
    "[]": "The line must be a JSON object, a User or a Group, not a list.",
    "null": "The line must be a JSON object, a User or a Group, not null.",
    "{}": "schemas must be a list of schema URNs",
    "[" * 100_000: "The body is nested too deeply.",
    "9" * 100_000: "The body holds a number of 100000 digits.",
    '{"a": NaN}': "The body holds NaN, which is not a JSON value.",
    '{"a": 1, "a": 2}': 'The key "a" is given more than once.',
    json.dumps(person("nul", title="a\x00")): "title holds a NUL character",
    json.dumps(person("unknown", foo=1)): "Invalid or forbidden key found: foo",
    json.dumps(person("x" * 513)): "userName must have at most 512 characters, not 513.",
    json.dumps(person("odd", active="perhaps")): "active must be true or false",
    json.dumps({"schemas": [GROUP]}): "displayName is required and must have a value.",
    json.dumps({"schemas": [GROUP], "displayName": "G", "members": "bob"}): "members must be a list, not text.",
    json.dumps({"schemas": [GROUP], "displayName": "G", "parent": 5}): "parent must be an id or a name",
    json.dumps({"schemas": ["urn:other"], "userName": "x"}): "schemas must hold",
}


def test_every_wrong_line_is_a_sentence_and_leaves_nothing(run, okta):
    text = "\n".join(BAD_LINES).encode() + b"\n\xff\xfe\x00\n"
    result = run("import", okta.name, "-", "--json", input=text)
    told = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, told["changed"]) == (1, "", False)
    assert [problem["line"] for problem in told["problems"]] == [*range(1, len(BAD_LINES) + 2)]
    for problem, said in zip(told["problems"], [*BAD_LINES.values(), "The line is not UTF-8 text."], strict=True):
        assert problem["detail"].startswith(said), problem
    assert okta.get("/").json["totalResults"] == 0
    assert okta.log() == []


def test_whoever_was_imported_is_found_by_mail_and_linked(vestibule, entra, tmp_path):
    vestibule("import", entra.name, lines(tmp_path, person("imported")))
    posted = person("upn@x.com") | {"emails": [{"type": "work", "value": "Imported@x.com"}]}
    refused = entra.post("/Users", posted)
    assert refused.status_int == 409
    assert 'emails[type eq "work"].value' in refused.json["detail"]
    found = entra.get('/Users?filter=emails[type eq "work"].value eq "IMPORTED@x.com"').json["Resources"][0]
    linked = entra.patch(f"/Users/{found['id']}", {"op": "Add", "path": "externalId", "value": "e-1"})
    assert linked.json["externalId"] == "e-1"


def test_what_is_exported_is_imported_elsewhere(vestibule, okta, stranger, directory, tmp_path):
    vestibule("import", okta.name, directory)
    exported = vestibule("export", okta.name)
    assert len(exported.splitlines()) == 3
    file = tmp_path / "again.jsonl"
    file.write_text(exported, "utf-8")
    counts = json.loads(vestibule("import", stranger.name, str(file), "--json"))
    assert (counts["users"], counts["groups"], counts["refused"]) == (2, 1, 0)
    assert stranger.get("/Groups").json["Resources"][0]["members"][0]["display"] == "bob"


def test_parents_and_the_origin_of_memberships_move_with_the_groups(vestibule, okta, stranger, tmp_path):
    """Else all members would be people added by hand after the move, and no client could replace them any more."""
    bob, _ = okta.user("bob"), okta.user("cleo")
    okta.group("World")
    okta.group("Sales", bob["id"])
    vestibule("group", "set-parent", okta.name, "Sales", "World")
    vestibule("group", "add-member", okta.name, "Sales", "cleo")
    file = str(tmp_path / "moved.jsonl")
    assert vestibule("export", okta.name, file) == f"2 users and 2 groups are in {file} now.\n"
    vestibule("import", stranger.name, file)
    moved, above = (json.loads(vestibule("group", "show", stranger.name, name)) for name in ("Sales", "World"))
    assert moved["parent"] == above["id"]
    assert {member["display"] for member in moved["members"]} == {"bob", "cleo"}
    stranger.patch(f"/Groups/{moved['id']}", {"op": "replace", "path": "members", "value": []})
    left = stranger.get(f"/Groups/{moved['id']}").json["members"]
    assert [member["display"] for member in left] == ["cleo"]
