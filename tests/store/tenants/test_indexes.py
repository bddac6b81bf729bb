"""An index is complete even if clients write while it is built, and no search uses an incomplete one."""

import itertools
import json
import threading
from contextlib import contextmanager

import pytest

from scim.errors import Unavailable
from store.database.transactions import Database
from store.filters import lookup
from store.platform.fields import FieldRemoval
from store.platform.preset import PresetSwitch
from store.resources.search import Query
from store.resources.users import Users
from store.resources.writing import together
from store.tables import Index, Lookup, Resource
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes, IndexName
from store.tenants.log import Call
from store.transfer.importing import Import
from tests import writes
from tests.conftest import BASE_URL, Client
from tests.live import serving, started, vestibule

TITLE = IndexName("User", "title")
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EXTENSION = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


def users(client: Client) -> Users:
    """The users of a tenant as a request that is read now sees them."""
    return Users(client.database, client.tenants.get(client.name), BASE_URL, Call())


def body(name, **attributes):
    return {
        "schemas": [CORE_USER],
        "userName": name,
        "emails": [{"type": "work", "value": f"{name}@x.com"}],
    } | attributes


def differences(client: Client, name: str = "title") -> list[str]:
    """The users whose rows in the index do not match their documents."""
    found = users(client)
    target = found.type.targets[name.lower()]
    number = found.tenant.indexes["User"][name]
    wrong = []
    for row in Resource.select().where((Resource.tenant == client.tenant.pk) & (Resource.type == "User")):
        held = Lookup.select().where((Lookup.resource == row.pk) & (Lookup.attribute == number))
        made = [(each.position, each.type, each.value, each.number) for each in held.order_by(Lookup.position)]
        wanted = lookup.rows(target, json.loads(row.document))
        if made != [tuple(each[name] for name in ("position", "type", "value", "number")) for each in wanted]:
            wrong.append(row.display)
    return wrong


def add(indexes: Indexes, call: Call | None = None) -> None:
    """Make the index on titles as the command does."""
    indexes.declare(TITLE, call or Call())
    indexes.build(TITLE)


def remove(database: Database, indexes: Indexes) -> None:
    """Remove the index on titles as the command does."""
    indexes.withdraw(TITLE, Call())
    indexes.purge(TITLE)


def found(client: Client, who: Users, text: str) -> int:
    return who.search(Query(filter=text)).total


def test_a_write_that_does_not_know_the_index_keeps_it_up_to_date(database, entra):
    id = entra.user("babs", title="old")["id"]
    before = users(entra)
    add(Indexes(database, entra.tenant))
    writes.patch(before, id, {"op": "replace", "path": "title", "value": "new"})
    before = before.__class__(
        database, before.tenant._replace(revision=1, kept={"User": {}, "Group": {}}), BASE_URL, Call()
    )
    writes.create(before, body("cleo", title="another"))
    writes.replace(before, id, body("babs", title="newer"))
    assert differences(entra) == []
    assert [found(entra, before, f'title eq "{title}"') for title in ("old", "newer", "another")] == [0, 1, 1]


def test_an_import_that_began_before_keeps_the_index_up_to_date(database, entra):
    running = Import(database, entra.tenants.get(entra.name), BASE_URL, lambda text: body(text, title=text))
    lines = (line for line in (b"babs", b"cleo"))
    add(Indexes(database, entra.tenant))
    assert [problem for problems in running.run(lines) for problem in problems] == []
    assert running.totals["users"] == 2
    assert differences(entra) == []


def test_a_declaration_waits_for_running_transactions(database, entra):
    entra.user("babs", title="old")
    written, go_on = threading.Event(), threading.Event()

    def work():
        def create(write, tenant):
            who = Users(database, tenant, BASE_URL, Call(), write)
            writes.create(who, body("cleo", title="late"))
            written.set()
            go_on.wait()

        together(database, entra.tenants.get(entra.name), create)
        database.close()

    def index():
        add(Indexes(database, entra.tenant))
        database.close()

    writer, indexer = threading.Thread(target=work), threading.Thread(target=index)
    writer.start()
    written.wait()
    indexer.start()
    indexer.join(0.3)
    waited = indexer.is_alive()
    go_on.set()
    writer.join()
    indexer.join()
    assert waited, "who was under way may not know of the index"
    assert differences(entra) == []


def test_an_index_is_complete_although_users_change_meanwhile(database, entra):
    ids = [entra.user(f"user-{number}", title=f"t{number}")["id"] for number in range(700)]
    indexes = Indexes(database, entra.tenant)
    for turn in range(2):
        with writing(entra, ids, f"{turn}"):
            add(indexes)
        assert differences(entra) == []
        with writing(entra, ids, f"{turn} again"):
            remove(database, indexes)
        assert (
            Lookup.select().where(Lookup.tenant == entra.tenant.pk, Lookup.attribute.not_in(kept(entra))).count() == 0
        )


def kept(client):
    return list(users(client).tenant.kept["User"].values())


@contextmanager
def writing(client, ids, name):
    """Two clients change, create and delete users during the block; no request is refused."""
    stop = threading.Event()
    failures: list[Exception] = []

    def write(number):
        try:
            who = users(client)
            turns = itertools.count()
            while not stop.is_set():
                turn = next(turns)
                writes.patch(
                    who, ids[turn * 14 % 700 + number], {"op": "replace", "path": "title", "value": f"{name}{turn}"}
                )
                who.delete(writes.create(who, body(f"{name}-{number}-{turn}", title="gone")).id)
                writes.create(who, body(f"{name}-stays-{number}-{turn}", title="x" * (turn % 3)))
        except Exception as error:  # noqa: BLE001 (any error fails the test)
            failures.append(error)
        finally:
            client.database.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    yield
    stop.set()
    for writer in writers:
        writer.join()
    assert failures == []


def test_a_search_that_does_not_know_the_removal_runs_again(database, entra):
    entra.user("babs", title="x")
    indexes = Indexes(database, entra.tenant)
    add(indexes)
    before = users(entra)
    assert "title" in before.tenant.indexes["User"]
    remove(database, indexes)
    assert found(entra, before, 'title eq "x"') == 1
    assert "title" not in before.tenant.indexes["User"]


def test_the_log_shows_which_client_changed_indexes_and_fields(database, entra):
    call = Call(operation="console: index", client="console")
    indexes = Indexes(database, entra.tenant)
    add(indexes, call)
    indexes.withdraw(TITLE, call)
    Fields(database, entra.tenant).add("badge", "string", indexed=True, call=call)
    entered = [(entry["client"], *entry["changes"]) for entry in entra.log() if entry["operation"] == "console: index"]
    assert entered == [
        ("console", {"attribute": "field", "after": "badge"}),
        ("console", {"attribute": "index", "before": "title"}),
        ("console", {"attribute": "index", "after": "title"}),
    ]


def test_two_processes_that_build_one_index_share_the_work(database, entra):
    for number in range(20):
        entra.user(f"user-{number}", title=f"t{number}")
    indexes = Indexes(database, entra.tenant)
    indexes.declare(TITLE, Call())

    def build():
        indexes.build(TITLE)
        database.close()

    builders = [threading.Thread(target=build) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert differences(entra) == []
    assert Index.select().where(Index.tenant == entra.tenant.pk).count() == 2


def test_a_request_checked_against_a_removed_field_is_refused(database, entra):
    entra.field("badge", "string")
    before = users(entra)
    FieldRemoval(database, entra.tenants.get(entra.name), "badge", Call()).run()
    with pytest.raises(Unavailable):
        writes.create(before, body("babs") | {EXTENSION: {"badge": "7"}})
    assert Resource.select().where(Resource.tenant == entra.tenant.pk).count() == 0


def test_a_request_checked_against_another_preset_is_refused(database, okta):
    before = users(okta)
    PresetSwitch(database, okta.tenants.get(okta.name), "360learning", Call()).run()
    with pytest.raises(Unavailable, match="The tenant was changed"):
        writes.create(before, body("babs", displayName="B"))


MANY = 3_000


def test_an_index_is_complete_after_a_kill_and_with_outdated_workers(database, database_url, entra):
    """A command is killed and run again beside a server whose workers cache tokens for some seconds."""
    lines = [json.dumps(body(f"user-{number}", title="old")).encode() for number in range(MANY)]
    list(Import(database, entra.tenants.get(entra.name), BASE_URL, json.loads).run(lines))
    ids = [row.id for row in Resource.select(Resource.id).where(Resource.tenant == entra.tenant.pk)]
    with serving("--workers", "2", database_url=database_url, token_cache="5") as server:
        stop = threading.Event()
        refused: list[int] = []

        def write():
            for turn in itertools.count():
                change = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": f"new {turn}"}]}
                path = f"/scim/{entra.name}/v2/Users/{ids[turn * 37 % MANY]}"
                reply = server.request("PATCH", path, change, entra.token)
                if reply.status != 200:
                    refused.append(reply.status)
                if stop.is_set():
                    return

        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        killed = started("index", "add", entra.name, "title", database_url=database_url)
        while not Index.select().where(Index.tenant == entra.tenant.pk, Index.position > 0).exists():
            assert killed.poll() is None
        killed.kill()
        killed.wait()
        again = vestibule("index", "add", entra.name, "title", database_url=database_url)
        stop.set()
        for writer in writers:
            writer.join()
    # On a fast machine the first command may have finished before it was killed.
    assert "title is indexed" in again.stdout + again.stderr
    assert refused == []
    assert differences(entra) == []
