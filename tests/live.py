"""A real server for the tests that need one: `vestibule serve` in processes of its own, on a free port."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
DEADLINE = 30.0
"""For how many seconds a test waits for a process before it fails."""

_COMMAND = (sys.executable, "-c", "from app.cli import main; main()")


class Reply(NamedTuple):
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON value."""
        return json.loads(self.body)


def vestibule(*arguments: str, stdout: int = subprocess.PIPE, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; the settings are named in lower case, without prefix."""
    return subprocess.run(
        [*_COMMAND, *arguments],
        cwd=ROOT,
        env=_environment(settings),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def started(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    """The same command, not waited for; what it writes is lost."""
    lost = subprocess.DEVNULL
    return subprocess.Popen([*_COMMAND, *arguments], cwd=ROOT, env=_environment(settings), stdout=lost, stderr=lost)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A server that runs. `lines` is what it wrote to stderr so far."""

    process: subprocess.Popen[str]
    port: int
    lines: list[str] = field(default_factory=list)
    _news: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def request(self, method: str, path: str, body: Any = None, token: str | None = None) -> Reply:
        """Send a request over a connection of its own; a body that is no bytes is sent as SCIM JSON."""
        headers = {"Content-Type": "application/scim+json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def send(self, message: bytes) -> Reply:
        """Send these very bytes, which need not be HTTP, and read the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as connection:
            connection.sendall(message)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def stop(self) -> int:
        """End the server as a service manager does; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def wait_for(self, text: str) -> None:
        """Wait until the server writes a line that holds the text."""
        while True:
            line = self._news.get(timeout=DEADLINE)
            if line is None:
                raise AssertionError("the server ended:\n" + "".join(self.lines))
            if text in line:
                return

    def listen(self) -> None:
        """Gather the lines of stderr, so that the pipe does not fill up."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)
            self._news.put(line)
        self._news.put(None)


@contextmanager
def serving(*options: str, **settings: str) -> Iterator[Server]:
    """A server over the migrated database that `database_url` names, listening; it ends with the block."""
    with _serving((*_COMMAND, "serve"), options, settings) as server:
        yield server


@contextmanager
def serving_by_gunicorn(*options: str, **settings: str) -> Iterator[Server]:
    """The same under gunicorn's own command."""
    with _serving((sys.executable, "-m", "gunicorn", "wsgi:application"), options, settings) as server:
        yield server


@contextmanager
def _serving(program: Sequence[str], options: Sequence[str], settings: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [*program, "--bind", f"127.0.0.1:{port}", *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        server = Server(process, port)
        listener = Thread(target=server.listen, daemon=True)
        listener.start()
        try:
            server.wait_for("Listening at")
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(DEADLINE)
            finally:
                # What does not end by itself is killed, and with it, as it notices, each of its workers.
                process.kill()
                listener.join(DEADLINE)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    return others | {f"VESTIBULE_{name.upper()}": value for name, value in settings.items()}
