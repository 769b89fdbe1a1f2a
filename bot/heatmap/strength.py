"""How a cluster compares with its symbol's clusters of the last seven days, 0..1.

An exponentially forgotten histogram of ln(notional): nothing is kept but 64 numbers.
"""

import math
from typing import Final

import numpy as np

from bot.heatmap.book import Floats
from bot.model.primitives import Millis

BINS: Final = 64
LOW_USD: Final = 1e4
HIGH_USD: Final = 1e11
HALF_LIFE_MS: Final = 7.0 / 3.0 * 86_400_000.0
"""A week is three half-lives."""
SAMPLES_MIN: Final = 200.0
"""With fewer there is nothing to compare with, and the share of open interest stands in."""
_PER_LN: Final = BINS / math.log(HIGH_USD / LOW_USD)


class Strength:
    """The histogram; empty at first."""

    def __init__(self) -> None:
        self.weights: Floats = np.zeros(BINS)
        self.at = Millis(0)

    def rank(self, totals_usd: Floats, oi_usd: float, at: Millis) -> Floats:
        """Add one extraction's clusters and give the share of all that each one exceeds."""
        self.weights *= 2.0 ** (-max(at - self.at, 0) / HALF_LIFE_MS)
        self.at = at
        places = (np.log(np.maximum(totals_usd, LOW_USD)) - math.log(LOW_USD)) * _PER_LN
        bins = np.minimum(places.astype(np.int64), BINS - 1)
        self.weights += np.bincount(bins, minlength=BINS)
        below = np.cumsum(self.weights)
        count = below[-1]
        if count < SAMPLES_MIN:
            shares = totals_usd / oi_usd if oi_usd > 0.0 else np.zeros_like(totals_usd)
            return np.minimum(1.0, np.sqrt(3.0 * shares))
        # Within its bin a cluster counts as exceeding its part of it.
        inside = np.minimum(places - bins, 1.0) * self.weights[bins]
        ranks: Floats = (below[bins] - self.weights[bins] + inside) / count
        return np.clip(ranks, 0.0, 1.0)
