"""Binance's interface over real sockets: what ccxt signs, where the stream is, nothing else."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from bot.clock import wall_now
from bot.credentials import Credentials, Secret, Source
from bot.gateway.client import Client
from bot.gateway.connection import ENTRY, PROTECT
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.gateway.transport import AiohttpTransport
from bot.model.account import VenueSnapshot
from bot.model.events import Event, OrderFilled
from bot.model.order import Fill
from bot.model.primitives import Millis, Price, Qty
from bot.venue.api import PrivateApi
from bot.venue.profiles import profile_of
from tests.fakes.contracts import BTC
from tests.fakes.emu_process import EmulatorProcess
from tests.fakes.live_binance import id_of, request, stop_request

KEYS = Credentials(
    source=Source.ENVIRONMENT, api_key=Secret("rehearsal"), secret=Secret("rehearsal")
)
SPEED = 20.0
DEADLINE_S = 20.0
QTY = Qty(Decimal("0.01"))
ENTRY_ORDER = request(price=Price(Decimal(97_100)), qty=QTY)
STOP_ORDER = stop_request(trigger_price=Price(Decimal(96_000)), qty=QTY)


class Rehearsal:
    """A long that is stopped out, as the stream and then the account tell it."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self.emulator = emulator
        self.events: list[Event] = []
        self.wakes: list[str] = []
        self.calls: dict[str, int] = {}
        self.snapshots: list[VenueSnapshot] = []

    @property
    def fills(self) -> list[Fill]:
        """What the stream has told."""
        return [row.fill for row in self.events if isinstance(row, OrderFilled)]

    async def run(self) -> None:
        """Connect, trade, and read the account."""
        profile = profile_of("binanceusdm")
        clock = ExchangeClock(start_at=wall_now(), speed=SPEED)
        client = Client(
            profile.connection,
            transport=AiohttpTransport(),
            clock=clock,
            limiter=Limiter(profile.connection.budgets, clock=clock),
            keys=KEYS,
            base_url=self.emulator.base_url,
            has_streams=True,
        )
        try:
            await client.sync_time()
            markets = await client.load_markets()
            assert profile.open_api is not None
            ids = {BTC: markets[BTC]["id"]}
            api = profile.open_api(client, ids, clock)
            await self._trade(api)
            stranger = profile.open_api(client, ids, clock)
            for reader in (api, stranger):
                at = clock.now()
                since = Millis(at - 600_000)
                snapshot, _ = await reader.account(asked_at=at, fills_since=since, touched=())
                self.snapshots.append(snapshot)
            self.calls = dict(client.calls)
        finally:
            await client.close()

    async def _trade(self, api: PrivateApi) -> None:
        """Listen first, then buy; what it fills must come over the stream."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(api.watch(self.events.append, self.wakes.append))
            await until(lambda: bool(self.wakes))
            await api.place(ENTRY_ORDER, stop_loss_price=None, lane=ENTRY, window_ms=5_000)
            await api.place(STOP_ORDER, stop_loss_price=None, lane=PROTECT, window_ms=5_000)
            await until(lambda: bool(self.fills))
            await asyncio.to_thread(self._fall)
            await until(lambda: len(self.wakes) > 1 or len(self.fills) > 1)
            listening.cancel()

    def _fall(self) -> None:
        self.emulator.do("move", symbol="BTCUSDT", mark=95_900.0)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  (what comes over a socket sets no event of ours)
            await asyncio.sleep(0.02)


def test_a_stopped_trade_is_heard_of_and_read_under_its_names(tmp_path: Path) -> None:
    with EmulatorProcess(
        tmp_path, exchange="binanceusdm", symbols=("BTCUSDT",), is_still=True, speed=SPEED
    ) as emulator:
        emulator.do("move", symbol="BTCUSDT", mark=97_000.0)
        rehearsal = Rehearsal(emulator)
        asyncio.run(rehearsal.run())

    assert id_of("entry") == rehearsal.fills[0].client_id
    assert {id_of("entry"), id_of("stop")} >= {row.client_id for row in rehearsal.fills}
    assert "the user stream is connected" == rehearsal.wakes[0]
    for snapshot in rehearsal.snapshots:
        assert () == snapshot.positions
        assert () == snapshot.orders
        assert [id_of("entry"), id_of("stop")] == [row.client_id for row in snapshot.fills]
    # ccxt itself: the list of contracts and nothing of any other service of Binance.
    assert 1 == rehearsal.calls["ccxt"]
    assert 1 == rehearsal.calls["fapiPrivatePostOrder"]
    assert 1 == rehearsal.calls["fapiPrivatePostAlgoOrder"]
