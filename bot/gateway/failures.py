"""What can go wrong between us and an exchange, told apart by what it proves.

Three things can be known of a request: it never left, nobody knows, or the exchange has answered
no with a code of its own. What such a code means is a table of the exchange's profile, never the
class that ccxt makes of it.
"""

from enum import StrEnum

from bot.model.primitives import Millis


class Verdict(StrEnum):
    """What an exchange's refusal means."""

    REJECTED = "rejected"
    """Read, judged and refused: what was asked for does not exist."""
    DUPLICATE = "duplicate"
    """The client id is in use: an earlier sending got through."""
    NOT_FOUND = "not_found"
    """No such order."""
    ALREADY_SO = "already_so"
    """The setting is as it should be."""
    BUSY = "busy"
    """Turned away unread for load or maintenance; to be sent again later."""
    RATE = "rate"
    """Turned away unread for too many requests."""
    CLOCK = "clock"
    """Turned away unread: outside of its window of time."""
    AUTH = "auth"
    """The key is not valid, not allowed from here, or may not do this."""
    UNKNOWN = "unknown"
    """Proves nothing."""


UNREAD = frozenset({Verdict.BUSY, Verdict.RATE, Verdict.CLOCK})
"""The request was turned away before anybody acted on it: the same id may be sent again."""


class GatewayError(Exception):
    """A call brought no result; `reason` is one plain sentence without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSentError(GatewayError):
    """Nothing of the request has left this machine."""


class NoAnswerError(GatewayError):
    """The request may have arrived; no whole, readable reply came back."""


class RefusedError(GatewayError):
    """The exchange has answered with a code of its own, or with a status that has one meaning."""

    def __init__(
        self,
        reason: str,
        *,
        code: str,
        status: int,
        verdict: Verdict,
        retry_at: Millis | None = None,
    ) -> None:
        super().__init__(reason)
        self.code = code
        """As the exchange writes it: "-2021", "110092"; "http:429" where there is only a status."""
        self.status = status
        self.verdict = verdict
        self.retry_at = retry_at
        """When it may be sent again, where the exchange says so."""
