"""The life of an emulated exchange, from its first price to its last word."""

import asyncio
import os
import signal
from decimal import Decimal

import aiohttp
import pytest

from bot.errors import UsageError
from bot.model.primitives import Symbol
from bot.sim.emulator.binance import BinanceDialect
from bot.sim.emulator.binance_streams import BinanceStreams
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.bybit_streams import BybitStreams
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import FaultSettings
from bot.sim.emulator.life import Opened, Request, serve, speakers
from bot.sim.emulator.state import Happening
from bot.sim.emulator.streams import Hub
from tests.fakes.contracts import INSTRUMENTS
from tests.fakes.worlds import BTC, START


class Notes:
    """A Ui that writes down what it is told; it may end what has just opened."""

    def __init__(self, *, ends: bool = False) -> None:
        self.ends = ends
        self.shares: list[float] = []
        self.address = ""
        self.happenings: list[Happening] = []
        self.why = ""
        self.core: Emulator | None = None

    def progress(self, share: float, what: str) -> None:
        assert what
        self.shares.append(share)

    def opened(self, opened: Opened) -> None:
        self.address = f"http://{opened.host}:{opened.port}"
        if self.ends:
            os.kill(os.getpid(), signal.SIGTERM)

    def happened(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def stopped(self, core: Emulator, why: str) -> None:
        self.core = core
        self.why = why


def a_request(
    *,
    exchange: str = "binanceusdm",
    listen: str = "127.0.0.1:0",
    is_still: bool = True,
    duration_s: float | None = 0.3,
    symbols: tuple[Symbol, ...] = (BTC,),
) -> Request:
    return Request(
        exchange=exchange,
        listen=listen,
        symbols=symbols,
        seed=7,
        speed=20.0,
        balance_usd=Decimal(5_000),
        start_at=START,
        history_days=1,
        is_still=is_still,
        api_key="k",
        secret="s",
        account_id="1001",
        token="t",
        faults=FaultSettings(latency_ms=0, jitter_ms=0),
        duration_s=duration_s,
    )


def lived(request: Request, notes: Notes) -> Notes:
    asyncio.run(serve(request, notes))
    return notes


@pytest.mark.parametrize("is_still", [True, False])
def test_it_opens_with_prices_and_ends_when_its_time_is_over(*, is_still: bool) -> None:
    async def story() -> tuple[Notes, str]:
        notes = Notes()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve(a_request(is_still=is_still, duration_s=1.0), notes))
            while not notes.address:  # noqa: ASYNC110  (it opens when it opens)
                await asyncio.sleep(0.01)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{notes.address}/fapi/v1/premiumIndex?symbol=BTCUSDT") as reply,
            ):
                text = await reply.text()
        return notes, text

    notes, text = asyncio.run(story())

    assert '"markPrice":"97' in text
    assert "the time is over" == notes.why
    assert notes.core is not None
    assert Decimal(5_000) == notes.core.balance_usd
    assert is_still == (not notes.shares)


def test_the_market_plays_on_by_its_clock() -> None:
    notes = lived(a_request(is_still=False, duration_s=0.5), Notes())

    assert notes.core is not None
    assert 4_000 <= notes.core.prices[BTC].at - START <= 60_000
    assert 1.0 == notes.shares[-1]


def test_a_signal_ends_it() -> None:
    assert "SIGTERM" == lived(a_request(duration_s=None), Notes(ends=True)).why


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "127.0.0.1"])
def test_an_address_that_cannot_be_is_refused_before_anything_is_built(listen: str) -> None:
    notes = Notes()
    with pytest.raises(UsageError):
        lived(a_request(listen=listen, is_still=False), notes)

    assert [] == notes.shares


def test_each_exchange_has_its_own_words_on_both_lines() -> None:
    core = Emulator(dict(INSTRUMENTS))
    binance = speakers(a_request(), core, Hub())
    bybit = speakers(a_request(exchange="bybit"), core, Hub())

    assert isinstance(binance[0], BinanceDialect)
    assert isinstance(binance[1], BinanceStreams)
    assert isinstance(bybit[0], BybitDialect)
    assert isinstance(bybit[1], BybitStreams)
