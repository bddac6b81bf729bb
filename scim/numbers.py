"""Numbers that every JSON parser and both databases read back unchanged (RFC 7643 §2.3.3, §2.3.4)."""

import re
from decimal import Decimal

MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 15
MAX_EXPONENT = 307
"""Decimals of so many significant digits and such an exponent read the same in every JSON parser and database."""

_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_LIMITS = f"at most {MAX_DIGITS} significant digits and an exponent of at most {MAX_EXPONENT}"


def integer(value: object) -> int:
    """The whole number that a JSON number without fraction or exponent stands for, or its digits as text. Raises
    TypeError for anything else, ValueError for a number that is too large to be stored."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float):
        raise TypeError("a fraction")
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if abs(value) > MAX_INTEGER:
        raise ValueError(f"must lie between -{MAX_INTEGER} and {MAX_INTEGER}")
    return value


def decimal(value: object) -> int | float:
    """The number that a JSON number or its digits as text stand for, an int where it has no fraction. Raises TypeError
    for anything else, ValueError for a number that a double does not hold."""
    return _stored(_parsed(value), f"must have {_LIMITS}")


def integer_literal(value: object) -> int | float:
    """What whole numbers are compared with, which may have a fraction; raises as `decimal` does."""
    number = _parsed(value)
    if number != number.to_integral_value():
        return decimal_literal(value)
    if abs(number) > MAX_INTEGER:
        raise ValueError(f"lies between -{MAX_INTEGER} and {MAX_INTEGER}: compare it with such a number")
    return int(number)


def decimal_literal(value: object) -> int | float:
    """What decimals are compared with; raises as `decimal` does."""
    return _stored(_parsed(value), f"can be compared with numbers of {_LIMITS}")


def _parsed(value: object) -> Decimal:
    """A JSON number or its digits as text, exactly. Raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, str) and _DECIMAL.fullmatch(value) is None:
        raise TypeError
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise TypeError
    return number


def _stored(number: Decimal, refusal: str) -> int | float:
    """The number as it is stored. Raises ValueError where a double does not give the decimal back unchanged."""
    # Decimal.normalize would round it to 28 digits first.
    significant = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(significant) > MAX_DIGITS or (number and abs(number.adjusted()) > MAX_EXPONENT):
        raise ValueError(refusal)
    return int(number) if number == number.to_integral_value() and abs(number) < 10**MAX_DIGITS else float(number)
