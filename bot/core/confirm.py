"""Technical analysis as a second opinion: trend, RSI and the volatility regime, by TA-Lib.

What is not known does not confirm: too little history, a figure that is not finite, or a market
that stands still (TA-Lib's RSI of a constant series is 0, which reads as "oversold").
The streaming handles live for one call and are made from the bars that are kept, so that no
invisible state outlives a restart; TA-Lib and numpy are imported at the first use.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bot.model.market import Candle
from bot.model.primitives import PositionSide
from bot.model.settings import ConfirmSettings

ATR_PERIOD = 14


class Measured(NamedTuple):
    """The indicators at the newest bar; None is unknown."""

    close: float | None = None
    ema: float | None = None
    rsi: float | None = None
    atr_pct: float | None = None


class Objection(NamedTuple):
    """Why a side is not confirmed; None where the figure itself is unknown."""

    saw: float | None
    limit: float | None
    numbers: dict[str, float | None]


def measure(candles: Sequence[Candle], settings: ConfirmSettings) -> Measured:
    """Compute the indicators over closed bars, oldest first. Never raises on their content."""
    closes = [candle.close for candle in candles]
    if not closes or not all(map(math.isfinite, closes)):
        return Measured()
    from bot.core import indicators  # noqa: PLC0415  (heavy, and only where it is asked for)

    highs = [candle.high for candle in candles]
    lows = [candle.low for candle in candles]
    rsi = None
    if len(set(closes[-settings.rsi_period - 1 :])) > 1:
        rsi = indicators.rsi(closes, settings.rsi_period)
    atr = indicators.atr(highs, lows, closes, ATR_PERIOD)
    return Measured(
        close=closes[-1],
        ema=indicators.ema(closes, settings.trend_ema),
        rsi=rsi,
        atr_pct=None if atr is None or closes[-1] <= 0 else atr / closes[-1] * 100.0,
    )


def object_to(
    side: PositionSide, measured: Measured, settings: ConfirmSettings
) -> Objection | None:
    """Give the first reason not to trade `side`, or None where trend, RSI and ATR agree to it."""
    close, ema, rsi, atr_pct = measured
    numbers = {"ta_close": close, "ta_ema": ema, "ta_rsi": rsi, "ta_atr_pct": atr_pct}
    if close is None or ema is None or rsi is None or atr_pct is None:
        return Objection(None, None, numbers)
    if side.sign * (close - ema) <= 0:
        return Objection(close, ema, numbers)
    is_long = side is PositionSide.LONG
    rsi_limit = settings.rsi_long_max if is_long else settings.rsi_short_min
    if side.sign * (rsi - rsi_limit) > 0:
        return Objection(rsi, rsi_limit, numbers)
    if atr_pct < settings.atr_pct_min:
        return Objection(atr_pct, settings.atr_pct_min, numbers)
    if atr_pct > settings.atr_pct_max:
        return Objection(atr_pct, settings.atr_pct_max, numbers)
    return None
