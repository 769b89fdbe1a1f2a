"""Prices as events: polls, streams, silence and funding."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NotSentError
from bot.market.attempts import Attempts
from bot.market.pricing import Prices
from bot.market.publicdata import Tick
from bot.market.quotes import Quotes
from bot.model.account import HoldCause
from bot.model.events import Event, FundingRead, PriceMoved, TroubleSeen
from bot.model.primitives import Millis
from tests.fakes.market_public import BTC, ETH, START, PublicExchange, of_kind, watched


class Scene:
    """Prices over an exchange, and what they told."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=START)
        self.exchange = PublicExchange(self.clock)
        self.exchange.latency_s = 0.05
        self.quotes = Quotes([BTC, ETH])
        self.events: list[Event] = []
        self.prices = Prices(
            self.exchange,
            self.quotes,
            [BTC, ETH],
            clock=self.clock,
            poll_s=2.0,
            attempts=Attempts(self.clock),
        )
        self.prices.begin(self.events.append)

    async def live(self, seconds: float) -> None:
        """Poll and listen for silence for so long."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.prices.poll()),
                group.create_task(self.prices.watch_silence()),
            ]
            await self.clock.sleep(seconds)
            for task in tasks:
                task.cancel()

    async def stream(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.prices.on_streamed([self.exchange.tick(BTC), self.exchange.tick(ETH)])
            await self.clock.sleep(1.0)

    @property
    def moved(self) -> list[PriceMoved]:
        return of_kind(self.events, PriceMoved, BTC)

    @property
    def troubles(self) -> list[TroubleSeen]:
        return of_kind(self.events, TroubleSeen, BTC)


def played(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def play() -> Scene:
        scene = Scene()
        await story(scene)
        return scene

    return run_virtual(play())


def test_every_poll_tells_every_symbol() -> None:
    async def story(scene: Scene) -> None:
        await watched(scene.prices.poll(), 9.9, scene.clock)

    scene = played(story)
    moved = scene.moved

    assert [START + 50 + 2_000 * index for index in range(5)] == [event.at for event in moved]
    assert [event.at for event in moved][:-1] == [event.since_at for event in moved][1:]
    assert 5 == len(of_kind(scene.events, PriceMoved, ETH))


def test_p27_an_outage_slows_the_polls_and_ends_by_itself() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors["ticks"] = NotSentError("the name cannot be resolved")
        await scene.live(60.0)
        assert 6 <= scene.exchange.calls["ticks"] <= 9
        scene.exchange.errors.clear()
        await scene.live(12.0)

    scene = played(story)

    assert [False, True] == [event.is_over for event in scene.troubles]
    assert HoldCause.PRICE_STALE == scene.troubles[0].cause
    assert START + 11_000 == scene.troubles[0].at
    assert "no price of BTCUSDT for 11 s" in scene.troubles[0].detail
    assert scene.moved


def test_i22_old_prices_are_silence() -> None:
    async def story(scene: Scene) -> None:
        await scene.live(4.0)
        scene.exchange.age_ms = 8_000
        await scene.live(20.0)

    scene = played(story)

    assert scene.moved[-1].at < START + 4_000
    assert [False] == [event.is_over for event in scene.troubles]


def test_a_symbol_that_is_missing_is_silent_alone() -> None:
    async def story(scene: Scene) -> None:
        del scene.exchange.bases[BTC]
        await scene.live(15.0)

    scene = played(story)

    assert [BTC] == [event.symbol for event in of_kind(scene.events, TroubleSeen)]
    assert 8 == len(of_kind(scene.events, PriceMoved, ETH))


def test_a_reply_that_nobody_foresaw_costs_one_poll() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors["ticks"] = KeyError("markPrice")
        await scene.live(3.0)
        scene.exchange.errors.clear()
        await scene.live(3.0)

    assert played(story).moved


def test_while_streams_are_fresh_polls_are_rare() -> None:
    async def story(scene: Scene) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(watched(scene.prices.poll(), 30.0, scene.clock))
            await scene.stream(30.0)

    assert 3 <= played(story).exchange.calls["ticks"] <= 4


def test_a_stream_that_falls_silent_gives_the_polls_their_pace_back() -> None:
    async def story(scene: Scene) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(watched(scene.prices.poll(), 60.0, scene.clock))
            await scene.stream(30.0)

    scene = played(story)

    assert 3 + 13 <= scene.exchange.calls["ticks"] <= 3 + 16
    assert max(b.at - a.at for a, b in itertools.pairwise(scene.moved)) <= 5_000


def test_a_mark_that_moves_on_a_stream_is_told_at_once() -> None:
    async def story(scene: Scene) -> None:
        scene.prices.on_streamed([scene.exchange.tick(BTC)])
        await scene.clock.sleep(0.01)
        scene.exchange.bases[BTC] = 101.0
        scene.prices.on_streamed([scene.exchange.tick(BTC)])

    assert [START, START + 10] == [event.at for event in played(story).moved]


def test_a_mark_that_stands_still_is_told_once_a_second() -> None:
    async def story(scene: Scene) -> None:
        for _ in range(50):
            tick = scene.exchange.tick(BTC)
            still = Tick(symbol=BTC, stamped_at=tick.stamped_at, mark=100.0, bid=99.0, ask=101.0)
            scene.prices.on_streamed([still])
            await scene.clock.sleep(0.1)

    assert 5 == len(played(story).moved)


def test_a_book_alone_is_told_five_times_a_second() -> None:
    async def story(scene: Scene) -> None:
        scene.prices.on_streamed([scene.exchange.tick(BTC)])
        for _ in range(100):
            await scene.clock.sleep(0.01)
            at = scene.clock.now()
            scene.prices.on_streamed([Tick(symbol=BTC, stamped_at=at, bid=99.9, ask=100.2)])

    scene = played(story)

    assert 1 + 5 == len(scene.moved)
    assert 100.2 == scene.moved[-1].ask


def test_i22_a_book_does_not_keep_an_old_mark_alive() -> None:
    async def story(scene: Scene) -> None:
        scene.prices.on_streamed([scene.exchange.tick(BTC)])
        for _ in range(20):
            await scene.clock.sleep(1.0)
            at = scene.clock.now()
            scene.prices.on_streamed([Tick(symbol=BTC, stamped_at=at, bid=99.9, ask=100.2)])

    assert START + 3_000 == played(story).moved[-1].at


def test_a_lonely_mark_on_a_stream_is_not_told() -> None:
    async def story(scene: Scene) -> None:
        scene.prices.on_streamed([scene.exchange.tick(BTC)])
        await scene.clock.sleep(1.0)
        scene.exchange.bases[BTC] = 10.0
        scene.prices.on_streamed([scene.exchange.tick(BTC)])

    assert 1 == len(played(story).moved)


def test_funding_is_told_hourly_when_it_changes_and_when_it_is_another_one() -> None:
    async def story(scene: Scene) -> None:
        await watched(scene.prices.poll(), 600.0, scene.clock)
        scene.exchange.rate = 0.0002
        await watched(scene.prices.poll(), 10.0, scene.clock)
        scene.exchange.rate = 0.0003
        await watched(scene.prices.poll(), 10.0, scene.clock)

    told = [
        (event.at - START, event.funding.rate)
        for event in played(story).events
        if isinstance(event, FundingRead) and event.funding.symbol == BTC
    ]

    assert [(50, 0.0001), (600_050, 0.0002)] == told


@pytest.mark.parametrize(("hours", "times"), [(1, 2), (3, 4)])
def test_funding_that_stands_still_is_told_hourly(hours: int, times: int) -> None:
    async def story(scene: Scene) -> None:
        for _ in range(hours * 60 + 1):
            scene.prices.on_polled([scene.exchange.tick(BTC)])
            await scene.clock.sleep(60.0)

    assert times == len(of_kind(played(story).events, FundingRead))


def test_other_symbols_are_none_of_ours() -> None:
    async def story(scene: Scene) -> None:
        other = Tick(symbol=type(BTC)("XRP/USDT:USDT"), stamped_at=Millis(START), mark=1.0)
        scene.prices.on_polled([other])

    assert [] == played(story).events
