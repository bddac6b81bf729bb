"""A type of values that Vestibule does not have, for the tests that add it."""

import re

from scim.types import ValueType, text_literal


def seconds(text):
    """The key of durations such as PT90S: their seconds, with a fixed width."""
    found = re.fullmatch(r"PT(\d{1,9})S", text)
    if found is None:
        raise ValueError(text)
    return found[1].rjust(9, "0")


def duration(value):
    """See ValueType.load."""
    try:
        seconds(value)
    except ValueError as error:
        raise TypeError from error
    return value


DURATION = ValueType(
    "duration", "String", "a duration such as PT90S", duration, text_literal, frozenset({"eq", "gt", "lt"}), seconds,
    openapi={"type": "string", "format": "duration"},
)  # fmt: skip
