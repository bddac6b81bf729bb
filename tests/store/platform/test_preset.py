"""Switching a tenant to another preset while clients write: no write is lost, and no tenant stays half switched (RFC
7643 §4.1)."""

import threading

import pytest

from scim.errors import Mutability
from store.platform.preset import PresetSwitch
from store.tables import Resource, Setting
from store.tenants.log import Call

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def switch(client, preset):
    call = Call(operation="platform: tenant set", client="command line")
    return PresetSwitch(client.database, client.tenants.get(client.name), preset, call)


def preset(client):
    return client.tenants.get(client.name).profile.preset.name


def names(client):
    """Whether each user's document has a displayName, and the keys of their work e-mails."""
    rows = Resource.select(Resource.document, Resource.identifier_key).where(Resource.tenant == client.tenant.pk)
    found = client.database.read(lambda: list(rows.order_by(Resource.pk).tuples()))
    return ['"displayName"' in document for document, _ in found], [key for _, key in found]


def before(monkeypatch, step, work):
    """Do some work once, just before a step of a switch."""
    original, done = getattr(PresetSwitch, step), list[bool]()

    def stepping(self, *given, **named):
        if not done:
            done.append(True)
            work()
        return original(self, *given, **named)

    monkeypatch.setattr(PresetSwitch, step, stepping)


def patching(client, ids, end, acknowledged):
    """Change titles until the end, and note which changes were acknowledged."""
    number = 0
    while not end.is_set():
        id, number = ids[number % len(ids)], number + 1
        operation = {"op": "replace", "path": "title", "value": f"title {number}"}
        if client.patch(f"/Users/{id}", operation).status_int == 200:
            acknowledged[id] = f"title {number}"
    client.database.close()


def test_a_switch_loses_no_acknowledged_write(okta):
    ids = [okta.user(f"user-{number}", displayName=f"User {number}")["id"] for number in range(30)]
    end, acknowledged = threading.Event(), dict[str, str]()
    client = threading.Thread(target=patching, args=(okta, ids, end, acknowledged))
    client.start()
    for wanted in ("360learning", "rfc", "360learning"):
        switch(okta, wanted).run()
    end.set()
    client.join()
    assert acknowledged
    assert {id: okta.get(f"/Users/{id}").json["title"] for id in acknowledged} == acknowledged
    assert names(okta)[0] == [False] * 30
    assert None not in names(okta)[1]


def test_a_user_that_is_created_after_the_check_undoes_the_switch(okta, monkeypatch):
    okta.user("babs", displayName="Babs")
    before(monkeypatch, "_set_preset", lambda: okta.user("nomail", emails=[]))
    with pytest.raises(Mutability) as refused:
        switch(okta, "360learning").run()
    assert refused.value.detail.startswith("1 user does not fit the preset 360learning: nomail: A work e-mail")
    assert preset(okta) == "rfc"
    assert names(okta) == ([True, False], [None, None])
    assert okta.user("cleo", emails=[])["userName"] == "cleo"


def test_a_user_with_the_work_e_mail_of_one_not_switched_yet_undoes_the_switch(okta, monkeypatch):
    okta.user("babs", displayName="Babs")
    twin = {"schemas": [CORE_USER], "userName": "twin", "emails": [{"type": "work", "value": "BABS@example.com"}]}
    before(monkeypatch, "_set_identifiers", lambda: okta.post("/Users", twin))
    with pytest.raises(Mutability) as refused:
        switch(okta, "360learning").run()
    assert "already exists" in refused.value.detail
    assert preset(okta) == "rfc"
    assert names(okta) == ([True, False], [None, None])


def test_an_interrupted_switch_is_finished_by_switching_again(okta, monkeypatch):
    okta.user("babs", displayName="Babs")

    def interrupt():
        raise KeyboardInterrupt

    before(monkeypatch, "_rewrite", interrupt)
    with pytest.raises(KeyboardInterrupt):
        switch(okta, "360learning").run()
    assert (preset(okta), names(okta)[0]) == ("360learning", [True])
    assert switch(okta, "360learning").run() == 1
    assert names(okta) == ([False], ["babs@example.com"])
    notes = Setting.select().where(Setting.name.contains(f"tenant {okta.tenant.pk}:"))
    assert okta.database.read(notes.count) == 0


def test_a_switch_logs_each_user_that_it_changes(okta):
    babs = okta.user("babs", displayName="Babs", preferredLanguage="en")
    switch(okta, "360learning").run()
    user, tenant = okta.log(2)
    assert tenant["changes"] == [{"attribute": "preset", "before": "rfc", "after": "360learning"}]
    assert (user["resource"], user["name"], user["operation"]) == (babs["id"], "Babs", "platform: tenant set")
    assert user["changes"] == [{"attribute": "displayName", "before": "Babs"}]


def test_the_way_back_that_was_interrupted_is_finished_by_switching_back(okta, monkeypatch):
    okta.user("babs", displayName="Babs")
    before(monkeypatch, "_set_preset", lambda: okta.user("nomail", emails=[]))

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(PresetSwitch, "_set_identifiers", interrupt)
        with pytest.raises(KeyboardInterrupt):
            switch(okta, "360learning").run()
    assert preset(okta) == "rfc"
    switch(okta, "rfc").run()
    assert names(okta) == ([True, False], [None, None])
    notes = Setting.select().where(Setting.name.contains(f"tenant {okta.tenant.pk}:"))
    assert okta.database.read(notes.count) == 0
