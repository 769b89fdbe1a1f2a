"""A dialect with next to no words, and a served emulator around it, for tests of the server."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from bot.clock import LoopClock
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import Event, PriceMoved
from bot.model.order import OrderKind
from bot.model.primitives import Millis, Side, Symbol
from bot.sim.emulator.binance_door import Key
from bot.sim.emulator.binance_streams import BinanceStreams
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import Faults, FaultSettings
from bot.sim.emulator.server import EmulatorServer
from bot.sim.emulator.state import Happening, HoldingChanged, NewOrder
from bot.sim.emulator.streams import Hub
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON

TOKEN = "open sesame"
QUICK = FaultSettings(latency_ms=0.0, jitter_ms=0.0)


def moved(symbol: Symbol = BTC, mark: float = 100.0, *, at: int = NOON) -> PriceMoved:
    return PriceMoved(
        at=Millis(at),
        symbol=symbol,
        mark=mark,
        bid=mark - 0.1,
        ask=mark + 0.1,
        last=mark,
        high=mark,
        low=mark,
        since_at=Millis(at - 1_000),
        depth_usd=1_000_000.0,
    )


class FakeDialect:
    """Every request is answered with what it was; POST /order buys a coin; keys are had freely."""

    def __init__(self, core: Emulator) -> None:
        self.core = core
        self.key = Key(api_key="rehearsal", secret="rehearsal")
        self.handled: list[HttpRequest] = []

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        self.handled.append(request)
        told: dict[str, Any] = {"method": request.method, "url": request.url, "at": at}
        if request.url.endswith("/order"):
            self.core.place(
                NewOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, qty=Decimal(1)), at
            )
        if request.url.endswith("/fapi/v1/listenKey"):
            told["listenKey"] = "a-key"
        return HttpReply(
            status=200,
            headers={"content-type": "application/json", "x-weight": "1"},
            body=msgspec.json.encode(told),
        )

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]:
        if isinstance(happening, HoldingChanged):
            return []
        return [{"topic": "order", "e": "ORDER", "status": happening.order.status}]


class Served:
    """An emulator that answers on a port of its own, and a client for it."""

    def __init__(self, settings: FaultSettings, *, speed: float, events: Sequence[Event]) -> None:
        self.core = Emulator(dict(INSTRUMENTS))
        for symbol in INSTRUMENTS:
            self.core.on_market(moved(symbol))
        for event in events:
            self.core.on_market(event)
        self.core.take_happenings()
        self.dialect = FakeDialect(self.core)
        self.speech = BinanceStreams(self.core, Hub())
        self.faults = Faults(7, settings)
        self.clock = LoopClock(start_at=NOON, speed=speed)
        self.heard: list[Happening] = []
        self.server = EmulatorServer(
            exchange="binanceusdm",
            core=self.core,
            dialect=self.dialect,
            speech=self.speech,
            clock=self.clock,
            faults=self.faults,
            token=TOKEN,
            tell=self.heard.append,
        )
        self.url = ""
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0))

    async def ask(self, path: str, method: str = "GET", body: str = "") -> tuple[int, str]:
        """Status and text of a request that is answered."""
        async with self.session.request(method, self.url + path, data=body or None) as response:
            return response.status, await response.text()

    async def control(self, verb: str, token: str = TOKEN, **words: Any) -> tuple[int, Any]:
        """A request beside the exchange's own interface; `state` is read."""
        method = "GET" if verb == "state" else "POST"
        async with self.session.request(
            method,
            f"{self.url}/_emulator/{verb}",
            data=msgspec.json.encode(words) if words else None,
            headers={"X-Emulator-Token": token},
        ) as response:
            return response.status, msgspec.json.decode(await response.read())

    @contextlib.asynccontextmanager
    async def listen(self, path: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket at a path."""
        async with self.session.ws_connect(self.url.replace("http", "ws") + path) as socket:
            yield socket


@contextlib.asynccontextmanager
async def served(
    settings: FaultSettings = QUICK, *, speed: float = 1.0, events: Sequence[Event] = ()
) -> AsyncIterator[Served]:
    """An emulator on a free port of this machine."""
    emulator = Served(settings, speed=speed, events=events)
    host, port = await emulator.server.start("127.0.0.1:0")
    emulator.url = f"http://{host}:{port}"
    try:
        yield emulator
    finally:
        await emulator.session.close()
        await emulator.server.stop()
