"""A live venue over the fake exchange, started and running, with what it told."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.core import ids
from bot.model.account import HoldCause
from bot.model.commands import FetchAccount, PlaceOrder
from bot.model.events import (
    Event,
    TroubleSeen,
)
from bot.model.order import Leg, OrderRequest
from bot.model.primitives import ClientOrderId, Millis, Side, Symbol
from bot.model.settings import OrderSettings
from bot.model.wiring import ExchangeSettings
from bot.venue.live import LiveVenue
from tests.fakes.live_api import FakeApi
from tests.fakes.paper import BTC, NOW, instrument, price, request
from tests.fakes.sim_exchange import World


class Blocked:
    """A limiter that lets nothing leave before an instant."""

    blocked_until: Millis | None = None


class Bench:
    """A started venue whose probe has passed."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=NOW)
        self.world = World()
        self.api = FakeApi(self.world, clock=self.clock)
        self.told: list[Event] = []
        self.limiter = Blocked()
        self.reloads = 0
        self.venue = LiveVenue(
            api=self.api,
            settings=ExchangeSettings(),
            orders=OrderSettings(),
            instruments={BTC: instrument()},
            clock=self.clock,
            limiter=self.limiter,
            probe_ids=lambda symbol: ClientOrderId(ids.derive("probe", symbol)),
            sync_time=self.api.sync_time,
            on_filters=self._reload,
        )

    def _reload(self) -> None:
        self.reloads += 1

    async def begin(self) -> None:
        await self.venue.start(self.told.append)
        self.venue.on_market(price(100_000.0, at=self.clock.now()))

    async def ready(self) -> None:
        """Account read, stream open, probe passed."""
        await self.fetch()
        await self.clock.sleep(2)

    async def fetch(self) -> Event:
        return await self.venue.execute(FetchAccount(symbol=Symbol(""), fills_since=NOW))

    async def place(self, asked: OrderRequest) -> Event:
        return await self.venue.execute(PlaceOrder(symbol=BTC, request=asked))

    async def exit(self, name: str = "x") -> Event:
        return await self.place(self.closing(name))

    def closing(self, name: str = "x") -> OrderRequest:
        """A market exit."""
        until = self.clock.now() + 5_000
        asked = request(name, Side.SELL, "0.1", is_reduce_only=True, valid_until=until)
        return replace(asked, leg=Leg.EXIT)

    def entry(self, name: str = "e") -> OrderRequest:
        return request(name, Side.BUY, "0.1", valid_until=self.clock.now() + 5_000)

    def holds(self) -> None:
        self.world.trade_by_hand(BTC, Side.BUY, Decimal("0.1"), self.clock.now())

    def troubles(self, cause: HoldCause) -> list[bool]:
        rows = [row for row in self.told if isinstance(row, TroubleSeen)]
        return [row.is_over for row in rows if row.cause == cause]


Act = Callable[[Bench], Coroutine[Any, Any, None]]


def play(act: Act, *, is_running: bool = True) -> Bench:
    """Start a venue, and `run` beside it; then act on it."""

    async def main() -> Bench:
        bench = Bench()
        await bench.begin()
        running = asyncio.get_running_loop().create_task(bench.venue.run()) if is_running else None
        if running is not None:
            await bench.ready()
        await act(bench)
        if running is not None:
            running.cancel()
            await asyncio.wait((running,))
        await bench.venue.stop()
        return bench

    return run_virtual(main())
