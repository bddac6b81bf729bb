"""Vestibule does all the work that its peers are compared by, and keeps every promise that is tried."""

import sys
from contextlib import ExitStack

import pytest

from bench import contenders, promises
from bench.loads import load
from bench.peers import ours


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_all_work_is_done_and_all_promises_are_kept(database, tmp_path, monkeypatch):
    for module in (contenders, promises):
        monkeypatch.setattr(module, "MEMBERS", 12)
    with ExitStack() as stack:
        vestibule = ours(database, tmp_path, stack)
        server = stack.enter_context(vestibule.served(tmp_path, sys.executable))
        vestibule.fill(server, 5)
        for work in contenders.WORKS:
            seen = load(server.port, work.requests(vestibule, 0, 5))
            assert (work.name, seen.answers, seen.errors) == (work.name, 5, 0)
        kept = {name: promise(vestibule, server) for name, promise in promises.PROMISES.items()}
    assert kept == dict.fromkeys(promises.PROMISES, True)
