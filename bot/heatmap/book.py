"""The anchored open-interest book: today's positions at the prices where they get liquidated.

One contract of open interest is one long and one short, so both sides hold the whole of it:
after every bar `sum(tiers) + unattributed == open interest` on each side, and nothing is negative.

The grid is absolute in log price: bucket k covers [k, k + 1) * width. Closing positions thins a
tier of a side evenly, so the arrays hold quantities up to one factor for each (side, tier), and
the sums are kept beside them: a bar touches the buckets its range swept and some 72 new ones.
"""

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.heatmap.shape import Shape
from bot.model.market import Candle
from bot.model.primitives import Millis, PositionSide

LONG: Final = 0
SHORT: Final = 1
SIDES: Final = (PositionSide.LONG, PositionSide.SHORT)
"""The order of the first axis of every array."""

JUMP_SHARE: Final = 0.30
"""Open interest that changes by more than this in one reading is held back."""
JUMP_AGREES_SHARE: Final = 0.05
JUMP_READINGS: Final = 3
"""So many readings that agree are believed after all."""
RESUM_BARS: Final = 256
"""The running sums are taken anew this often, so that rounding never adds up."""
FACTOR_MIN: Final = 1e-60
"""Below this a lazy factor is multiplied out."""
HOUR_MS: Final = 3_600_000.0

Floats: TypeAlias = NDArray[np.float64]


class Book:
    """One symbol's open interest by side, tier and liquidation price. Quantities in base coins."""

    def __init__(self, shape: Shape) -> None:
        tiers, buckets = len(shape.leverages), shape.buckets
        self.shape = shape
        self.opened_at = Millis(0)
        """Open time of the first bar; 0 before it."""
        self.closed_at = Millis(0)
        """Close time of the last bar; 0 before the first."""
        self.close = 0.0
        self.oi = 0.0
        """Open interest that each side accounts for."""
        self.is_oi_held = False
        """The newest reading was not believed and the one before it stands."""
        self.consumed = (0.0, 0.0)
        """What the last bar swept, long and short."""
        self.trust = 1.0
        """Share of the anchors that gaps leave standing; 1 without gaps."""
        self.bars = 0
        self.base = 0
        """Absolute number of the window's first bucket."""
        self.cells: Floats = np.zeros((2, tiers, buckets))
        """Quantities divided by the factor of their side and tier."""
        self.factors = [[1.0] * tiers, [1.0] * tiers]
        self.sums = [[0.0] * tiers, [0.0] * tiers]
        self.unattributed = [0.0, 0.0]
        self.known_oi = 0.0
        self.jump_oi = 0.0
        self.jump_count = 0
        # What the bar in progress has swept: down to and up to which log price, in buckets.
        self.swept_low = math.inf
        self.swept_high = -math.inf
        self.taken = [0.0, 0.0]
        # Highest bucket that can hold a long, lowest that can hold a short: at first any.
        self._edges = [2**62, -(2**62)]
        self._set_constants(shape, tiers, buckets)

    def _set_constants(self, shape: Shape, tiers: int, buckets: int) -> None:
        offsets = np.array([*shape.long_offsets, *shape.short_offsets]) / shape.width
        self._offsets: Floats = offsets[:, None]
        self._nearest = (offsets[:tiers].max(), offsets[tiers:].min())
        # Unattributed interest lives as long as the longest-lived tier.
        self._half_lives_h = [*shape.half_lives_h, max(shape.half_lives_h)]
        self._hazards = [1.0 / hours for hours in self._half_lives_h]
        self._leverages: Floats = np.array(shape.leverages)
        shares = np.array([*shape.weights, *shape.weights])[:, None] * [0.25, 0.5, 0.25]
        self._shares: Floats = shares
        self._risk: Floats = np.empty((2 * tiers, 1))
        self._masses: Floats = np.empty((2 * tiers, 6))
        self._places = np.empty((2 * tiers, 6), dtype=np.int64)
        self._unsigned = self._places.view(np.uint64)
        self._rows = (np.arange(2 * tiers, dtype=np.int64) * buckets)[:, None]
        self._flat = self.cells.reshape(-1)
        self._tiers, self._buckets = tiers, buckets
        self._prices: Floats | None = None

    # --- questions

    @property
    def coverage(self) -> float:
        """Share of open interest that the book explains: the smaller of the two sides.

        0 until open interest has been seen: a book that lives on volume explains a share of
        something that nobody has measured.
        """
        if self.known_oi <= 0.0 or self.oi <= 0.0:
            return 0.0
        share = 1.0 - max(self.unattributed) / self.oi
        return min(max(share, 0.0), 1.0) * self.trust

    @property
    def prices(self) -> Floats:
        """Price at the centre of each bucket."""
        if self._prices is None:
            centres = np.arange(self.base, self.base + self._buckets) + 0.5
            self._prices = np.exp(centres * self.shape.width)
        return self._prices

    def profile(self, side: int) -> Floats:
        """Quantity by bucket, and quantity times leverage by bucket: shape (2, buckets)."""
        factors = np.array(self.factors[side])
        profile: Floats = np.dot(np.stack((factors, factors * self._leverages)), self.cells[side])
        return profile

    def quantities(self) -> Floats:
        """The whole book with its factors multiplied out: shape (2, tiers, buckets)."""
        whole: Floats = self.cells * np.array(self.factors)[:, :, None]
        return whole

    # --- one bar

    def step(self, bar: Candle, oi: float | None) -> bool:
        """Take one closed bar and the open interest known at its close (None: unknown).

        False when the bar is older than the book or not a bar at all; nothing has changed then.
        """
        if bar.open_at < self.closed_at or not is_sane(bar):
            return False
        if not self.bars:
            self.opened_at = self.closed_at = bar.open_at
            self.base = math.floor(math.log(bar.close) / self.shape.width) - self._buckets // 2
        self._recentre(bar.close)
        believed, rise = self._believe(oi)
        gap_ms = bar.open_at - self.closed_at
        if gap_ms > 0:
            self._bridge(bar.open, gap_ms, believed, rise)
            rise = 0.0
        self.sweep(bar.high, bar.low)
        opened = self._settle(bar.volume, rise, believed, bar.timeframe_ms)
        if opened > 0.0:
            self._open(bar, opened)
        self._balance(believed)
        self._end(bar)
        return True

    def sweep(self, high: float, low: float) -> None:
        """Consume what a range traded through: longs at or above `low`, shorts up to `high`.

        May be called while a bar is in progress, as often as its range grows: the closing `step`
        takes only what is left, so the parts of a bar come to the same as the whole of it.
        """
        at = math.log(low) / self.shape.width
        if at < self.swept_low:
            bucket, top = math.floor(at), self._edges[LONG]
            if bucket <= top:
                upper = min(self.swept_low, bucket + 1.0)
                self._take(LONG, (bucket + 1, top + 1), bucket, (upper - at) / (upper - bucket))
                self._edges[LONG] = bucket
            self.swept_low = at
        at = math.log(high) / self.shape.width
        if at > self.swept_high:
            bucket, bottom = math.floor(at), self._edges[SHORT]
            if bucket >= bottom:
                lower = max(self.swept_high, float(bucket))
                share = (at - lower) / (bucket + 1.0 - lower)
                self._take(SHORT, (bottom, bucket), bucket, share)
                self._edges[SHORT] = bucket
            self.swept_high = at

    def _take(self, side: int, whole: tuple[int, int], edge: int, share: float) -> None:
        """Remove the buckets of a half-open range, and a share of the bucket at its edge."""
        cells, factors, sums = self.cells[side], self.factors[side], self.sums[side]
        first, last = max(whole[0] - self.base, 0), min(whole[1] - self.base, self._buckets)
        taken = np.zeros(self._tiers)
        if first < last:
            swept = cells[:, first:last]
            taken = swept.sum(axis=1)
            swept[...] = 0.0
        place = edge - self.base
        if 0 <= place < self._buckets:
            column = cells[:, place]
            part = column * share
            column -= part
            taken += part
        for tier, quantity in enumerate(taken.tolist()):
            if quantity > 0.0:
                amount = min(factors[tier] * quantity, sums[tier])
                sums[tier] -= amount
                self.taken[side] += amount

    def _believe(self, oi: float | None) -> tuple[float | None, float]:
        """The open interest to account for, and its rise since the reading before.

        A jump that three readings agree on is believed, but not as a rise: nobody knows when
        or where it was entered, so it ends up unattributed.
        """
        self.is_oi_held = False
        if oi is None:
            return None, 0.0
        known = self.known_oi
        if not (0.0 < oi < math.inf):
            self.is_oi_held = True
            return known or None, 0.0
        if not known or abs(oi - known) <= JUMP_SHARE * known:
            self.jump_count, self.known_oi = 0, oi
            return oi, (oi - known if known else 0.0)
        is_same = self.jump_count and abs(oi - self.jump_oi) <= JUMP_AGREES_SHARE * self.jump_oi
        if not is_same:
            self.jump_oi = oi
        self.jump_count = self.jump_count + 1 if is_same else 1
        if self.jump_count < JUMP_READINGS:
            self.is_oi_held = True
            return known, 0.0
        self.jump_count, self.known_oi = 0, oi
        return oi, 0.0

    def _bridge(self, price: float, gap_ms: float, believed: float | None, rise: float) -> None:
        """Account for bars that are missing: what they swept and closed, but nothing entered."""
        self.sweep(max(self.close, price), min(self.close, price))
        opened = self._settle(0.0, rise, believed, gap_ms)
        self.unattributed = [rest + opened for rest in self.unattributed]
        self._balance(believed)
        self.trust *= 2.0 ** (-gap_ms / HOUR_MS / self._half_lives_h[-1])

    def _settle(self, volume: float, rise: float, believed: float | None, time_ms: float) -> float:
        """Close what open interest says was closed on each side; returns what was opened."""
        if believed is None:
            self._decay(time_ms)
            return self.shape.churn * volume
        opened = min(max(rise, 0.0) + self.shape.churn * volume, max(volume, rise), believed)
        for side in (LONG, SHORT):
            surplus = sum(self.sums[side]) + self.unattributed[side] + opened - believed
            if surplus > 0.0:
                self._close(side, surplus)
            else:
                self.unattributed[side] -= surplus
        return opened

    def _close(self, side: int, amount: float) -> None:
        """Take closed positions from the tiers and the rest in proportion to their hazards.

        What a tier cannot give is asked of the others in the next pass; each pass that does not
        finish empties one, so one pass for each of them is enough.
        """
        sums = self.sums[side]
        for _ in range(self._tiers + 2):
            held = [*sums, self.unattributed[side]]
            pull = sum([mass * hazard for mass, hazard in zip(held, self._hazards, strict=True)])
            if amount <= 0.0 or pull <= 0.0:
                return
            ratio = amount / pull
            shares = [min(hazard * ratio, 1.0) for hazard in self._hazards]
            for tier in range(self._tiers):
                if sums[tier] > 0.0:
                    self._thin(side, tier, 1.0 - shares[tier])
            self.unattributed[side] *= 1.0 - shares[-1]
            amount -= sum([mass * share for mass, share in zip(held, shares, strict=True)])
            if max(shares) < 1.0:
                return

    def _decay(self, time_ms: float) -> None:
        """Let positions close at their half-lives, where open interest is not known."""
        hours = time_ms / HOUR_MS
        kept = [2.0 ** (-hours / half_life_h) for half_life_h in self._half_lives_h]
        for side in (LONG, SHORT):
            for tier in range(self._tiers):
                self._thin(side, tier, kept[tier])
            self.unattributed[side] *= kept[-1]

    def _thin(self, side: int, tier: int, kept: float) -> None:
        """Keep a share of one tier of one side, wherever it stands."""
        factors, sums = self.factors[side], self.sums[side]
        factors[tier] *= kept
        sums[tier] *= kept
        if factors[tier] < FACTOR_MIN:
            self.cells[side, tier] *= factors[tier]
            factors[tier] = 1.0

    def _open(self, bar: Candle, opened: float) -> None:
        """Enter new positions on both sides at the bar's prices; what is not at risk is left."""
        entries, low, high = self._entries(bar)
        tiers = self._tiers
        buy = 0.5
        if bar.taker_buy_volume is not None and 0.0 <= bar.taker_buy_volume <= bar.volume > 0.0:
            buy = bar.taker_buy_volume / bar.volume
        self._risk[:tiers] = opened * (buy + self.shape.maker_share * (1.0 - buy))
        self._risk[tiers:] = opened * ((1.0 - buy) + self.shape.maker_share * buy)
        places, masses = self._offsets + entries, self._shares * self._risk
        top, bottom = float(entries[2] + self._nearest[0]), float(entries[0] + self._nearest[1])
        if top >= low or bottom <= high:
            is_inside = (places >= low) & (places <= high)
            masses *= 1.0 - (1.0 - self.shape.survival) * is_inside
        self._scatter(places, masses)
        self._edges[LONG] = max(self._edges[LONG], math.floor(top - 0.5) + 1 + self.base)
        self._edges[SHORT] = min(self._edges[SHORT], math.floor(bottom - 0.5) + self.base)
        added = self._masses.sum(axis=1).tolist()
        for side in (LONG, SHORT):
            mine, sums = added[side * tiers : (side + 1) * tiers], self.sums[side]
            for tier, mass in enumerate(mine):
                sums[tier] += mass
            self.unattributed[side] += opened - sum(mine)
        self._masses /= np.array([*self.factors[LONG], *self.factors[SHORT]])[:, None]
        np.add.at(self._flat, self._places.reshape(-1), self._masses.reshape(-1))

    def _entries(self, bar: Candle) -> tuple[Floats, float, float]:
        """Where the bar's positions were entered, and its range: in buckets from the base."""
        width, base, high, low = self.shape.width, self.base, bar.high, bar.low
        middle = min(max((high + low + bar.close) / 3.0, low), high)
        prices = (0.5 * (low + middle), middle, 0.5 * (high + middle))
        entries = np.array([math.log(price) / width - base for price in prices])
        return entries, math.log(low) / width - base, math.log(high) / width - base

    def _scatter(self, places: Floats, masses: Floats) -> None:
        """Split each mass over the two buckets whose centres are nearest; outside is dropped."""
        lower = np.floor(places - 0.5)
        upper_masses = masses * (places - 0.5 - lower)
        self._places[:, :3] = lower
        self._places[:, 3:] = lower + 1.0
        np.subtract(masses, upper_masses, out=self._masses[:, :3])
        self._masses[:, 3:] = upper_masses
        # Below the window a place is negative, and read as unsigned beyond every bucket.
        is_inside = self._unsigned < self._buckets
        self._masses *= is_inside
        self._places *= is_inside
        self._places += self._rows

    def _balance(self, believed: float | None) -> None:
        """Close the books: what the tiers do not explain is unattributed, on both sides."""
        held = [sum(self.sums[LONG]), sum(self.sums[SHORT])]
        totals = [held[LONG] + self.unattributed[LONG], held[SHORT] + self.unattributed[SHORT]]
        self.oi = max(totals) if believed is None else believed
        assert believed is None or abs(min(totals) - self.oi) <= 1e-9 * self.oi, "longs are missing"
        assert believed is None or abs(max(totals) - self.oi) <= 1e-9 * self.oi, "shorts are extra"
        self.unattributed = [max(self.oi - held[LONG], 0.0), max(self.oi - held[SHORT], 0.0)]

    def _end(self, bar: Candle) -> None:
        self.close, self.closed_at = bar.close, bar.close_at
        self.consumed = (self.taken[LONG], self.taken[SHORT])
        self.taken = [0.0, 0.0]
        self.swept_low, self.swept_high = math.inf, -math.inf
        if self.trust < 1.0:
            hours = bar.timeframe_ms / HOUR_MS
            self.trust = 1.0 - (1.0 - self.trust) * 2.0 ** (-hours / self._half_lives_h[-1])
        self.bars += 1
        if self.bars % RESUM_BARS == 0:
            self._resum()

    def _resum(self) -> None:
        sums = (self.cells.sum(axis=2) * np.array(self.factors)).tolist()
        self.sums = sums
        self.unattributed = [max(self.oi - sum(sums[side]), 0.0) for side in (LONG, SHORT)]

    # --- the window

    def _recentre(self, price: float) -> None:
        """Shift the window when the price is far from its middle; what falls out is spilled."""
        bucket, buckets = math.floor(math.log(price) / self.shape.width), self._buckets
        shift = bucket - buckets // 2 - self.base
        if abs(shift) <= buckets // 4:
            return
        kept = np.zeros_like(self.cells)
        if 0 < shift < buckets:
            kept[:, :, :-shift] = self.cells[:, :, shift:]
        elif -buckets < shift < 0:
            kept[:, :, -shift:] = self.cells[:, :, :shift]
        self.cells[...] = kept
        self.base += shift
        self._prices = None
        held = [sum(self.sums[LONG]), sum(self.sums[SHORT])]
        self.sums = (self.cells.sum(axis=2) * np.array(self.factors)).tolist()
        for side in (LONG, SHORT):
            self.unattributed[side] += max(held[side] - sum(self.sums[side]), 0.0)


def is_sane(bar: Candle) -> bool:
    """Whether the figures are those of a bar: positive, finite, in order."""
    return (
        0.0 < bar.low <= bar.open <= bar.high < math.inf
        and bar.low <= bar.close <= bar.high
        and 0.0 <= bar.volume < math.inf
        and bar.timeframe_ms > 0
    )
