"""JSON as an exchange may send it: one whole document, with nothing ambiguous in it.

HTML, an empty body and a reply that was cut off are no empty list of positions. Numbers that are
not whole stay as they were written, so that a price is the exchange's own digits.
"""

import json
from typing import Any, Final, NoReturn

NESTING_MAX: Final = 64
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class UnreadableError(ValueError):
    """No such document; the sentence says why, and quotes nothing of it."""


def document(body: bytes) -> Any:
    """Give the object or list of a body; numbers with a point or an exponent are strings.

    Raises:
        UnreadableError: anything else.

    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        raise UnreadableError("is empty")
    if text[:1] not in (b"{", b"["):
        what = "is a web page" if text[:1] == b"<" else "is not JSON"
        raise UnreadableError(what)
    try:
        found = json.loads(
            text.decode(), parse_float=str, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except UnreadableError:
        raise
    except UnicodeDecodeError:
        raise UnreadableError("is not UTF-8") from None
    except RecursionError:
        raise UnreadableError(f"nests more than {NESTING_MAX} deep") from None
    except ValueError:
        raise UnreadableError("is cut off or is not JSON") from None
    if _is_deeper(found, NESTING_MAX):
        raise UnreadableError(f"nests more than {NESTING_MAX} deep")
    return found


def _refuse(name: str) -> NoReturn:
    raise UnreadableError(f"holds {name}, which is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("names a key twice in one object")
    return found


def _is_deeper(found: Any, levels: int) -> bool:
    """Look level by level: what is nested deeply must not be walked recursively."""
    row = [found]
    for _ in range(levels):
        row = [
            child
            for node in row
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not row:
            return False
    return True
