"""The command line, on both databases: what it prints, what it changes, how it reports errors."""

import json
import stat
from pathlib import Path

import pytest

from app.cli.failures import INTERRUPTED
from app.cli.output import table
from store.database.sweep import BATCH
from store.platform.fields import FieldRemoval
from store.platform.removal import Removal
from store.tables import Field, Lookup
from store.tenants.log import Call
from store.tenants.tokens import Tokens
from tests import live
from tests.app.conftest import sentence
from tests.conftest import BASE_URL

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


def test_a_new_tenant_prints_the_two_lines_that_entra_asks_for(run, refusal, app):
    made = run("tenant", "create", "acme")
    endpoint, token = made.stdout.splitlines()
    assert endpoint == f"Endpoint URL: {BASE_URL}/scim/acme/v2"
    secret = token.removeprefix("Secret token: ")
    assert made.stderr == ""
    headers = {"Authorization": f"Bearer {secret}"}
    assert app.test_client().get("/scim/acme/v2/Users", headers=headers).status_code == 200
    assert refusal("tenant", "create", "acme") == "There is a tenant acme already."


def test_a_new_tenant_for_okta_gets_a_hint_beside_the_two_lines(run):
    made = run("tenant", "create", "for-okta", "--preset", "rfc")
    assert [line.partition(":")[0] for line in made.stdout.splitlines()] == ["Endpoint URL", "Secret token"]
    assert "Okta" in made.stderr


def test_a_tenant_whose_name_cannot_be_in_a_url_leaves_nothing(vestibule, refusal):
    assert 'The tenant name "A b" cannot be part of a URL' in refusal("tenant", "create", "A b")
    assert "A b" not in vestibule("tenant", "list")


def test_tenants_are_listed_with_their_numbers(vestibule, entra):
    entra.user("babs")
    listed = {row["name"]: row for row in json.loads(vestibule("tenant", "list", "--json"))}
    mine = listed[entra.name]
    assert (mine["users"], mine["groups"], mine["preset"]) == (1, 0, "360learning")
    assert mine["endpointUrl"] == entra.endpoint
    heading, *rows = vestibule("tenant", "list").splitlines()
    assert heading.split()[:4] == ["NAME", "PRESET", "USERS", "GROUPS"]
    assert next(row for row in rows if row.startswith(f"{entra.name} ")).endswith(entra.endpoint)


def test_a_tenant_is_deleted_only_after_a_yes(run, vestibule, refusal, entra):
    entra.user("babs")
    declined = run("tenant", "delete", entra.name, input="n\n")
    assert declined.exit_code == 1
    assert f"Delete the tenant {entra.name} with 1 user, 0 groups" in declined.stderr
    assert entra.get("/Users").status_int == 200
    vestibule("tenant", "delete", entra.name, "--yes")
    assert entra.get("/Users").status_int == 401
    assert refusal("tenant", "delete", entra.name, "--yes") == f"There is no tenant {entra.name}."


def test_a_deletion_that_was_broken_off_is_finished_by_the_same_command(run, vestibule, database, entra):
    entra.user("babs")
    next(Removal(database, entra.name).run())
    listed = json.loads(vestibule("tenant", "list", "--json"))
    rest = next(row for row in listed if row["name"].startswith(f"{entra.name} (being deleted"))
    assert (rest["users"], rest["endpointUrl"]) == (0, None)
    asked = run("tenant", "delete", entra.name, input="y\n")
    assert "what is left of the tenant" in asked.output
    assert asked.exit_code == 0
    assert f"{entra.name} (" not in vestibule("tenant", "list")


def test_what_is_left_of_a_tenant_goes_alone_where_its_name_is_taken_again(run, vestibule, refusal, database, entra):
    entra.user("babs")
    next(Removal(database, entra.name).run())
    vestibule("tenant", "create", entra.name)
    rest = next(row["name"] for row in json.loads(vestibule("tenant", "list", "--json")) if "being" in row["name"])
    asked = run("tenant", "delete", rest, input="y\n")
    assert "what is left of the tenant" in asked.output
    assert asked.exit_code == 0
    left = [row["name"] for row in json.loads(vestibule("tenant", "list", "--json"))]
    assert (entra.name in left, rest in left) == (True, False)
    assert refusal("tenant", "delete", rest, "--yes") == f"There is no tenant {rest}."
    vestibule("tenant", "delete", entra.name, "--yes")


def test_new_users_join_the_integration_group(vestibule, refusal, entra):
    group = entra.group("Everyone")
    refused = refusal("tenant", "set", entra.name, "--integration-group", "Nobody")
    assert refused == f"The tenant {entra.name} has no group Nobody."
    vestibule("tenant", "set", entra.name, "--integration-group", "EVERYONE")
    babs = entra.user("babs")
    assert [each["value"] for each in babs["groups"]] == [group["id"]]
    vestibule("tenant", "set", entra.name, "--integration-group", "")
    assert "groups" not in entra.user("adele")


def test_a_tenant_speaks_another_preset_with_its_users(run, vestibule, entra):
    assert "uses preset rfc; 0 users were changed" in vestibule("tenant", "set", entra.name, "--preset", "rfc")
    babs = entra.user("babs", displayName="Babs")
    free = entra.post("/Users", {"schemas": [USER], "userName": "free", "preferredLanguage": "fr", "emails": []})
    entra.patch(f"/Users/{free.json['id']}", {"op": "add", "path": 'emails[type eq "WORK"].value', "value": "f@x.com"})
    declined = run("tenant", "set", entra.name, "--preset", "360learning", input="n\n")
    assert "remove displayName from its 2 users?" in declined.stderr
    assert entra.get(f"/Users/{babs['id']}").json["displayName"] == "Babs"
    assert "uses preset 360learning; 1 user was changed" in vestibule(
        "tenant", "set", entra.name, "--preset", "360learning", "--yes"
    )
    after = entra.get(f"/Users/{babs['id']}").json
    assert ("displayName" in after, after["preferredLanguage"]) == (False, "en")
    refused = entra.post("/Users", {"schemas": [USER], "userName": "new", "emails": babs["emails"]})
    assert refused.json["scimType"] == "uniqueness"


def test_one_user_who_does_not_fit_is_one_user(refusal, okta):
    okta.user("far", preferredLanguage="fr-FR")
    assert refusal("tenant", "set", okta.name, "--preset", "360learning", "--yes").startswith("1 user does not fit")


def test_users_who_do_not_fit_a_preset_keep_the_tenant_from_it(vestibule, refusal, okta):
    for name, attributes in (
        ("nomail", {"emails": []}), ("far", {"preferredLanguage": "fr-FR"}), ("twin", {}),
    ):  # fmt: skip
        okta.user(name, **attributes)
    before = okta.get("/Users").json
    said = refusal("tenant", "set", okta.name, "--preset", "360learning", "--yes")
    assert "2 users do not fit" in said
    assert "nomail" in said
    assert "far" in said
    assert okta.get("/Users").json == before
    for name in ("nomail", "far"):
        okta.delete(f"/Users/{json.loads(vestibule('user', 'show', okta.name, name))['id']}")
    okta.user("other", emails=[{"type": "work", "value": "TWIN@example.com"}])
    assert "already exists" in refusal("tenant", "set", okta.name, "--preset", "360learning", "--yes")
    assert okta.user("last", displayName="Still rfc")["displayName"] == "Still rfc"


def test_two_settings_are_changed_both_or_neither(vestibule, refusal, okta):
    okta.group("Everybody")
    vestibule("tenant", "set", okta.name, "--integration-group", "everybody")
    refused = refusal("tenant", "set", okta.name, "--preset", "360learning", "--integration-group", "Nobody", "--yes")
    assert refused == f"The tenant {okta.name} has no group Nobody."
    listed = {row["name"]: row for row in json.loads(vestibule("tenant", "list", "--json"))}
    assert (listed[okta.name]["preset"], listed[okta.name]["integrationGroup"]) == ("rfc", "Everybody")
    okta.user("far", preferredLanguage="fr-FR")
    assert "does not fit" in refusal(
        "tenant", "set", okta.name, "--preset", "360learning", "--integration-group", "", "--yes"
    )
    assert okta.user("new")["groups"][0]["display"] == "Everybody"


def test_tokens_are_exchanged_without_a_gap(run, vestibule, refusal, entra):
    made = vestibule("token", "create", entra.name, "--name", "2027", "--expires", "30").splitlines()
    assert made[0] == f"Endpoint URL: {entra.endpoint}"
    old, new = json.loads(vestibule("token", "list", entra.name, "--json"))
    assert (new["name"], new["scope"], new["state"]) == ("2027", "provision", "in force")
    assert new["expires"] > new["created"]
    declined = run("token", "revoke", entra.name, str(old["number"]), input="n\n")
    assert f"Revoke token {old['number']} (test, " in declined.stderr
    assert entra.get("/Users").status_int == 200
    vestibule("token", "revoke", entra.name, str(old["number"]), "--yes")
    assert entra.get("/Users").status_int == 401
    entra.token = made[1].removeprefix("Secret token: ")
    assert entra.get("/Users").status_int == 200
    refused = refusal("token", "revoke", entra.name, str(old["number"]))
    assert refused == f"The tenant has no token {old['number']} in force."


def test_no_list_of_tokens_holds_a_secret(vestibule, entra):
    shown = vestibule("token", "list", entra.name) + vestibule("token", "list", entra.name, "--json")
    assert entra.token not in shown
    assert "vest_" not in shown


def test_a_token_for_reading_may_not_write(vestibule, entra):
    made = vestibule("token", "create", entra.name, "--scope", "read").splitlines()
    entra.token = made[1].removeprefix("Secret token: ")
    assert entra.get("/Users").status_int == 200
    assert entra.post("/Users", {}).status_int == 403


def test_a_field_is_there_for_the_next_request(vestibule, refusal, entra):
    added = vestibule("field", "add", entra.name, "shoeSize", "Integer", "--description", "EU size", "--indexed")
    assert added == f"Attribute: {EXTENSION}:shoeSize\nType in Entra: Integer\n"
    entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    found = entra.get(f"/Users?filter={EXTENSION}:shoeSize eq 42").json
    assert found["totalResults"] == 1
    listed = json.loads(vestibule("field", "list", entra.name, "--json"))
    assert listed == [
        {
            "name": "shoeSize", "type": "integer", "description": "EU size", "indexed": True,
            "attribute": f"{EXTENSION}:shoeSize", "entraType": "Integer",
        }
    ]  # fmt: skip
    assert "already" in refusal("field", "add", entra.name, "shoesize", "string")


def test_a_list_of_nothing_says_so(run, entra):
    empty = run("field", "list", entra.name)
    assert (empty.exit_code, empty.stdout, empty.stderr) == (0, "", "There are none.\n")
    assert run("field", "list", entra.name, "--json").stdout == "[]\n"


def test_a_field_is_removed_with_its_values_after_a_yes(run, vestibule, refusal, entra):
    entra.field("shoeSize", "integer", indexed=True)
    entra.field("hatSize", "integer")
    both = entra.user("babs", **{EXTENSION: {"shoeSize": 42, "hatSize": 57}})
    one = entra.user("adele", **{EXTENSION: {"shoeSize": 38}})
    none = entra.user("grace")
    declined = run("field", "remove", entra.name, "SHOESIZE", input="n\n")
    assert declined.stderr.startswith("Remove the field shoeSize, and with it the values of 2 users?")
    assert entra.get(f"/Users/{one['id']}").json[EXTENSION] == {"shoeSize": 38}

    removed = vestibule("field", "remove", entra.name, "SHOESIZE", "--yes")
    assert removed == "The field shoeSize is removed, and with it the values of 2 users.\n"
    after = entra.get(f"/Users/{both['id']}").json
    assert after[EXTENSION] == {"hatSize": 57}
    assert after["meta"]["version"] == 'W/"2"'
    assert after["meta"]["lastModified"] >= both["meta"]["lastModified"]
    after = entra.get(f"/Users/{one['id']}").json
    assert EXTENSION not in after
    assert EXTENSION not in after["schemas"]
    assert entra.get(f"/Users/{none['id']}").json == none
    assert entra.get(f"/Users?filter={EXTENSION}:hatSize eq 57").json["totalResults"] == 1
    refused = entra.get(f"/Users?filter={EXTENSION}:shoeSize eq 42")
    assert refused.json["detail"] == f"Invalid or forbidden key found: {EXTENSION}:shoeSize"
    assert refusal("field", "remove", entra.name, "shoeSize") == "The tenant has no field shoeSize."


def test_a_field_declared_again_begins_without_values(vestibule, entra):
    entra.field("shoeSize", "integer", indexed=True)
    entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    vestibule("field", "remove", entra.name, "shoeSize", "--yes")
    vestibule("field", "add", entra.name, "shoeSize", "string", "--indexed")
    assert entra.get(f"/Users?filter={EXTENSION}:shoeSize pr").json["totalResults"] == 0


def test_removing_a_field_needs_several_transactions_for_many_users(database, entra):
    entra.field("shoeSize", "integer", indexed=True)
    for number in range(BATCH + 2):
        entra.user(f"user-{number}", **{EXTENSION: {"shoeSize": number}})
    tenant = entra.tenants.get(entra.name)
    index = tenant.indexes["User"][f"{EXTENSION}:shoeSize"]
    assert Lookup.select().where(Lookup.attribute == index).count() == BATCH + 2
    removal = FieldRemoval(database, tenant, "shoeSize", Call())
    assert removal.run() == BATCH + 2
    assert removal.holders() == 0
    assert Lookup.select().where(Lookup.attribute == index).count() == 0
    assert Lookup.select().where(Lookup.tenant == tenant.pk).count() == BATCH + 2, "the e-mails stay"
    assert entra.get("/Users?count=1").json["Resources"][0]["meta"]["version"] == 'W/"2"'


def test_removing_a_field_touches_no_other_tenant(vestibule, entra, make_client):
    neighbour = make_client()
    for client in (entra, neighbour):
        client.field("shoeSize", "integer", indexed=True)
    kept = neighbour.user("babs", **{EXTENSION: {"shoeSize": 42}})
    entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    vestibule("field", "remove", entra.name, "shoeSize", "--yes")
    assert neighbour.get(f"/Users/{kept['id']}").json == kept
    assert neighbour.get(f"/Users?filter={EXTENSION}:shoeSize eq 42").json["totalResults"] == 1


def test_a_removal_that_was_broken_off_is_finished_by_the_same_command(vestibule, entra):
    entra.field("shoeSize", "integer")
    babs = entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    Field.delete().where(Field.tenant == entra.tenant.pk).execute()
    removed = vestibule("field", "remove", entra.name, "shoeSize", "--yes")
    assert "the values of 1 user." in removed
    assert EXTENSION not in entra.get(f"/Users/{babs['id']}").json


def test_a_field_is_not_declared_again_before_its_removal_is_finished(run, vestibule, refusal, entra, monkeypatch):
    """Else the values of the old one came back, of whatever type they are."""
    entra.field("shoeSize", "integer")
    babs = entra.user("babs", **{EXTENSION: {"shoeSize": 42}})

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FieldRemoval, "_take_out", interrupted)
        assert run("field", "remove", entra.name, "shoeSize", "--yes").stderr == f"Error: {INTERRUPTED}\n"
    assert "was interrupted" in refusal("field", "add", entra.name, "SHOESIZE", "string")
    assert "values of 1 user." in vestibule("field", "remove", entra.name, "SHOESIZE", "--yes")
    assert EXTENSION not in entra.get(f"/Users/{babs['id']}").json
    vestibule("field", "add", entra.name, "SHOESIZE", "string")
    assert refusal("field", "remove", entra.name, "hatSize") == "The tenant has no field hatSize."


def test_the_log_says_why_somebody_is_not_provisioned(vestibule, entra):
    entra.post("/Users", {"schemas": [USER], "userName": "bob", "displayName": "Bob"})
    babs = entra.user("babs", title="Tour Guide")
    entra.patch(f"/Users/{babs['id']}", {"op": "replace", "path": "title", "value": "Chief"})
    entra.patch(f"/Users/{babs['id']}", {"op": "remove", "path": "title"})
    lines = vestibule("log", entra.name).splitlines()
    assert '    userName: "babs"' in lines
    assert '    title: "Chief" (removed)' in lines
    assert any(line.startswith("    Hint: Entra: remove the displayName row") for line in lines)
    assert '    title: "Tour Guide" -> "Chief"' in lines
    first, last = lines[0], [line for line in lines if not line.startswith(" ")][-1]
    assert "  400  POST User" in first
    assert f"  200  PATCH User babs {babs['id']}" in last


def test_the_log_can_be_about_somebody_and_as_json(vestibule, entra):
    babs = entra.user("babs")
    entra.user("adele")
    about = json.loads(vestibule("log", entra.name, "--about", babs["id"], "--json"))
    assert [entry["name"] for entry in about] == ["babs"]
    assert len(json.loads(vestibule("log", entra.name, "--limit", "1", "--json"))) == 1


def test_the_log_shows_control_characters_instead_of_obeying_them(vestibule, okta):
    okta.user("babs", displayName="\x1b[2J\nbabs\x9b")
    shown = vestibule("log", okta.name)
    assert not {"\x1b", "\x9b"} & set(shown)
    assert r"\x1b[2J\nbabs\x9b" in shown


def test_the_log_says_what_was_done_to_the_tenant_itself(vestibule, entra):
    entra.group("Everyone")
    vestibule("tenant", "set", entra.name, "--integration-group", "Everyone")
    vestibule("field", "add", entra.name, "shoeSize", "integer")
    entra.user("babs", **{EXTENSION: {"shoeSize": 42}})
    vestibule("field", "remove", entra.name, "shoeSize", "--yes")
    number = json.loads(vestibule("token", "create", entra.name, "--name", "2027", "--json"))["token"]["number"]
    vestibule("token", "revoke", entra.name, str(number), "--yes")
    entries = [each for each in reversed(entra.log()) if each["operation"].startswith("platform: ")]
    assert [(each["operation"].removeprefix("platform: "), each["changes"]) for each in entries] == [
        ("tenant set", [{"attribute": "integration group", "after": "Everyone"}]),
        ("field add", [{"attribute": "field", "after": "shoeSize"}]),
        ("field remove", [{"attribute": "field", "before": "shoeSize"}]),
        ("field remove", [{"attribute": f"{EXTENSION}:shoeSize", "before": 42}]),
        ("token create", [{"attribute": "token", "after": "2027"}]),
        ("token revoke", [{"attribute": "token", "before": "2027"}]),
    ]
    assert {each["client"] for each in entries} == {"command line"}


def test_the_log_of_a_tenant_begins_with_its_creation(vestibule):
    vestibule("tenant", "create", "logged", "--preset", "rfc")
    token, tenant = json.loads(vestibule("log", "logged", "--json"))
    assert (tenant["operation"], tenant["client"]) == ("platform: tenant create", "command line")
    assert tenant["changes"] == [{"attribute": "tenant", "after": "logged"}, {"attribute": "preset", "after": "rfc"}]
    assert (token["operation"], token["changes"]) == (
        "platform: token create", [{"attribute": "token", "after": "provision"}]
    )  # fmt: skip
    vestibule("tenant", "delete", "logged", "--yes")


def test_an_empty_log_says_so(run, entra):
    assert run("log", entra.name).stderr == "There is nothing in the log.\n"
    assert run("log", entra.name, "--json").stdout == "[]\n"


def test_check_says_what_is_in_order(vestibule):
    lines = vestibule("check").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Settings", "Database", "Writing", "Secret key"]
    assert "kept in the database" in lines[-1]
    assert "from VESTIBULE_SECRET_KEY" in vestibule("check", secret_key="0123456789abcdef0123456789abcdef")


def test_check_stops_at_what_is_not_in_order():
    result = live.vestibule("check", database_url="postgresql://vestibule:s3cret@127.0.0.1:1/vestibule")
    assert (result.returncode, result.stdout.count("\n")) == (1, 1)
    assert "127.0.0.1" in sentence(result.stderr)
    assert "s3cret" not in result.stderr


def test_migrating_twice_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path}/var/vestibule.db"
    assert live.vestibule("migrate", database_url=url).stdout.startswith("Migrated: 0001_")
    assert live.vestibule("migrate", database_url=url).stdout == "The tables are up to date.\n"


@pytest.mark.parametrize("command", ["check", "migrate", "tenant list", "serve --bind 127.0.0.1:{port}"])
def test_a_database_that_a_newer_version_migrated_is_one_sentence(database, run, command):
    step = "9999_of_the_next_version"
    database.db.execute_sql(f"INSERT INTO migration (name, applied) VALUES ('{step}', CURRENT_TIMESTAMP)")
    try:
        refused = run(*command.format(port=live.free_port()).split())
    finally:
        database.db.execute_sql(f"DELETE FROM migration WHERE name = '{step}'")
    assert refused.exit_code == 1
    assert sentence(refused.stderr) == (
        f"The database was migrated by a newer version of Vestibule ({step}): install that version, or restore a backup"
        " from before its migration."
    )


def test_an_sqlite_database_is_only_for_the_user_that_runs_the_server(tmp_path):
    live.vestibule("migrate", database_url=f"sqlite:///{tmp_path}/var/vestibule.db")
    made = [tmp_path / "var", *(tmp_path / "var").iterdir()]
    assert len(made) > 1
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made} == {0}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True, scope="session")
def test_a_commit_that_nobody_confirmed_is_to_be_looked_for(database, refusal, entra):
    """The database is there again: that it cannot be used would not be true."""
    database.db.connection().unreplicated = True
    assert "did not confirm" in refusal("token", "create", entra.name, "--name", "doubtful")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bind": "8080"}, "VESTIBULE_BIND must be an address and a port"),
        ({"databse_url": "x"}, "VESTIBULE_DATABSE_URL is not a setting: did you mean VESTIBULE_DATABASE_URL?"),
        ({"database_url": "sqlite:////nowhere/x.db"}, "There is no database /nowhere/x.db: run `vestibule migrate`"),
        ({"database_url": f"sqlite:///{__file__}"}, "The database cannot be used: file is not a database."),
        ({"database_url": "postgresql://a@127.0.0.1:1/a"}, "The database cannot be used: connection failed: "),
    ],
)
def test_a_wrong_setting_or_database_is_one_sentence(settings, said):
    result = live.vestibule("tenant", "list", **settings)
    assert (result.returncode, result.stdout) == (1, "")
    assert sentence(result.stderr).startswith(said)


def test_a_database_without_tables_is_one_sentence(tmp_path):
    Path(tmp_path, "vestibule.db").touch()
    result = live.vestibule("tenant", "list", database_url=f"sqlite:///{tmp_path}/vestibule.db")
    assert sentence(result.stderr).endswith("run `vestibule migrate` first.")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    Path(tmp_path, "file").touch()
    result = live.vestibule("migrate", database_url=f"sqlite:///{tmp_path}/file/vestibule.db")
    assert sentence(result.stderr).startswith(f"{tmp_path}/file")


@pytest.mark.parametrize(
    "arguments",
    [
        ("tenant", "create"),
        ("tenant", "create", "acme", "--preset", "scim"),
        ("tenant", "set", "acme"),
        ("token", "revoke", "acme", "first"),
        ("token", "revoke", "acme", str(2**63)),
        ("token", "create", "acme", "--expires", "0"),
        ("field", "add", "acme", "shoeSize", "number"),
        ("log", "acme", "--limit", "0"),
        ("user", "list", "acme", "--limit", "0"),
        ("user", "list", "acme", "--limit", "9223372036854775808"),
        ("group", "list", "acme", "--limit", "100001"),
        ("group", "add-member", "acme", "Sales"),
        ("serve", "--bind", "8080"),
        ("serve", "--workers", "0"),
    ],
)
def test_a_wrong_argument_is_a_usage_error(run, arguments):
    wrong = run(*arguments)
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "Error: " in wrong.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("tenant", "set", "nobody", "--integration-group", "Sales"), ("tenant", "delete", "nobody", "--yes"),
        ("token", "create", "nobody"), ("token", "list", "nobody"), ("token", "revoke", "nobody", "1", "--yes"),
        ("field", "add", "nobody", "size", "string"), ("field", "list", "nobody"),
        ("field", "remove", "nobody", "size", "--yes"), ("user", "list", "nobody"), ("user", "show", "nobody", "bob"),
        ("user", "email", "nobody", "bob", "b@x.com"), ("user", "pending", "nobody"),
        ("user", "adopt", "nobody", "bob"),
        ("user", "dismiss", "nobody", "bob"), ("group", "create", "nobody", "Sales"), ("group", "list", "nobody"),
        ("group", "show", "nobody", "Sales"), ("group", "rename", "nobody", "Sales", "Sold"),
        ("group", "add-member", "nobody", "Sales", "bob"), ("group", "remove-member", "nobody", "Sales", "bob"),
        ("group", "set-parent", "nobody", "Sales"), ("import", "nobody", "-"), ("export", "nobody"), ("log", "nobody"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_unknown_tenant_is_one_sentence(refusal, arguments):
    assert refusal(*arguments) == "There is no tenant nobody."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "create", "{}", "--name", "x" * 101), "A token's name has 1 to 100 characters."),
        (("token", "revoke", "{}", "999999", "--yes"), "The tenant has no token 999999 in force."),
        (("field", "add", "{}", "a b", "string"), 'A field cannot be called "a b"'),
        (("field", "add", "{}", "a", "string", "--description", "x" * 1_001), "A field's description has at most 1000"),
        (("field", "remove", "{}", 'a"b', "--yes"), 'The tenant has no field a"b.'),
        (("user", "list", "{}", "--filter", "foo eq 1"), "Invalid or forbidden key found: foo"),
        (("user", "list", "{}", "--filter", "((("), "The filter ends too early"),
        (("user", "show", "{}", ""), "The tenant {} has no user"),
        (("user", "show", "{}", "x" * 100_000), "The tenant {} has no user"),
        (("user", "show", "{}", "two@example.com"), 'More than one user is called "two@example.com"'),
        (("user", "email", "{}", "one", ""), "A work e-mail is required"),
        (("user", "email", "{}", "one", "x" * 513), "The work e-mail must have at most 512 characters, not 513."),
        (("user", "email", "{}", "one", "TWO@example.com"), "A user with the work e-mail"),
        (("user", "adopt", "{}", "one"), "No change of the work e-mail of one is pending."),
        (("user", "dismiss", "{}", "one"), "No change of the work e-mail of one is pending."),
        (("group", "create", "{}", ""), "displayName is required and must have a value."),
        (("group", "create", "{}", "x" * 513), "displayName must have at most 512 characters, not 513."),
        (("group", "create", "{}", "SALES"), 'A group with the displayName "SALES" already exists'),
        (("group", "rename", "{}", "Sales", ""), "displayName is required and must have a value."),
        (("group", "rename", "{}", "Sales", "world"), 'A group with the displayName "world" already exists'),
        (("group", "rename", "{}", "Nobody", "x"), 'The tenant {} has no group with the id or name "Nobody".'),
        (("group", "add-member", "{}", "Sales", "one", "nobody"), "The tenant {} has no user"),
        (("group", "remove-member", "{}", "Sales", "nobody"), "The tenant {} has no user"),
        (("group", "set-parent", "{}", "Sales", "Sales"), "A group cannot be below itself"),
        (("group", "set-parent", "{}", "Sales", ""), 'The tenant {} has no group with the id or name "".'),
        (("group", "show", "{}", "a\x1b[31m\nb"), 'The tenant {} has no group with the id or name "a\\x1b[31m\\nb".'),
        (("import", "{}", "/nowhere/x.jsonl"), "/nowhere/x.jsonl: No such file or directory."),
        (("import", "{}", "/"), "/: Is a directory."),
        (("export", "{}", "/nowhere/x.jsonl"), "/nowhere/x.jsonl: No such file or directory."),
    ],
    ids=lambda each: " ".join(each)[:60] if isinstance(each, tuple) else "",
)  # fmt: skip
def test_whatever_is_wrong_is_one_sentence_and_leaves_nothing(run, entra, arguments, said):
    entra.user("one")
    entra.user("other", emails=[{"type": "work", "value": "two@example.com"}])
    entra.user("two@example.com", emails=[{"type": "work", "value": "three@example.com"}])
    entra.group("Sales")
    entra.group("World")
    before = [entra.get(path).json for path in ("/Users", "/Groups", "/Schemas")], entra.log()
    wrong = run(*(word.replace("{}", entra.name) for word in arguments))
    assert (wrong.exit_code, wrong.stdout, wrong.stderr.count("\n")) == (1, "", 1)
    assert wrong.stderr.startswith(f"Error: {said.replace('{}', entra.name)}")
    assert ([entra.get(path).json for path in ("/Users", "/Groups", "/Schemas")], entra.log()) == before


def test_an_argument_that_is_no_text_is_one_sentence(refusal, entra):
    assert refusal("user", "show", entra.name, "caf\udce9") == "An argument is not UTF-8 text."
    assert refusal("token", "list", "caf\udce9").startswith("There is no tenant caf")


def test_a_token_is_named_by_its_scope_if_nothing_else_is_said(vestibule, database, entra):
    vestibule("token", "create", entra.name, "--scope", "read")
    assert [token["name"] for token in Tokens(database, entra.tenant.pk).all()] == ["test", "read"]


def test_columns_are_as_wide_as_their_widest_cell():
    assert table([["a", "12345"], ["bcd", "1"]], ["name", "size"]) == "NAME  SIZE\na     12345\nbcd   1"


@pytest.mark.parametrize("group", ["", "tenant", "token", "field", "index", "user", "group"])
def test_the_summary_of_every_command_is_whole(vestibule, group):
    assert "...\n" not in vestibule(*group.split(), "--help").partition("Commands:")[2]
