"""Funding: what longs pay shorts every eight hours, from the average premium in between."""

from typing import Final

import msgspec

PERIOD_MS: Final = 8 * 3_600_000
_INTEREST: Final = 1e-4
_DAMPED: Final = 5e-5
"""A premium within this of the interest rate leaves the rate at the interest rate."""
_RATE_MAX: Final = 3e-3
_LEAN: Final = 0.02
"""Premium for each unit of log price above the average of the last hours: crowds chase."""
_CHANCE: Final = 8e-5
_PREMIUM_S: Final = 3_600.0


class FundingClock(msgspec.Struct, kw_only=True):
    """The premium of a contract and what has been averaged of it in this period."""

    premium: float = 0.0
    sum: float = 0.0
    seconds: float = 0.0

    def observe(self, lean: float, dt_s: float, normal: float) -> None:
        """Add `dt_s` seconds in which the price stood `lean` above its average of hours."""
        target = _LEAN * lean + _CHANCE * normal * (_PREMIUM_S / dt_s) ** 0.5
        self.premium += (target - self.premium) * min(dt_s / _PREMIUM_S, 1.0)
        self.sum += self.premium * dt_s
        self.seconds += dt_s

    def settle(self) -> None:
        """Begin a new period."""
        self.sum = self.seconds = 0.0

    @property
    def rate(self) -> float:
        """The rate as it would be settled now, on a grid of a millionth."""
        average = self.sum / self.seconds if self.seconds else self.premium
        damped = min(max(_INTEREST - average, -_DAMPED), _DAMPED)
        return round(min(max(average + damped, -_RATE_MAX), _RATE_MAX), 6)


def next_settlement(at: int) -> int:
    """The first settlement after `at` (ms)."""
    return (at // PERIOD_MS + 1) * PERIOD_MS
