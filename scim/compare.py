"""The rules by which text is compared: each makes the key that is compared instead of the text (RFC 7643 §2.2, §2.3).

Comparison keys are made here alone, at write time and for the literals of filters. Python, SQLite and Postgres fold
case and read dates in different ways; with keys they compare the same bytes.
"""

import base64
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_WIDE = {"<wide>", "<narrow>"}
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE
)
_FRACTION_DIGITS = 9


def exact(text: str) -> str:
    """The key of text that is compared with regard to case: its composed form (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The key of text that is compared without regard to case: composed, case-folded, composed again."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def user_name(text: str) -> str:
    """The key of a userName: full-width and half-width forms mapped as well (UsernameCaseMapped, RFC 8265 §3.3.1)."""
    if text.isascii():
        return text.lower()
    return folded("".join(_narrowed(character) for character in text))


def _narrowed(character: str) -> str:
    form, _, _ = unicodedata.decomposition(character).partition(" ")
    return unicodedata.normalize("NFKC", character) if form in _WIDE else character


def email(text: str) -> str:
    """The key of an e-mail address."""
    return folded(text)


def group_name(text: str) -> str:
    """The key of a group's displayName."""
    return folded(text)


COMPARISONS: dict[str, Callable[[str], str]] = {
    "exact": exact, "folded": folded, "userName": user_name, "email": email, "groupName": group_name,
}  # fmt: skip
"""The rules by which text is compared, by the name that an attribute's `compare` has."""


def instant(text: str) -> str:
    """The key of an xsd:dateTime: the instant in UTC with a fixed width, so that text order is time order. A dateTime
    without an offset counts as UTC. Raises ValueError where the text is no date and time."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    *clock, fraction, offset = match.groups()
    year, month, day, hour, minute, second = map(int, clock)
    midnight = (hour, minute, second) == (24, 0, 0) and not (fraction or "").strip("0")
    local = datetime(year, month, day, 0 if midnight else hour, minute, second, tzinfo=UTC)
    try:
        utc = local + timedelta(days=midnight) - _offset(offset)
    except OverflowError as error:
        raise ValueError(text) from error
    return f"{utc:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{(fraction or '')[:_FRACTION_DIGITS]:0<{_FRACTION_DIGITS}}Z"


def _offset(text: str | None) -> timedelta:
    if text is None or text in "Zz":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueError(text)
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def base64_of(text: str) -> str:
    """The key of a binary value: base64 with its padding (RFC 4648 §4). Raises ValueError where it is not base64."""
    data = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    return base64.b64encode(data).decode("ascii")
