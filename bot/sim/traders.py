"""The crowd: every open position as mass at the price where it is liquidated.

Quantities are base coins; places are buckets of log price, `floor(x / GRAIN)`. One contract is one
long and one short, so at any time, on both sides, `held + free + limbo` is the open interest:
held by leverage tier at a liquidation price, free (unlevered or hedged: no price reaches it), and
in limbo (liquidated, not yet taken over by somebody else or closed).

Rows store mass as it was when the tier's scale was 1: leaving traders shrink one scale instead of
every row.
"""

import math
from typing import Final

import msgspec

from bot.model.instrument import Instrument
from bot.sim.leverage import leverage_of, log_rate

GRAIN: Final = 0.0002
"""Width of a bucket in log price: two basis points."""
LONG, SHORT = 0, 1

_FREE_HAZARD: Final = log_rate(240.0)
_MAKER_SHARE_AT_RISK: Final = 0.5
_CLOSED_WITH_LIQUIDATION: Final = 0.6
"""Of liquidated contracts, the share that the other side uses to close; the rest changes hands."""
_SCALE_MIN: Final = 1e-30
_CALM_S_MAX: Final = 1e6
"""A turn in which everybody would leave: keeps scales above nought."""
_DUST: Final = 1e-10
"""Rows below this share of the open interest are forgotten (their mass becomes free)."""
_FIRST_LEVERED: Final = 0.6
_FIRST_REACH: Final = 0.05
"""Entries older than the history are spread this far, in log price, around the first price."""


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of the crowd."""

    points: tuple[tuple[float, float], ...]
    """(log price, share) where positions are opened."""
    low: float
    """Lowest log price of the turn: what would be liquidated inside it is not opened levered."""
    high: float
    opened: float
    """Base coins opened."""
    buy_share: float
    """Of the volume, by takers who buy."""


class Crowd(msgspec.Struct, kw_only=True):
    """Everybody's positions in one contract."""

    oi: float
    offsets: tuple[tuple[float, ...], tuple[float, ...]]
    """Distance from entry to liquidation in buckets, by side and tier."""
    weights: tuple[float, ...]
    hazards: tuple[float, ...]
    """Share of a tier that leaves in a second of a calm day, as a log rate."""
    rows: tuple[dict[int, list[float]], dict[int, list[float]]]
    scale: tuple[list[float], list[float]]
    held: tuple[list[float], list[float]]
    free: list[float]
    limbo: list[float]
    restlessness: float
    """Share of all positions that leaves in a calm second, as the tiers are filled now."""

    def cross(self, side: int, first: int, last: int) -> float:
        """Liquidate the buckets `first`..`last` of a side; returns the base coins forced out."""
        rows = self.rows[side]
        total = 0.0
        for bucket in range(first, last + 1):
            row = rows.pop(bucket, None)
            if row is not None:
                total += self._take(side, row)
        self.limbo[side] += total
        return total

    def turn(self, leaving: float, entries: Entries) -> float:
        """Let about `leaving` coins leave each side, and others enter; returns the coins closed.

        What leaves one side and not the other changes hands at the entries' prices.
        """
        if min(self.scale[LONG][-1], self.scale[SHORT][-1]) < _SCALE_MIN:
            self._tidy()
        calm_s = min(leaving / (self.restlessness * self.oi), _CALM_S_MAX)
        stays = [math.exp(-hazard * calm_s) for hazard in self.hazards]
        free_stay = math.exp(-_FREE_HAZARD * calm_s)
        left = [self._leave(side, stays, free_stay) for side in (LONG, SHORT)]
        self.restlessness = sum(left) / (2.0 * self.oi * calm_s) if calm_s else self.restlessness
        forced = self.limbo[LONG] + self.limbo[SHORT]
        closed = max(left) + _CLOSED_WITH_LIQUIDATION * forced
        b = entries.buy_share
        for side, taker in ((LONG, b), (SHORT, 1.0 - b)):
            gone = left[side] + self.limbo[side]
            self.limbo[side] = 0.0
            reopened = max(gone - closed, 0.0)
            if gone < closed:
                self._shrink(side, closed - gone)
            at_risk = taker + _MAKER_SHARE_AT_RISK * (1.0 - taker)
            self._enter(side, (entries.opened + reopened) * at_risk, entries)
            self.free[side] += (entries.opened + reopened) * (1.0 - at_risk)
        self.oi += entries.opened - closed
        return closed

    def rescale(self, factor: float) -> None:
        """Multiply every quantity: the unit of the coin changes."""
        self.oi *= factor
        for side in (LONG, SHORT):
            self.free[side] *= factor
            self.limbo[side] *= factor
            for amounts in (self.scale[side], self.held[side]):
                amounts[:] = [amount * factor for amount in amounts]

    def mass(self, side: int) -> dict[int, float]:
        """Base coins that would be liquidated, by bucket."""
        scale = self.scale[side]
        return {
            bucket: sum(raw * s for raw, s in zip(row, scale, strict=True))
            for bucket, row in self.rows[side].items()
        }

    def total(self, side: int) -> float:
        """Held, free and in limbo: the open interest as this side sees it."""
        return math.fsum(self.held[side]) + self.free[side] + self.limbo[side]

    def _tidy(self) -> None:
        """Fold the scales into the rows, so that all stay ordinary numbers."""
        for side in (LONG, SHORT):
            scale = self.scale[side]
            rows = self.rows[side]
            for bucket in list(rows):
                row = [raw * s for raw, s in zip(rows[bucket], scale, strict=True)]
                rows[bucket] = row
            scale[:] = [1.0] * len(scale)
            for bucket in [b for b, row in rows.items() if sum(row) < _DUST * self.oi]:
                self.free[side] += self._take(side, rows.pop(bucket))

    def _take(self, side: int, row: list[float]) -> float:
        held, scale = self.held[side], self.scale[side]
        total = 0.0
        for tier, raw in enumerate(row):
            if raw:
                amount = min(raw * scale[tier], held[tier])
                held[tier] -= amount
                total += amount
        return total

    def _leave(self, side: int, stays: list[float], free_stay: float) -> float:
        held, scale = self.held[side], self.scale[side]
        before = sum(held) + self.free[side]
        for tier, stay in enumerate(stays):
            held[tier] *= stay
            scale[tier] *= stay
        self.free[side] *= free_stay
        return before - sum(held) - self.free[side]

    def _shrink(self, side: int, amount: float) -> None:
        held, scale = self.held[side], self.scale[side]
        stay = max(1.0 - amount / (sum(held) + self.free[side]), 0.0)
        for tier in range(len(held)):
            held[tier] *= stay
            scale[tier] *= stay
        self.free[side] *= stay

    def _enter(self, side: int, amount: float, entries: Entries) -> None:
        rows, scale, held = self.rows[side], self.scale[side], self.held[side]
        low, high = entries.low / GRAIN, entries.high / GRAIN
        tiers = tuple(zip(range(len(scale)), self.offsets[side], self.weights, strict=True))
        empty, floor = [0.0] * len(scale), math.floor
        for x, share in entries.points:
            here, part = x / GRAIN, amount * share
            for tier, offset, weight in tiers:
                place, mass = here + offset, part * weight
                if low <= place <= high:
                    self.free[side] += mass
                    continue
                bucket = floor(place)
                row = rows.get(bucket)
                if row is None:
                    row = rows[bucket] = empty[:]
                row[tier] += mass / scale[tier]
                held[tier] += mass


def new_crowd(instrument: Instrument, oi: float) -> Crowd:
    """A crowd whose positions were opened some time ago around log price 0."""
    ladder = leverage_of(instrument)
    tiers = len(ladder.weights)
    crowd = Crowd(
        oi=oi,
        offsets=(
            tuple(offset / GRAIN for offset in ladder.long_offsets),
            tuple(offset / GRAIN for offset in ladder.short_offsets),
        ),
        weights=ladder.weights,
        hazards=ladder.hazards,
        rows=({}, {}),
        scale=([1.0] * tiers, [1.0] * tiers),
        held=([0.0] * tiers, [0.0] * tiers),
        free=[oi * (1.0 - _FIRST_LEVERED)] * 2,
        limbo=[0.0, 0.0],
        restlessness=_FREE_HAZARD,
    )
    steps = 25
    points = tuple(
        (_FIRST_REACH * (2.0 * i / (steps - 1) - 1.0), 1.0 / steps) for i in range(steps)
    )
    for side in (LONG, SHORT):
        # What lies on the wrong side of the price was liquidated long ago: it is free.
        edge = (0.0, math.inf) if side == LONG else (-math.inf, 0.0)
        entries = Entries(points=points, low=edge[0], high=edge[1], opened=0.0, buy_share=0.5)
        crowd._enter(side, oi * _FIRST_LEVERED, entries)  # noqa: SLF001  (its own constructor)
    return crowd
