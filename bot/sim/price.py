"""The price: a restless fundamental, and what forced orders displace for a while.

Log price `x = base + shove`. The base wanders with stochastic volatility and the pull of those who
follow the move and those who trade against it; a forced order shoves the price, part of that comes
back within seconds (a sweep) and the rest stays (an accepted break).
"""

import math
from typing import Final

import msgspec

from bot.sim.nature import Nature

_DAY_S: Final = 86_400.0
_TREND_S: Final = 300.0
_SLOW_S: Final = 4.0 * 3_600.0
_QUICK_S, _QUICK_SD = 1_500.0, 0.30
_STEADY_S, _STEADY_SD = 1.0 * _DAY_S, 0.34
_MOOD_MIN, _MOOD_MAX = -1.2, 1.3
_QUICK_MAX: Final = 0.9
_DRIFT_MAX: Final = 0.5
"""Pull of the crowd at most, in standard deviations of a trend's length."""
_BARGAIN_S: Final = 120.0
_EPISODE_S: Final = 45.0
"""A forced order after this long without one begins a new cascade, with its own reversion."""
_CROSS_EXCITEMENT: Final = 0.05
_CROSS_MAX: Final = 0.15
_TEN_BPS: Final = 1e-3
_PUSH_MAX: Final = 0.004
"""One forced order moves the price by at most this; the rest of the book is iceberg."""


class Price(msgspec.Struct, kw_only=True):
    """Where the price of one contract is and how it moves. Log prices, seconds, quote currency."""

    sigma_s: float
    """Root mean square of the base's move in a second."""
    depth_calm_usd: float
    x: float = 0.0
    base: float = 0.0
    shove: float = 0.0
    trend: float = 0.0
    """Smoothed move of the base in a second."""
    slow: float = 0.0
    """Smoothed log price of the last hours."""
    quick: float = 0.0
    """Log volatility: what comes and goes within the hour..."""
    steady: float = 0.0
    """...and what lasts for days."""
    sigma: float = 0.0
    drift: float = 0.0
    depth_usd: float = 0.0
    stretch: float = 0.0
    """Log price that forced orders have lately moved it by, signed: others see a bargain."""
    reversion: float = 0.5
    quiet_s: float = 0.0
    selling_usd: float = 0.0
    """Forced sales that wait to be executed."""
    buying_usd: float = 0.0

    @property
    def mood(self) -> float:
        """Log of the present volatility over the calm one."""
        return min(max(self.quick + self.steady, _MOOD_MIN), _MOOD_MAX)

    def breathe(self, dt_s: float, normals: list[float], nature: Nature) -> None:
        """Let volatility, trend and the book's depth move on; `normals[0..2]`."""
        for_quick, for_steady, for_depth = normals[:3]
        self.quick = _ou(self.quick, dt_s / _QUICK_S, _QUICK_SD, for_quick)
        self.steady = _ou(self.steady, dt_s / _STEADY_S, _STEADY_SD, for_steady)
        mood = self.mood
        variance = _QUICK_SD**2 + _STEADY_SD**2
        self.sigma = self.sigma_s * nature.volatility_scale * math.exp(mood - variance)
        self.depth_usd = (
            self.depth_calm_usd * nature.depth_scale * math.exp(-0.5 * mood + 0.15 * for_depth)
        )
        self.slow += (self.x - self.slow) * -math.expm1(-dt_s / _SLOW_S)
        follow = nature.momentum * self.trend
        against = nature.contrarian * (self.slow - self.x) / _SLOW_S * 4.0
        limit = _DRIFT_MAX * self.sigma / math.sqrt(_TREND_S)
        home = -self.base / (nature.home_days * _DAY_S)
        self.drift = min(max(follow + against, -limit), limit) + home

    def follow(self, moved: float, dt_s: float) -> None:
        """Remember a move of the base for those who follow trends; bargains are taken."""
        self.stretch *= math.exp(-dt_s / _BARGAIN_S)
        self.trend += (moved / dt_s - self.trend) * -math.expm1(-dt_s / _TREND_S)

    def cascade(self, draw: float, nature: Nature) -> None:
        """Say that a forced order trades; a new cascade draws how much of it will come back."""
        if self.quiet_s > _EPISODE_S:
            spread = nature.reversion_spread * math.tanh(1.2 * draw)
            self.reversion = min(max(nature.reversion_share + spread, 0.0), 0.97)
        self.quiet_s = 0.0

    def push(self, usd: float, sign: float, nature: Nature) -> float:
        """Move by a forced order of `usd` (sign +1 buys, -1 sells); returns the size of the move.

        The further the price is already displaced, the more others take the other side.
        """
        stretched = max(self.stretch * sign, 0.0) / (nature.cascade_saturation_bps * 1e-4)
        book_usd = self.depth_usd * (1.0 + stretched + stretched * stretched)
        size = min(nature.cascade_impact * _TEN_BPS * usd / book_usd, _PUSH_MAX)
        self.stretch += sign * size
        self.shove += sign * self.reversion * size
        self.base += sign * (1.0 - self.reversion) * size
        excited = self.quick + min(_CROSS_EXCITEMENT * usd / self.depth_usd, _CROSS_MAX)
        self.quick = max(self.quick, min(excited, _QUICK_MAX))
        return size


def _ou(value: float, dt_by_tau: float, deviation: float, normal: float) -> float:
    keep = math.exp(-dt_by_tau)
    return value * keep + deviation * math.sqrt(1.0 - keep * keep) * normal
