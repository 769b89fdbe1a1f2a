"""The live venue on one bench: gateway, ccxt and an emulated exchange, with its user stream."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bot.clock import seeded_random
from bot.core import ids
from bot.gateway.client import Client
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.commands import Command, FetchAccount
from bot.model.events import Event
from bot.model.primitives import ClientOrderId, Millis, Symbol
from bot.model.settings import OrderSettings
from bot.model.wiring import ExchangeSettings
from bot.ports import Emit, Venue
from bot.sim.emulator.binance import BinanceDialect
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.core import Emulator
from bot.venue.api import PrivateApi
from bot.venue.binanceusdm import BinanceApi
from bot.venue.bybit import BybitApi
from bot.venue.live import LiveVenue
from bot.venue.profiles import profile_of
from tests.fakes.live_connection import KEY, SECRET, AKeys
from tests.fakes.live_line import Line, Outside, Weather
from tests.fakes.paper import BTC, NOW, instrument, price

IDS: Final = {BTC: "BTCUSDT"}
SPEECH_S: Final = 0.01
"""From a happening to its message."""
LEVERAGE: Final = 10
FOUND_USD: Final = Decimal(60_000)
"""The most that an order finds at a time."""


class UserLine:
    """A websocket that tells what the exchange puts on it, and answers to a login."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Any] = asyncio.Queue()

    async def send(self, message: dict[str, Any]) -> None:
        if message["op"] != "ping":
            self.messages.put_nowait({"op": message["op"], "success": True})

    async def receive(self, timeout_s: float | None = None) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await self.messages.get()
        except TimeoutError:
            return None


class LiveBench:
    """A venue under test with its world; `run` goes on beside it from `start` to `stop`."""

    exchange_id = "binanceusdm"
    codes: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """The exchange's words where they are not Binance's; none: it is taken, and ends then."""
    stops_are_apart: bool = True

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.core = Emulator({BTC: instrument()})
        self.core.leverages[BTC] = LEVERAGE
        self.core.margin_modes[BTC] = self.core.account_margin_mode = "isolated"
        self.core.partial_usd = FOUND_USD
        self.dialect = self._speech()
        self._clock = ExchangeClock(start_at=NOW)
        self._lines: list[UserLine] = []
        self._outside = Outside(self._handle)
        self._running: asyncio.Task[None] | None = None
        connection = profile_of(self.exchange_id).connection
        limiter = Limiter(connection.budgets, clock=self._clock)
        wire = Line(self._outside, clock=self._clock, chance=seeded_random(1), weather=Weather())
        self.client = Client(
            connection,
            transport=wire,
            clock=self._clock,
            limiter=limiter,
            keys=AKeys(),
            has_streams=True,
        )
        self.live = LiveVenue(
            api=self._api(),
            settings=ExchangeSettings(id=self.exchange_id, leverage=LEVERAGE),
            orders=OrderSettings(),
            instruments={BTC: instrument()},
            clock=self._clock,
            limiter=limiter,
            probe_ids=lambda symbol: ClientOrderId(ids.derive("probe", symbol)),
            sync_time=self.client.sync_time,
        )
        self.venue: Venue = self

    # --- the port

    async def start(self, emit: Emit) -> None:
        await self.live.start(emit)
        self._running = asyncio.get_running_loop().create_task(self.live.run())

    async def execute(self, command: Command) -> Event:
        return await self.live.execute(command)

    async def stop(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait((self._running,))
        await self.live.stop()
        await self.client.close()

    # --- the bench

    async def ready(self) -> None:
        """The account is read, the stream open, and the probe has passed."""
        await self.live.execute(FetchAccount(symbol=Symbol(""), fills_since=NOW))
        for _ in range(100):
            if self.live._probe.is_proved(BTC) and self._lines:
                break
            await self._clock.sleep(0.1)
        await self.settle()

    async def settle(self) -> None:
        """Let what happened unasked be told."""
        await self._clock.sleep(2)

    def now(self) -> Millis:
        return self._clock.now()

    def move(self, mark: float, *, high: float | None = None, low: float | None = None) -> None:
        moved = price(mark, at=self.now(), high=high, low=low, spread=0.2)
        self.core.on_market(moved)
        self.live.on_market(moved)
        self._speak()

    # --- inside

    def _speech(self) -> BinanceDialect | BybitDialect:
        return BinanceDialect(self.core, api_key=KEY, secret=SECRET)

    def _api(self) -> PrivateApi:
        return BinanceApi(self.client, IDS, self._clock, connect=self._connect)

    def _handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        reply = self.dialect.handle(request, at)
        self._speak()
        return reply

    def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        for happening in self.core.take_happenings():
            for message in self.dialect.user_messages(happening):
                for line in self._lines:
                    loop.call_later(SPEECH_S, line.messages.put_nowait, message)

    @asynccontextmanager
    async def _connect(self, url: str) -> AsyncIterator[UserLine]:
        del url
        line = UserLine()
        self._lines.append(line)
        try:
            yield line
        finally:
            self._lines.remove(line)


class BybitBench(LiveBench):
    """The same on Bybit."""

    exchange_id = "bybit"
    codes: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "-1111": ("10001", "110003"),
            "-2019": ("110007",),
            "-2021": ("110092", "110093"),
            "-2022": ("110017",),
            "-4005": ("10001",),
            "-4164": ("110094",),
            "-5022": (),
        }
    )
    stops_are_apart = False

    def _speech(self) -> BinanceDialect | BybitDialect:
        return BybitDialect(self.core, api_key=KEY, secret=SECRET)

    def _api(self) -> PrivateApi:
        return BybitApi(self.client, IDS, self._clock, connect=self._connect)
