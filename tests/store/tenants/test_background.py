"""The background thread of a worker writes what is in memory every few seconds, whatever else it does or fails at."""

import pytest

from store.tenants.background import Background


def failing():
    raise ZeroDivisionError


def test_a_writer_that_fails_does_not_prevent_others(database):
    background, written = Background(database), []
    for write in (failing, lambda: written.append("second"), lambda: written.append("third")):
        background.add(write)
    with pytest.raises(ZeroDivisionError):
        background.flush()
    assert written == ["second", "third"]
