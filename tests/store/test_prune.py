"""The provisioning log keeps its entries for as long as the setting says."""

from store.contacts import Contacts
from store.database import instant_at, now
from store.journal import prune
from store.models import Journal


def entry(client, time):
    Journal.insert(tenant=client.tenant.pk, time=time, level="info", operation="POST", status=201, name="old").execute()


def test_entries_that_are_older_than_the_setting_go_in_small_batches(entra):
    for days in range(5):
        entry(entra, instant_at(1_000_000_000 + days))
    entry(entra, now())
    assert prune(entra.database, 90, batch=2) >= 5
    assert len(entra.log()) == 1
    assert prune(entra.database, 90) == 0


def test_the_thread_of_the_contacts_prunes_with_the_first_contact(entra):
    entry(entra, instant_at(1_000_000_000))
    contacts = Contacts(entra.database, seconds=0.0, chores=lambda: prune(entra.database, 90))
    contacts.note(1, entra.tenant.pk)
    contacts.close()
    assert entra.log() == []
