"""Prices by websocket, from an emulated exchange that is a process of its own."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from bot.clock import wall_now
from bot.gateway.client import Client
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.gateway.transport import AiohttpTransport
from bot.market.exchange import ExchangeMarket
from bot.market.instruments import Terms
from bot.market.publics import open_public
from bot.model.events import Event, PriceMoved
from bot.model.primitives import Symbol
from bot.model.wiring import ExchangeMarketSettings
from bot.venue.profiles import profile_of
from tests.fakes.emu_process import EmulatorProcess

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
TERMS = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))


async def follow(emulator: EmulatorProcess, *, moved_by: float) -> tuple[list[str], float]:
    """Move the mark once it is streamed; the market's troubles, and seconds until it was told."""
    connection = profile_of(emulator.exchange).connection
    clock = ExchangeClock(start_at=wall_now(), speed=emulator.speed)
    client = Client(
        connection,
        transport=AiohttpTransport(),
        clock=clock,
        limiter=Limiter(connection.budgets, clock=clock),
        base_url=emulator.base_url,
        stream_url=emulator.stream_url,
        has_streams=True,
    )
    market = ExchangeMarket(
        public=open_public(emulator.exchange, client, clock),
        clock=clock,
        settings=ExchangeMarketSettings(poll_s=10.0),
        symbols=(BTC, ETH),
        title=connection.title,
        terms=TERMS,
        has_streams=True,
    )
    loop = asyncio.get_running_loop()
    told: list[PriceMoved] = []
    arrived = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, PriceMoved) and event.symbol == BTC:
            told.append(event)
            arrived.set()

    async def until(count: int, mark: float | None = None) -> None:
        while len(told) < count or (mark is not None and told[-1].mark < mark):
            arrived.clear()
            await arrived.wait()

    try:
        await client.sync_time()
        await market.prepare(None, lambda _share, _what: None)
        async with asyncio.timeout(30.0), asyncio.TaskGroup() as group:
            running = group.create_task(market.run(emit))
            await until(1)
            taken_s = 0.0
            for step in (1, 2):  # The first makes sure that the stream is open.
                mark = told[0].mark * (1 + step * moved_by)
                begun_s = loop.time()
                await asyncio.to_thread(emulator.do, "move", symbol="BTCUSDT", mark=mark)
                await until(1 + step, mark * 0.9999)
                taken_s = loop.time() - begun_s
            running.cancel()
    finally:
        await client.close()
    return sorted(market.attempts.failures), taken_s


@pytest.mark.parametrize("exchange", ["binanceusdm", "bybit"])
def test_a_move_is_told_long_before_the_next_poll(exchange: str, tmp_path: Path) -> None:
    with EmulatorProcess(
        tmp_path, exchange=exchange, symbols=("BTCUSDT", "ETHUSDT"), speed=1.0, is_still=True
    ) as emulator:
        failures, taken_s = asyncio.run(follow(emulator, moved_by=0.004))

    assert [] == failures
    assert taken_s < 3.0
