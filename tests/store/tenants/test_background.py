"""The background thread of a worker writes what is in memory every few seconds, whatever else it does or fails at."""

import time
from threading import Event

import pytest

from store.tenants.background import Background

PATIENCE = 20.0


def failing():
    raise ZeroDivisionError


def test_a_writer_that_fails_does_not_prevent_others(database):
    background, written = Background(database), []
    for write in (failing, lambda: written.append("second"), lambda: written.append("third")):
        background.add(write)
    with pytest.raises(ZeroDivisionError):
        background.flush()
    assert written == ["second", "third"]


def test_what_arrives_during_the_chores_is_written_between_two_of_their_steps(database):
    arrived: list[str] = []
    written: list[str] = []
    seen: list[str] = []
    over = Event()

    def chores():
        yield
        arrived.append("refusal")
        background.wake()
        yield
        seen.extend(written)
        over.set()
        yield

    background = Background(database, pause=0.0, chores=chores)
    background.add(lambda: written.extend(arrived))
    background.wake()
    assert over.wait(PATIENCE)
    background.close()
    assert seen == ["refusal"]


def test_after_a_failure_no_refusal_shortens_the_pause(database):
    background, times, over = Background(database, pause=0.2), [], Event()

    def write() -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            background.wake(at_once=True)
            raise ZeroDivisionError
        over.set()

    background.add(write)
    background.wake()
    assert over.wait(PATIENCE)
    background.close()
    assert min(times[1] - times[0], times[2] - times[1]) >= 0.15
