"""Closed bars of one symbol, and the volatility that stops and guards are measured with.

The finest timeframe seen is kept; a coarser one stands in for the minute by the square root of
time. An average true range is Wilder's over 14 bars, in percent of the last close, and None until
15 bars without a doubt in them are known: unknown is never calm.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from bot.model.market import Candle
from bot.model.primitives import Millis

BARS_MAX = 600
"""Bars of the finest timeframe that are kept."""
ATR_PERIOD = 14
MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS


class TrueRange:
    """Wilder's average true range, one bar at a time; equal to TA-Lib's ATR."""

    __slots__ = ("_average", "_bars", "_close")

    def __init__(self) -> None:
        self._close: float | None = None
        self._average = 0.0
        self._bars = 0

    def on_bar(self, high: float, low: float, close: float) -> None:
        """Take the next closed bar."""
        previous, self._close = self._close, close
        if previous is None:
            return
        spread = max(high, previous) - min(low, previous)
        self._bars += 1
        # A plain mean until the period is full, an exponential one from then on.
        period = min(self._bars, ATR_PERIOD)
        self._average += (spread - self._average) / period

    @property
    def pct(self) -> float | None:
        """Percent of the last close, or None while fewer than 15 bars are known."""
        if self._bars < ATR_PERIOD or not self._close:
            return None
        return self._average / self._close * 100.0


class Quarter(NamedTuple):
    """The quarter hour that is being put together."""

    start: int
    high: float
    low: float


class Bars:
    """The newest bars of one symbol."""

    __slots__ = ("_fine", "_quarter", "_quarters", "_timeframe_ms", "candles")

    def __init__(self, candles: Iterable[Candle] = ()) -> None:
        self.candles: deque[Candle] = deque(maxlen=BARS_MAX)
        """Of the finest timeframe, oldest first."""
        self._timeframe_ms: int | None = None
        self._fine = TrueRange()
        self._quarters = TrueRange()
        self._quarter: Quarter | None = None
        for candle in candles:
            self.on_candle(candle)

    def on_candle(self, candle: Candle) -> bool:
        """Take a closed bar; False where it is unusable, late, or coarser than what is kept."""
        if not _is_usable(candle):
            return False
        known = self._timeframe_ms
        if known is not None and candle.timeframe_ms > known:
            return False
        if known is None or candle.timeframe_ms < known:
            # Finer bars begin: what the coarser ones said of the minute is forgotten, what they
            # said of the quarter hour stands.
            self._timeframe_ms = candle.timeframe_ms
            self.candles.clear()
            self._fine = TrueRange()
        if self.candles and candle.open_at < self.candles[-1].close_at:
            return False
        self.candles.append(candle)
        self._fine.on_bar(candle.high, candle.low, candle.close)
        self._fold_quarter(candle)
        return True

    @property
    def timeframe_ms(self) -> int | None:
        """Length of the bars that are kept, or None before the first."""
        return self._timeframe_ms

    @property
    def atr_1m_pct(self) -> float | None:
        """ATR(14) of one minute in percent of price; scaled down from coarser bars."""
        return _scaled(self._fine.pct, self._timeframe_ms, MINUTE_MS)

    @property
    def atr_15m_pct(self) -> float | None:
        """ATR(14) of a quarter hour in percent of price.

        Until 15 quarter hours are known it is the finest bars' scaled up.
        """
        pct = self._quarters.pct
        return _scaled(self._fine.pct, self._timeframe_ms, QUARTER_MS) if pct is None else pct

    @property
    def last_minute_return_pct(self) -> float | None:
        """Signed return of the newest bar in percent, scaled to one minute."""
        if len(self.candles) < 2:  # noqa: PLR2004  (a return has two ends)
            return None
        last, before = self.candles[-1], self.candles[-2]
        return _scaled((last.close / before.close - 1.0) * 100.0, self._timeframe_ms, MINUTE_MS)

    @property
    def minute_volume(self) -> float | None:
        """Base coins a minute, over the newest bar; None before the first."""
        if not self.candles:
            return None
        last = self.candles[-1]
        return last.volume * MINUTE_MS / last.timeframe_ms

    @property
    def last_at(self) -> Millis | None:
        """When the newest bar ended."""
        return self.candles[-1].close_at if self.candles else None

    def _fold_quarter(self, candle: Candle) -> None:
        """Add a bar to its quarter hour; one that lacks its beginning or its end is left out."""
        if QUARTER_MS % candle.timeframe_ms:
            return
        start = candle.open_at - candle.open_at % QUARTER_MS
        if candle.open_at == start:
            self._quarter = Quarter(start, candle.high, candle.low)
        elif self._quarter is not None and self._quarter.start == start:
            high, low = max(self._quarter.high, candle.high), min(self._quarter.low, candle.low)
            self._quarter = Quarter(start, high, low)
        else:
            self._quarter = None
        if self._quarter is not None and candle.close_at == start + QUARTER_MS:
            self._quarters.on_bar(self._quarter.high, self._quarter.low, candle.close)
            self._quarter = None


def _is_usable(candle: Candle) -> bool:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return (
        candle.timeframe_ms > 0
        and all(math.isfinite(price) and price > 0 for price in prices)
        and math.isfinite(candle.volume)
        and candle.volume >= 0
        and candle.low <= min(prices)
        and candle.high >= max(prices)
    )


def _scaled(value: float | None, from_ms: int | None, to_ms: int) -> float | None:
    if value is None or not from_ms:
        return None
    return value * math.sqrt(to_ms / from_ms)
