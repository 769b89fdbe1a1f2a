"""Confirmation: trend, RSI and volatility must agree, and what is unknown agrees to nothing."""

import math
import subprocess
import sys
from collections.abc import Sequence

import pytest

from bot.core.confirm import Measured, measure, object_to
from bot.model.market import Candle
from bot.model.primitives import Millis, PositionSide, Symbol
from bot.model.settings import ConfirmSettings
from tests.fakes.views import LONG, SHORT

_ON = ConfirmSettings(enabled=True)


def _candles(closes: Sequence[float], *, reach: float = 0.1) -> list[Candle]:
    return [
        Candle(
            symbol=Symbol("BTC/USDT:USDT"),
            open_at=Millis(n * 60_000),
            timeframe_ms=60_000,
            open=close,
            high=close + reach,
            low=close - reach,
            close=close,
            volume=1.0,
        )
        for n, close in enumerate(closes)
    ]


def _wavy(direction: int) -> list[Candle]:
    return _candles([100 + direction * n / 50 + 0.2 * math.sin(n) for n in range(100)])


@pytest.mark.parametrize("side", PositionSide)
def test_a_trend_confirms_its_own_side_alone(side: PositionSide) -> None:
    measured = measure(_wavy(side.sign), _ON)

    assert object_to(side, measured, _ON) is None
    objection = object_to(side.opposite, measured, _ON)
    assert objection is not None
    assert measured.close == objection.saw
    assert measured.ema == objection.limit


@pytest.mark.parametrize("side", PositionSide)
def test_an_overstretched_market_is_not_chased(side: PositionSide) -> None:
    rsi = 71.0 if side is LONG else 29.0
    measured = Measured(close=100 + side.sign, ema=100.0, rsi=rsi, atr_pct=0.1)
    objection = object_to(side, measured, _ON)

    assert objection is not None
    assert (rsi, 70.0 if side is LONG else 30.0) == (objection.saw, objection.limit)


@pytest.mark.parametrize(("atr_pct", "limit"), [(0.01, 0.02), (2.5, 2.0)])
def test_too_calm_and_too_wild_do_not_confirm(atr_pct: float, limit: float) -> None:
    objection = object_to(LONG, Measured(101.0, 100.0, 50.0, atr_pct), _ON)

    assert objection is not None
    assert (atr_pct, limit) == (objection.saw, objection.limit)


@pytest.mark.parametrize(
    "candles",
    [
        [],
        _wavy(1)[:40],
        _candles([100.0] * 100, reach=0.0),
        _candles([100.0 + n / 10 for n in range(80)] + [108.0] * 20),
        _candles([*(100.0 + n / 10 for n in range(99)), math.nan]),
        _candles([math.nan, *(100.0 + n / 10 for n in range(99))]),
    ],
    ids=["nothing", "too little", "flat", "standing still now", "NaN now", "NaN long ago"],
)
@pytest.mark.parametrize("side", [LONG, SHORT])
def test_unknown_never_confirms(candles: list[Candle], side: PositionSide) -> None:
    """TA-Lib answers RSI 0 for a constant series, and for ever after one NaN: "oversold"."""
    objection = object_to(side, measure(candles, _ON), _ON)

    assert objection is not None
    assert objection.saw is None


def test_numpy_and_talib_are_not_loaded_until_asked_for() -> None:
    """They would cost every start 40 MB that most runs never use."""
    code = (
        "import sys, bot.core.selector, bot.core.confirm;"
        "sys.exit(bool({'numpy', 'talib'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
