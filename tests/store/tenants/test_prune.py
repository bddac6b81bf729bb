"""The provisioning log keeps its entries for as long as the setting says."""

from threading import Event

from store.database.transactions import instant_at, now
from store.tables import LogEntry, Refusal
from store.tenants.background import Background
from store.tenants.log import prune


def entry(client, time):
    row = {"tenant": client.tenant.pk, "time": time, "level": "info"}
    LogEntry.insert(row | {"operation": "POST", "status": 201, "name": "old"}).execute()


def test_entries_older_than_the_setting_are_deleted_in_batches(entra):
    for days in range(5):
        entry(entra, instant_at(1_000_000_000 + days))
    entry(entra, now())
    counts = list(prune(entra.database, 90, batch=2))
    assert sum(counts) >= 5
    assert max(counts) == 2
    assert len(entra.log()) == 1
    assert sum(prune(entra.database, 90)) == 0


def test_old_counts_of_refused_requests_are_deleted_too(entra):
    for hour in ("2001-09-09T01", now()[:13]):
        Refusal.insert(tenant=entra.tenant.pk, hour=hour, total=3).execute()
    list(prune(entra.database, 90))
    assert [row.hour for row in Refusal.select().where(Refusal.tenant == entra.tenant.pk)] == [now()[:13]]


def test_the_background_thread_prunes_when_it_starts(entra):
    entry(entra, instant_at(1_000_000_000))
    background = Background(entra.database, pause=0.0, chores=lambda: prune(entra.database, 90))
    background.wake()
    background.close()
    assert entra.log() == []


def test_a_worker_that_stops_leaves_the_rest_for_later(entra):
    for days in range(100):
        entry(entra, instant_at(1_000_000_000 + days))
    begun = Event()

    def pruning():
        for count in prune(entra.database, 90, batch=1):
            begun.set()
            yield count

    background = Background(entra.database, chores=pruning)
    background.wake()
    begun.wait()
    background.close()
    left = len(entra.log())
    assert left > 0
    assert sum(prune(entra.database, 90)) == left
