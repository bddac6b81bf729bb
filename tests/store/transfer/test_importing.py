"""An import beside clients: a name that another transaction takes meanwhile (RFC 7643 §4.2)."""

import json
import threading

from app.wire import parsed
from store.resources.groups import Groups
from store.tables import Resource
from store.tenants.log import Call
from store.transfer.importing import Import

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_an_import_goes_on_if_a_client_takes_the_name_of_a_group_meanwhile(entra, database, database_url):
    taken, go_on = threading.Event(), threading.Event()
    tenant = entra.tenants.get(entra.name)

    def client():
        def work(write):
            Groups(database, tenant, entra.endpoint, Call(operation="POST"), write).create({"displayName": "Crew"})
            taken.set()
            go_on.wait(5)

        database.write(work)
        database.close()

    writer = threading.Thread(target=client)
    writer.start()
    taken.wait()
    # On Postgres the insert waits for the client's transaction; on SQLite the whole import does.
    threading.Timer(0.3, go_on.set).start()
    lines = [json.dumps({"schemas": [GROUP], "displayName": name}).encode() for name in ("Crew", "World")]
    problems = [problem for some in Import(database, tenant, entra.endpoint, parsed).run(lines) for problem in some]
    writer.join()
    groups = Resource.select(Resource.display).where(Resource.tenant == tenant.pk).order_by(Resource.display)
    assert [display for (display,) in database.read(lambda: list(groups.tuples()))] == ["Crew", "World"]
    assert problems == []
