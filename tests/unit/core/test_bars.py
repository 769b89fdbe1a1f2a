"""Bars: volatility equals TA-Lib's, coarser bars scale, and doubtful bars are left out."""

import math
import random  # noqa: TID251  (a seeded path is a fixture)

import numpy as np
import pytest
import talib

from bot.core.bars import ATR_PERIOD, BARS_MAX, QUARTER_MS, Bars
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol

_BTC = Symbol("BTC/USDT:USDT")
_MINUTE = 60_000
_START = 1_767_225_600_000


def _bars(count: int, *, timeframe_ms: int = _MINUTE, start: int = _START) -> list[Candle]:
    rng = random.Random(7)
    price, bars = 100.0, []
    for n in range(count):
        close = price * (1 + rng.gauss(0, 0.001))
        high = max(price, close) * (1 + abs(rng.gauss(0, 0.0005)))
        low = min(price, close) * (1 - abs(rng.gauss(0, 0.0005)))
        at = Millis(start + n * timeframe_ms)
        bars.append(_candle(at, price, high, low, close, timeframe_ms=timeframe_ms))
        price = close
    return bars


def _candle(
    at: int, open_: float, high: float, low: float, close: float, *, timeframe_ms: int = _MINUTE
) -> Candle:
    return Candle(
        symbol=_BTC,
        open_at=Millis(at),
        timeframe_ms=timeframe_ms,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=10.0,
    )


def _talib_atr_pct(bars: list[Candle]) -> float:
    highs, lows, closes = (
        np.array([getattr(bar, name) for bar in bars]) for name in ("high", "low", "close")
    )
    return float(talib.ATR(highs, lows, closes, timeperiod=ATR_PERIOD)[-1] / closes[-1] * 100)


def test_average_true_range_equals_talibs() -> None:
    bars = _bars(200)

    assert Bars(bars).atr_1m_pct == pytest.approx(_talib_atr_pct(bars), rel=1e-12)


def test_volatility_is_unknown_until_fifteen_bars() -> None:
    assert Bars().atr_1m_pct is None
    assert Bars(_bars(14)).atr_1m_pct is None
    assert Bars(_bars(15)).atr_1m_pct is not None


def test_quarter_hours_are_put_together_from_minutes() -> None:
    bars = _bars(15 * 40)
    quarters = [
        _candle(
            chunk[0].open_at,
            chunk[0].open,
            max(bar.high for bar in chunk),
            min(bar.low for bar in chunk),
            chunk[-1].close,
            timeframe_ms=QUARTER_MS,
        )
        for chunk in (bars[n : n + 15] for n in range(0, len(bars), 15))
    ]

    assert Bars(bars).atr_15m_pct == pytest.approx(_talib_atr_pct(quarters), rel=1e-12)


def test_a_quarter_hour_that_lacks_a_part_is_left_out() -> None:
    """A range that was seen in part would understate how far the price goes."""
    whole = _bars(15 * 30)
    behind_a_hole = [bar for n, bar in enumerate(whole) if n not in range(100, 130)]

    assert Bars(behind_a_hole)._quarters._bars == Bars(whole)._quarters._bars - 3
    assert Bars(whole[7:])._quarters._bars == Bars(whole)._quarters._bars - 1


def test_quarter_hours_stand_in_scaled_while_there_are_too_few() -> None:
    bars = Bars(_bars(60))

    assert bars.atr_1m_pct is not None
    assert bars.atr_15m_pct == pytest.approx(bars.atr_1m_pct * math.sqrt(15))


def test_coarser_bars_stand_in_for_the_minute() -> None:
    five = _bars(60, timeframe_ms=5 * _MINUTE)
    bars = Bars(five)
    back = (five[-1].close / five[-2].close - 1) * 100

    assert bars.atr_1m_pct == pytest.approx(_talib_atr_pct(five) / math.sqrt(5))
    assert bars.last_minute_return_pct == pytest.approx(back / math.sqrt(5))
    assert bars.minute_volume == pytest.approx(2.0)
    assert 5 * _MINUTE == bars.timeframe_ms


def test_bars_that_do_not_divide_the_quarter_hour_scale_instead() -> None:
    bars = Bars(_bars(40, timeframe_ms=60 * _MINUTE))

    assert bars.atr_1m_pct is not None
    assert bars.atr_15m_pct == pytest.approx(bars.atr_1m_pct * math.sqrt(15))


def test_finer_bars_replace_coarser_ones_and_keep_the_quarter_hours() -> None:
    five = _bars(90, timeframe_ms=5 * _MINUTE)
    bars = Bars(five)
    quarter = bars.atr_15m_pct
    ok = bars.on_candle(_bars(1, start=five[-1].close_at)[0])

    assert ok
    assert len(bars.candles) == 1
    assert bars.atr_1m_pct is None
    assert quarter == bars.atr_15m_pct
    assert not bars.on_candle(_bars(1, timeframe_ms=5 * _MINUTE, start=five[-1].close_at)[0])


def test_late_and_repeated_bars_change_nothing() -> None:
    known = _bars(30)
    bars = Bars(known)
    before = bars.atr_1m_pct

    assert not bars.on_candle(known[-1])
    assert not bars.on_candle(known[3])
    assert before == bars.atr_1m_pct
    assert known[-1].close_at == bars.last_at


@pytest.mark.parametrize(
    "bad",
    [
        _candle(_START, 1.0, math.nan, 1.0, 1.0),
        _candle(_START, 1.0, 1.0, 0.0, 1.0),
        _candle(_START, 1.0, 0.5, 0.4, 0.5),
        _candle(_START, 1.0, math.inf, 1.0, 1.0),
        _candle(_START, 1.0, 1.0, 1.0, 1.0, timeframe_ms=0),
    ],
)
def test_bars_that_cannot_be_are_left_out(bad: Candle) -> None:
    bars = Bars([bad])

    assert not bars.candles
    assert bars.last_at is None
    assert bars.last_minute_return_pct is None
    assert bars.minute_volume is None
    assert bars.timeframe_ms is None


def test_memory_is_bounded() -> None:
    assert len(Bars(_bars(BARS_MAX + 50)).candles) == BARS_MAX
