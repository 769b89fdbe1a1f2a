"""Clusters from a book: where liquidations would be thickest.

A cluster is a local maximum of the smoothed profile, grown while the profile stays above half the
peak. Clusters keep their id from one extraction to the next while they cover the same prices, and
their strength says how they compare with this symbol's clusters of the last days.
"""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from bot.heatmap.book import LONG, SHORT, SIDES, Book, Floats
from bot.heatmap.strength import Strength
from bot.model.heatmap import Row
from bot.model.primitives import Millis, PositionSide
from bot.model.wiring import EngineSettings

KERNEL: Final = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
GROWTH_MAX: Final = 20
"""Buckets on each side of the peak."""
SPACING: Final = 4
"""Buckets left empty between two clusters."""
CLUSTERS_MAX: Final = 50
"""Clusters kept on each side."""
NOTIONAL_MIN_USD: Final = 100_000.0
OI_SHARE_MIN: Final = 0.002
PRICE_DIGITS: Final = 7
"""Significant digits of a level at the market's price: a hundredth of a basis point or finer."""
STRENGTH_UNIT: Final = 1e4
TIER_UNIT: Final = 1e2
"""Steps within 1 that strengths and tiers are rounded to."""
OVERLAP_MIN: Final = 0.5
"""Share of the smaller range that two extractions must have in common to keep an id."""
_REACH: Final = (2 * GROWTH_MAX + 1) * 3.0
"""A cluster's total is at most this many times its peak: the kernel keeps a third in place."""


class Span(NamedTuple):
    """A cluster's buckets, by absolute number, both ends included, and its id."""

    first: int
    last: int
    id: int


class Extractor:
    """What one symbol's extractions remember of each other."""

    def __init__(self, settings: EngineSettings) -> None:
        self.share_at_risk = settings.share_at_risk
        self.position_usd = settings.position_usd
        self.strength = Strength()
        self.spans: list[list[Span]] = [[], []]
        """The previous extraction's clusters, by side, in order of price."""
        self.next_id = 1

    def extract(self, book: Book, at: Millis) -> list[Row]:
        """The clusters at `at`, longs first and each side in order of price.

        `at` never goes backwards between calls. Some may be on the wrong side of the price: the
        price moves between bars, so `facing` is asked at each reading.
        """
        found = [self._cut(book, side) for side in (LONG, SHORT)]
        totals = np.concatenate([figures[0] for _, figures in found])
        ranks = self.strength.rank(totals, book.oi * book.close, at)
        strengths = (np.rint(ranks * STRENGTH_UNIT) / STRENGTH_UNIT).tolist()
        rows: list[Row] = []
        for side in (LONG, SHORT):
            spans, figures = found[side]
            first = 0 if side == LONG else len(found[LONG][0])
            rows += self._rows(SIDES[side], spans, figures, strengths[first:])
        return rows

    def _cut(self, book: Book, side: int) -> tuple[list[Span], Floats]:
        """The clusters of one side: their spans, and (total, level, tier, low, high) by column."""
        quantity, leverage = book.profile(side)
        heat = quantity * book.prices * self.share_at_risk
        least_usd = max(NOTIONAL_MIN_USD, OI_SHARE_MIN * book.oi * book.close)
        cuts = np.array(_grow(heat, least_usd), dtype=np.int64).reshape(-1, 2)
        if not len(cuts):
            return self._name(side, []), np.empty((5, 0))
        order = cuts[:, 0].argsort()
        edges = cuts[order]
        # One column of nothing, so that a range may end with the window.
        stacked = np.zeros((4, len(heat) + 1))
        stacked[0, :-1] = heat
        np.multiply(heat, book.prices, out=stacked[1, :-1])
        stacked[2, :-1] = quantity
        stacked[3, :-1] = leverage
        sums = np.add.reduceat(stacked, edges.ravel(), axis=1)[:, ::2]
        kept = (sums[0] >= least_usd).nonzero()[0]
        if len(kept) > CLUSTERS_MAX:
            kept = kept[np.sort(order[kept].argsort()[:CLUSTERS_MAX])]
        edges, (total, weighted, held, levered) = edges[kept] + book.base, sums[:, kept]
        spans = self._name(side, edges.tolist())
        width = book.shape.width
        low, high = np.exp(edges.T * width)
        level = np.minimum(np.maximum(weighted / total, low), high)
        # More digits than mean anything would be kept in every reading, for months.
        price_unit = 10.0 ** (PRICE_DIGITS - 1 - math.floor(math.log10(book.close)))
        units = np.array([[1.0], [price_unit], [TIER_UNIT], [price_unit], [price_unit]])
        figures = np.array([total, level, levered / held, low, high])
        return spans, np.rint(figures * units) / units

    def _name(self, side: int, ranges: list[list[int]]) -> list[Span]:
        """Name half-open ranges after those they overlap most (the older of equals), or anew."""
        # Spans of one extraction never touch: a range that has not changed is its own best match.
        before = {span[:2]: span for span in self.spans[side]}
        same = [before.pop((first, end - 1), None) for first, end in ranges]
        moved = [index for index, span in enumerate(same) if span is None]
        pairs = []
        for index in moved:
            first, last = ranges[index][0], ranges[index][1] - 1
            for old in before.values():
                common = min(last, old.last) - max(first, old.first) + 1
                if common >= OVERLAP_MIN * min(last - first + 1, old.last - old.first + 1):
                    pairs.append((-common, old.id, index))
        ids: dict[int, int] = {}
        taken: set[int] = set()
        for _, old_id, index in sorted(pairs):
            if index not in ids and old_id not in taken:
                ids[index] = old_id
                taken.add(old_id)
        spans = []
        for index, span in enumerate(same):
            if span is None and index not in ids:
                ids[index] = self.next_id
                self.next_id += 1
            spans.append(span or Span(ranges[index][0], ranges[index][1] - 1, ids[index]))
        self.spans[side] = spans
        return spans

    def _rows(
        self, side: PositionSide, spans: list[Span], figures: Floats, strengths: list[float]
    ) -> list[Row]:
        # More strengths than spans: the other side's follow.
        return [
            Row(
                level=level,
                side=side,
                notional_usd=total,
                strength=strength,
                low=low,
                high=high,
                leverage_tier=tier,
                liquidation_count=max(1, round(total / self.position_usd)),
                provider_id=span.id,
            )
            for span, (total, level, tier, low, high), strength in zip(
                spans, figures.T.tolist(), strengths, strict=False
            )
        ]


def facing(rows: Iterable[Row], price: float) -> tuple[Row, ...]:
    """The rows on the side of the price that their kind demands: longs below, shorts above."""
    return tuple(
        row
        for row in rows
        if (row.level < price if row.side is PositionSide.LONG else row.level > price)
    )


def _grow(heat: Floats, least_usd: float) -> list[tuple[int, int]]:
    """Cut the profile into half-open ranges of buckets, the strongest peak first.

    Peaks that cannot come to `least_usd` are left out; others may still come to less.
    """
    smooth = np.convolve(heat, KERNEL)
    # Index i + 2 is bucket i; outside the window there is nothing.
    smooth[1] = smooth[-2] = 0.0
    middle, before, after = smooth[2:-2], smooth[1:-3], smooth[3:-1]
    is_peak = (middle > before) & (middle >= after) & (middle >= least_usd / _REACH)
    peaks = is_peak.nonzero()[0]
    if not len(peaks):
        return []
    # Only what a peak can grow into is looked at, one bucket at a time.
    left = max(int(peaks[0]) - GROWTH_MAX, 0)
    levels = [-1.0, *middle[left : int(peaks[-1]) + GROWTH_MAX + 1].tolist(), -1.0]
    left -= 1
    cuts: list[tuple[int, int]] = []
    for peak in (peaks[(-middle[peaks]).argsort(kind="stable")] - left).tolist():
        half = 0.5 * levels[peak]
        if half < 0.0:
            continue
        first = last = peak
        while levels[first - 1] >= half and first > peak - GROWTH_MAX:
            first -= 1
        while levels[last + 1] >= half and last < peak + GROWTH_MAX:
            last += 1
        # Negative: taken, for peaks and for growth alike.
        start, stop = max(first - SPACING, 0), min(last + SPACING + 1, len(levels))
        levels[start:stop] = [-1.0] * (stop - start)
        cuts.append((first + left, last + 1 + left))
    return cuts
