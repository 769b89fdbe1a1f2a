"""The leverages that traders choose, and how far from entry each is liquidated.

With entry E, leverage l and maintenance rate m an isolated linear position is liquidated at
`E(1 - 1/l) / (1 - m)` (long) or `E(1 + 1/l) / (1 + m)` (short). Single positions are small: they
lie in the first maintenance bracket, whose maintenance amount is nought.
"""

import math
from typing import Final

from bot.model.instrument import Instrument
from bot.model.primitives import Value

_TRADERS: Final = (  # leverage, share of what is opened, hours until half have left
    (3.0, 0.20, 240.0),
    (5.0, 0.20, 168.0),
    (10.0, 0.25, 96.0),
    (25.0, 0.19, 36.0),
    (50.0, 0.12, 12.0),
    (100.0, 0.04, 6.0),
)
_ROOM_MIN: Final = 0.002
"""Nobody opens a position that a move of this size, in log price, would end."""


class Leverage(Value, frozen=True, kw_only=True):
    """The tiers possible on one contract; one entry of each tuple a tier."""

    weights: tuple[float, ...]
    """Share of new positions; they sum to 1."""
    hazards: tuple[float, ...]
    """Log rate of leaving in a second of a calm day."""
    long_offsets: tuple[float, ...]
    """ln(liquidation price / entry): negative."""
    short_offsets: tuple[float, ...]
    """The same of shorts: positive."""


def leverage_of(instrument: Instrument) -> Leverage:
    """The traders' tiers as far as the contract's first bracket allows them."""
    bracket = instrument.tiers[0]
    rate = bracket.maintenance_rate
    rungs = []
    for leverage, weight, half_life_h in _TRADERS:
        long = math.log((1.0 - 1.0 / leverage) / (1.0 - rate))
        short = math.log((1.0 + 1.0 / leverage) / (1.0 + rate))
        if leverage <= bracket.leverage_max and min(-long, short) >= _ROOM_MIN:
            rungs.append((weight, log_rate(half_life_h), long, short))
    weights, hazards, longs, shorts = zip(*rungs, strict=True)
    return Leverage(
        weights=tuple(weight / sum(weights) for weight in weights),
        hazards=hazards,
        long_offsets=longs,
        short_offsets=shorts,
    )


def log_rate(half_life_h: float) -> float:
    """The hazard in a second that halves in so many hours."""
    return math.log(2.0) / (half_life_h * 3_600.0)
