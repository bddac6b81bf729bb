"""Work over many rows is done in batches, once for each row, while clients continue."""

import threading
from itertools import islice

import pytest

from store.database.sweep import sweep, sweep_out
from store.tables import Resource


class Kept:
    """A mark in memory instead of in a row."""

    def __init__(self, key=0):
        self.key = key

    def read(self):
        return self.key

    def keep(self, key):
        self.key = key


@pytest.fixture
def people(entra):
    """The keys of seven users."""
    for number in range(7):
        entra.user(f"user{number}")
    return [pk for (pk,) in _rows(entra).order_by(Resource.pk).tuples()]


def _rows(client):
    return Resource.select(Resource.pk).where(Resource.tenant == client.tenant.pk)


def swept(entra, **given):
    """The keys that each transaction of a sweep processes, and the counts that it yields."""
    batches = []
    counts = sweep(
        entra.database, _rows(entra), Resource.pk, lambda _, rows: batches.append([pk for (pk,) in rows]), **given
    )
    return batches, counts


def test_every_row_is_processed_once_in_the_order_of_keys(entra, people):
    batches, counts = swept(entra, batch=3)
    assert list(counts) == [3, 3, 1]
    assert batches == [people[:3], people[3:6], people[6:]]


def test_a_sweep_with_a_mark_is_resumed_where_it_was(entra, people):
    mark = Kept()
    assert list(islice(swept(entra, batch=3, mark=mark)[1], 1)) == [3]
    assert mark.key == people[2]
    batches, counts = swept(entra, batch=3, mark=mark)
    assert (list(counts), batches) == ([3, 1], [people[3:6], people[6:]])


def test_a_deleted_mark_stops_the_sweep(entra, people):
    assert list(swept(entra, mark=Kept(None))[1]) == []


def test_a_batch_that_fails_is_undone_with_what_it_did(entra, people):
    def work(_, rows):
        Resource.update(display="changed").where(Resource.pk == rows[0][0]).execute()
        if rows[0][0] != people[0]:
            raise RuntimeError

    counts = sweep(entra.database, _rows(entra), Resource.pk, work, batch=3)
    with pytest.raises(RuntimeError):
        list(counts)
    assert _rows(entra).where(Resource.display == "changed").count() == 1


def test_a_transaction_that_runs_again_processes_the_same_rows(entra, people):
    batches, fails = [], [True]

    def work(_, rows):
        batches.append([pk for (pk,) in rows])
        if len(batches) == 2 and fails.pop():
            # As after a lost race: a reference to a missing row makes the database refuse the commit.
            Resource.update(manager=-1).where(Resource.pk == rows[0][0]).execute()

    assert list(sweep(entra.database, _rows(entra), Resource.pk, work, batch=3)) == [3, 3, 1]
    assert batches == [people[:3], people[3:6], people[3:6], people[6:]]


def test_rows_are_locked_while_they_are_processed(entra, people):
    """A client's change of a locked row waits for the transaction and is not lost."""
    begun, changed = threading.Event(), threading.Event()

    def change():
        begun.wait()
        entra.database.write(lambda _: Resource.update(display="by a client").where(Resource.pk == people[0]).execute())
        changed.set()
        entra.database.close()

    def work(_, rows):
        begun.set()
        assert not changed.wait(0.2)
        Resource.update(display="by the sweep").where(Resource.pk.in_([pk for (pk,) in rows])).execute()

    client = threading.Thread(target=change)
    client.start()
    list(sweep(entra.database, _rows(entra), Resource.pk, work))
    client.join()
    assert _rows(entra).where(Resource.display == "by a client").count() == 1


def test_rows_are_deleted_in_batches(entra, people):
    chosen = (Resource.tenant == entra.tenant.pk) & (Resource.pk > people[1])
    assert list(sweep_out(entra.database, Resource, chosen, Resource.pk, batch=2)) == [2, 2, 1]
    assert [pk for (pk,) in _rows(entra).order_by(Resource.pk).tuples()] == people[:2]
