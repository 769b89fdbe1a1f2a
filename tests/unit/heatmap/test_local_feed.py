"""The local feed: at the provider's pace, or bar by bar."""

import asyncio
import contextlib

from bot.clock import LoopClock, run_virtual
from bot.heatmap.local_feed import LocalFeed
from bot.model.events import CandleClosed, Event, HeatmapFailed, HeatmapRead, StatsRead, Ticked
from bot.model.heatmap import Reading, Stats
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from tests.fakes.engine_market import BTC, FIVE_MINUTES_MS, START_AT, a_bar

ETH = Symbol("ETH/USDT:USDT")
SETTINGS = HeatmapSettings(period_s=5.0, stats_period_s=30.0)


class Source:
    """A reading source that carries BTC."""

    def reading(self, symbol: Symbol) -> Reading | None:
        return Reading(symbol=symbol, price=100.0, rows=()) if symbol == BTC else None

    def stats(self) -> Stats:
        return Stats(symbols_total=1)


async def fed(seconds: float, *, is_per_bar: bool = False, bars: int = 0) -> list[Event]:
    """What a feed emits in that many market seconds, while so many bars are closed at once."""
    clock = LoopClock(start_at=Millis(START_AT))
    feed = LocalFeed(Source(), [BTC, ETH], clock, SETTINGS, is_per_bar=is_per_bar)
    events: list[Event] = []
    feed.on_market(closed(0))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            group.create_task(feed.run(events.append))
            await clock.sleep(0.001)
            feed.on_market(Ticked(at=Millis(START_AT)))
            feed.on_market(closed(0, Symbol("SOL/USDT:USDT")))
            for index in range(bars):
                feed.on_market(closed(index))
    return events


def closed(index: int, symbol: Symbol = BTC) -> CandleClosed:
    bar = a_bar(index, (1.0, 1.0, 1.0, 1.0), symbol=symbol)
    return CandleClosed(at=bar.close_at, candle=bar)


def test_each_symbol_is_read_every_period_with_a_rising_sequence() -> None:
    events = run_virtual(fed(12.0))
    read = [
        (event.at - START_AT, event.sequence) for event in events if isinstance(event, HeatmapRead)
    ]

    assert [(0, 1), (5_000, 2), (10_000, 3)] == read


def test_a_symbol_without_a_bar_fails_with_a_sentence() -> None:
    events = run_virtual(fed(7.0))
    failed = [event for event in events if isinstance(event, HeatmapFailed)]

    assert [(ETH, 1), (ETH, 2)] == [(event.symbol, event.sequence) for event in failed]
    assert "The local heatmap has no closed bar of ETHUSDT yet." == failed[0].failure.reason


def test_statistics_come_at_their_own_pace() -> None:
    events = run_virtual(fed(61.0))
    told = [event.at - START_AT for event in events if isinstance(event, StatsRead)]

    assert [0, 30_000, 60_000] == told


def test_bar_by_bar_there_is_one_reading_for_each_bar_at_the_bars_own_time() -> None:
    """Between two bars of a recording nothing changes: no poll, however long it takes."""
    events = run_virtual(fed(100.0, is_per_bar=True, bars=3))
    read = [event for event in events if isinstance(event, HeatmapRead)]

    closes = [START_AT + FIVE_MINUTES_MS * (index + 1) for index in range(3)]
    assert closes == [event.at for event in read] == [event.asked_at for event in read]
    assert [1, 2, 3] == [event.sequence for event in read]
    assert closes == [event.at for event in events if isinstance(event, StatsRead)]


def test_at_the_providers_pace_bars_are_not_answered() -> None:
    events = run_virtual(fed(1.0, bars=3))

    assert 1 == sum(isinstance(event, HeatmapRead) for event in events)
