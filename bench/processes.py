"""What running processes use, from procfs: processor time and memory."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg

_TICKS = 100
"""Linux reports processor times in hundredths of a second (proc(5), USER_HZ)."""


def processor_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes have used; a process that has ended counts as 0."""
    return sum(map(_seconds, pids))


def _seconds(pid: int) -> float:
    """The scheduler's sum over the threads, in nanoseconds; utime and stime if the kernel has none."""
    try:
        return sum(_scheduled(task) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9 or _ticks(pid)
    except FileNotFoundError:
        return 0.0


def _scheduled(task: Path) -> int:
    # A thread may end between the listing and the reading.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int((task / "schedstat").read_text().split()[0])
    return 0


def _ticks(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int, kind: str = "VmRSS") -> int:
    """Bytes in memory: now (VmRSS), or at most since `forget_peak` (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:"))


def forget_peak(pid: int) -> None:
    """Reset VmHWM to the memory in use now (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """The running processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def backends(url: str) -> Callable[[], list[int]]:
    """Returns a function that finds the Postgres processes of a database on this machine; SQLite has none."""
    if url.startswith("sqlite"):
        return list
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def found() -> list[int]:
        with psycopg.connect(url, autocommit=True) as connection:
            return [pid for (pid,) in connection.execute(query).fetchall()]

    return found
