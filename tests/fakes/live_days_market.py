"""Days of a market by seed: several clusters a day, each worth a trade, and ways that trades end.

A stretch of some hours begins at the base price. A cluster stands up, is traded toward, and is
reached, or the price turns before it, or nothing happens; then the price walks back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.clock import seeded_random
from bot.model.events import Event, FundingRead, MarketHalted
from bot.model.heatmap import Reading, Row
from bot.model.market import Funding
from bot.model.order import OrderKind
from bot.model.primitives import Millis, PositionSide, Side
from bot.sim.emulator.state import Origin
from tests.fakes.live_world import EmulatedWorld
from tests.fakes.paper import BTC
from tests.fakes.sim_market import BASE, MINUTE_MS, T0, Script, a_reading, a_row

DAY_S: Final = 86_400.0
STRETCH_S: Final = 9_600.0
STRETCHES: Final = 8
"""Of a day; the rest of it is quiet."""
ENTERED_S: Final = 120.0
"""From the beginning of a stretch; by then there is a position."""
HOME_S: Final = 3_600.0
"""Of a stretch; from then on the price is the base again."""
BUSY_S: Final = (50.0, 900.0)
"""Of a stretch: prices come faster."""
QUIET_STEP_S: Final = 60.0
BUSY_STEP_S: Final = 10.0
FUNDING_MS: Final = 3_600_000
"""Some contracts settle that often."""
WAYS: Final = ("target", "target", "target", "stop", "nothing", "time")
DEEDS: Final = (
    "close",
    "close a part",
    "cancel the stop",
    "deleverage",
    "leverage",
    "halt",
    "silence",
    "stale replicas",
    "thin book",
)
Do = Callable[[EmulatedWorld], Event | None]


@dataclass
class Deed:
    """What somebody does to the account or the market at a second."""

    second: float
    name: str
    do: Do


@dataclass
class Day:
    """One day's market, from midnight to midnight of the script."""

    number: int
    path: list[tuple[float, float]] = field(default_factory=list)
    shown: list[tuple[float, float, PositionSide, float]] = field(default_factory=list)
    """(from, to, side, level) of each cluster."""
    silent: list[tuple[float, float]] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)


def a_day(number: int, seed: int) -> Day:
    """The same number and seed give the same day."""
    chance = seeded_random(seed * 100_003 + number)
    day = Day(number=number, path=[(number * DAY_S, BASE)])
    for stretch in range(STRETCHES):
        _stretch(day, number * DAY_S + 600.0 + stretch * STRETCH_S, chance)
    day.path.append(((number + 1) * DAY_S, BASE))
    return day


def _stretch(day: Day, begin_s: float, chance: Any) -> None:
    is_long = chance.random() < 0.5
    up = 1.0 if is_long else -1.0
    side = PositionSide.SHORT if is_long else PositionSide.LONG
    level = round(BASE * (1.0 + up * chance.uniform(0.0105, 0.0135)), 1)
    way = chance.choice(WAYS)
    turn_s = begin_s + ENTERED_S + chance.uniform(60.0, 240.0)
    arrive_s = turn_s + chance.uniform(20.0, 400.0)
    ends = {"target": level, "stop": BASE * (1.0 - up * 0.009)}
    end = round(ends.get(way, BASE * (1.0 + up * 0.002)), 1)
    home_s = begin_s + HOME_S
    day.path += [(begin_s, BASE), (turn_s, BASE), (arrive_s, end)]
    if way == "time":
        day.path.append((home_s - 600.0, end))
    day.path.append((home_s, BASE))
    day.shown.append((begin_s, arrive_s + 1_500.0, side, level))
    if chance.random() < 0.6:
        second = begin_s + ENTERED_S + chance.uniform(0.0, 240.0)
        _deed(day, chance.choice(DEEDS), second, chance)


def _deed(day: Day, name: str, second: float, chance: Any) -> None:
    def add(after_s: float, do: Do) -> None:
        day.deeds.append(Deed(second + after_s, name, do))

    match name:
        case "close" | "close a part" | "deleverage":
            share = 1.0 if name == "close" else chance.uniform(0.2, 0.9)
            origin = Origin.ADL if name == "deleverage" else Origin.MANUAL
            add(0.0, lambda world: trade(world, share, origin))
        case "cancel the stop":
            add(0.0, cancel_the_stop)
        case "leverage":
            add(0.0, lambda world: _leverage(world, 9))
            add(300.0, lambda world: _leverage(world, 5))
        case "halt":
            add(0.0, lambda _: MarketHalted(at=Millis(0), symbol=BTC, is_halted=True))
            add(120.0, lambda _: MarketHalted(at=Millis(0), symbol=BTC, is_halted=False))
        case "silence":
            day.silent.append((second - 100.0, second + chance.uniform(0.0, 900.0)))
        case "stale replicas":
            add(-200.0, lambda world: _lag(world, 800))
            add(900.0, lambda world: _lag(world, 0))
        case _:
            add(-200.0, lambda world: _thin(world, is_thin=True))
            add(900.0, lambda world: _thin(world, is_thin=False))


def trade(world: EmulatedWorld, share: float, origin: Origin) -> None:
    """Close a part of the position from outside."""
    held = world.position()
    lots = world.core.instruments[BTC].qty_down(abs(held) * type(held)(repr(share)))
    if lots:
        side = Side.SELL if held > 0 else Side.BUY
        at = world.core.prices[BTC].at
        world.core.trade_by_hand(BTC, side, lots, at, origin=origin)


def cancel_the_stop(world: EmulatedWorld) -> None:
    """Cancel every stop that rests."""
    for row in world.core.desk.book.working(BTC, conditional=True):
        if row.asked.kind is OrderKind.STOP_MARKET:
            world.core.cancel_by_hand(row.client_id, world.core.prices[BTC].at)


def _leverage(world: EmulatedWorld, leverage: int) -> None:
    world.core.leverages[BTC] = leverage


def _lag(world: EmulatedWorld, span_ms: int) -> None:
    world.core.shows_after_ms = span_ms


def _thin(world: EmulatedWorld, *, is_thin: bool) -> None:
    world.core.partial_usd = type(world.core.balance_usd)(6_000) if is_thin else None


class DaysScript(Script):
    """One day after another, in steps that are small where something happens."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self._day = a_day(0, seed)

    def day(self, second: float) -> Day:
        """The day of a second of the script."""
        number = max(int(second // DAY_S), 0)
        if number != self._day.number:
            self._day = a_day(number, self.seed)
        self.path = self._day.path
        return self._day

    def mark(self, at: Millis) -> float:
        self.day((at - T0) / 1000)
        return super().mark(at)

    def next_at(self, at: Millis) -> Millis:
        """When the next price comes."""
        second = (at - T0) / 1000
        into = (second % DAY_S - 600.0) % STRETCH_S
        step_s = BUSY_STEP_S if BUSY_S[0] <= into < BUSY_S[1] else QUIET_STEP_S
        step_ms = int(step_s * 1000)
        return Millis(at - (at - T0) % step_ms + step_ms)

    def rows(self, second: float, mark: float) -> Sequence[Row] | None:
        """What the provider shows; None where it is silent."""
        day = self.day(second)
        if any(since <= second < until for since, until in day.silent):
            return None
        rows = [
            a_row(PositionSide.SHORT, 103_900.0, 1e6, 0.2, mark),
            a_row(PositionSide.LONG, 96_300.0, 5e5, 0.2, mark),
        ]
        rows += [
            a_row(side, level, 9e6, 0.9, mark)
            for since, until, side, level in day.shown
            if since <= second < until
        ]
        return tuple(rows)

    def read(self, second: float, mark: float) -> Reading | None:
        rows = self.rows(second, mark)
        return None if rows is None else a_reading(mark, rows)


def funding_at(at: Millis) -> FundingRead:
    """The settlement to come, of a rate that turns with the day."""
    next_at = Millis(at - at % FUNDING_MS + FUNDING_MS)
    rate = 0.0001 if next_at // FUNDING_MS % 2 else -0.0001
    funding = Funding(symbol=BTC, rate=rate, next_at=next_at, interval_ms=FUNDING_MS)
    return FundingRead(at=at, funding=funding)


def is_minute(at: Millis) -> bool:
    return at % MINUTE_MS == 0
