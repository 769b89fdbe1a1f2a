"""What may be said of a failure: no query, no signature, no key, and not too much.

Exchanges echo what they were sent (Bybit's 10004 quotes the whole signed text, key included).
"""

import re
from collections.abc import Iterable
from typing import Final

LENGTH_MAX: Final = 200
HIDDEN: Final = "***"
_ADDRESS: Final = re.compile(r"(\w+://[^\s/?#'\"]+)[^\s'\"<>]*")
_QUOTED_TEXT: Final = re.compile(r"origin_string\s*\[[^\]]*\]?", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    r"(?i)\b(api_?key|signature|sign|secret|listen_?key|token|timestamp)(\"?\s*[=:]\s*\"?)[^\s&,\"}]+"
)
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
"""Client ids have 25 characters, signatures 64 and more, listen keys 64."""


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """One printable line without anything that must not be shown."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = _QUOTED_TEXT.sub(HIDDEN, text)
    text = _ADDRESS.sub(r"\1", text)
    text = _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)
    text = _LONG_WORD.sub(HIDDEN, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LENGTH_MAX else text[: LENGTH_MAX - 1] + "…"
