"""gunicorn on a free port of this machine, as it serves Vestibule: gthread workers of 4 threads, kept-alive
connections."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.processes import children

ROOT = Path(__file__).parent.parent
_READY_SECONDS = 60.0


class Server(NamedTuple):
    """A running server: its port and the processes that answer."""

    port: int
    workers: tuple[int, ...]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that runs the product: these settings, and none of the caller's."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}


@contextmanager
def gunicorn(
    application: str, folder: Path, environ: Mapping[str, str], workers: int = 1, python: str = sys.executable
) -> Iterator[Server]:
    """A server of that application until the block ends; what it says goes into a file of the folder."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listener.getsockname()[1]
    log = folder / f"{application.replace(':', '.')}-{port}.log"
    command = [
        python, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--workers", str(workers),
        "--keep-alive", "75", "--no-control-socket", "--log-level", "warning", "--bind", f"fd://{listener.fileno()}",
        application,
    ]  # fmt: skip
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(environ), stdout=said, stderr=said, pass_fds=[listener.fileno()]
        )
    with listener, _ended(process):
        yield Server(port, _ready(process, port, workers, log))


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], port: int, workers: int, log: Path) -> tuple[int, ...]:
    """The workers, once all of them have started and one has answered."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = children(process.pid)
        if len(found) == workers and _answers(port):
            return tuple(found)
        time.sleep(0.1)
    raise RuntimeError(f"The server did not start; {log} says:\n{log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
