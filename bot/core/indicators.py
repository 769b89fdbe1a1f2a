"""TA-Lib's streaming handles behind plain lists; import it only where indicators are asked for.

Each function gives the indicator at the newest value, or None with too little history or where the
answer is not a finite number.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from talib import stream


def ema(closes: Sequence[float], period: int) -> float | None:
    """Exponential moving average, in price."""
    if len(closes) < period:
        return None
    return _known(stream.EMA(_array(closes), timeperiod=period).value)


def rsi(closes: Sequence[float], period: int) -> float | None:
    """Relative strength index, 0 to 100. A constant series answers 0: ask before."""
    if len(closes) <= period:
        return None
    return _known(stream.RSI(_array(closes), timeperiod=period).value)


def atr(
    highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], period: int
) -> float | None:
    """Average true range (Wilder), in price."""
    if len(closes) <= period:
        return None
    handle = stream.ATR(_array(highs), _array(lows), _array(closes), timeperiod=period)
    return _known(handle.value)


def _array(values: Sequence[float]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
