"""The market over the gateway's client and an emulated exchange, in virtual time.

What the unit tests lay out by hand comes here in the words of an exchange: both must agree.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from bot.clock import run_virtual
from bot.errors import ConfigError
from bot.gateway.client import Client
from bot.gateway.failures import NotSentError
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.heatmap.local import LocalEngine
from bot.market.exchange import ExchangeMarket
from bot.market.instruments import Terms
from bot.market.public_binance import ROUTES as BINANCE_ROUTES
from bot.market.public_bybit import ROUTES as BYBIT_ROUTES
from bot.market.publicdata import DAY_MS, MINUTE_MS
from bot.market.publics import open_public
from bot.model.events import (
    CandleClosed,
    Event,
    FundingRead,
    MarketHalted,
    OpenInterestRead,
    PriceMoved,
    TroubleSeen,
)
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import EngineSettings, ExchangeMarketSettings
from bot.sim.emulator.binance import BinanceDialect
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.still import StillMarket
from bot.venue.profiles import profile_of
from tests.fakes.market_public import BTC, ETH, of_kind, watched

MIDNIGHT = Millis(1_767_225_600_000)
TERMS = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))
DIALECTS: dict[str, Any] = {"binanceusdm": BinanceDialect, "bybit": BybitDialect}
EXCHANGES = pytest.mark.parametrize("exchange_id", sorted(DIALECTS))
LATENCY_S = 0.08


class Wire:
    """A Transport with a dialect at its end, which can be cut."""

    def __init__(self, dialect: Any, clock: ExchangeClock) -> None:
        self.dialect = dialect
        self.clock = clock
        self.is_cut = False

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        del timeout_s
        if self.is_cut:
            raise NotSentError("the name cannot be resolved")
        await self.clock.sleep(LATENCY_S / 2)
        found: HttpReply = self.dialect.handle(request, self.clock.now())
        await self.clock.sleep(LATENCY_S / 2)
        return found

    async def close(self) -> None:
        await asyncio.sleep(0)


class Scene:
    """A market over a client over an emulated exchange whose prices stand still."""

    def __init__(self, exchange_id: str, symbols: tuple[Symbol, ...], *, has_heatmap: bool) -> None:
        self.clock = ExchangeClock(start_at=MIDNIGHT)
        self.still = StillMarket(
            symbols,
            start_at=MIDNIGHT,
            history_days=2,
            taker_fee_bps=Decimal(5),
            maker_fee_bps=Decimal(2),
        )
        self.still.keep_time(self.clock)
        pasts = {symbol: self.still.history(symbol) for symbol in symbols}
        self.core = Emulator(self.still.instruments, history=pasts)
        self.wire = Wire(DIALECTS[exchange_id](self.core, api_key="k", secret="s"), self.clock)
        connection = profile_of(exchange_id).connection
        self.client = Client(
            connection,
            transport=self.wire,
            clock=self.clock,
            limiter=Limiter(connection.budgets, clock=self.clock),
        )
        self.events: list[Event] = []
        self.market = ExchangeMarket(
            public=open_public(exchange_id, self.client, self.clock),
            clock=self.clock,
            settings=ExchangeMarketSettings(history_days=2),
            symbols=symbols,
            title=connection.title,
            terms=TERMS,
            has_heatmap=has_heatmap,
        )

    async def prepare(self) -> None:
        await self.client.sync_time()
        await self.market.prepare(None, lambda _share, _what: None)

    async def live(self, seconds: float) -> None:
        await watched(self.market.run(self.events.append), seconds, self.clock)


def played(
    exchange_id: str,
    story: Callable[[Scene], Awaitable[None]],
    *,
    symbols: tuple[Symbol, ...] = (BTC, ETH),
    has_heatmap: bool = False,
) -> Scene:
    async def play() -> Scene:
        scene = Scene(exchange_id, symbols, has_heatmap=has_heatmap)
        for event in scene.still.first():
            scene.core.on_market(event)
        for symbol in symbols:
            funding = scene.still.history(symbol).funding
            assert funding is not None
            scene.core.on_market(FundingRead(at=MIDNIGHT, funding=funding))
        async with asyncio.TaskGroup() as group:
            world = group.create_task(scene.still.run(scene.core.on_market))
            await story(scene)
            world.cancel()
        await scene.client.close()
        return scene

    return run_virtual(play())


@EXCHANGES
def test_contracts_are_read_to_the_digit(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()

    scene = played(exchange_id, story)
    for symbol, found in scene.market.instruments.items():
        known = scene.core.instruments[symbol]

        assert (known.tick_size, known.lot_size) == (found.tick_size, found.lot_size)
        assert (known.qty_min, known.notional_min_usd) == (found.qty_min, found.notional_min_usd)


@EXCHANGES
def test_six_minutes_tell_everything_and_fail_in_nothing(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        await scene.live(365.0)

    scene = played(exchange_id, story)
    events = scene.events
    moved: list[PriceMoved] = of_kind(events, PriceMoved, BTC)

    assert {} == dict(scene.market.attempts.failures)
    assert {} == dict(scene.market.quotes.dropped)
    assert 178 <= len(moved) <= 190
    assert scene.core.prices[BTC].mark == moved[-1].mark
    assert moved[-1].depth_usd is not None
    assert 6 == len([e for e in of_kind(events, CandleClosed) if e.candle.symbol == BTC])
    assert of_kind(events, OpenInterestRead, ETH)
    assert of_kind(events, FundingRead)
    assert [] == of_kind(events, TroubleSeen)


@EXCHANGES
def test_a_wick_between_two_polls_is_told_by_its_minute(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        mark = scene.core.prices[BTC].mark
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.live(200.0))
            await scene.clock.sleep(MINUTE_MS / 1000 * 2 - scene.clock.now() % MINUTE_MS / 1000)
            while scene.clock.now() % 2000 > 1500:
                await scene.clock.sleep(0.1)
            await scene.clock.sleep(0.3)
            scene.still.move(BTC, mark * 1.02)
            scene.still.move(BTC, mark)

    scene = played(exchange_id, story)
    wide: list[PriceMoved] = [
        event for event in of_kind(scene.events, PriceMoved, BTC) if event.high > event.mark * 1.01
    ]

    assert 1 == len(wide)
    assert 0 == wide[0].since_at % MINUTE_MS
    assert wide[0].at - wide[0].since_at < 2 * MINUTE_MS + 5_000


def test_e30_a_halt_is_told_and_so_is_its_end() -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        for is_halted in (True, False):
            at = scene.clock.now()
            scene.core.on_market(MarketHalted(at=at, symbol=ETH, is_halted=is_halted))
            scene.market.reload()
            await scene.live(20.0)

    halts: list[MarketHalted] = of_kind(played("binanceusdm", story).events, MarketHalted)

    assert (ETH, True) == (halts[0].symbol, halts[0].is_halted)
    assert (ETH, False) == (halts[-1].symbol, halts[-1].is_halted)


@EXCHANGES
def test_p27_names_that_cannot_be_resolved_are_survived(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.live(245.0))
            await scene.clock.sleep(10.0)
            scene.wire.is_cut = True
            await scene.clock.sleep(100.0)
            scene.wire.is_cut = False

    scene = played(exchange_id, story)
    bars = [e for e in of_kind(scene.events, CandleClosed) if e.candle.symbol == BTC]

    assert [False, True] == [e.is_over for e in of_kind(scene.events, TroubleSeen, BTC)]
    assert 4 == len(bars)


@EXCHANGES
def test_c13_a_symbol_that_is_not_listed_is_refused(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        market = scene.market
        market._symbols = (BTC, Symbol("ETHH/USDT:USDT"))
        with pytest.raises(ConfigError, match="ETHHUSDT") as caught:
            await scene.prepare()

        assert "ETHUSDT" in caught.value.remedy

    played(exchange_id, story)


@EXCHANGES
def test_the_bots_own_heatmap_warms_up_on_what_is_fetched(exchange_id: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.prepare()
        history = scene.market.history(BTC)
        engine = LocalEngine(scene.market.instruments, EngineSettings())
        engine.warm_up(BTC, history)

        ends = [bar.close_at for bar in history.candles]

        assert ends[:-1] == [bar.open_at for bar in history.candles[1:]]
        assert (MIDNIGHT - 2 * DAY_MS, MIDNIGHT) == (history.candles[0].open_at, ends[-1])
        assert 2 * 288 - 2 <= len(history.open_interest)
        assert engine.reading(BTC) is not None
        assert engine.stats().open_interest

    played(exchange_id, story, has_heatmap=True)


@pytest.mark.parametrize(
    ("exchange_id", "routes"), [("binanceusdm", BINANCE_ROUTES), ("bybit", BYBIT_ROUTES)]
)
def test_what_a_route_costs_is_a_budget_of_its_exchange(exchange_id: str, routes: Any) -> None:
    budgets = {budget.name for budget in profile_of(exchange_id).connection.budgets}

    assert {name for route in routes for name in route.costs} <= budgets
