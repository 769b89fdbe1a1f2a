"""Raiders: traders who push the price into a pool of forced orders nearby, to be paid by them.

A raid picks a side, more often the one with more to gain for the way, leans on the price until the
pool is reached, and gives up when it takes too long; having arrived, raiders take some profit the
other way. It makes the moves on which liquidation hunting lives; with `raids_day` at 0 the market
has none.
"""

import math
from typing import Final

import msgspec

from bot.sim.nature import Nature
from bot.sim.traders import GRAIN, LONG, SHORT, Crowd

_NEAR: Final = 0.004
_FAR: Final = 0.022
"""Pools nearer or farther than this, in log price, are not worth the way."""
_WIDTH: Final = 5
"""Buckets that count as one pool: ten basis points."""
_THROUGH: Final = 0.0006
"""A raid aims this far behind the middle of the pool."""
_PATIENCE: Final = 1.4
"""Times the planned length after which a raid is given up."""
_RETREAT_PACE, _RETREAT_LENGTH = 0.5, 0.3
"""Pace of the profit-taking against that of the raid, and its length against the raid's."""
_DAY_S: Final = 86_400.0


class Raid(msgspec.Struct, kw_only=True):
    """The raid that is on, if any."""

    target: float = 0.0
    left_s: float = 0.0
    """Seconds until it is given up; 0 when none is on."""
    planned_s: float = 0.0
    is_retreat: bool = False
    drift: float = 0.0
    """What it adds to the price's drift in a second."""

    def go_on(self, x: float, dt_s: float) -> None:
        """Let time pass at log price `x`: arrived the raid turns; out of patience it ends."""
        if self.left_s <= 0.0:
            return
        self.left_s -= dt_s
        if self.left_s <= 0.0:
            self.left_s = self.drift = 0.0
        elif not self.is_retreat and (self.target - x) * self.drift <= 0.0:
            self.is_retreat = True
            self.drift *= -_RETREAT_PACE
            self.left_s = self.planned_s * _RETREAT_LENGTH

    def consider(
        self, crowd: Crowd, x: float, dt_s: float, chances: tuple[float, float], nature: Nature
    ) -> None:
        """Begin a raid now and then; `chances` are uniform: whether, and to which side."""
        if self.left_s > 0.0 or chances[0] >= nature.raids_day * dt_s / _DAY_S:
            return
        below, above = richest(crowd, LONG, x), richest(crowd, SHORT, x)
        # The root keeps a fall from feeding on itself: below a fallen price lie all the old longs.
        gain_below, gain_above = math.sqrt(_gain(below, x)), math.sqrt(_gain(above, x))
        if gain_below + gain_above <= 0.0:
            return
        is_up = chances[1] * (gain_below + gain_above) < gain_above
        place = above[0] + _THROUGH if is_up else below[0] - _THROUGH
        planned_s = abs(place - x) / 0.01 * nature.raid_minutes * 60.0
        self.target = place
        self.drift = (place - x) / planned_s
        self.planned_s, self.is_retreat = planned_s, False
        self.left_s = planned_s * _PATIENCE


def richest(crowd: Crowd, side: int, x: float) -> tuple[float, float]:
    """(log price, coins) of one side's pool with the most coins for the way; coins may be 0."""
    rows, scale = crowd.rows[side], crowd.scale[side]
    here, sign = math.floor(x / GRAIN), -1 if side == LONG else 1
    coins = []
    for step in range(int(_NEAR / GRAIN), int(_FAR / GRAIN)):
        row = rows.get(here + sign * step)
        coins.append(sum(map(float.__mul__, row, scale)) if row else 0.0)
    best = (x, 0.0)
    for first in range(len(coins) - _WIDTH + 1):
        pool = sum(coins[first : first + _WIDTH])
        place = x + sign * (_NEAR + (first + _WIDTH / 2.0) * GRAIN)
        if pool and _gain((place, pool), x) > _gain(best, x):
            best = (place, pool)
    return best


def _gain(pool: tuple[float, float], x: float) -> float:
    """Coins for the way."""
    place, coins = pool
    return coins / abs(place - x) if coins else 0.0
