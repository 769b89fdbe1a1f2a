"""One contract of the embedded market: its crowd, its price, its bars, second by second."""

import math
from typing import Final

import msgspec

from bot.model.events import PriceMoved
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from bot.sim.funding import FundingClock
from bot.sim.nature import Nature
from bot.sim.price import Price
from bot.sim.profiles import Profile
from bot.sim.raids import Raid
from bot.sim.tape import Tape
from bot.sim.traders import GRAIN, LONG, SHORT, Crowd, Entries, new_crowd

MINUTE_MS: Final = 60_000
FIVE_MS: Final = 5 * MINUTE_MS
MINUTES_KEPT: Final = 600
_DAY_S: Final = 86_400.0
_APPETITE_S: Final = 2_400.0
_LEAVING_S: Final = 240.0
_LEAVING_SD: Final = 0.7
_WAITING_MIN_USD: Final = 1_000.0
"""Forced orders smaller than this trade at once."""


class Bar(msgspec.Struct, kw_only=True):
    """A bar that is not closed yet: log prices, volumes in quote currency."""

    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    volume_usd: float = 0.0
    bought_usd: float = 0.0


class Coin(msgspec.Struct, kw_only=True):
    """The state of one contract: `step` is a second, `turn` what traders do four times a minute."""

    symbol: Symbol
    unit: float
    """Price at log price 0, quote currency."""
    ticks: float
    """Ticks in one unit of quote currency: 10 for a tick of 0.1."""
    spread_ticks: int
    oi_home: float
    turnover_s: float
    """Volume of a calm second in base coins."""
    price: Price
    crowd: Crowd
    funding: FundingClock
    minutes: Tape
    fives: Tape
    bar: Bar
    raid: Raid
    appetite: float = 0.0
    """Log of how eagerly positions are opened, over the ordinary..."""
    leaving: float = 0.0
    """...and closed."""
    turn_x: float = 0.0
    turn_low: float = 0.0
    turn_high: float = 0.0
    second_low: float = 0.0
    second_high: float = 0.0
    forced_usd: float = 0.0
    """Forced orders executed since the last turn."""
    is_bought: bool = True

    def step(self, normal: float, nature: Nature) -> None:
        """Let one second pass."""
        price = self.price
        before = price.x
        moved = price.drift + price.sigma * normal
        price.base += moved
        price.shove -= price.shove / nature.reversion_s
        price.quiet_s += 1.0
        price.follow(moved, 1.0)
        if price.selling_usd or price.buying_usd:
            self._execute(normal, nature)
        after = price.x = price.base + price.shove
        self.is_bought = after > before
        if after < before:
            low, high = after, before
            self._cross(LONG, before, after)
        else:
            low, high = before, after
            self._cross(SHORT, before, after)
        self.second_low, self.second_high = low, high
        self.turn_low = min(self.turn_low, low)
        self.turn_high = max(self.turn_high, high)

    def turn(self, dt_s: float, normals: list[float], nature: Nature) -> None:
        """Let the traders make up their minds after `dt_s` seconds of steps; `normals[3..9]`."""
        price = self.price
        mood, x = price.mood, price.x
        move = (x - self.turn_x) / (price.sigma * math.sqrt(dt_s))
        buy_share = min(max(0.5 + 0.16 * math.tanh(0.5 * move) + 0.03 * normals[5], 0.1), 0.9)
        traded = self._trade_places(dt_s, normals, nature, buy_share)
        usual = self.turnover_s * dt_s * math.exp(0.9 * mood - 0.2 + 0.25 * normals[6])
        volume_usd = (usual + traded) * self.usd_per_coin() + self.forced_usd
        self.bar.volume_usd += volume_usd
        self.bar.bought_usd += volume_usd * buy_share
        self.funding.observe(x - price.slow, dt_s, normals[7])
        price.breathe(dt_s, normals, nature)
        self.raid.go_on(x, dt_s)
        self.raid.consider(self.crowd, x, dt_s, (_share(normals[8]), _share(normals[9])), nature)
        price.drift += self.raid.drift
        self.forced_usd = 0.0
        self._begin_turn()

    def usd_per_coin(self) -> float:
        """The mark, off the grid."""
        return self.unit * math.exp(self.price.x)

    def price_at(self, x: float) -> float:
        """A log price on the contract's grid."""
        return round(self.unit * math.exp(x) * self.ticks) / self.ticks

    def close_minute(self, at: int) -> None:
        """End the minute's bar at `at` (ms), and every fifth time the five minutes' too."""
        bar, x = self.bar, self.price.x
        volume = bar.volume_usd / self.usd_per_coin()
        bought = bar.bought_usd / self.usd_per_coin()
        prices = [self.price_at(at_x) for at_x in (bar.open, bar.high, bar.low, x)]
        self.minutes.append((*prices, volume, bought, self.crowd.oi))
        self.bar = Bar(open=x, high=x, low=x)
        if at % FIVE_MS == 0:
            rows = self.minutes.table()[-5:]
            self.fives.append(
                (
                    float(rows[0, 0]),
                    float(rows[:, 1].max()),
                    float(rows[:, 2].min()),
                    float(rows[-1, 3]),
                    float(rows[:, 4].sum()),
                    float(rows[:, 5].sum()),
                    self.crowd.oi,
                )
            )

    def moved(self, at: int) -> PriceMoved:
        """What the last second looked like from outside; `at` is its end (ms)."""
        ticks, unit, price = self.ticks, self.unit, self.price
        mark = round(unit * math.exp(price.x) * ticks)
        low = round(unit * math.exp(self.second_low) * ticks)
        high = round(unit * math.exp(self.second_high) * ticks)
        bid = mark - (self.spread_ticks // 2)
        ask = bid + self.spread_ticks
        return PriceMoved(
            at=Millis(at),
            symbol=self.symbol,
            mark=mark / ticks,
            bid=bid / ticks,
            ask=ask / ticks,
            last=(ask if self.is_bought else bid) / ticks,
            high=high / ticks,
            low=low / ticks,
            since_at=Millis(at - 1_000),
            depth_usd=round(price.depth_usd),
        )

    def _trade_places(
        self, dt_s: float, normals: list[float], nature: Nature, buy_share: float
    ) -> float:
        """Open and close positions; returns the base coins that traded for it."""
        crowd, low, high = self.crowd, self.turn_low, self.turn_high
        self.appetite = _wander(self.appetite, dt_s / _APPETITE_S, nature.burst, normals[3])
        self.leaving = _wander(self.leaving, dt_s / _LEAVING_S, _LEAVING_SD, normals[4])
        calm = nature.opens_day / _DAY_S
        stir = math.exp(0.4 * self.price.mood)
        eager = math.exp(self.appetite - 0.5 * nature.burst**2) * (self.oi_home / crowd.oi) ** 2
        opened = crowd.oi * calm * dt_s * stir * eager
        leaving = crowd.oi * calm * dt_s * stir * math.exp(self.leaving - 0.5 * _LEAVING_SD**2)
        middle = (self.turn_x + self.price.x + low + high) / 4.0
        points: tuple[tuple[float, float], ...] = ((middle, 1.0),)
        if high - low > GRAIN * 4.0:
            points = ((low + middle) / 2.0, 0.5), ((high + middle) / 2.0, 0.5)
        entries = Entries(points=points, low=low, high=high, opened=opened, buy_share=buy_share)
        closed = crowd.turn(leaving, entries)
        return opened + closed

    def _begin_turn(self) -> None:
        x = self.price.x
        self.bar.low = min(self.bar.low, self.turn_low)
        self.bar.high = max(self.bar.high, self.turn_high)
        self.turn_x = self.turn_low = self.turn_high = x

    def _cross(self, side: int, before: float, after: float) -> None:
        """Liquidate what the move from `before` to `after` ran through; the orders wait."""
        first, last = math.floor(before / GRAIN), math.floor(after / GRAIN)
        if first == last:
            return
        if side == LONG:
            self.price.selling_usd += self.crowd.cross(LONG, last + 1, first) * self.usd_per_coin()
        else:
            self.price.buying_usd += self.crowd.cross(SHORT, first, last - 1) * self.usd_per_coin()

    def _execute(self, normal: float, nature: Nature) -> None:
        """Trade a part of the forced orders that wait."""
        price = self.price
        price.cascade(normal, nature)
        share = nature.execution_share
        for sign in (-1.0, 1.0):
            waiting = price.selling_usd if sign < 0.0 else price.buying_usd
            if not waiting:
                continue
            usd = waiting if waiting < _WAITING_MIN_USD else waiting * share
            price.push(usd, sign, nature)
            self.forced_usd += usd
            if sign < 0.0:
                price.selling_usd = waiting - usd
            else:
                price.buying_usd = waiting - usd


def new_coin(profile: Profile, instrument: Instrument, end_at: int, days: int) -> Coin:
    """A contract before its history: log price 0, a crowd that opened some time ago."""
    oi = profile.oi_usd / profile.price
    return Coin(
        symbol=profile.symbol,
        unit=profile.price,
        ticks=float(1 / profile.tick_size),
        spread_ticks=profile.spread_ticks,
        oi_home=oi,
        turnover_s=oi * profile.turnover_day / _DAY_S,
        price=Price(
            sigma_s=profile.volatility_day_pct / 100.0 / math.sqrt(_DAY_S),
            depth_calm_usd=profile.depth_usd,
        ),
        crowd=new_crowd(instrument, oi),
        funding=FundingClock(),
        minutes=Tape(timeframe_ms=MINUTE_MS, bars_max=MINUTES_KEPT, end_at=end_at),
        fives=Tape(timeframe_ms=FIVE_MS, bars_max=days * 288, end_at=end_at),
        bar=Bar(),
        raid=Raid(),
    )


def _share(normal: float) -> float:
    """The uniform that belongs to a normal."""
    return 0.5 * (1.0 + math.erf(normal / math.sqrt(2.0)))


def _wander(value: float, dt_by_tau: float, deviation: float, normal: float) -> float:
    keep = math.exp(-dt_by_tau)
    return value * keep + deviation * math.sqrt(1.0 - keep * keep) * normal
