"""What of a reading may be matched: sane rows on the right side of the price, once each.

The decoder has thrown bad rows away already; what it let through is still checked, because a
level that is not a number would poison every comparison after it.
"""

from math import inf
from typing import NamedTuple

from bot.model.heatmap import Row
from bot.model.primitives import PositionSide


class Sifted(NamedTuple):
    """The rows worth matching, in ascending order of level, and how many were left out."""

    longs: list[Row]
    shorts: list[Row]
    bad: int = 0
    """Not finite, not positive, or a strength outside 0..1."""
    over_limit: int = 0
    """Beyond the largest notionals of their side."""

    def of(self, side: PositionSide) -> list[Row]:
        """The rows of one side."""
        return self.longs if side is PositionSide.LONG else self.shorts


def sift(rows: tuple[Row, ...], mark: float, *, per_side_max: int) -> Sifted:
    """Drop bad rows, rows on the wrong side of `mark`, duplicates, and the smallest over the limit.

    Duplicates are the same side, level and tier; the larger notional stays. The result does not
    depend on the order of the rows.
    """
    longs: dict[tuple[float, float], Row] = {}
    shorts: dict[tuple[float, float], Row] = {}
    bad = 0
    for row in rows:
        level = row.level
        if not (0 < level < inf and 0 <= row.strength <= 1 and 0 <= row.notional_usd < inf):
            bad += 1
            continue
        if row.side is PositionSide.LONG:
            if level >= mark:
                continue
            known = longs
        else:
            if level <= mark:
                continue
            known = shorts
        key = (level, row.leverage_tier or 0.0)
        other = known.get(key)
        if other is None or _weight(row) > _weight(other):
            known[key] = row
    return Sifted(
        longs=_largest(longs, per_side_max),
        shorts=_largest(shorts, per_side_max),
        bad=bad,
        over_limit=max(len(longs) - per_side_max, 0) + max(len(shorts) - per_side_max, 0),
    )


def _weight(row: Row) -> tuple[float, float, float, float]:
    return row.notional_usd, row.strength, -row.low, row.high


def _largest(known: dict[tuple[float, float], Row], count: int) -> list[Row]:
    keys = list(known)
    if len(keys) > count:
        keys.sort(key=lambda key: (-known[key].notional_usd, key))
        del keys[count:]
    keys.sort()
    return [known[key] for key in keys]
