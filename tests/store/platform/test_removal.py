"""A tenant is unreachable from the first transaction of its removal on, and an interrupted removal can be finished."""

import time
from itertools import islice
from statistics import median

import pytest

from scim.errors import NotFound, Unavailable
from store.database.transactions import Database
from store.platform import removal
from store.platform.fields import FieldRemoval
from store.platform.removal import Removal
from store.resources.users import Users
from store.tables import LogEntry, Resource, Setting, Tenant
from store.tenants.log import Call
from store.tenants.tenants import bump
from store.tenants.tokens import Tokens
from tests import writes


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(removal, "BATCH", 3)


@pytest.fixture
def doomed(make_client):
    """A tenant of eight users and a group of them all."""
    client = make_client("360learning")
    ids = [client.user(f"user{number}")["id"] for number in range(8)]
    client.group("Everybody", *ids)
    return client


def rows(client, model=Resource):
    return client.database.read(model.select().where(model.tenant == client.tenant.pk).count)


def begin(client, transactions=1):
    """Interrupt the removal after so many transactions that deleted users or groups."""
    return list(islice(Removal(client.database, client.name).run(), transactions))


def test_a_tenant_is_removed_some_users_at_a_time(doomed, stranger):
    """Other clients write between the transactions. Users are deleted first, so that no group is large when it is."""
    gone = []
    for count in Removal(doomed.database, doomed.name).run():
        gone.append(count)
        stranger.user(f"user{len(gone)}")
    assert [count for count in gone if count] == [3, 3, 2, 1]
    assert (rows(doomed), rows(doomed, LogEntry)) == (0, 0)
    assert doomed.database.read(Tenant.select().where(Tenant.pk == doomed.tenant.pk).count) == 0
    assert stranger.get("/Users").json["totalResults"] == len(gone)


def test_other_writers_get_as_much_time_as_each_transaction_took(doomed, monkeypatch):
    """Writers on SQLite sleep while they wait, so that without a pause the next transaction would begin before them.
    Postgres lets them write at the same time."""
    taken, write = [], Database.write

    def timed(database, work):
        began = time.monotonic()
        result = write(database, work)
        taken.append((began, time.monotonic()))
        return result

    monkeypatch.setattr(Database, "write", timed)
    list(Removal(doomed.database, doomed.name).run())
    swept = taken[1:-1]
    assert len(swept) == 8
    pauses = [after[0] - end for (_, end), after in zip(swept, taken[2:], strict=True)]
    if doomed.database.dialect.locks_rows:
        assert median(pauses) < median(end - began for began, end in swept)
    else:
        assert all(pause >= end - began for (began, end), pause in zip(swept, pauses, strict=True))


def test_clients_cannot_reach_it_from_the_first_transaction_on(doomed):
    begin(doomed)
    assert rows(doomed) == 6
    assert doomed.get("/Users").status_int == 401
    name = doomed.database.read(lambda: Tenant.get(Tenant.pk == doomed.tenant.pk)).name
    for each in (doomed.name, name):
        with pytest.raises(NotFound):
            doomed.tenants.get(each)
    listed = {row["name"]: row["users"] for row in doomed.tenants.all()}
    assert doomed.name not in listed
    assert listed[name] == 0


def test_an_interrupted_removal_is_finished_by_removing_it_again(doomed):
    begin(doomed, 2)
    rest = Removal(doomed.database, doomed.name)
    assert rest.begun
    assert sum(rest.run()) == 3
    assert (rows(doomed), rows(doomed, LogEntry)) == (0, 0)
    with pytest.raises(NotFound):
        Removal(doomed.database, doomed.name)


def test_the_note_of_an_interrupted_removal_of_a_field_is_deleted_too(doomed, monkeypatch):
    doomed.field("badge", "string")
    doomed.user("holder", **{"urn:ietf:params:scim:schemas:extension:360learning:2.0:User": {"badge": "7"}})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(FieldRemoval, "_take_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        FieldRemoval(doomed.database, doomed.tenant, "badge", Call()).run()
    noted = Setting.select().where(Setting.name.contains(f"tenant {doomed.tenant.pk}:"))
    assert doomed.database.read(noted.count) == 1
    list(Removal(doomed.database, doomed.name).run())
    assert doomed.database.read(noted.clone().count) == 0


def test_its_name_is_free_at_once_and_its_remains_are_deleted_with_the_new_one(doomed):
    begin(doomed)
    new = doomed.tenants.create(doomed.name, "rfc", call=Call())
    doomed.token = Tokens(doomed.database, new.pk).create("new", call=Call())
    assert doomed.get("/Users").json["totalResults"] == 0
    both = Removal(doomed.database, doomed.name)
    assert not both.begun
    assert sum(both.run()) == 6
    assert doomed.get("/Users").status_int == 401


def test_a_request_for_the_old_tenant_does_not_write_to_the_new_one_of_its_name(doomed):
    """It has an old revision of the old tenant, so it reads the tenant again, by its name."""
    late = Users(doomed.database, doomed.tenant, doomed.endpoint, Call())
    bump(doomed.tenant.pk)
    begin(doomed)
    new = doomed.tenants.create(doomed.name, "360learning", call=Call())
    bump(new.pk)
    emails = [{"type": "work", "value": "late@example.com"}]
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "late", "emails": emails}
    with pytest.raises(Unavailable):
        writes.create(late, body)
    assert doomed.database.read(Resource.select().where(Resource.tenant == new.pk).count) == 0


@pytest.mark.parametrize("name", ["nobody", "", "%", "_", "tenant-", "x" * 300, "a\x00"])
def test_a_name_is_not_a_pattern(doomed, name):
    begin(doomed)
    with pytest.raises(NotFound):
        Removal(doomed.database, name)
    assert rows(doomed) == 6
