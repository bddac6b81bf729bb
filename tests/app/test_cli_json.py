"""Every command answers in JSON as well: lists as arrays, changes as objects that say what changed."""

import json

import click
import pytest

from app.cli import vestibule as command
from store.database.transactions import now
from store.tables import Tenant

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


def commands(group, *path):
    """Every command with the words that call it."""
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from commands(each, *path, name)
        else:
            yield (*path, name), each


@pytest.mark.parametrize(("path", "each"), [*commands(command)], ids=str)
def test_every_command_but_the_server_itself_takes_json(path, each):
    assert ("as_json" in {parameter.name for parameter in each.params}) == (path != ("serve",))


@pytest.fixture
def told(run):
    """Runs a command with --json; returns the one JSON value that it wrote."""

    def tell(*arguments, status=0):
        result = run(*arguments, "--json")
        assert (result.exit_code, result.stderr) == (status, ""), result.output
        return json.loads(result.stdout)

    return tell


def test_a_tenant_from_its_creation_to_its_end(told, app):
    made = told("tenant", "create", "in-json", "--preset", "rfc")
    assert (made["changed"], made["tenant"]["name"], made["tenant"]["preset"]) == (True, "in-json", "rfc")
    assert (made["token"]["scope"], made["token"]["state"]) == ("provision", "in force")
    headers = {"Authorization": f"Bearer {made['token']['secret']}"}
    assert app.test_client().get("/scim/in-json/v2/Users", headers=headers).status_code == 200
    contacts = {"firstContact": None, "lastContact": None}
    assert made["tenant"] in [tenant | contacts for tenant in told("tenant", "list")]
    told("group", "create", "in-json", "Everybody")
    joined = told("tenant", "set", "in-json", "--integration-group", "EVERYBODY")
    assert (joined["changed"], joined["tenant"]["integrationGroup"], joined["users"]) == (True, "Everybody", 0)
    assert told("tenant", "set", "in-json", "--integration-group", "Everybody")["changed"] is False
    gone = told("tenant", "delete", "in-json", "--yes")
    assert gone == {"changed": True, "tenant": {"name": "in-json"}, "resources": 1}


def test_what_stays_the_same_is_unchanged_though_a_client_is_at_work(told, entra, database, monkeypatch):
    """The contact of a client is written while the command runs."""
    entra.group("Everybody")
    told("tenant", "set", entra.name, "--integration-group", "Everybody")
    contact = Tenant.update(last_contact=now()).where(Tenant.pk == entra.tenant.pk)
    execute = database.db.execute_sql

    def contacted(sql, *parameters):
        result = execute(sql, *parameters)
        if sql.startswith("UPDATE") and "integration_group" in sql:
            execute(*contact.sql())
        return result

    monkeypatch.setattr(database.db, "execute_sql", contacted)
    assert told("tenant", "set", entra.name, "--integration-group", "Everybody")["changed"] is False


def test_a_token(told, entra):
    made = told("token", "create", entra.name, "--scope", "read", "--expires", "3")
    assert made["tenant"]["endpointUrl"] == entra.endpoint
    secret = made["token"].pop("secret")
    assert told("token", "list", entra.name)[-1] == made["token"]
    revoked = told("token", "revoke", entra.name, str(made["token"]["number"]), "--yes")
    assert (revoked["changed"], revoked["token"]["state"]) == (True, "revoked")
    entra.token = secret
    assert entra.get("/Users").status_int == 401


def test_a_field(told, entra):
    made = told("field", "add", entra.name, "shoeSize", "integer")
    assert (made["changed"], made["field"]["attribute"]) == (True, f"{EXTENSION}:shoeSize")
    assert told("field", "list", entra.name) == [made["field"]]
    entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    assert told("field", "remove", entra.name, "SHOESIZE", "--yes") == {
        "changed": True, "field": {"name": "shoeSize"}, "users": 1
    }  # fmt: skip


def test_a_person(told, entra):
    bob = entra.user("bob")
    assert told("user", "show", entra.name, "bob") == told("user", "list", entra.name)[0] == bob
    changed = told("user", "email", entra.name, "bob", "b2@example.com")
    assert (changed["changed"], changed["user"]["emails"][0]["value"]) == (True, "b2@example.com")
    assert told("user", "email", entra.name, "bob", "b2@example.com")["changed"] is False
    for word, address in (("dismiss", "b2@example.com"), ("adopt", "b3@example.com")):
        entra.patch(
            f"/Users/{bob['id']}", {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b3@example.com"}
        )
        settled = told("user", word, entra.name, "bob")
        assert (settled["changed"], settled["user"]["emails"][0]["value"]) == (True, address)
    assert told("user", "pending", entra.name) == []


def test_a_group(told, entra):
    bob, world = entra.user("bob"), entra.group("World")
    made = told("group", "create", entra.name, "Sales")["group"]
    assert made in [each | {"parent": None} for each in told("group", "list", entra.name)]
    renamed = told("group", "rename", entra.name, "Sales", "Sold")
    assert (renamed["changed"], renamed["group"]["displayName"]) == (True, "Sold")
    assert told("group", "rename", entra.name, "Sold", "Sold")["changed"] is False
    for changed in (True, False):
        assert told("group", "add-member", entra.name, "Sold", "bob")["changed"] is changed
    assert told("group", "show", entra.name, "Sold")["members"][0]["value"] == bob["id"]
    for changed in (True, False):
        placed = told("group", "set-parent", entra.name, "Sold", "World")
        assert (placed["changed"], placed["group"]["parent"]) == (changed, world["id"])
    for changed in (True, False):
        assert told("group", "remove-member", entra.name, "Sold", "bob")["changed"] is changed


def test_an_import_and_an_export(told, run, entra, tmp_path):
    file, copy = tmp_path / "people.jsonl", tmp_path / "copy.jsonl"
    people = [{"schemas": [USER], "userName": name, "emails": [{"type": "work", "value": name}]} for name in ("a", "b")]
    file.write_text("\n".join(["nonsense", *map(json.dumps, people)]), "utf-8")
    added = told("import", entra.name, str(file), status=1)
    assert (added["changed"], added["users"], added["refused"]) == (True, 2, 1)
    assert [problem["line"] for problem in added["problems"]] == [1]
    assert told("import", entra.name, str(file), status=1)["changed"] is False
    assert told("export", entra.name, str(copy)) == {"file": str(copy), "users": 2, "groups": 0}
    assert run("export", entra.name, "--json").stdout == copy.read_text("utf-8")


def test_the_log_and_the_server(told, entra):
    entra.user("bob")
    assert told("log", entra.name)[0]["name"] == "bob"
    assert told("migrate") == {"changed": False, "steps": []}
    assert [each["subject"] for each in told("check")] == ["Settings", "Database", "Writing", "Secret key"]


def test_what_fails_is_still_one_sentence_on_stderr(run):
    failed = run("user", "list", "nobody", "--json")
    assert (failed.exit_code, failed.stdout, failed.stderr) == (1, "", "Error: There is no tenant nobody.\n")
