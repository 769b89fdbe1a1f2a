"""An exchange's public data in virtual time: a price that moves by the second, and its faults.

The mark of a symbol is `bases[symbol]` times a saw of seven seconds, so that every bar and every
look is known; `wicks` are extremes that only the minute's bars of the mark show.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.gateway.failures import NoAnswerError
from bot.market.publicdata import HOUR_MS, MINUTE_MS, Listed, StreamPlan, Tick
from bot.model.events import Event
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock
from tests.fakes.market_line import a_market

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
START = Millis(1_767_225_600_000 + 30_000)
"""Half a minute past midnight: no bar ends at the start."""
STEP = 0.0001


def saw(at: int) -> float:
    return 1.0 + STEP * (at // 1000 % 7)


class PublicExchange:
    """A PublicApi with a state that tests change while it is asked."""

    def __init__(self, clock: Clock, symbols: Sequence[Symbol] = (BTC, ETH)) -> None:
        self.clock = clock
        self.bases = dict.fromkeys(symbols, 100.0)
        self.markets: dict[Symbol, dict[str, Any]] = {
            symbol: a_market(symbol.split("/")[0] + "USDT", symbol) for symbol in symbols
        }
        self.latency_s = 0.08
        self.calls: Counter[str] = Counter()
        self.errors: dict[str, Exception] = {}
        """By kind of call, or by kind and symbol: "candles", "candles BTC/USDT:USDT"."""
        self.wicks: dict[tuple[Symbol, int], tuple[float, float]] = {}
        """Highest and lowest mark of a minute, by symbol and open time."""
        self.age_ms = 0
        """How old the prices are that are told."""
        self.bars_held_until = 0
        """Bars are not shown before."""
        self.is_careless = False
        """Bars are told that were not asked for: two before, and the one that is forming."""
        self.minutes_from = 0
        """Bars of one minute are not kept from before."""
        self.oi_stamp: Millis | None = None
        self.rate = 0.0001
        self.plans: list[StreamPlan] = []
        self.most_at_once = 0
        self._at_once = 0

    async def listed(self, *, is_fresh: bool) -> Listed:
        await self._asked(f"listed {is_fresh}")
        return dict(self.markets)

    async def tiers(self, symbol: Symbol) -> tuple[LeverageTier, ...]:
        await self._asked("tiers", symbol)
        return (
            LeverageTier(floor_usd=0.0, maintenance_rate=0.005, cum_usd=0.0, leverage_max=50.0),
        )

    async def ticks(self, symbols: Sequence[Symbol]) -> Sequence[Tick]:
        await self._asked("ticks")
        return [self.tick(symbol) for symbol in symbols if symbol in self.bases]

    def tick(self, symbol: Symbol) -> Tick:
        at = Millis(self.clock.now() - self.age_ms)
        mark = self.bases[symbol] * saw(at)
        next_at = Millis(at - at % (8 * HOUR_MS) + 8 * HOUR_MS)
        funding = Funding(symbol=symbol, rate=self.rate, next_at=next_at)
        bid, ask = mark * 0.9999, mark * 1.0001
        return Tick(symbol=symbol, stamped_at=at, mark=mark, bid=bid, ask=ask, funding=funding)

    async def candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        await self._asked("candles", symbol)
        if self.clock.now() < self.bars_held_until:
            return []
        if timeframe_ms == MINUTE_MS:
            since = Millis(max(since, self.minutes_from))
        return self._bars(symbol, timeframe_ms, since, until, volume=1.0)

    async def mark_candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        await self._asked("mark_candles", symbol)
        bars = self._bars(symbol, timeframe_ms, since, until, volume=0.0)
        return [self._with_wick(bar) for bar in bars]

    async def open_interest(self, symbol: Symbol) -> tuple[Millis, float] | None:
        await self._asked("open_interest", symbol)
        return (self.oi_stamp or self.clock.now(), 5_000.0)

    async def open_interest_past(
        self, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[tuple[Millis, float]]:
        await self._asked("open_interest_past", symbol)
        first = since + -since % step_ms
        return [(Millis(at), 4_000.0) for at in range(first, until + 1, step_ms)]

    async def depth_usd(self, symbol: Symbol) -> float | None:
        await self._asked("depth_usd", symbol)
        return 1_000_000.0

    def streams(self, symbols: Sequence[Symbol]) -> Sequence[StreamPlan]:
        del symbols
        return self.plans

    async def _asked(self, kind: str, symbol: Symbol | None = None) -> None:
        self.calls[kind] += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.clock.sleep(self.latency_s)
        finally:
            self._at_once -= 1
        error = self.errors.get(kind) or self.errors.get(f"{kind} {symbol}")
        if error is not None:
            raise error

    def _bars(
        self, symbol: Symbol, timeframe_ms: int, since: int, until: int, *, volume: float
    ) -> list[Candle]:
        base, now = self.bases[symbol], self.clock.now()
        if self.is_careless:
            since, until = since - 2 * timeframe_ms, now + 1
        return [
            Candle(
                symbol=symbol,
                open_at=Millis(at),
                timeframe_ms=timeframe_ms,
                open=base * saw(at),
                high=base * (1 + 6 * STEP),
                low=base,
                close=base * saw(at + timeframe_ms - 1000),
                volume=volume,
            )
            for at in range(since + -since % timeframe_ms, until, timeframe_ms)
            if at <= now
        ]

    def _with_wick(self, bar: Candle) -> Candle:
        high, low = self.wicks.get((bar.symbol, bar.open_at), (bar.high, bar.low))
        return Candle(
            symbol=bar.symbol,
            open_at=bar.open_at,
            timeframe_ms=bar.timeframe_ms,
            open=bar.open,
            high=high,
            low=low,
            close=bar.close,
            volume=bar.volume,
        )


class Plan:
    """A stream whose messages are ticks already."""

    name = "ticks"
    url = "ws://127.0.0.1:1/ticks"
    ping: dict[str, Any] | None = None

    def __init__(self, ping: dict[str, Any] | None = None) -> None:
        self.hello: list[dict[str, Any]] = [{"op": "subscribe"}]
        self.ping = ping
        self.begun = 0

    def begin(self) -> None:
        self.begun += 1

    def decode(self, message: Any) -> Sequence[Tick]:
        if isinstance(message, Exception):
            raise message
        return message if isinstance(message, list) else [message]


class Wire:
    """The other end of websockets: what a test puts in is received, however often one connects."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.opened: list[str] = []
        self.refusals = 0
        """So many connections are refused first."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator["Wire"]:
        self.opened.append(url)
        if self.refusals:
            self.refusals -= 1
            raise NoAnswerError("no stream: ConnectionRefusedError")
        yield self

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def receive(self, timeout_s: float | None = None) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                found = await self.waiting.get()
        except TimeoutError:
            return None
        if found == "break":
            raise NoAnswerError("the stream was closed")
        return found


async def watched(work: Any, seconds: float, clock: Clock) -> None:
    """Let work go on for so many market seconds, then cancel it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        await clock.sleep(seconds)
        task.cancel()


def of_kind(events: list[Event], kind: type[Any], symbol: Symbol | None = None) -> list[Any]:
    found = [event for event in events if isinstance(event, kind)]
    return [e for e in found if symbol is None or getattr(e, "symbol", None) == symbol]


def minute_of(at: int) -> Millis:
    return Millis(at - at % MINUTE_MS)
