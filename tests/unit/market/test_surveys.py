"""Surveys: open interest, depth, and contracts that change while the bot runs."""

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NoAnswerError
from bot.market.attempts import Attempts
from bot.market.instruments import Terms, instrument_of
from bot.market.publicdata import HOUR_MS
from bot.market.quotes import Quotes
from bot.market.surveys import BAR_MS, Contracts, Depths, Interest
from bot.model.events import Event, MarketHalted, OpenInterestRead
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from tests.fakes.market_line import a_market
from tests.fakes.market_public import BTC, ETH, START, PublicExchange, of_kind, watched

TERMS = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))


class Scene:
    """What is looked at now and then, over an exchange."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=START)
        self.exchange = PublicExchange(self.clock)
        self.quotes = Quotes([BTC, ETH])
        self.attempts = Attempts(self.clock)
        self.events: list[Event] = []
        self.changed: list[dict[Symbol, Instrument]] = []
        self.interest = Interest(
            self.exchange, [BTC, ETH], clock=self.clock, attempts=self.attempts
        )
        self.depths = Depths(
            self.exchange,
            self.quotes,
            [BTC, ETH],
            period_s=10.0,
            clock=self.clock,
            attempts=self.attempts,
        )
        markets = self.exchange.markets
        self.contracts = Contracts(
            self.exchange,
            TERMS,
            {symbol: instrument_of(symbol, markets, TERMS) for symbol in markets},
            set(),
            clock=self.clock,
            attempts=self.attempts,
        )

    async def survey(self, seconds: float) -> None:
        await watched(self.interest.run(self.events.append), seconds, self.clock)

    async def watch_contracts(self, seconds: float) -> None:
        work = self.contracts.run(self.events.append, self.changed.append)
        await watched(work, seconds, self.clock)

    @property
    def halts(self) -> list[tuple[Symbol, bool]]:
        return [(e.symbol, e.is_halted) for e in of_kind(self.events, MarketHalted)]


def played(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def play() -> Scene:
        scene = Scene()
        await story(scene)
        return scene

    return run_virtual(play())


def test_open_interest_is_read_now_and_as_each_bar_ends() -> None:
    async def story(scene: Scene) -> None:
        await scene.survey(700.0)

    told: list[OpenInterestRead] = of_kind(played(story).events, OpenInterestRead, BTC)

    assert [START + 80, START - 30_000 + BAR_MS + 280, START - 30_000 + 2 * BAR_MS + 280] == [
        event.at for event in told
    ]
    assert all(event.stamped_at <= event.at for event in told)


def test_i22_open_interest_with_an_old_stamp_is_told_once_or_never() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.oi_stamp = START
        await scene.survey(1_000.0)

    async def older(scene: Scene) -> None:
        scene.exchange.oi_stamp = Millis(START - HOUR_MS)
        await scene.survey(100.0)

    assert 1 == len(of_kind(played(story).events, OpenInterestRead, BTC))
    assert [] == played(older).events


def test_one_symbol_without_open_interest_leaves_the_others() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors[f"open_interest {BTC}"] = KeyError("openInterest")
        await scene.survey(10.0)

    events = played(story).events

    assert [ETH] == [event.symbol for event in of_kind(events, OpenInterestRead)]


def depth_of(scene: Scene, symbol: Symbol) -> float | None:
    scene.quotes.take(scene.exchange.tick(symbol), scene.clock.now())
    event = scene.quotes.tell(symbol, scene.clock.now())
    assert event is not None
    return event.depth_usd


def test_each_book_is_looked_at_once_in_a_period() -> None:
    async def story(scene: Scene) -> None:
        await watched(scene.depths.run(), 59.0, scene.clock)
        assert [1_000_000.0] * 2 == [depth_of(scene, symbol) for symbol in (BTC, ETH)]

    assert 12 == played(story).exchange.calls["depth_usd"]


def test_a_depth_that_is_not_read_any_more_is_unknown_after_a_minute() -> None:
    async def story(scene: Scene) -> None:
        await watched(scene.depths.run(), 30.0, scene.clock)
        scene.exchange.errors["depth_usd"] = NoAnswerError("gone")
        await watched(scene.depths.run(), 30.0, scene.clock)
        assert depth_of(scene, BTC) is not None
        await watched(scene.depths.run(), 60.0, scene.clock)
        assert depth_of(scene, BTC) is None

    played(story)


def test_contracts_are_read_hourly() -> None:
    async def story(scene: Scene) -> None:
        await scene.watch_contracts(3 * 3_600.0 + 1)

    assert 3 == played(story).exchange.calls["listed True"]


def test_e30_a_symbol_that_is_closed_is_halted_until_it_is_traded_again() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.markets[BTC]["active"] = False
        await scene.watch_contracts(3_700.0)
        await scene.watch_contracts(3_700.0)
        scene.exchange.markets[BTC]["active"] = True
        scene.events.clear()
        await scene.watch_contracts(3_700.0)

    scene = played(story)

    assert [(BTC, True), (BTC, False)] == scene.halts  # told anew with each run, then over


def test_e30_a_symbol_that_is_gone_is_halted_when_a_second_list_agrees() -> None:
    async def story(scene: Scene) -> None:
        market = scene.exchange.markets.pop(BTC)
        await scene.contracts.read(scene.events.append, scene.changed.append)
        assert [] == scene.halts
        scene.exchange.markets[BTC] = market
        await scene.contracts.read(scene.events.append, scene.changed.append)
        assert [] == scene.halts
        del scene.exchange.markets[BTC]
        await scene.watch_contracts(3_700.0)

    scene = played(story)

    assert [(BTC, True)] == scene.halts
    assert BTC in scene.contracts.instruments


def test_e38_a_filter_error_reads_the_contracts_at_once_and_tells_the_new_steps() -> None:
    async def story(scene: Scene) -> None:
        before = scene.contracts.instruments
        scene.exchange.markets[BTC] = a_market("BTCUSDT", BTC, tick="0.50", lot="0.01")
        scene.contracts.reload()
        await scene.watch_contracts(20.0)
        assert Decimal("0.10") == before[BTC].tick_size

    scene = played(story)

    assert [[BTC]] == [list(changed) for changed in scene.changed]
    assert Decimal("0.50") == scene.contracts.instruments[BTC].tick_size
    assert Decimal("0.01") == scene.contracts.instruments[BTC].lot_size
    assert Decimal("0.10") == scene.contracts.instruments[ETH].tick_size


def test_e38_many_filter_errors_are_one_reading() -> None:
    async def story(scene: Scene) -> None:
        for _ in range(100):
            scene.contracts.reload()
        await scene.watch_contracts(60.0)

    assert 1 == played(story).exchange.calls["listed True"]


def test_a_contract_that_cannot_be_read_stands_as_it_was() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.markets[BTC] = a_market("BTCUSDT", BTC, tick="none")
        await scene.contracts.read(scene.events.append, scene.changed.append)

    scene = played(story)

    assert [] == scene.changed
    assert Decimal("0.10") == scene.contracts.instruments[BTC].tick_size


def test_a_list_that_is_not_had_changes_nothing() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors["listed True"] = NoAnswerError("gone")
        await scene.contracts.read(scene.events.append, scene.changed.append)

    scene = played(story)

    assert ([], []) == (scene.halts, scene.changed)
