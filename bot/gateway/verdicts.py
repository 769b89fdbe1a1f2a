"""A reply judged: a success, a refusal with what it proves, or nothing that proves anything.

The exchange's own code decides where the profile knows it; a bare status only where it has one
meaning. ccxt's classes are not asked: which one it picks depends on the host (venues.md, 10).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.gateway.connection import Connection, Refusal
from bot.gateway.failures import NoAnswerError, RefusedError, Verdict
from bot.gateway.http import HttpReply
from bot.gateway.scrub import scrubbed
from bot.gateway.strict import UnreadableError, document
from bot.model.primitives import Millis

TOO_MANY: Final = 429
BANNED: Final = 418
STATUSES: Final[Mapping[int, Verdict]] = {
    401: Verdict.AUTH,
    403: Verdict.RATE,  # a firewall in front of the exchange: nobody has read the request
    BANNED: Verdict.RATE,
    TOO_MANY: Verdict.RATE,
    451: Verdict.AUTH,  # not served where we are
}
"""What a status means by itself, whatever the body says."""
WAITS_MS: Final[Mapping[int, int]] = {403: 300_000, BANNED: 120_000, TOO_MANY: 10_000}
"""How long to stay away where the exchange does not say; Binance's shortest ban is two minutes."""
WAIT_MAX_MS: Final = 3 * 86_400_000
"""Binance's longest ban is three days: more is not believed."""
WAITING: Final = frozenset({Verdict.RATE, Verdict.BUSY})
_PROVES_NOTHING: Final = frozenset({404, 408, 409})
_BANNED_UNTIL: Final = re.compile(r"until\s+(\d{13})\b", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,9}(\.\d*)?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{13}", re.ASCII)


class Judge:
    """Judges the replies of one exchange."""

    def __init__(self, connection: Connection, *, secrets: tuple[str, ...] = ()) -> None:
        self._connection = connection
        self._secrets = secrets

    def success(self, reply: HttpReply, *, route: str, now: Millis) -> Any:
        """Give the body of a success; `now` is the exchange's time.

        Raises:
            RefusedError: the exchange says no.
            NoAnswerError: the reply cannot be read, or its status proves nothing.

        """
        status = reply.status
        head = f"{self._connection.title} answered {route} with {status}"
        try:
            found = document(reply.body)
            refusal = self._refusal(status, found)
        except UnreadableError as error:
            if status in STATUSES:
                raise self._refused(reply, Refusal("", ""), route=route, now=now) from None
            raise NoAnswerError(f"{head}, and the reply {error}") from None
        if refusal is not None and refusal.code in self._connection.codes:
            raise self._refused(reply, refusal, route=route, now=now)
        if status in STATUSES:
            raise self._refused(reply, refusal or Refusal("", ""), route=route, now=now)
        if is_nothing_proved(status):
            raise NoAnswerError(head)
        if refusal is not None:
            raise self._refused(reply, refusal, route=route, now=now)
        if not is_success(status):
            raise NoAnswerError(head)
        return found

    def _refusal(self, status: int, found: Any) -> Refusal | None:
        try:
            return self._connection.refusal_of(status, found)
        except Exception:  # noqa: BLE001  (a shape that nobody has thought of)
            raise UnreadableError("has a shape that is not known") from None

    def _refused(
        self, reply: HttpReply, refusal: Refusal, *, route: str, now: Millis
    ) -> RefusedError:
        """Give the error; a code of the table counts first, then the status."""
        codes = self._connection.codes
        verdict = codes.get(refusal.code) or STATUSES.get(reply.status, Verdict.UNKNOWN)
        is_by_status = refusal.code not in codes and reply.status in STATUSES
        code = f"http:{reply.status}" if is_by_status else refusal.code
        message = scrubbed(refusal.message, self._secrets)
        reason = f"{self._connection.title} refused {route}: {message or reply.status} ({code})"
        return RefusedError(
            reason,
            code=code,
            status=reply.status,
            verdict=verdict,
            retry_at=retry_at(reply, refusal.message, now) if verdict in WAITING else None,
        )


def is_success(status: int) -> bool:
    """2xx."""
    return 200 <= status < 300  # noqa: PLR2004


def is_nothing_proved(status: int) -> bool:
    """A redirect, a gateway's timeout, a server's failure: the request may have been acted on."""
    return 300 <= status < 400 or status >= 500 or status in _PROVES_NOTHING  # noqa: PLR2004


def retry_at(reply: HttpReply, message: str, now: Millis) -> Millis | None:
    """When to come back: as the exchange says, else as its status suggests, else unknown.

    Binance sends Retry-After in seconds and writes "banned until <ms>" (general info, 418);
    Bybit sends X-Bapi-Limit-Reset-Timestamp in ms (v5 rate limits).
    """
    wait_ms = WAITS_MS.get(reply.status)
    after = reply.headers.get("retry-after", "").strip()
    reset = reply.headers.get("x-bapi-limit-reset-timestamp", "").strip()
    banned = _BANNED_UNTIL.search(message)
    if _SECONDS.fullmatch(after):
        wait_ms = int(float(after) * 1000.0)
    elif _INSTANT.fullmatch(reset):
        wait_ms = max(int(reset) - now, 0)
    if banned:
        wait_ms = max(int(banned[1]) - now, wait_ms or 0)
    return None if wait_ms is None else Millis(now + min(wait_ms, WAIT_MAX_MS))
