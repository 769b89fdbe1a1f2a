"""The knobs of the embedded market, each with the effect it has."""

from typing import Annotated

from msgspec import Meta

from bot.model.primitives import Value
from bot.model.settings import Share

Positive = Annotated[float, Meta(gt=0)]


class Nature(Value, frozen=True, kw_only=True):
    """How lively the market is, and what forced orders do to it."""

    volatility_scale: Positive = 1.3
    """Multiplies every coin's own volatility."""
    depth_scale: Positive = 1.0
    """Multiplies the books: deeper books mean smaller cascades."""
    cascade_impact: Annotated[float, Meta(ge=0)] = 1.6
    """Price moved by a forced order as large as the book within 10 bps, in tens of bps."""
    cascade_saturation_bps: Positive = 30.0
    """Displacement at which buyers of the fall have trebled the book."""
    execution_share: Annotated[float, Meta(gt=0, le=1)] = 0.35
    """Of the waiting forced orders, the share that trades within a second."""
    reversion_share: Share = 0.72
    """Of a cascade's displacement, the share that comes back, on average: sweeps..."""
    reversion_spread: Share = 0.45
    """...and how much it differs from cascade to cascade: accepted breaks."""
    reversion_s: Positive = 16.0
    """Time constant of that return."""
    opens_day: Positive = 0.28
    """Positions opened in a day as a share of the open interest."""
    burst: Annotated[float, Meta(ge=0)] = 0.9
    """How unevenly positions are opened over time; makes distinct clusters."""
    momentum: Share = 0.03
    """Pull of the traders who follow the last minutes' move."""
    contrarian: Share = 0.10
    """Pull of those who trade back to the average of the last hours."""
    raids_day: Annotated[float, Meta(ge=0)] = 16.0
    """How often raiders set out for a pool of forced orders nearby, on each coin."""
    raid_minutes: Positive = 12.0
    """How long they take for one percent of the way."""
    correlation: Share = 0.75
    """Between the coins' moves."""
    home_days: Positive = 15.0
    """Time constant of the return to the first price: months of running stay sane."""
