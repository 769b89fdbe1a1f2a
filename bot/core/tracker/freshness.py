"""Is what the provider says still true? Judged by content and our own clock, not by its stamps.

A reading is good, stale or refused:
  refused   its price is over 5 % from the exchange's mark: wrong scale or wrong symbol;
  stale     its price is over 0.3 % from the mark; or it was old when the server sent it; or its
            content has not changed for over 30 s while the exchange moved over 10 bps.
Silence is the time since the last good reading. After max(20 s, 2.5 poll periods) nothing is
tradable; after 10 min (at least 2.5 periods) tracks must be matched three times anew; after 6 h
they are given up. Failures mean nothing but silence, with one exception: an unbroken row of
answers that the provider does not carry the symbol, for 10 min.
"""

from math import inf
from typing import Final

from bot.model.heatmap import Reading, ReadingFailure
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings

PERIODS_MIN: Final = 2.5
"""A rule about silence allows at least this many poll periods."""
UNSUPPORTED: Final = "unsupported"
"""The failure kind that says: this provider does not carry the symbol (400, or a null price)."""


class Freshness:
    """What is known of how old the provider's picture of one symbol is."""

    __slots__ = (
        "_content_at",
        "_content_key",
        "_high",
        "_low",
        "_patience_ms",
        "_settings",
        "_unsupported_since",
        "last_good_at",
        "lost_after_ms",
        "problem",
        "stale_after_ms",
    )

    def __init__(self, settings: CoreSettings, last_good_at: Millis | None) -> None:
        self._settings = settings.tracker
        self._patience_ms = int(settings.poll_period_s * PERIODS_MIN * 1000)
        self.stale_after_ms = max(int(self._settings.stale_after_s * 1000), self._patience_ms)
        """How long a good reading may be traded on."""
        self.lost_after_ms = max(int(self._settings.expire_all_after_s * 1000), self._patience_ms)
        """How long a silence may last before all tracks are given up."""
        self.last_good_at = last_good_at
        """When the last good reading was taken in; None before the first."""
        self.problem = ""
        """What was wrong with the newest poll; empty after a good one."""
        self._content_key = ""
        self._content_at: Millis | None = None
        self._high = 0.0
        self._low = inf
        self._unsupported_since: Millis | None = None

    def saw_price(self, high: float, low: float) -> None:
        """The exchange's mark moved within this range."""
        self._high = max(self._high, high)
        self._low = min(self._low, low)

    def judge(self, reading: Reading, at: Millis, mark: float | None) -> str:
        """Why the reading is stale or refused, one sentence; empty if it is good."""
        frozen = self._frozen(reading, at, mark)
        if mark is None:
            return "there is no exchange price yet to compare the reading with"
        lag_pct = abs(reading.price - mark) / mark * 100.0
        settings = self._settings
        if lag_pct > settings.price_lag_refused_pct:
            return (
                f"refused: the reading's price {reading.price:g} is {lag_pct:.1f} % from the "
                f"exchange's {mark:g}, so its scale or its symbol is wrong"
            )
        if lag_pct > settings.price_lag_stale_pct:
            return (
                f"stale: the reading's price {reading.price:g} is {lag_pct:.2f} % from the "
                f"exchange's {mark:g} (limit {settings.price_lag_stale_pct:g} %)"
            )
        age_s = reading.server_age_s
        if age_s is not None and age_s > settings.server_age_max_s:
            return (
                f"stale: the answer was {age_s:.0f} s old when it arrived "
                f"(limit {settings.server_age_max_s:g} s)"
            )
        return frozen

    def accept(self, at: Millis) -> None:
        """A good reading was taken in."""
        self.last_good_at = at
        self.problem = ""
        self._unsupported_since = None

    def reject(self, problem: str) -> None:
        """A reading was stale or refused; that it came at all breaks a row of "not carried"."""
        self.problem = problem
        self._unsupported_since = None

    def fail(self, failure: ReadingFailure, at: Millis) -> bool:
        """A poll gave nothing. True: the provider has not carried the symbol for 10 min."""
        self.problem = failure.reason
        if failure.kind != UNSUPPORTED:
            self._unsupported_since = None
            return False
        if self._unsupported_since is None:
            self._unsupported_since = at
        return at - self._unsupported_since >= self._settings.unsupported_after_s * 1000

    def set_back(self, now: Millis) -> None:
        """The clock was set back: nothing known is later than now."""
        if self.last_good_at is not None:
            self.last_good_at = min(self.last_good_at, now)
        if self._content_at is not None:
            self._content_at = min(self._content_at, now)
        if self._unsupported_since is not None:
            self._unsupported_since = min(self._unsupported_since, now)

    def is_fresh(self, at: Millis) -> bool:
        """A good reading came recently enough to trade on."""
        return self.last_good_at is not None and at - self.last_good_at <= self.stale_after_ms

    def staleness(self, at: Millis) -> str:
        """Why nothing is tradable, one sentence; empty while fresh."""
        if self.is_fresh(at):
            return ""
        because = f": {self.problem}" if self.problem else ""
        if self.last_good_at is None:
            return f"no good reading yet{because}"
        silent_s = (at - self.last_good_at) / 1000
        return f"no good reading for {silent_s:.0f} s{because}"

    def needs_rematch(self, at: Millis) -> bool:
        """The silence was so long that tracks must prove themselves anew."""
        limit_ms = max(self._settings.rematch_after_s * 1000, self._patience_ms)
        return self.last_good_at is not None and at - self.last_good_at > limit_ms

    def is_lost(self, at: Millis) -> bool:
        """The silence was so long that no track means anything any more."""
        return self.last_good_at is not None and at - self.last_good_at > self.lost_after_ms

    def _frozen(self, reading: Reading, at: Millis, mark: float | None) -> str:
        if (
            not reading.content_key
            or reading.content_key != self._content_key
            or self._content_at is None
        ):
            self._content_key = reading.content_key
            self._content_at = at
            self._high, self._low = (mark, mark) if mark is not None else (0.0, inf)
            return ""
        unchanged_s = (at - self._content_at) / 1000
        moved_bps = (self._high - self._low) / self._low * 1e4 if self._high else 0.0
        settings = self._settings
        if unchanged_s <= settings.frozen_after_s or moved_bps <= settings.frozen_move_bps:
            return ""
        return (
            f"stale: the reading has not changed for {unchanged_s:.0f} s "
            f"while the exchange moved {moved_bps:.0f} bps"
        )
