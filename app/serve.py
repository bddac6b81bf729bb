"""The server process: gunicorn with threads, its own refusals and log lines in our words."""

import contextlib
import errno
import signal
import socket
from http import HTTPStatus
from typing import Any

from flask import Flask
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker
from peewee import PeeweeException

from app import auth, create_app
from app.errors import failure
from app.log import LOGGER, JsonFormatter, number
from app.settings import SettingError, Settings
from app.wire import SCIM_JSON
from scim.document import dumps
from scim.envelopes import error_body
from scim.errors import ScimError

MAX_REQUEST_LINE = 8_190
"""The longest request line in bytes, which is the most that gunicorn can be told."""

KEEP_ALIVE = 75
"""For how many seconds a connection without requests stays open: longer than a proxy in front keeps it."""

GRACE = 30
"""For how many seconds requests may continue after SIGTERM."""

_ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def refuse_taken(bind: str) -> None:
    """Raise SettingError unless the server can listen at an address, HOST:PORT.

    gunicorn would find out by itself, but repeats itself for five seconds.
    """
    host, _, port = bind.rpartition(":")
    with socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), int(port)))
        except OSError as error:
            other = "name another address with VESTIBULE_BIND or --bind"
            if error.errno == errno.EADDRINUSE:
                detail = f"Port {port} is taken by another program ({bind}): stop that program, or {other}."
            else:
                detail = f"The server cannot listen at {bind} ({error.strerror}): {other}."
            raise SettingError(detail) from error


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, told by our settings instead of its own. The database must be migrated."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._application = create_app(settings)
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn what it asks for."""
        config: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": Worker,
            "preload_app": True,
            "keepalive": KEEP_ALIVE,
            "graceful_timeout": GRACE,
            "limit_request_line": MAX_REQUEST_LINE,
            # It would lie in the home directory, where the next server of the same user takes it over.
            "control_socket_disable": True,
            "logger_class": JsonLogger,
            # At its level debug, gunicorn writes down what clients sent.
            "loglevel": "info" if self._settings.log_level == "debug" else self._settings.log_level,
            "worker_exit": self._end_worker,
        }
        for name, value in config.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """What the workers serve; it was made before they were forked, so that they share its memory."""
        return self._application

    def run(self) -> None:
        """Start the workers, watch over them, and end the process with them when a signal comes."""
        Master(self).run()

    def _end_worker(self, arbiter: object, worker: object) -> None:
        """Write what a stopping worker has in memory; errors of the database do not stop its exit."""
        gate = auth.gate(self._application)
        with contextlib.suppress(PeeweeException, ScimError):
            gate.background.close()
        gate.database.close()


class Master(Arbiter):  # type: ignore[misc]
    """The process that watches over the workers."""

    def spawn_worker(self) -> Any:
        """Fork a worker. A signal that comes before the worker can handle it waits: gunicorn loses it, and a server
        that is stopped as soon as it has started would end only after the time of grace."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own log, in the lines of ours."""

    def setup(self, cfg: Any) -> None:
        """Write to stderr as gunicorn does, in our format."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())


_MALFORMED_HEADER = HTTPStatus.BAD_REQUEST, "A header of the request is malformed (RFC 9112 §5)."
_REFUSALS = {
    errors.LimitRequestLine: (
        HTTPStatus.REQUEST_URI_TOO_LONG,
        f"The request line is longer than {MAX_REQUEST_LINE} bytes: send a shorter filter, or ask for fewer"
        " attributes.",
    ),
    errors.LimitRequestHeaders: (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too many or too long."),
    errors.InvalidRequestLine: (
        HTTPStatus.BAD_REQUEST,
        "The request line is malformed: every character of the URL that is not ASCII, and every blank, must be"
        " percent-encoded (RFC 3986 §2.1).",
    ),
    errors.InvalidRequestMethod: (HTTPStatus.BAD_REQUEST, "The method is malformed (RFC 9110 §9.1)."),
    errors.InvalidHTTPVersion: (HTTPStatus.BAD_REQUEST, "This server supports HTTP/1.1 and HTTP/1.0."),
    errors.InvalidHeader: _MALFORMED_HEADER,
    errors.InvalidHeaderName: _MALFORMED_HEADER,
    errors.ObsoleteFolding: _MALFORMED_HEADER,
    errors.ExpectationFailed: (HTTPStatus.EXPECTATION_FAILED, "The header Expect can only be 100-continue."),
    errors.UnsupportedTransferCoding: (HTTPStatus.NOT_IMPLEMENTED, "The only transfer coding here is chunked."),
}
"""What gunicorn refuses before the application sees it."""

_OTHER = HTTPStatus.BAD_REQUEST, "The request is malformed (RFC 9112)."


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker process that refuses in SCIM: gunicorn answers in HTML, and logs what it was asked."""

    def init_signals(self) -> None:
        """Handle signals, those that came since the fork included."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: Exception) -> None:
        """Answer a request that did not reach the application, or that the application failed to answer."""
        failed = isinstance(exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName)
        if failed or not isinstance(exc, errors.ParseException):
            error = failure(exc, number())
        else:
            status, detail = _REFUSALS.get(type(exc), _OTHER)
            error = ScimError(detail, status=status)
            LOGGER.info("request refused", extra={"fields": {"status": status, "reason": type(exc).__name__}})
        with contextlib.suppress(OSError):
            util.write_nonblock(client, _answer(error))


def _answer(error: ScimError) -> bytes:
    """A whole HTTP message (RFC 9112 §2.1), after which the connection is closed."""
    status = HTTPStatus(error.status)
    body = dumps(error_body(error)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {SCIM_JSON}", f"Content-Length: {len(body)}",
        "Cache-Control: no-store", "Connection: close",
    )  # fmt: skip
    return "\r\n".join((*head, "", "")).encode() + body
