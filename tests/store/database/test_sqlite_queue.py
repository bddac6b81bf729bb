"""The threads and processes that write to one SQLite database take turns and wait for a limited time."""

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.database.sqlite_queue import NoTurn, SqliteQueue

ROOT = Path(__file__).parents[3]
BUSY = """
import sys, time
from store.database.sqlite_queue import SqliteQueue
turns, end = SqliteQueue(sys.argv[1], 10.0), time.monotonic() + float(sys.argv[2])
print("ready", flush=True)
count = 0
while time.monotonic() < end:
    with turns:
        work = time.monotonic() + 0.001
        while time.monotonic() < work:
            pass
    count += 1
print(count)
"""
HOLDING = """
import sys
from store.database.sqlite_queue import SqliteQueue
with SqliteQueue(sys.argv[1], 10.0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return f"{tmp_path}/database.turn"


@pytest.fixture
def other(path):
    """Starts another process that uses the queue at `path`, and waits for its first line."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", program, path, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_processes_that_write_all_the_time_take_turns(other):
    processes = [other(BUSY, "2.0") for _ in range(2)]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert min(counts) > 0.2 * sum(counts)


def test_a_killed_process_does_not_block_others(other, path):
    holding = other(HOLDING)
    holding.kill()
    holding.wait()
    began = time.monotonic()
    with SqliteQueue(path, 30.0):
        assert time.monotonic() - began < 15.0


def test_a_thread_that_waited_too_long_is_refused_and_may_try_again(other, path):
    """SQLite would let it wait again for the same time."""
    holding, turns = other(HOLDING), SqliteQueue(path, 0.2)
    began = time.monotonic()
    with pytest.raises(NoTurn, match="another process"), turns:
        pass
    assert 0.2 <= time.monotonic() - began < 15.0
    holding.kill()
    holding.wait()
    with turns, ThreadPoolExecutor(1) as threads:
        refused = threads.submit(turns.__enter__)
        with pytest.raises(NoTurn, match="other threads"):
            refused.result(60)
    with turns:
        pass


def test_one_thread_writes_at_a_time_and_may_enter_again(path):
    turns, inside = SqliteQueue(path, 60.0), Counter[str]()

    def work(number):
        for _ in range(50):
            with turns, turns:
                inside["now"] += 1
                inside["most"] = max(inside["most"], inside["now"])
                inside["now"] -= 1
        return number

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [0, 1, 2, 3]
    assert inside["most"] == 1


def test_without_the_file_the_database_itself_decides(tmp_path):
    with SqliteQueue(f"{tmp_path}/missing/database.turn", 0.1):
        pass
