"""The market of an exchange: ready quickly, alive for ever, and never blinded by one failure."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from bot.clock import LoopClock, run_virtual
from bot.engine.recovery import recovery_step
from bot.errors import ConfigError, UnavailableError
from bot.gateway.failures import NoAnswerError, NotSentError
from bot.market.exchange import ExchangeMarket
from bot.market.instruments import Terms
from bot.market.publicdata import MINUTE_MS
from bot.model.events import (
    CandleClosed,
    Event,
    FundingRead,
    MarketHalted,
    OpenInterestRead,
    PriceMoved,
    TroubleSeen,
)
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import SymbolSnapshot
from bot.model.wiring import ExchangeMarketSettings
from tests.fakes.market_line import a_market
from tests.fakes.market_public import (
    BTC,
    ETH,
    START,
    Plan,
    PublicExchange,
    Wire,
    minute_of,
    of_kind,
    watched,
)

TERMS = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))


class Scene:
    """A market over an exchange in virtual time."""

    def __init__(
        self,
        symbols: tuple[Symbol, ...] = (BTC, ETH),
        *,
        has_streams: bool = False,
        has_heatmap: bool = False,
        **settings: Any,
    ) -> None:
        self.clock = LoopClock(start_at=START)
        self.exchange = PublicExchange(self.clock, symbols)
        self.wire = Wire()
        self.events: list[Event] = []
        self.market = ExchangeMarket(
            public=self.exchange,
            clock=self.clock,
            settings=ExchangeMarketSettings(**settings),
            symbols=symbols,
            title="Binance",
            terms=TERMS,
            has_streams=has_streams,
            has_heatmap=has_heatmap,
            opener=self.wire.open,
        )

    async def prepare(self, resume_at: int | None = None) -> None:
        at = None if resume_at is None else Millis(resume_at)
        await self.market.prepare(at, lambda _share, _what: None)

    async def live(self, seconds: float) -> None:
        await watched(self.market.run(self.events.append), seconds, self.clock)


def played(story: Callable[[Scene], Coroutine[Any, Any, None]], **options: Any) -> Scene:
    async def play() -> Scene:
        scene = Scene(**options)
        await story(scene)
        return scene

    return run_virtual(play())


def test_contracts_past_and_funding_are_known_at_the_start() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()

        history = scene.market.history(BTC)

        assert 600 == len(history.candles)
        assert history.candles[-1].close_at == minute_of(START)
        assert history.open_interest
        assert history.funding is not None
        assert scene.market.end_at() is None
        scene.market.keep_time(scene.clock)

    market = played(story).market

    assert Decimal("0.10") == market.instruments[BTC].tick_size
    assert 1 == len(market.instruments[ETH].tiers)
    assert Decimal("50.0") == market.instruments[ETH].leverage_max


def test_thirty_symbols_are_ready_in_a_second_and_a_half() -> None:
    symbols = tuple(Symbol(f"C{index}/USDT:USDT") for index in range(30))

    async def story(scene: Scene) -> None:
        await scene.prepare()

    market = played(story, symbols=symbols).market

    assert market.start_at() - START < 1_500


def test_no_more_than_a_dozen_calls_are_under_way() -> None:
    symbols = tuple(Symbol(f"C{index}/USDT:USDT") for index in range(30))

    async def story(scene: Scene) -> None:
        await scene.prepare()
        await scene.live(130.0)

    assert played(story, symbols=symbols).exchange.most_at_once <= 12


def test_a_run_of_six_minutes_tells_everything() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        await scene.live(360.0)

    scene = played(story)
    events = scene.events

    assert 180 <= len(of_kind(events, PriceMoved, BTC)) <= 190
    assert 6 == len([e for e in of_kind(events, CandleClosed) if e.candle.symbol == BTC])
    assert 2 == len(of_kind(events, OpenInterestRead, BTC))
    assert 2 == len(of_kind(events, FundingRead))
    assert [] == of_kind(events, TroubleSeen)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert 1_000_000.0 == of_kind(events, PriceMoved, ETH)[-1].depth_usd


def test_bars_go_on_where_the_past_ended() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        last = scene.market.history(BTC).candles[-1].close_at
        await scene.live(60.0)
        first = of_kind(scene.events, CandleClosed)[0].candle.open_at

        assert last == first

    played(story)


def test_c13_unknown_symbols_are_refused_together() -> None:
    symbols = (BTC, Symbol("PEPE/USDT:USDT"), Symbol("BTCC/USDT:USDT"))

    async def story(scene: Scene) -> None:
        scene.exchange.markets = {
            BTC: a_market(),
            Symbol("1000PEPE/USDT:USDT"): a_market("1000PEPEUSDT", "1000PEPE/USDT:USDT"),
        }
        with pytest.raises(ConfigError) as caught:
            await scene.prepare()

        assert "PEPEUSDT is not" in caught.value.what
        assert "BTCCUSDT is not" in caught.value.what
        assert "1000PEPEUSDT" in caught.value.remedy

    played(story, symbols=symbols)


def test_c13_a_new_ledger_does_not_begin_with_a_symbol_that_is_closed() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.markets[BTC]["active"] = False
        with pytest.raises(ConfigError, match="does not trade BTCUSDT"):
            await scene.prepare()

    played(story)


def test_e30_a_restart_with_a_closed_symbol_goes_on_and_tells_the_halt() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.markets[BTC]["active"] = False
        await scene.prepare(START - 3_600_000)
        await scene.live(5.0)

    halts: list[MarketHalted] = of_kind(played(story).events, MarketHalted)

    assert [(BTC, True)] == [(event.symbol, event.is_halted) for event in halts]


def test_e38_after_a_filter_error_the_new_steps_are_known() -> None:
    changes: list[dict[Symbol, Instrument]] = []

    async def story(scene: Scene) -> None:
        scene.market.on_instruments = changes.append
        await scene.prepare()
        scene.exchange.markets[BTC] = a_market("BTCUSDT", BTC, tick="0.50")
        scene.market.reload()
        await scene.live(15.0)

    market = played(story).market

    assert [[BTC]] == [list(changed) for changed in changes]
    assert Decimal("0.50") == market.instruments[BTC].tick_size
    assert 1 == len(market.instruments[BTC].tiers)


def test_an_exchange_that_does_not_answer_is_named_with_what_to_do() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors["listed False"] = NotSentError("the name cannot be resolved")
        with pytest.raises(UnavailableError, match="Binance does not tell") as caught:
            await scene.prepare()

        assert "network" in caught.value.remedy

    assert 3 == played(story).exchange.calls["listed False"]


def test_an_exchange_that_answers_late_is_waited_for() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.errors["listed False"] = NoAnswerError("no reply")
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.prepare())
            await scene.clock.sleep(1.0)
            scene.exchange.errors.clear()

    assert BTC in played(story).market.instruments


def test_a_start_without_any_past_is_a_start() -> None:
    async def story(scene: Scene) -> None:
        for kind in ("candles", "open_interest_past", "tiers", "ticks"):
            scene.exchange.errors[kind] = KeyError(kind)
        await scene.prepare()
        scene.exchange.errors.clear()
        await scene.live(10.0)

    assert of_kind(played(story).events, PriceMoved, BTC)


def test_p27_an_outage_is_told_and_over_when_it_is_over() -> None:
    kinds = ("ticks", "candles", "mark_candles", "open_interest", "depth_usd", "listed True")

    async def story(scene: Scene) -> None:
        await scene.prepare()
        await watched(scene.market.run(scene.events.append), 20.0, scene.clock)
        scene.events.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.live(400.0))
            await scene.clock.sleep(5.0)
            scene.exchange.errors = {kind: NotSentError("no such host") for kind in kinds}
            await scene.clock.sleep(180.0)
            scene.exchange.errors.clear()

    scene = played(story)
    troubles: list[TroubleSeen] = of_kind(scene.events, TroubleSeen, BTC)
    bars = [e.candle.open_at for e in of_kind(scene.events, CandleClosed) if e.candle.symbol == BTC]
    after: list[PriceMoved] = [
        e for e in of_kind(scene.events, PriceMoved, BTC) if e.at >= troubles[-1].at
    ]

    assert [False, True] == [event.is_over for event in troubles]
    assert troubles[1].at - START < 20_000 + 190_000 + 10_000
    assert not after[0].is_complete
    assert [b - a for a, b in itertools.pairwise(bars)] == [MINUTE_MS] * (len(bars) - 1)


def test_one_symbol_whose_replies_raise_leaves_everything_else() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        for kind in ("candles", "mark_candles", "open_interest", "depth_usd"):
            scene.exchange.errors[f"{kind} {BTC}"] = KeyError("symbol")
        await scene.live(360.0)

    events = played(story).events

    assert of_kind(events, PriceMoved, BTC)
    assert 6 == len([e for e in of_kind(events, CandleClosed) if e.candle.symbol == ETH])
    assert 2 == len(of_kind(events, OpenInterestRead, ETH))


def test_a_gap_is_told_by_the_mark_and_once() -> None:
    resume_at = Millis(minute_of(START) - 20 * MINUTE_MS + 5_000)
    minute = Millis(minute_of(START) - 5 * MINUTE_MS)

    async def story(scene: Scene) -> None:
        scene.exchange.wicks[BTC, minute] = (107.0, 95.0)
        await scene.prepare(resume_at)
        known = SymbolSnapshot(symbol=BTC, last_price_at=resume_at)
        step = recovery_step(BTC, known, scene.market.history(BTC), scene.market.start_at())

        assert step is not None
        assert (107.0, 95.0, True) == (step.high, step.low, step.is_complete)

        await scene.live(90.0)

    moved: list[PriceMoved] = of_kind(played(story).events, PriceMoved, BTC)

    assert all(event.high < 102.0 for event in moved)


def wide_in_the_first_minute(resume_at: int | None) -> list[PriceMoved]:
    async def story(scene: Scene) -> None:
        scene.exchange.wicks[BTC, minute_of(START)] = (107.0, 95.0)
        await scene.prepare(resume_at)
        await scene.live(40.0)

    moved: list[PriceMoved] = of_kind(played(story).events, PriceMoved, BTC)
    return [event for event in moved if event.high > 102.0]


def test_the_minute_of_a_first_start_is_not_looked_back_at() -> None:
    assert [] == wide_in_the_first_minute(None)


def test_the_minute_of_a_restart_is_looked_back_at_if_it_began_after_the_stop() -> None:
    (event,) = wide_in_the_first_minute(minute_of(START) - 5_000)

    assert (minute_of(START), False) == (event.since_at, event.is_complete)
    assert [] == wide_in_the_first_minute(minute_of(START) + 5_000)


def test_streams_make_prices_fast_and_polls_rare() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.plans = [Plan()]
        await scene.prepare()
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.live(29.5))
            for _ in range(30):
                ticks = [scene.exchange.tick(symbol) for symbol in (BTC, ETH)]
                scene.wire.waiting.put_nowait(ticks)
                await scene.clock.sleep(1.0)

    scene = played(story, has_streams=True)

    assert 29 <= len(of_kind(scene.events, PriceMoved, BTC)) <= 36
    assert scene.exchange.calls["ticks"] <= 1 + 4


def test_without_streams_nothing_is_opened() -> None:
    async def story(scene: Scene) -> None:
        scene.exchange.plans = [Plan()]
        await scene.prepare()
        await scene.live(5.0)

    assert [] == played(story).wire.opened


def test_a_heatmap_is_given_days_of_the_past() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()

        assert 288 - 120 + 600 == len(scene.market.history(BTC).candles)
        assert 280 < len(scene.market.history(BTC).open_interest) <= 289

    played(story, has_heatmap=True, history_days=1)


def test_the_past_is_let_go_of_once_the_market_runs() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        await scene.live(1.0)

        assert 0 == len(scene.market.history(BTC).candles)

    played(story)
