"""JSON as the wire may carry it: one whole document, bounded, with nothing ambiguous in it.

What msgspec lets pass or dies of is closed here: duplicate keys, of which it takes the last; deep
nesting, which ends in RecursionError; bodies that are not UTF-8. NaN, Infinity, 1e999 and numbers
of thousands of digits msgspec refuses by itself.
"""

import re
from typing import Any, Final

import msgspec

from bot.heatmap.failure import FailureKind, ReadingError
from bot.model.wiring import ProviderLimits

_LIMITS: Final = ProviderLimits()
_CONTAINERS_MAX: Final = 50_000
"""Objects and lists in one reply: ten times what the largest honest one holds."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_OTHER_THAN_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}:"'))
_BRACES_TO_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""One without an end runs to the end of the text: a search that gave up would be quadratic."""


def document(body: bytes) -> Any:
    """Return the document, or raise ReadingError saying what is wrong with it."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    keys = _count_spelled_keys(body)
    try:
        body.decode()
        found = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise _malformed("is not UTF-8") from error
    except (msgspec.MsgspecError, ValueError) as error:
        if body.lstrip()[:1] == b"<":
            raise _malformed("is a web page, not JSON") from error
        raise _malformed(f"is not JSON: {str(error)[:100]}") from error
    if _count_keys(found) != keys:
        raise _malformed("names a key twice in one object")
    return found


def _count_spelled_keys(body: bytes) -> int:
    """Return how many key-value pairs the text spells; raise where it nests too deep to parse.

    Strings are taken out, then each pass removes the innermost brackets: one level a pass.
    """
    if b"\\" in body:
        body = _STRING.sub(b"", body)
    text = body.translate(_BRACES_TO_BRACKETS, _OTHER_THAN_STRUCTURE)
    text = text.replace(b'""', b"")  # An empty string, or the seam of two: either may go.
    if b'"' in text:
        text = _STRING.sub(b"", text)
    keys = text.count(b":")
    text = text.replace(b":", b"")
    if len(text) > 2 * _CONTAINERS_MAX:
        raise _malformed(f"holds more than {_CONTAINERS_MAX:,} objects and lists")
    for _ in range(_LIMITS.nesting_max):
        text = text.replace(b"[]", b"")
    # What a cut text leaves is openers without an end: the parser says where it was cut.
    if b"[]" in text or len(text) > _LIMITS.nesting_max:
        raise _malformed(f"nests more than {_LIMITS.nesting_max} deep")
    return keys


def _count_keys(node: dict[str, Any] | list[Any] | Any) -> int:
    keys = 0
    if type(node) is dict:
        keys = len(node)
        node = node.values()
    elif type(node) is not list:
        return 0
    for value in node:
        if type(value) is dict or type(value) is list:
            keys += _count_keys(value)
    return keys


def _malformed(what: str) -> ReadingError:
    return ReadingError(FailureKind.MALFORMED, f"the reply {what}")
