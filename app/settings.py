"""Every setting: its name, default and meaning; read from the environment, checked at start, frozen."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

PREFIX = "VESTIBULE_"

Reader = Callable[[str], Any]
"""From text to value; raises ValueError with what is expected, in words that follow "must be"."""

_OTHERS = frozenset({"VESTIBULE_REQUIRE_ALL", "VESTIBULE_LONG", "VESTIBULE_FUZZ"})
"""Variables of our prefix that are not the server's: the test suite's."""

# Kubernetes tells every pod of a Service called vestibule, or vestibule-something, where that Service is.
_OF_KUBERNETES = re.compile(
    r"VESTIBULE_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?=.*|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?=.*|PORT=(tcp|udp|sctp)://.*)", re.S
)
_HOST = r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]"
_ADDRESS = re.compile(rf"({_HOST}):(\d{{1,5}})", re.I | re.A)
_URL = re.compile(rf"(https?://({_HOST})(:\d{{1,5}})?(/[\w.~%-]+)*)/*", re.I | re.A)
_SQLITE = re.compile(r"sqlite:///(?!:memory:)[^?#\x00-\x1f]*[^?#\x00-\x1f/]")
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 (compared with, not bound to)
_WORDS = {"true": True, "false": False}


class SettingError(Exception):
    """A setting that the server cannot start with; its text is one sentence for the operator."""


def whole(least: int, most: int) -> Reader:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if re.fullmatch(r"\d{1,12}", text, re.A) and least <= int(text) <= most:
            return int(text)
        raise ValueError(f"a whole number from {least} to {most}")

    return read


def seconds(least: float, most: float) -> Reader:
    """A time in seconds within bounds."""

    def read(text: str) -> float:
        if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.A) and least <= float(text) <= most:
            return float(text)
        raise ValueError(f"a number of seconds from {least:g} to {most:g}")

    return read


def one_of(*words: str) -> Reader:
    """One of these words, in any case."""

    def read(text: str) -> str:
        if text.lower() in words:
            return text.lower()
        raise ValueError(f"one of {', '.join(words)}")

    return read


def boolean(text: str) -> bool:
    """The words true and false, in any case."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    raise ValueError("true or false")


def secret(text: str) -> str:
    """Text that is too long to be guessed."""
    if len(text) >= 32:
        return text
    raise ValueError("at least 32 characters long")


def address(text: str) -> str:
    """HOST:PORT; IPv6 addresses stand in brackets."""
    match = _ADDRESS.fullmatch(text)
    if match and 0 < int(match[3]) < 65_536:
        return text
    raise ValueError("an address and a port, such as 127.0.0.1:8080 or [::1]:8080")


def public_url(text: str) -> str:
    """The URL in front of /scim, without a slash at its end."""
    match = _URL.fullmatch(text)
    if match:
        return match[1]
    raise ValueError("an http:// or https:// URL such as https://scim.example.com, without query and fragment")


def database_url(text: str) -> str:
    """A file of SQLite, or a database of Postgres as libpq writes it."""
    if _SQLITE.fullmatch(text):
        return text
    if re.fullmatch(r"postgresql://\S+", text):
        with suppress(ProgrammingError):
            conninfo_to_dict(text)
            return text
    raise ValueError(
        "sqlite:///relative/file.db, sqlite:////absolute/file.db or postgresql://user:password@host/database"
        " (special characters in the password percent-encoded)"
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: where a field of Settings comes from. `default` is in words where it is computed."""

    name: str
    environment: str
    default: str
    meaning: str
    read: Reader
    secret: bool

    def value(self, text: str, called: str) -> Any:
        """The value of a text. Raises SettingError with what the setting is called; a secret is not echoed."""
        if not text:
            raise SettingError(f"{called} is empty: give it a value, or leave it out.")
        try:
            return self.read(text)
        except ValueError as error:
            shown = "" if self.secret else f", not {text[:80]!r}"
            raise SettingError(f"{called} must be {error}{shown}.") from error


def _setting(default: Any, read: Reader, meaning: str, *, shown: str | None = None, secret: bool = False) -> Any:
    """A field of Settings and its row of the table; `shown` says in words what a computed default is."""
    return field(default=default, repr=not secret, metadata={"row": (read, meaning, shown, secret)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can choose; docs/settings.md shows the same table."""

    database_url: str = _setting(
        "sqlite:///var/vestibule.db",
        database_url,
        "Where the directory is kept, in SQLite or in Postgres.",
        secret=True,
    )
    public_url: str | None = _setting(
        None,
        public_url,
        "The URL that clients see in front of /scim, such as https://scim.example.com.",
        shown="http:// and VESTIBULE_BIND",
    )
    secret_key: str | None = _setting(
        None,
        secret,
        "What the server signs with, 32 characters or more.",
        shown="made once, kept in the database",
        secret=True,
    )
    bind: str = _setting("127.0.0.1:8080", address, "The address and port to listen at.")
    workers: int = _setting(
        min(os.cpu_count() or 1, 4), whole(1, 64), "How many processes serve.", shown="one a core, at most 4"
    )
    threads: int = _setting(4, whole(1, 64), "How many requests a process serves at once.")
    max_body: int = _setting(8 * 2**20, whole(2**16, 2**28), "How many bytes the body of a request may have.")
    default_count: int = _setting(
        100, whole(1, 10_000), "How many resources a page of a list holds where the client does not say."
    )
    bulk_max_operations: int = _setting(
        1_000,
        whole(1, 100_000),
        "How many operations a bulk job has at most; its size is bounded by VESTIBULE_MAX_BODY.",
    )
    max_count: int = _setting(1_000, whole(100, 10_000), "How many resources a page of a list holds at most.")
    log_level: str = _setting(
        "info", one_of("debug", "info", "warning", "error"), "The least level of the lines that are written to stderr."
    )
    log_retention_days: int = _setting(90, whole(1, 3_650), "For how many days the provisioning log keeps its entries.")
    # Entra gives a request up after 60 seconds; nothing that it waits for may take that long.
    statement_timeout: float = _setting(20.0, seconds(1, 50), "After how many seconds Postgres ends a statement.")
    search_deadline: float = _setting(
        10.0, seconds(0.1, 50), "After how many seconds a search that no index serves is refused."
    )
    busy_timeout: float = _setting(15.0, seconds(0.1, 50), "For how many seconds SQLite waits for another writer.")
    token_cache: float = _setting(
        0.2, seconds(0, 5), "For how many seconds a process trusts what it read of a token; a revocation waits as long."
    )
    public_discovery: bool = _setting(
        False, boolean, "Whether a tenant's schemas and what the server can do are told without a token."
    )
    prepared_statements: bool = _setting(
        True, boolean, "Whether Postgres keeps statements prepared; false behind a pooler of transactions."
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings that these variables name, each either by VESTIBULE_NAME or by VESTIBULE_NAME_FILE.

        Raises SettingError for a wrong value, an unreadable file, or a variable of our prefix that is not a setting.
        """
        _refuse_unknown(environ)
        given = {setting.name: _given(setting, environ) for setting in SETTINGS}
        settings = cls(**{name: value for name, value in given.items() if value is not None})
        _check_order(settings, "default_count", "max_count")
        if not settings.database_url.startswith("sqlite:"):
            # Postgres would end a search before its deadline, and the refusal would name the deadline.
            _check_order(settings, "search_deadline", "statement_timeout")
        return settings

    @property
    def base_url(self) -> str:
        """What stands in front of /scim/{tenant}/v2 in every URL; a server on this machine where nothing is said."""
        if self.public_url is not None:
            return self.public_url
        host, _, port = self.bind.rpartition(":")
        return f"http://{_WILDCARDS.get(host, host)}:{port}"


def _row(each: Field[Any]) -> Setting:
    read, meaning, shown, secret = each.metadata["row"]
    default = f"{each.default:g}" if isinstance(each.default, float) else str(each.default)
    default = default.lower() if isinstance(each.default, bool) else default
    return Setting(each.name, PREFIX + each.name.upper(), shown or default, meaning, read, secret)


SETTINGS = tuple(map(_row, fields(Settings)))
"""Every setting, in the order of docs/settings.md."""

_KNOWN = [setting.environment + suffix for setting in SETTINGS for suffix in ("", "_FILE")]


def option(name: str, text: str, called: str) -> Any:
    """The value of a setting that a command-line option overrides. Raises SettingError naming the option."""
    return next(setting for setting in SETTINGS if setting.name == name).value(text, called)


def _check_order(settings: Settings, smaller: str, larger: str) -> None:
    low, high = getattr(settings, smaller), getattr(settings, larger)
    if low > high:
        raise SettingError(
            f"{PREFIX}{smaller.upper()} ({low:g}) must not be above {PREFIX}{larger.upper()} ({high:g})."
        )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """A misspelt variable would silently leave its default in force."""
    ours = (name for name in environ if name.startswith(PREFIX) and name not in _KNOWN and name not in _OTHERS)
    for name in ours:
        if _OF_KUBERNETES.fullmatch(f"{name}={environ[name]}") is None:
            # Without the prefix, which would make everything look alike.
            close = get_close_matches(name[len(PREFIX) :], [known[len(PREFIX) :] for known in _KNOWN], n=1)
            meant = f": did you mean {PREFIX}{close[0]}?" if close else "; docs/settings.md lists them all."
            raise SettingError(f"{name} is not a setting{meant}")


def _given(setting: Setting, environ: Mapping[str, str]) -> Any:
    """The value of a setting that is named in one of its two ways, None if it is named in neither."""
    name, file_name = setting.environment, f"{setting.environment}_FILE"
    if name in environ and file_name in environ:
        raise SettingError(f"{name} and {file_name} are both given: leave one of them out.")
    if file_name in environ:
        return setting.value(_content(environ[file_name], file_name), f"The content of the file in {file_name}")
    return setting.value(environ[name], name) if name in environ else None


def _content(path: str, called: str) -> str:
    """The text of a file without the newline at its end."""
    try:
        return Path(path).read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise SettingError(f"{called} names {path!r}, which cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingError(f"{called} names {path!r}, which is not UTF-8 text.") from error
