"""The book's accounting over long random markets, and against a plain reading of its rules.

The reference below is the specification written down as it reads: dense arrays, every bucket
looked at, every factor applied where it falls. It shares no code with the book but the shape.
"""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.clock import seeded_random
from bot.heatmap.book import Book
from bot.heatmap.shape import Shape, shape_of
from bot.model.market import Candle
from bot.model.primitives import Millis
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import FIVE_MINUTES_MS, a_tier, an_instrument, interest, walk

TIERS = (a_tier(0, 0.004, 150), a_tier(300_000, 0.005, 100, 300))
HOURS = FIVE_MINUTES_MS / 3_600_000


class Plain:
    """The specification, slowly."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.tiers, self.buckets = len(shape.leverages), shape.buckets
        self.mass = np.zeros((2, self.tiers, self.buckets))
        self.rest = [0.0, 0.0]
        self.base: int | None = None
        self.close = 0.0
        self.closed_at = 0
        self.oi = 0.0
        self.known = 0.0
        self.jumps: list[float] = []

    def step(self, bar: Candle, oi: float | None) -> None:
        self.recentre(bar.close)
        believed, rise = self.believe(oi)
        # How far this bar, with the gap before it, has swept: the bucket at the edge goes
        # pro rata once, not once for the gap and again for the bar.
        swept = [math.inf, -math.inf]
        if self.closed_at and bar.open_at > self.closed_at:
            self.consume(max(self.close, bar.open), min(self.close, bar.open), swept)
            opened = self.settle(0.0, rise, believed, (bar.open_at - self.closed_at) / 3_600_000)
            self.rest = [rest + opened for rest in self.rest]
            self.level(believed)
            rise = 0.0
        self.consume(bar.high, bar.low, swept)
        opened = self.settle(bar.volume, rise, believed, bar.timeframe_ms / 3_600_000)
        self.enter(bar, opened)
        self.level(believed)
        self.close, self.closed_at = bar.close, bar.close_at

    def recentre(self, close: float) -> None:
        middle = math.floor(math.log(close) / self.shape.width)
        if self.base is None:
            self.base = middle - self.buckets // 2
        shift = middle - self.buckets // 2 - self.base
        if abs(shift) <= self.buckets // 4:
            return
        moved = np.zeros_like(self.mass)
        for k in range(self.buckets):
            if 0 <= k - shift < self.buckets:
                moved[:, :, k - shift] = self.mass[:, :, k]
            else:
                for s in (0, 1):
                    self.rest[s] += self.mass[s, :, k].sum()
        self.mass, self.base = moved, self.base + shift

    def consume(self, high: float, low: float, swept: list[float]) -> None:
        assert self.base is not None
        low_at, high_at = math.log(low) / self.shape.width, math.log(high) / self.shape.width
        for k in range(self.buckets):
            bottom, top = self.base + k, self.base + k + 1
            left = min(top, swept[0]) - bottom
            if left > 0.0:
                self.mass[0, :, k] *= min(max(low_at - bottom, 0.0), left) / left
            left = top - max(bottom, swept[1])
            if left > 0.0:
                self.mass[1, :, k] *= min(max(top - high_at, 0.0), left) / left
        swept[0], swept[1] = min(swept[0], low_at), max(swept[1], high_at)

    def believe(self, oi: float | None) -> tuple[float | None, float]:
        if oi is None:
            return None, 0.0
        if oi <= 0.0:
            return self.known or None, 0.0
        if self.known == 0.0:
            self.known = oi
            return oi, 0.0
        if abs(oi / self.known - 1.0) > 0.30:
            if self.jumps and abs(oi / self.jumps[0] - 1.0) > 0.05:
                self.jumps = []
            self.jumps.append(oi)
            if len(self.jumps) < 3:
                return self.known, 0.0
            self.jumps, self.known = [], oi
            return oi, 0.0
        rise, self.known, self.jumps = oi - self.known, oi, []
        return oi, rise

    def settle(self, volume: float, rise: float, believed: float | None, hours: float) -> float:
        lives = np.array(self.shape.half_lives_h)
        if believed is None:
            self.mass *= (2.0 ** (-hours / lives))[None, :, None]
            self.rest = [rest * 2.0 ** (-hours / lives.max()) for rest in self.rest]
            return self.shape.churn * volume
        opened = min(max(rise, 0.0) + self.shape.churn * volume, max(volume, rise), believed)
        for s in (0, 1):
            surplus = self.mass[s].sum() + self.rest[s] + opened - believed
            if surplus <= 0.0:
                self.rest[s] -= surplus
                continue
            for _ in range(8):
                hazards = 1.0 / lives
                pull = (hazards[:, None] * self.mass[s]).sum() + hazards.min() * self.rest[s]
                if surplus <= 0.0 or pull <= 0.0:
                    break
                before = self.mass[s].sum() + self.rest[s]
                taken = np.minimum(self.mass[s], surplus * hazards[:, None] * self.mass[s] / pull)
                rest_taken = min(self.rest[s], surplus * hazards.min() * self.rest[s] / pull)
                self.mass[s] -= taken
                self.rest[s] -= rest_taken
                surplus -= before - (self.mass[s].sum() + self.rest[s])
        return opened

    def enter(self, bar: Candle, opened: float) -> None:
        assert self.base is not None
        buys = bar.taker_buy_volume
        b = 0.5 if buys is None or bar.volume == 0.0 else buys / bar.volume
        vwap = min(max((bar.high + bar.low + bar.close) / 3.0, bar.low), bar.high)
        entries = ((0.25, (bar.low + vwap) / 2), (0.5, vwap), (0.25, (bar.high + vwap) / 2))
        rate = 0.004
        for s in (0, 1):
            buyer, seller = (b, 1.0 - b) if s == 0 else (1.0 - b, b)
            at_risk = opened * (buyer + self.shape.maker_share * seller)
            left = opened
            for t, leverage in enumerate(self.shape.leverages):
                for share, entry in entries:
                    if s == 0:
                        level = entry * (1.0 - 1.0 / leverage) / (1.0 - rate)
                    else:
                        level = entry * (1.0 + 1.0 / leverage) / (1.0 + rate)
                    mass = at_risk * self.shape.weights[t] * share
                    if bar.low <= level <= bar.high:
                        mass *= self.shape.survival
                    centre = math.log(level) / self.shape.width - 0.5
                    k = math.floor(centre)
                    for bucket, part in ((k, k + 1.0 - centre), (k + 1, centre - k)):
                        if 0 <= bucket - self.base < self.buckets:
                            self.mass[s, t, bucket - self.base] += mass * part
                            left -= mass * part
            self.rest[s] += left

    def level(self, believed: float | None) -> None:
        totals = [self.mass[s].sum() + self.rest[s] for s in (0, 1)]
        self.oi = max(totals) if believed is None else believed
        self.rest = [self.rest[s] + self.oi - totals[s] for s in (0, 1)]


def rough(bars: int, seed: int) -> list[tuple[Candle, float | None]]:
    """A market with everything that goes wrong: gaps, crashes, missing and absurd interest."""
    chance = seeded_random(seed)
    candles = walk(bars, seed, volatility=0.004)
    readings: list[float | None] = []
    scale, late_ms, factor = 1.0, 0, 1.0
    shifted: list[Candle] = []
    missing = 0
    for candle, oi in zip(candles, interest(candles, seed + 1), strict=True):
        draw = chance.random()
        if draw < 0.004:
            late_ms += FIVE_MINUTES_MS * chance.randint(1, 400)
        elif draw < 0.008:
            # A leap between two bars, at times beyond the window.
            factor *= math.exp(chance.choice((-0.9, -0.2, -0.05, 0.05, 0.2, 0.9)))
        elif draw < 0.010:
            scale *= chance.choice((0.4, 0.6, 1.5, 2.5))
        elif draw < 0.014:
            missing = chance.randint(1, 60)
        reading: float | None = oi * scale
        if missing:
            missing, reading = missing - 1, None
        elif draw > 0.996:
            reading = chance.choice((0.0, -5.0, oi * scale * 10.0, oi * scale / 10.0))
        readings.append(reading)
        shifted.append(_moved(candle, factor, late_ms))
    return list(zip(shifted, readings, strict=True))


def _moved(candle: Candle, factor: float, late_ms: int) -> Candle:
    return Candle(
        symbol=candle.symbol,
        open_at=Millis(candle.open_at + late_ms),
        timeframe_ms=candle.timeframe_ms,
        open=candle.open * factor,
        high=candle.high * factor,
        low=candle.low * factor,
        close=candle.close * factor,
        volume=candle.volume,
        taker_buy_volume=candle.taker_buy_volume,
    )


def a_shape() -> Shape:
    return shape_of(an_instrument(tiers=TIERS), EngineSettings(), 50_000.0)


def imbalance(quantities: NDArray[np.float64], rest: Sequence[float], oi: float) -> float:
    """The larger side's error, relative to open interest."""
    totals = quantities.sum(axis=(1, 2)) + np.array(rest)
    return float(np.max(np.abs(totals - oi)) / oi)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_sides_hold_the_whole_open_interest_after_every_bar(seed: int) -> None:
    """Counted from the arrays themselves, not from the sums that the book keeps of them."""
    book, worst, lowest = Book(a_shape()), 0.0, 0.0
    bases = set()
    for bar, oi in rough(8_000, seed):
        assert book.step(bar, oi)
        bases.add(book.base)
        worst = max(worst, imbalance(book.quantities(), book.unattributed, book.oi))
        lowest = min(lowest, *book.unattributed, float(book.cells.min()), *map(min, book.sums))

    assert worst < 1e-9
    assert lowest == 0.0
    assert len(bases) > 10


def test_rounding_does_not_add_up_over_a_hundred_thousand_bars() -> None:
    book = Book(a_shape())
    candles = walk(100_000, 9, volatility=0.001)
    for bar, oi in zip(candles, interest(candles, 10), strict=True):
        book.step(bar, oi)

    assert imbalance(book.quantities(), book.unattributed, book.oi) < 1e-9
    kept = book.quantities().sum(axis=2)
    assert np.allclose(kept, np.array(book.sums), rtol=1e-9, atol=1e-9 * book.oi)


@pytest.mark.parametrize("seed", [11, 12])
def test_the_book_is_the_plain_reading_of_its_rules(seed: int) -> None:
    book, plain = Book(a_shape()), Plain(a_shape())
    for index, (bar, oi) in enumerate(rough(1_200, seed)):
        book.step(bar, oi)
        plain.step(bar, oi)
        if index % 10 and index > 50:
            continue
        scale = plain.oi
        assert abs(book.oi - plain.oi) <= 1e-9 * scale, index
        assert np.allclose(book.unattributed, plain.rest, rtol=0, atol=1e-8 * scale), index
        assert np.allclose(book.quantities(), plain.mass, rtol=0, atol=1e-8 * scale), index


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_sweeping_a_bar_in_parts_comes_to_the_same_as_the_whole(seed: int) -> None:
    """So a book fed minute by minute and one fed by the five minutes never differ."""
    whole, parts, chance = Book(a_shape()), Book(a_shape()), seeded_random(seed)
    for bar, oi in rough(600, seed):
        whole.step(bar, oi)
        low, high = bar.close, bar.close
        for _ in range(4 if bar.open_at == parts.closed_at else 0):
            low = min(low, bar.low + (bar.close - bar.low) * chance.random())
            high = max(high, bar.high - (bar.high - bar.close) * chance.random())
            parts.sweep(high, low)
        parts.step(bar, oi)

        assert np.allclose(whole.quantities(), parts.quantities(), rtol=0, atol=1e-9 * whole.oi)
