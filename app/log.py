"""The server's own log: one JSON line for each request on stderr, without personal values and tokens."""

import json
import logging
import random
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from app.settings import Settings

# Only this logger is written: at level debug peewee would log the parameters of every statement.
LOGGER = logging.getLogger("vestibule")


class JsonFormatter(logging.Formatter):
    """A record as one JSON object; whatever a client sent stays inside its string."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _described(record.exc_info[1])
        return json.dumps({name: value for name, value in line.items() if value is not None}, separators=(",", ":"))


def _described(error: BaseException) -> list[dict[str, Any]]:
    """The error and its causes by type and place, without their texts: a database puts values into them."""
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:
        frames = traceback.extract_tb(current.__traceback__)[-20:]
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"type": type(current).__name__, "at": places})
        current = current.__cause__ or current.__context__
    return chain


class StderrHandler(logging.Handler):
    """Writes a line at once, so that the lines of several threads and workers do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; a closed pipe or a full disk does not fail the request."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except OSError:
            self.handleError(record)


def configure(settings: Settings) -> None:
    """Write the log to stderr from the level of the settings on. A second call replaces the first."""
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter())
    LOGGER.handlers = [handler]
    LOGGER.setLevel(settings.log_level.upper())
    LOGGER.propagate = False


def number() -> str:
    """A number by which people find the line of a request; it need not be hard to guess."""
    return f"{random.getrandbits(48):012x}"


def request_line(
    *,
    id: str,
    tenant: str | None,
    method: str,
    route: str | None,
    status: int,
    seconds: float,
    scim_type: str | None = None,
) -> None:
    """Log one request. `tenant` is None until a token was valid for it.

    `route` is the rule that matched, not the URL: a query string holds user names and e-mail addresses.
    """
    level = logging.ERROR if status >= 500 else logging.INFO
    if not LOGGER.isEnabledFor(level):
        return
    fields = {
        "request": id, "tenant": tenant, "method": method, "route": route,
        "status": status, "ms": round(seconds * 1000, 1), "scimType": scim_type,
    }  # fmt: skip
    LOGGER.log(level, "request", extra={"fields": fields})
