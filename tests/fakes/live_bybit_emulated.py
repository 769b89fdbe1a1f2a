"""Bybit's private interface against the emulated exchange: nothing on the way but time."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.clock import run_virtual
from bot.gateway.client import Client
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.core import Emulator
from bot.venue.bybit import BybitApi
from bot.venue.profiles.bybit import CONNECTION
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.emu_market import exchange_at, price_event
from tests.fakes.live_bybit import KEYS

IDS = {BTC: "BTCUSDT", ETH: "ETHUSDT"}


class Wire:
    """A Transport that takes no time, with the exchange at its end."""

    def __init__(self, core: Emulator, clock: ExchangeClock) -> None:
        self.core = core
        self.clock = clock
        self.dialect = BybitDialect(core, api_key="key", secret="secret")
        self.late_ms = 0
        """How much later a request arrives than it left, by the exchange's clock."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        del timeout_s
        return self.dialect.handle(request, Millis(self.clock.now() + self.late_ms))

    async def close(self) -> None:
        self.core.take_happenings()

    async def move(self, price: float, *, after_s: float = 1.0) -> None:
        """Time passes and the price is another one."""
        await self.clock.sleep(after_s)
        self.core.on_market(price_event(price, self.clock.now()))


def trade(story: Callable[[BybitApi, Wire], Awaitable[Any]], price: float = 100.0) -> Any:
    """Tell a story that begins at noon with a price."""

    async def run() -> Any:
        clock = ExchangeClock(start_at=NOON)
        wire = Wire(exchange_at(price), clock)
        client = Client(
            CONNECTION,
            transport=wire,
            clock=clock,
            limiter=Limiter(CONNECTION.budgets, clock=clock),
            keys=KEYS,
        )
        try:
            return await story(BybitApi(client, IDS, clock), wire)
        finally:
            await client.close()

    return run_virtual(run())
