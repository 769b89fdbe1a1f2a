"""Minutes: every bar once and in order, and the extremes that nobody saw."""

import asyncio

from bot.clock import LoopClock, run_virtual
from bot.market.attempts import Attempts
from bot.market.minutes import Minutes
from bot.market.pricing import Prices
from bot.market.publicdata import MINUTE_MS
from bot.market.quotes import Quotes
from bot.model.events import CandleClosed, Event, PriceMoved
from bot.model.primitives import Millis, Symbol
from tests.fakes.market_public import BTC, ETH, START, PublicExchange, minute_of, of_kind

FIRST = minute_of(START)


class Scene:
    """Minutes over prices over an exchange."""

    def __init__(self, known_from: int = START) -> None:
        self.clock = LoopClock(start_at=START)
        self.exchange = PublicExchange(self.clock)
        quotes = Quotes([BTC, ETH])
        attempts = Attempts(self.clock)
        self.events: list[Event] = []
        symbols = [BTC, ETH]
        self.prices = Prices(
            self.exchange, quotes, symbols, clock=self.clock, poll_s=2.0, attempts=attempts
        )
        self.prices.begin(self.events.append)
        self.minutes = Minutes(
            self.exchange, quotes, self.prices, symbols, clock=self.clock, attempts=attempts
        )
        self.minutes.begin(bars_from=FIRST, known_from=Millis(known_from), seen_from=START)

    async def live(self, seconds: float, *, is_polled: bool = True) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.minutes.run(self.events.append))]
            if is_polled:
                tasks.append(group.create_task(self.prices.poll()))
            await self.clock.sleep(seconds)
            for task in tasks:
                task.cancel()

    def bars(self, symbol: Symbol) -> list[int]:
        closed: list[CandleClosed] = of_kind(self.events, CandleClosed)
        return [
            (event.candle.open_at - FIRST) // MINUTE_MS
            for event in closed
            if event.candle.symbol == symbol
        ]

    def wide(self) -> list[PriceMoved]:
        moved: list[PriceMoved] = of_kind(self.events, PriceMoved, BTC)
        return [event for event in moved if event.at - event.since_at > 10_000]


def test_each_bar_is_told_once_and_in_order() -> None:
    async def story() -> Scene:
        scene = Scene()
        await scene.live(200.0)
        return scene

    scene = run_virtual(story())
    closed: list[CandleClosed] = of_kind(scene.events, CandleClosed)

    assert [0, 1, 2] == scene.bars(BTC) == scene.bars(ETH)
    assert all(
        event.candle.close_at < event.at <= event.candle.close_at + 2_000 for event in closed
    )


def test_bars_that_are_repeated_or_still_forming_are_not_told() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.is_careless = True
        scene.exchange.wicks[BTC, FIRST] = scene.exchange.wicks[BTC, FIRST + 4 * MINUTE_MS] = (
            104.0,
            97.0,
        )
        await scene.live(220.0)
        return scene

    scene = run_virtual(story())

    assert [0, 1, 2, 3] == scene.bars(BTC)
    assert [] == scene.wide()


def test_a_bar_that_the_exchange_holds_back_is_asked_for_again() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.bars_held_until = START + 33_000
        await scene.live(40.0)
        return scene

    assert [0] == run_virtual(story()).bars(BTC)


def test_bars_that_were_missed_are_told_when_they_can_be_had() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.bars_held_until = START + 200_000
        await scene.live(220.0)
        return scene

    assert [0, 1, 2, 3] == run_virtual(story()).bars(BTC)


def test_one_symbol_that_raises_leaves_the_others() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.errors[f"candles {BTC}"] = KeyError("0")
        await scene.live(100.0)
        scene.exchange.errors.clear()
        await scene.live(60.0)
        return scene

    scene = run_virtual(story())

    assert [0, 1, 2] == scene.bars(ETH)
    assert [0, 1, 2] == scene.bars(BTC)


def test_a_bar_that_cannot_have_been_is_left_out() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.bases[BTC] = -1.0
        await scene.live(40.0)
        return scene

    assert [] == run_virtual(story()).bars(BTC)


def test_a_wick_between_two_looks_is_told_when_its_minute_is_over() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.exchange.wicks[BTC, FIRST + MINUTE_MS] = (104.0, 97.0)
        await scene.live(100.0)
        return scene

    scene = run_virtual(story())
    (event,) = scene.wide()

    assert (104.0, 97.0) == (event.high, event.low)
    assert FIRST + MINUTE_MS == event.since_at
    assert FIRST + 2 * MINUTE_MS < event.at < FIRST + 2 * MINUTE_MS + 2_000
    assert event.is_complete


def test_a_minute_that_showed_all_of_its_extremes_is_told_no_more() -> None:
    async def story() -> Scene:
        scene = Scene()
        await scene.live(160.0)
        return scene

    assert [] == run_virtual(story()).wide()


def test_a_minute_that_began_before_we_knew_anything_is_not_compared() -> None:
    async def story(known_from: int) -> Scene:
        scene = Scene(known_from)
        scene.exchange.wicks[BTC, FIRST] = (104.0, 97.0)
        await scene.live(40.0)
        return scene

    assert [] == run_virtual(story(START)).wide()

    (event,) = run_virtual(story(FIRST)).wide()

    assert (FIRST, 104.0) == (event.since_at, event.high)
    assert not event.is_complete


def test_without_a_price_the_range_waits_for_one() -> None:
    async def story() -> Scene:
        scene = Scene()
        await scene.live(40.0)
        scene.exchange.wicks[BTC, FIRST + MINUTE_MS] = (104.0, 97.0)
        await scene.live(55.0, is_polled=False)
        before = len(scene.events)
        await scene.live(5.0)
        scene.events = scene.events[before:]
        return scene

    (event,) = run_virtual(story()).wide()

    assert (104.0, 97.0, FIRST + MINUTE_MS) == (event.high, event.low, event.since_at)
    assert not event.is_complete
