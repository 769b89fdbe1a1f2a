"""Open interest of one symbol against its own past: what size listens to.

The exchange's open interest is preferred; the provider's statistics stand in where there is none.
Nothing known is no reason to shrink; something known and lost is: the last word holds for a grace
period, then the smallest multiplier until the figures return.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable

from bot.model.events import OpenInterestRead
from bot.model.heatmap import OpenInterest
from bot.model.primitives import Millis
from bot.model.settings import SizeSettings

HOUR_MS = 3_600_000
WINDOW_MS = 30 * 24 * HOUR_MS
OWN_FRESH_MS = 600_000
"""The exchange publishes every five minutes; two of them may pass."""
STATS_FRESH_MS = 90_000
"""The provider is asked every 30 s; three of them may pass."""
SAMPLES_MIN = 24
"""Hours of history below which a median says nothing."""
_UNKNOWN = 1.0


class Series:
    """Values against the median of one sample an hour over the last 30 days."""

    __slots__ = ("_hours", "_sorted", "at", "value")

    def __init__(self) -> None:
        self.at: Millis | None = None
        """When the newest value was known."""
        self.value = 0.0
        self._hours: deque[tuple[int, float]] = deque()
        self._sorted: list[float] = []

    def add(self, at: Millis, value: float) -> None:
        """Take a value; older than the newest, or not a positive number, is ignored."""
        if not (math.isfinite(value) and value > 0) or (self.at is not None and at < self.at):
            return
        self.at = at
        self.value = value
        hour = at // HOUR_MS
        if self._hours and self._hours[-1][0] == hour:
            return
        self._hours.append((hour, value))
        insort(self._sorted, value)
        while self._hours[0][0] <= hour - WINDOW_MS // HOUR_MS:
            _, old = self._hours.popleft()
            del self._sorted[bisect_left(self._sorted, old)]

    @property
    def ratio(self) -> float | None:
        """The newest value over the median, or None with less than a day of history."""
        count = len(self._sorted)
        if count < SAMPLES_MIN:
            return None
        # The list is kept in order, so its median is a look-up.
        return self.value * 2 / (self._sorted[(count - 1) // 2] + self._sorted[count // 2])

    def age_ms(self, at: Millis) -> int | None:
        """How old the newest value is, or None before the first."""
        return None if self.at is None else max(0, at - self.at)


class Interest:
    """What is known of one symbol's open interest."""

    __slots__ = ("_long_short_ratio", "_own", "_stats")

    def __init__(self, samples: Iterable[tuple[Millis, float]] = ()) -> None:
        """Begin with the exchange's past: (known at, base coins), oldest first."""
        self._own = Series()
        self._stats = Series()
        self._long_short_ratio: float | None = None
        for at, coins in samples:
            self._own.add(at, coins)

    def on_open_interest(self, event: OpenInterestRead) -> None:
        """Take the exchange's own figure."""
        self._own.add(event.at, event.oi)

    def on_stats(self, stats: OpenInterest | None, at: Millis) -> None:
        """Take the provider's figure; a symbol it does not mention (None) just ages."""
        if stats is None:
            return
        self._stats.add(at, stats.total_oi_usd)
        self._long_short_ratio = stats.long_short_ratio

    def total_usd(self, at: Millis, mark: float) -> float | None:
        """Open interest in quote currency, or None where no source is fresh."""
        if _is_fresh(self._own, OWN_FRESH_MS, at):
            return self._own.value * mark
        return self._stats.value if _is_fresh(self._stats, STATS_FRESH_MS, at) else None

    def long_short_ratio(self, at: Millis) -> float | None:
        """The provider's ratio, recorded and never traded on; None where stale."""
        return self._long_short_ratio if _is_fresh(self._stats, STATS_FRESH_MS, at) else None

    def ratio(self, at: Millis) -> float | None:
        """Open interest over its own 30-day median by a fresh source, or None."""
        for series, fresh_ms in ((self._own, OWN_FRESH_MS), (self._stats, STATS_FRESH_MS)):
            if _is_fresh(series, fresh_ms, at) and series.ratio is not None:
                return series.ratio
        return None

    def multiplier(self, at: Millis, settings: SizeSettings) -> float:
        """The open-interest term of the size: the ratio within bounds. Never raises.

        Never seen: 1. Stale: at most 1 and at most the last, then the smallest.
        """
        ratio = self.ratio(at)
        if ratio is not None:
            return _clip(ratio, settings)
        lost = [
            ((series.age_ms(at) or 0) - fresh_ms, series.ratio)
            for series, fresh_ms in ((self._own, OWN_FRESH_MS), (self._stats, STATS_FRESH_MS))
            if series.ratio is not None
        ]
        if not lost:
            return _UNKNOWN
        overdue_ms, last = min(lost)
        if overdue_ms <= settings.stats_grace_s * 1000:
            return min(_UNKNOWN, _clip(last, settings))
        return settings.multiplier_min


def _is_fresh(series: Series, fresh_ms: int, at: Millis) -> bool:
    age_ms = series.age_ms(at)
    return age_ms is not None and age_ms <= fresh_ms


def _clip(ratio: float, settings: SizeSettings) -> float:
    return min(max(ratio, settings.multiplier_min), settings.multiplier_max)
