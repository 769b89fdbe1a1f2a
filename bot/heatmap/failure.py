"""Why the heatmap gave no usable answer, in a form that a poller can act on."""

from enum import StrEnum
from typing import Final

from bot.errors import FeedError


class FailureKind(StrEnum):
    """What went wrong; the values of `ReadingFailure.kind`."""

    UNREACHABLE = "unreachable"
    """No connection, a broken one, or one that cannot be trusted."""
    TIMEOUT = "timeout"
    """No whole answer within the total time of a request."""
    HTTP = "http"
    """A status that is no answer."""
    THROTTLED = "throttled"
    """The host asked for less."""
    UNSUPPORTED = "unsupported"
    """The provider does not carry this symbol, or has no price for it."""
    MALFORMED = "malformed"
    """The answer is not what the contract says: not JSON, too large, fields missing."""
    REFUSED = "refused"
    """Well-formed, and not to be believed."""


REMEDIES: Final = {
    FailureKind.UNREACHABLE: "Look whether heatmap.base_url is right and the provider runs.",
    FailureKind.TIMEOUT: "The provider is slow or does not answer. Wait, or look at the network.",
    FailureKind.HTTP: "The provider is in trouble. Wait, or set heatmap.provider: local.",
    FailureKind.THROTTLED: "Wait, or raise heatmap.period_s.",
    FailureKind.MALFORMED: "Look whether heatmap.base_url is a heatmap: docs/heatmap-api.md.",
    FailureKind.REFUSED: "The data cannot be trusted now; the bot will not trade on it.",
    FailureKind.UNSUPPORTED: "Take it out of `symbols`, or name it as the provider does.",
}
"""What to do where the error itself knows nothing better."""


class ReadingError(FeedError):
    """One request gave nothing usable; `what` is the sentence, `where` the provider."""

    def __init__(
        self,
        kind: FailureKind,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s
        """Seconds of the machine's clock for which the host wants to be left alone."""

    @property
    def is_host_trouble(self) -> bool:
        """Whether asking again at the same pace would make things worse."""
        if self.kind is FailureKind.HTTP:
            return self.status is not None and self.status >= 500  # noqa: PLR2004
        return self.kind in {
            FailureKind.UNREACHABLE,
            FailureKind.TIMEOUT,
            FailureKind.THROTTLED,
        }
