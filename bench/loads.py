"""Load over HTTP: prepared requests over kept-open connections, by wrk or by a small client of our own."""

import json
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_REPLAY = Path(__file__).parent / "replay.lua"
_CHUNK = 262_144
_MANY = 100


class Load(NamedTuple):
    """The outcome of a load: answers, failures among them, seconds in all, milliseconds of each."""

    answers: int
    errors: int
    seconds: float
    p50: float
    p99: float


def load(port: int, requests: Sequence[bytes], *, connections: int = 8, seconds: float = 30.0) -> Load:
    """Send the requests, each once, one at a time per connection; ends with the last answer, or when time is up."""
    # For a few requests, starting wrk takes longer than the requests.
    run = by_wrk if len(requests) >= _MANY and shutil.which("wrk") else by_client
    return run(port, requests, connections, seconds)


def by_wrk(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send the requests by wrk."""
    with tempfile.NamedTemporaryFile() as file:
        for request in requests:
            file.write(b"%d\n%s" % (len(request), request))
        file.flush()
        command = [
            "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s",
            "--timeout", "10s", "--script", str(_REPLAY), f"http://127.0.0.1:{port}", "--", file.name,
        ]  # fmt: skip
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    return Load(found["answers"], found["errors"], found["seconds"], found["p50"], found["p99"])


class Connection:
    """A kept-open connection with at most one unanswered request."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._received = bytearray()

    def send(self, request: bytes, began: float) -> None:
        """Send a request whose latency counts from `began`."""
        self.began = began
        self._received.clear()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read what has arrived; returns the status when the answer is complete, 0 if the connection was closed."""
        data = self.socket.recv(_CHUNK)
        if not data:
            return 0
        self._received += data
        return int(self._received[9:12]) if self._is_whole() else None

    def _is_whole(self) -> bool:
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return False
        fields = bytes(self._received[:head]).lower()
        if b"transfer-encoding: chunked" in fields:
            return self._received.endswith(b"0\r\n\r\n")
        _, _, length = fields.partition(b"content-length:")
        return len(self._received) >= head + 4 + int(length.split(b"\r\n", 1)[0] or 0)


def by_client(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send the requests from this process."""
    waiting = iter(requests)
    spent: list[float] = []
    errors = 0
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        busy = 0
        for request in (request for _, request in zip(range(connections), waiting, strict=False)):
            connection = Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request, time.perf_counter())
            busy += 1
        while busy and time.perf_counter() - began < seconds:
            for key, _ in selector.select(1.0):
                status = key.data.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                spent.append(now - key.data.began)
                errors += not 200 <= status < 300
                following = next(waiting, None) if status else None
                if following is None:
                    busy -= 1
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
                else:
                    key.data.send(following, now)
    return Load(len(spent), errors, time.perf_counter() - began, *percentiles(spent))


def percentiles(spent: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th percentile of times in seconds, in milliseconds."""
    ordered = sorted(spent) or [0.0]
    return (ordered[len(ordered) // 2] * 1e3, ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1e3)
