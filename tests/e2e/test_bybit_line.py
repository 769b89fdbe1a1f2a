"""Bybit's interface over real sockets: what ccxt signs, what the stream is told, nothing else."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from bot.clock import wall_now
from bot.credentials import Credentials, Secret, Source
from bot.gateway.client import Client
from bot.gateway.connection import ENTRY
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.gateway.transport import AiohttpTransport
from bot.model.events import Event, OrderFilled
from bot.model.order import OrderStatus
from bot.model.primitives import ClientOrderId, Price, Qty
from bot.venue.api import PrivateApi
from bot.venue.profiles import profile_of
from tests.fakes.emu_process import EmulatorProcess
from tests.fakes.live_bybit import BTC, request

KEYS = Credentials(
    source=Source.ENVIRONMENT, api_key=Secret("rehearsal"), secret=Secret("rehearsal")
)
SPEED = 20.0
DEADLINE_S = 20.0


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  (what comes over a socket sets no event of ours)
            await asyncio.sleep(0.02)


async def trade(api: PrivateApi, events: list[Event], wakes: list[str]) -> OrderStatus:
    """Listen first, then buy; the fill must come over the stream."""
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(api.watch(events.append, wakes.append))
        await until(lambda: bool(wakes))
        report = await api.place(
            request(price=Price(Decimal(97_100)), qty=Qty(Decimal("0.01"))),
            stop_loss_price=Price(Decimal(90_000)),
            lane=ENTRY,
            window_ms=5_000,
        )
        await until(lambda: any(isinstance(row, OrderFilled) for row in events))
        listening.cancel()
    return report.status


def test_an_entry_is_sent_and_heard_of_and_nothing_else_is_asked(tmp_path: Path) -> None:
    events: list[Event] = []
    wakes: list[str] = []

    async def run(base_url: str) -> tuple[OrderStatus, dict[str, int]]:
        profile = profile_of("bybit")
        clock = ExchangeClock(start_at=wall_now(), speed=SPEED)
        client = Client(
            profile.connection,
            transport=AiohttpTransport(),
            clock=clock,
            limiter=Limiter(profile.connection.budgets, clock=clock),
            keys=KEYS,
            base_url=base_url,
            has_streams=True,
        )
        try:
            await client.sync_time()
            markets = await client.load_markets()
            assert profile.open_api is not None
            api = profile.open_api(client, {BTC: markets[BTC]["id"]}, clock)
            return await trade(api, events, wakes), dict(client.calls)
        finally:
            await client.close()

    with EmulatorProcess(
        tmp_path, exchange="bybit", symbols=("BTCUSDT",), is_still=True, speed=SPEED
    ) as emulator:
        emulator.do("move", symbol="BTCUSDT", mark=97_000.0)
        status, calls = asyncio.run(run(emulator.base_url))

    fills = [row.fill for row in events if isinstance(row, OrderFilled)]
    assert OrderStatus.FILLED is status
    assert [ClientOrderId("ours1")] == [row.client_id for row in fills]
    assert ["the user stream is connected"] == wakes
    # ccxt itself: contracts that trade, and contracts before their launch.
    assert {
        "publicGetV5MarketTime": 1,
        "ccxt": 2,
        "privatePostV5OrderCreate": 1,
        "privateGetV5OrderRealtime": 1,
    } == calls
