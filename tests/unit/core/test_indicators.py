"""TA-Lib's handles behind plain lists."""

import math

import numpy as np
import pytest
import talib

from bot.core.indicators import atr, ema, rsi

_CLOSES = [100 + 5 * math.sin(n / 7) + n / 50 for n in range(120)]
_HIGHS = [close + 1 for close in _CLOSES]
_LOWS = [close - 1 for close in _CLOSES]


def test_the_handles_answer_what_the_batch_functions_do() -> None:
    highs, lows, closes = (np.array(values) for values in (_HIGHS, _LOWS, _CLOSES))

    assert ema(_CLOSES, 50) == pytest.approx(float(talib.EMA(closes, timeperiod=50)[-1]))
    assert rsi(_CLOSES, 14) == pytest.approx(float(talib.RSI(closes, timeperiod=14)[-1]))
    assert atr(_HIGHS, _LOWS, _CLOSES, 14) == pytest.approx(
        float(talib.ATR(highs, lows, closes, timeperiod=14)[-1])
    )


def test_too_little_history_is_unknown() -> None:
    assert ema(_CLOSES[:49], 50) is None
    assert ema(_CLOSES[:50], 50) is not None
    assert rsi(_CLOSES[:14], 14) is None
    assert rsi(_CLOSES[:15], 14) is not None
    assert atr(_HIGHS[:14], _LOWS[:14], _CLOSES[:14], 14) is None
    assert atr(_HIGHS[:15], _LOWS[:15], _CLOSES[:15], 14) is not None


def test_an_answer_that_is_no_number_is_unknown() -> None:
    assert ema([*_CLOSES[:-1], math.nan], 50) is None
