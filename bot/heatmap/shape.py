"""The shape of a book: where positions are liquidated, as distances from entry, and the grid.

With entry E, leverage l, maintenance rate m, maintenance amount cum (quote) and quantity q (base):
    long  (E(1 - 1/l) - cum/q) / (1 - m)        short  (E(1 + 1/l) + cum/q) / (1 + m)
For a position of constant notional V = qE this is E times a constant, so in log price each
leverage and side is one fixed offset from the entry.
"""

import math
from typing import Final

from bot.errors import ConfigError
from bot.model.instrument import Instrument, LeverageTier
from bot.model.primitives import PositionSide, Value
from bot.model.wiring import EngineSettings

BUCKETS_MIN: Final = 16
TICKS_PER_BUCKET_MIN: Final = 2.0


class Shape(Value, frozen=True, kw_only=True):
    """Everything that decides how a book reads its bars; each tuple has one entry a tier."""

    leverages: tuple[float, ...]
    weights: tuple[float, ...]
    """Share of new positions in each tier; they sum to 1."""
    half_lives_h: tuple[float, ...]
    long_offsets: tuple[float, ...]
    """ln(liquidation price / entry) of longs: negative."""
    short_offsets: tuple[float, ...]
    """The same of shorts: positive."""
    width: float
    """Bucket width in log price."""
    half_window: float
    maker_share: float
    churn: float
    """Positions opened per unit of volume, besides the growth of open interest."""
    survival: float
    """Share of new positions that outlives its own bar where the bar reaches their level."""

    @property
    def buckets(self) -> int:
        """Number of buckets in the window."""
        return max(BUCKETS_MIN, round(2.0 * self.half_window / self.width))


def liquidation_price(
    *, entry: float, leverage: float, side: PositionSide, tier: LeverageTier, qty: float
) -> float:
    """The exact price at which an isolated linear position of `qty` base coins is liquidated."""
    rate, amount = tier.maintenance_rate, tier.cum_usd / qty
    if side is PositionSide.LONG:
        return (entry * (1.0 - 1.0 / leverage) - amount) / (1.0 - rate)
    return (entry * (1.0 + 1.0 / leverage) + amount) / (1.0 + rate)


def shape_of(instrument: Instrument, settings: EngineSettings, price: float) -> Shape:
    """The settings as far as this contract allows them, on a grid that suits its price.

    Tiers above the first bracket's leverage are dropped, as are those whose maintenance margin
    leaves no room between entry and liquidation; the weights of the rest are scaled to 1.
    Raises ConfigError when the three lists differ in length or nothing is left.
    """
    lists = (settings.tiers, settings.weights, settings.half_lives_h)
    if len({len(items) for items in lists}) != 1:
        raise ConfigError(
            "tiers, weights and half_lives_h must have one entry for each tier",
            where="heatmap.engine",
            remedy="Give the three lists the same length.",
        )
    leverage_max = float(instrument.leverage_max)
    if instrument.tiers:
        leverage_max = instrument.tiers[0].leverage_max
    rungs = []
    for leverage, weight, half_life_h in zip(*lists, strict=True):
        if min(weight, half_life_h) <= 0.0 or not 1.0 < leverage <= leverage_max:
            continue
        long = _offset(instrument, leverage, PositionSide.LONG, settings.position_usd)
        short = _offset(instrument, leverage, PositionSide.SHORT, settings.position_usd)
        if long < 0.0 < short:
            rungs.append((leverage, weight, half_life_h, long, short))
    if not rungs:
        raise ConfigError(
            f"none of the leverage tiers {list(settings.tiers)} is possible on "
            f"{instrument.symbol}, which allows {leverage_max:g}x",
            where="heatmap.engine.tiers",
            remedy="Add a lower tier with a positive weight and half-life.",
        )
    leverages, weights, half_lives_h, longs, shorts = zip(*rungs, strict=True)
    tick_size = float(instrument.tick_size)
    return Shape(
        leverages=leverages,
        weights=tuple(weight / sum(weights) for weight in weights),
        half_lives_h=half_lives_h,
        long_offsets=longs,
        short_offsets=shorts,
        width=max(settings.bucket_width, TICKS_PER_BUCKET_MIN * tick_size / price),
        half_window=settings.half_window,
        maker_share=settings.maker_share,
        churn=settings.churn,
        survival=settings.survival,
    )


def _offset(
    instrument: Instrument, leverage: float, side: PositionSide, position_usd: float
) -> float:
    """ln(liquidation price / entry), bracketed by the notional at the liquidation price.

    The notional follows from the price and the bracket from the notional, so start at the
    bracket of the naive price and move until the two agree (brackets are continuous: a few steps).
    """
    notional_usd = position_usd * (1.0 - side.sign / leverage)
    factor = 1.0
    for _ in range(len(instrument.tiers) + 2):
        tier = instrument.tier_at(notional_usd)
        factor = liquidation_price(
            entry=1.0, leverage=leverage, side=side, tier=tier, qty=position_usd
        )
        notional_usd = position_usd * factor
        if tier is instrument.tier_at(notional_usd):
            break
    return math.log(factor) if factor > 0.0 else 0.0
