"""Which row is which track: an order-preserving minimum-cost alignment.

One side of the market at a time. Tracks and rows lie on a line as spots (x, y), both in ascending
order, and pairs never cross, so neighbours cannot be swapped. What stays unmatched costs 1.6, a
track and a row alike. The dynamic programme is exact; it looks only at the pairs within reach of
each other along x, which makes the common case linear.

Identity modes:
  by level   x = ln level, y = ln tier (None: unknown, matches all);
  floating   x = ln tier (unknown tiers form a tier of their own), y = offset from the price.
"""

from collections.abc import Callable, Sequence
from math import inf, log
from typing import Final, TypeAlias

Spot: TypeAlias = tuple[float, float | None]
"""Where a track or a row lies: (x, y)."""
PairCost: TypeAlias = Callable[[Spot, Spot], float]
"""The cost of calling two spots the same thing; infinite where that is not allowed."""

UNMATCHED_COST: Final = 1.6
TIER_WEIGHT: Final = 0.5
FLOATING_TIER_RATIO: Final = 1.05
"""Tiers of floating tracks are the same within this ratio."""
FLOATING_OFFSET_SCALE: Final = 0.01
"""An offset that differs by this much (log) costs half of what it can cost at most."""
_UNKNOWN_TIER_X: Final = -1.0
_SLACK: Final = 1.0 + 1e-9
"""The band must not lose to rounding a pair that the cost allows."""

_PAIR, _SKIP_OLD, _SKIP_NEW = 0, 1, 2


def level_spot(level: float, tier: float | None) -> Spot:
    """Where a level lies when levels are the identity."""
    return log(level), log(tier) if tier else None


def floating_spot(level: float, tier: float | None, price: float) -> Spot:
    """Where a level lies when the leverage tier is the identity, `price` being that of its time."""
    return log(tier) if tier else _UNKNOWN_TIER_X, log(level / price)


def level_cost(tolerance_bps: float, tier_ratio_max: float) -> PairCost:
    """The cost of a pair by level: distance over tolerance, and half the log ratio of the tiers."""
    tolerance = tolerance_bps / 1e4 * _SLACK
    tier_reach = log(tier_ratio_max) * _SLACK

    def cost(old: Spot, new: Spot) -> float:
        distance = abs(old[0] - new[0])
        if distance > tolerance:
            return inf
        if old[1] is None or new[1] is None:
            return distance / tolerance
        ratio = abs(old[1] - new[1])
        return distance / tolerance + TIER_WEIGHT * ratio if ratio <= tier_reach else inf

    return cost


def floating_cost(old: Spot, new: Spot) -> float:
    """The cost of a pair by tier: the same tier always pairs, the nearer offsets first."""
    if abs(old[0] - new[0]) > log(FLOATING_TIER_RATIO) or old[1] is None or new[1] is None:
        return inf
    distance = abs(old[1] - new[1])
    return distance / (distance + FLOATING_OFFSET_SCALE)


def align(
    olds: Sequence[Spot], news: Sequence[Spot], *, reach: float, cost: PairCost
) -> list[tuple[int, int]]:
    """Pair olds with news so that the total cost is least; index pairs in ascending order.

    Both sequences ascend in x. `reach` bounds |x_old - x_new| of every pair that `cost` allows.
    """
    reach *= _SLACK
    total = len(news)
    # best[j]: the most that the olds so far can save on the first j news; flat from `high` on.
    best = [0.0] * (total + 1)
    bands: list[tuple[int, list[int]]] = []
    low = high = 0
    for old in olds:
        x = old[0]
        while low < total and news[low][0] < x - reach:
            low += 1
        while high < low or (high < total and news[high][0] <= x + reach):
            best[high + 1] = best[high]
            high += 1
        bands.append((low, _fill(old, news, range(low, high), best, cost)))
    return _trace(bands, total)


def _fill(
    old: Spot, news: Sequence[Spot], band: range, best: list[float], cost: PairCost
) -> list[int]:
    """Bring `best` forward by one old, in place, and say what was chosen at each new in reach."""
    choices: list[int] = []
    diagonal = skip_new = best[band.start]
    for j in band:
        skip_old = best[j + 1]
        pair = diagonal + 2.0 * UNMATCHED_COST - cost(old, news[j])
        diagonal = skip_old
        if pair >= skip_old and pair >= skip_new:
            choices.append(_PAIR)
            skip_new = pair
        elif skip_old >= skip_new:
            choices.append(_SKIP_OLD)
            skip_new = skip_old
        else:
            choices.append(_SKIP_NEW)
        best[j + 1] = skip_new
    return choices


def _trace(bands: list[tuple[int, list[int]]], total: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    j = total
    for i in range(len(bands) - 1, -1, -1):
        low, choices = bands[i]
        j = min(j, low + len(choices))
        while j > low:
            choice = choices[j - low - 1]
            if choice != _SKIP_OLD:
                j -= 1
            if choice == _PAIR:
                pairs.append((i, j))
            if choice != _SKIP_NEW:
                break
    pairs.reverse()
    return pairs
