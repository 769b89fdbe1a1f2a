"""The life of an emulated exchange: its market built, its port opened, until it is told to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Protocol

from bot.clock import LoopClock
from bot.market.simulated import SimulatedMarket
from bot.model.events import Event
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol, Value
from bot.ports import Clock, Emit, History
from bot.sim.emulator.binance_streams import BinanceStreams
from bot.sim.emulator.bybit_streams import BybitStreams
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import BYBIT, Faults, FaultSettings
from bot.sim.emulator.server import Dialect, EmulatorServer, loopback
from bot.sim.emulator.state import Happening
from bot.sim.emulator.still import StillMarket
from bot.sim.emulator.streams import Hub, Speech
from bot.sim.world import Origin, World

BINANCE: Final = "binanceusdm"
EXCHANGES: Final = (BINANCE, BYBIT)
TAKER_FEE_BPS: Final = Decimal(5)
MAKER_FEE_BPS: Final = Decimal(2)


class Request(Value, frozen=True, kw_only=True):
    """What is to be emulated."""

    exchange: str
    listen: str
    """host:port on loopback; port 0 takes a free one."""
    symbols: tuple[Symbol, ...]
    seed: int
    speed: float
    """Market seconds per second of the clock."""
    balance_usd: Decimal
    start_at: Millis
    """The market instant at which it begins; a whole five minutes."""
    history_days: int
    is_still: bool = False
    """Prices move only when they are told to."""
    api_key: str
    secret: str
    account_id: str
    token: str
    """Opens the control routes."""
    faults: FaultSettings = FaultSettings()
    duration_s: float | None = None
    """Seconds of the clock after which it stops by itself."""


class Opened(Value, frozen=True, kw_only=True):
    """Where it listens."""

    host: str
    port: int


class Ui(Protocol):
    """Who is told how it goes."""

    def progress(self, share: float, what: str) -> None:
        """So much of the history is made."""
        ...

    def opened(self, opened: Opened) -> None:
        """It answers."""
        ...

    def happened(self, happening: Happening) -> None:
        """Something befell the account."""
        ...

    def stopped(self, core: Emulator, why: str) -> None:
        """It is over; the books stand as they are."""
        ...


class PlayedMarket(Protocol):
    """A market that plays by a clock, which can only be made once its start is known."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The contracts in it."""
        ...

    def keep_time(self, clock: Clock) -> None:
        """Play by this clock."""
        ...

    def history(self, symbol: Symbol) -> History:
        """What was before."""
        ...

    async def run(self, emit: Emit) -> None:
        """Emit until canceled."""
        ...


async def serve(request: Request, ui: Ui) -> None:
    """Emulate an exchange until SIGINT, SIGTERM or the end of its time.

    Raises UsageError where the address is not loopback or is taken: the first before anything is
    built.
    """
    loopback(request.listen)
    market, first = await _market(request, ui)
    core = Emulator(
        market.instruments,
        balance_usd=request.balance_usd,
        history={symbol: market.history(symbol) for symbol in request.symbols},
    )
    for event in first:
        core.on_market(event)
    clock = LoopClock(start_at=first[0].at, speed=request.speed)
    market.keep_time(clock)
    dialect, speech = speakers(request, core, Hub())
    server = EmulatorServer(
        exchange=request.exchange,
        core=core,
        dialect=dialect,
        speech=speech,
        clock=clock,
        faults=Faults(request.seed, request.faults),
        token=request.token,
        tell=ui.happened,
        market=market if isinstance(market, StillMarket) else None,
    )
    host, port = await server.start(request.listen)
    try:
        with _told_to_stop() as stop:
            async with asyncio.TaskGroup() as tasks:
                playing = tasks.create_task(market.run(server.on_market))
                ui.opened(Opened(host=host, port=port))
                why = await _end(stop, request.duration_s)
                playing.cancel()
    finally:
        await server.stop()
    ui.stopped(core, why)


def speakers(request: Request, core: Emulator, hub: Hub) -> tuple[Dialect, Speech]:
    """The REST interface and the websockets of the exchange that is asked for."""
    if request.exchange == BYBIT:
        from bot.sim.emulator.bybit import BybitDialect  # noqa: PLC0415  (one of the two)

        bybit = BybitDialect(
            core, api_key=request.api_key, secret=request.secret, account_id=request.account_id
        )
        return bybit, BybitStreams(core, hub, bybit.is_authentic)
    from bot.sim.emulator.binance import BinanceDialect  # noqa: PLC0415  (one of the two)

    binance = BinanceDialect(
        core, api_key=request.api_key, secret=request.secret, account_id=request.account_id
    )
    return binance, BinanceStreams(core, hub, binance.pass_time)


async def _market(request: Request, ui: Ui) -> tuple[PlayedMarket, list[Event]]:
    """The market and its first prices: nobody finds an exchange that has none."""
    if request.is_still:
        still = StillMarket(
            request.symbols,
            start_at=request.start_at,
            history_days=request.history_days,
            taker_fee_bps=TAKER_FEE_BPS,
            maker_fee_bps=MAKER_FEE_BPS,
        )
        return still, still.first()
    origin = Origin(
        seed=request.seed,
        symbols=request.symbols,
        start_at=request.start_at,
        history_days=request.history_days,
    )
    world = World(origin, taker_fee_bps=TAKER_FEE_BPS, maker_fee_bps=MAKER_FEE_BPS)
    market = SimulatedMarket(world=world, file=None)
    await market.prepare(None, ui.progress)
    world.step()
    return market, world.events()


async def _end(stop: "asyncio.Future[str]", duration_s: float | None) -> str:
    try:
        async with asyncio.timeout(duration_s):
            return await stop
    except TimeoutError:
        return "the time is over"


@contextlib.contextmanager
def _told_to_stop() -> Iterator["asyncio.Future[str]"]:
    """A future that SIGINT or SIGTERM fulfils."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[str] = loop.create_future()
    names = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}

    def tell(name: str) -> None:
        if not stop.done():
            stop.set_result(name)

    for number, name in names.items():
        loop.add_signal_handler(number, tell, name)
    try:
        yield stop
    finally:
        for number in names:
            loop.remove_signal_handler(number)
