"""Fields of an exchange's JSON, each of the type that the documentation gives it.

Whatever is not as documented is no readable answer: it proves nothing, and is never taken for
"no order", "no position" or zero.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.gateway.failures import NoAnswerError
from bot.model.primitives import ZERO, Millis


class ShapeError(NoAnswerError):
    """A reply came whole and is not of the documented shape."""


def as_row(reply: Any, what: str) -> Mapping[str, Any]:
    """An object with at least one field."""
    if not isinstance(reply, dict) or not reply:
        raise ShapeError(f"{what}: the reply is not an object with fields")
    return reply


def as_rows(reply: Any, what: str) -> Sequence[Mapping[str, Any]]:
    """A list of objects; an empty list is an answer."""
    if not isinstance(reply, list):
        raise ShapeError(f"{what}: the reply is not a list")
    return [as_row(item, what) for item in reply]


def text_of(row: Mapping[str, Any], name: str) -> str:
    """A text that is not empty; a whole number counts, ids come as either."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ShapeError(f"{name!r} is missing or not text")
    return value


def optional_text_of(row: Mapping[str, Any], name: str) -> str:
    """A text that may be missing, null or empty: then empty."""
    return "" if row.get(name) in (None, "") else text_of(row, name)


def decimal_of(row: Mapping[str, Any], name: str) -> Decimal:
    """A finite number, given as text or as a whole number."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ShapeError(f"{name!r} is missing or not a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ShapeError(f"{name!r} is not a number") from None
    if not number.is_finite():
        raise ShapeError(f"{name!r} is not a finite number")
    return number


def optional_decimal_of(row: Mapping[str, Any], name: str) -> Decimal:
    """A number that may be missing, null or empty: then zero."""
    return ZERO if row.get(name) in (None, "") else decimal_of(row, name)


def whole_of(row: Mapping[str, Any], name: str) -> int:
    """A whole number, given as such or as digits."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise ShapeError(f"{name!r} is missing or not a whole number")


def millis_of(row: Mapping[str, Any], name: str) -> Millis:
    """An instant in milliseconds since 1970."""
    return Millis(whole_of(row, name))


def flag_of(row: Mapping[str, Any], name: str) -> bool:
    """True or false, given as such or as a word."""
    value = row.get(name)
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ShapeError(f"{name!r} is missing or neither true nor false")
