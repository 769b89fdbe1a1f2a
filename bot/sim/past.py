"""The history before the first event: the same market in steps of five minutes and of one.

Inside a long step the extremes are those of a Brownian bridge, and a cascade runs to its end; what
comes back of it has mostly come back when the step is over, so it shows as a wick.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from bot.sim.coin import FIVE_MS, MINUTE_MS, MINUTES_KEPT, Coin
from bot.sim.funding import PERIOD_MS
from bot.sim.nature import Nature
from bot.sim.noise import TURN_NORMALS
from bot.sim.traders import GRAIN, LONG, SHORT

_WAVES_MAX: Final = 12
_YIELD_STEPS: Final = 500

Chance = tuple[list[float], list[float]]
"""The normals and the uniforms of one step."""


class Past:
    """Writes one coin's history up to `end_at` and leaves the coin as it is at that instant."""

    def __init__(self, coin: Coin, nature: Nature, end_at: int) -> None:
        self._coin = coin
        self._nature = nature
        self._end_at = end_at
        self._logs: list[tuple[float, float, float, float]] = []
        self._flows: list[tuple[float, float, float]] = []

    def write(self, days: int, chance: Iterator[Chance]) -> Iterator[int]:
        """Run the whole history; yields the number of steps done from time to time."""
        coin = self._coin
        coin.price.breathe(1.0, [0.0] * TURN_NORMALS, self._nature)
        at = self._end_at - days * 288 * FIVE_MS
        lengths = step_lengths_ms(days)
        for done, length_ms in enumerate(lengths):
            at += length_ms
            self._step(length_ms / 1_000.0, *next(chance))
            if at % PERIOD_MS == 0:
                coin.funding.settle()
            if done % _YIELD_STEPS == 0:
                yield done
        self._settle(lengths)
        yield len(lengths)

    def _step(self, dt_s: float, normals: list[float], uniforms: list[float]) -> None:
        coin, nature, price = self._coin, self._nature, self._coin.price
        before = price.x
        moved = price.drift * dt_s + price.sigma * math.sqrt(dt_s) * normals[TURN_NORMALS]
        price.follow(moved, dt_s)
        price.base += moved
        price.shove *= math.exp(-dt_s / nature.reversion_s)
        price.quiet_s += dt_s
        after = price.base + price.shove
        variance = 2.0 * price.sigma * price.sigma * dt_s
        gap = (after - before) ** 2
        high = 0.5 * (before + after + math.sqrt(gap - variance * math.log(uniforms[0])))
        low = 0.5 * (before + after - math.sqrt(gap - variance * math.log(uniforms[1])))
        low -= self._cascade(LONG, before, low, normals[3])
        high += self._cascade(SHORT, before, high, normals[4])
        # A cascade came at some moment of the step; what it shoved has been coming back since.
        price.shove *= math.exp(-dt_s * uniforms[2] / nature.reversion_s)
        price.x = price.base + price.shove
        coin.turn_low, coin.turn_high = min(low, price.x), max(high, price.x)
        oi_before = coin.bar
        coin.turn(dt_s, normals, nature)
        self._logs.append((before, coin.bar.high, coin.bar.low, price.x))
        self._flows.append((oi_before.volume_usd, oi_before.bought_usd, coin.crowd.oi))
        oi_before.volume_usd = oi_before.bought_usd = 0.0
        oi_before.high = oi_before.low = price.x

    def _cascade(self, side: int, before: float, reached: float, draw: float) -> float:
        """Run the liquidations of a move to `reached` and what they cause; returns the extra."""
        coin, price, crowd = self._coin, self._coin.price, self._coin.crowd
        sign = -1.0 if side == LONG else 1.0
        extra = 0.0
        edge = math.floor(before / GRAIN)
        for _ in range(_WAVES_MAX):
            bucket = math.floor((reached + sign * extra) / GRAIN)
            if side == LONG:
                coins = crowd.cross(LONG, bucket + 1, edge) if bucket < edge else 0.0
            else:
                coins = crowd.cross(SHORT, edge, bucket - 1) if bucket > edge else 0.0
            if not coins:
                break
            edge = bucket
            usd = coins * coin.usd_per_coin()
            price.cascade(draw, self._nature)
            coin.forced_usd += usd
            extra += price.push(usd, sign, self._nature)
        return extra

    def _settle(self, lengths: list[int]) -> None:
        """Choose the unit so that the history ends at the contract's price, and write the bars."""
        coin = self._coin
        factor = math.exp(coin.price.x)
        coin.unit /= factor
        coin.oi_home *= factor
        coin.turnover_s *= factor
        coin.crowd.rescale(factor)
        prices = np.rint(np.exp(np.array(self._logs)) * (coin.unit * coin.ticks)) / coin.ticks
        flows = np.array(self._flows)
        flows[:, :2] /= prices[:, 3:]
        flows[:, 2] *= factor
        table = np.hstack([prices, flows])
        minutes = lengths.count(MINUTE_MS)
        coin.minutes.fill(table[-minutes:], self._end_at)
        tail = table[-minutes:].reshape(-1, 5, table.shape[1])
        fives = np.column_stack(
            [
                tail[:, 0, 0],
                tail[:, :, 1].max(axis=1),
                tail[:, :, 2].min(axis=1),
                tail[:, -1, 3],
                tail[:, :, 4].sum(axis=1),
                tail[:, :, 5].sum(axis=1),
                tail[:, -1, 6],
            ]
        )
        coin.fives.fill(np.vstack([table[:-minutes], fives]), self._end_at)
        x = coin.price.x
        coin.bar.open = coin.bar.high = coin.bar.low = x
        coin.bar.volume_usd = coin.bar.bought_usd = 0.0
        coin.second_low = coin.second_high = x


def step_lengths_ms(days: int) -> list[int]:
    """Five minutes a step, and one minute in the last hours: their bars warm up the averages."""
    fives = days * 288 - MINUTES_KEPT // 5
    return [FIVE_MS] * fives + [MINUTE_MS] * MINUTES_KEPT
