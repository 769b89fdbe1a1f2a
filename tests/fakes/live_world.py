"""A bot's real hands in virtual time: live venue, gateway and ccxt, against an emulated exchange.

The exchange and what is on its way to it outlive the bot; `fork` copies both, so that many second
lives may begin from one moment.
"""

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from bot.core import ids
from bot.gateway.client import Client
from bot.gateway.http import Transport
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.commands import Command
from bot.model.events import Event, PriceMoved
from bot.model.order import OrderKind
from bot.model.primitives import ZERO, ClientOrderId, Millis, Side, Symbol
from bot.model.settings import OrderSettings
from bot.model.wiring import ExchangeSettings
from bot.ports import Emit
from bot.sim.emulator.binance import BinanceDialect
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.bybit_words import exec_name
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Order, Origin
from bot.venue.api import PrivateApi
from bot.venue.binanceusdm import BinanceApi
from bot.venue.bybit import BybitApi
from bot.venue.live import LiveVenue
from bot.venue.profiles import profile_of
from tests.fakes.live_line import Outside, Weather
from tests.fakes.live_streams import Streams
from tests.fakes.paper import BTC
from tests.fakes.sim_exchange import Exchange
from tests.fakes.sim_market import INSTRUMENTS, T0
from tests.fakes.sim_venue import Line as BadLine

KEY: Final = "canary-key-0123456789"
SECRET: Final = "canary-secret-0123456789"
TIMEOUT_S: Final = 1.0
"""How long the gateway waits for a reply."""
PROBED: Final = "probe"
EXCHANGES: Final = ("binanceusdm", "bybit")
Dialect = BinanceDialect | BybitDialect
DIALECTS: Final[dict[str, Callable[[Emulator], Dialect]]] = {
    "binanceusdm": lambda core: BinanceDialect(core, api_key=KEY, secret=SECRET),
    "bybit": lambda core: BybitDialect(core, api_key=KEY, secret=SECRET),
}


class Revealed:
    """A key as the gateway asks for it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value


class Keys(NamedTuple):
    """What the emulator lets in."""

    api_key: Revealed | None = Revealed(KEY)
    secret: Revealed | None = Revealed(SECRET)
    password: Revealed | None = None


class OpenOrder(NamedTuple):
    """An order that rests, as the checks look at it."""

    client_id: str
    order: Order


class EmulatedWorld(Exchange):
    """The emulator in one exchange's words, behind a line."""

    def __init__(self, exchange_id: str = "binanceusdm") -> None:
        super().__init__()
        self.exchange_id = exchange_id
        self.core = Emulator(dict(INSTRUMENTS))
        self.core.leverages[BTC] = 5
        self.core.margin_modes[BTC] = "isolated"
        self.core.account_margin_mode = "isolated"
        self.dialect = DIALECTS[exchange_id](self.core)
        self.wire = Outside(self.dialect.handle)
        self.fills_from = Millis(0)
        """Trades from before it are not asked for any more."""
        self._counted = (0, 0)

    def fork(self) -> "EmulatedWorld":
        twin = copy.copy(self)
        twin.sent = list(self.sent)
        twin.core = self.core.fork()
        twin.dialect = DIALECTS[self.exchange_id](twin.core)
        twin.wire = Outside(twin.dialect.handle)
        twin.wire.flights = list(self.wire.flights)
        twin.wire._count = self.wire._count  # numbers of flights go on
        twin.core.take_happenings()  # Whoever listened is dead.
        return twin

    @property
    def version(self) -> int:
        """Rises with every change at the exchange, and with every write that leaves for it."""
        writes = sum(row.request.method != "GET" for row in self.wire.flights)
        counted = (self.core.version, writes)
        if counted != self._counted:
            self._counted = counted
            self._version += 1
        return self._version

    @version.setter
    def version(self, value: int) -> None:
        self._version = value

    def pass_time(self, at: Millis) -> None:
        """Let what is due arrive, in order."""
        self.wire.pass_time(at)

    def see(self, event: PriceMoved) -> None:
        """Let the mark move to where it is; what is on its way arrives first."""
        self.pass_time(event.at)
        self.core.on_market(event)

    def is_quiet(self) -> bool:
        return all(row.request.method == "GET" for row in self.wire.flights)

    def position(self) -> Decimal:
        held = self.core.holdings.get(BTC)
        return held.qty if held is not None else ZERO

    def stop_qty(self) -> Decimal:
        closing = Side.SELL if self.position() > 0 else Side.BUY
        return max(
            (
                row.order.asked.qty
                for row in self._working()
                if row.order.asked.kind is OrderKind.STOP_MARKET
                and row.order.asked.side is closing
                and row.order.asked.is_reduce_only
            ),
            default=ZERO,
        )

    def resting(self) -> list[OpenOrder]:
        """What rests, but for stops that live and die with the position."""
        return [row for row in self._working() if row.order.asked.origin is not Origin.ATTACHED]

    def _working(self) -> list[OpenOrder]:
        """What rests, but for probes."""
        working = self.core.desk.book.working(None, conditional=None)
        probes = probe_names(self)
        return [OpenOrder(row.client_id, row) for row in working if row.client_id not in probes]

    def fill_names(self) -> set[str]:
        is_bybit = self.exchange_id == "bybit"
        return {
            f"{row.symbol}|{exec_name(row.symbol, 'trade', row.id) if is_bybit else row.id}"
            for row in self.core.trades
            if row.at >= self.fills_from
        }

    def wallet_usd(self) -> Decimal:
        return self.core.balance_usd


def probe_names(world: EmulatedWorld) -> set[str]:
    """Client ids of orders far from the market: nobody's stop."""
    price = world.core.prices.get(BTC)
    if price is None:
        return set()
    far = (
        row
        for row in world.core.desk.book.working(None, conditional=True)
        if row.asked.trigger_price is not None
        and abs(float(row.asked.trigger_price) / price.mark - 1.0) > 0.05
    )
    return {row.client_id for row in far}


class EmulatedVenue:
    """The live venue of one life, over the gateway and ccxt."""

    def __init__(
        self,
        world: EmulatedWorld,
        *,
        clock: ExchangeClock,
        line: Transport,
        streams: Streams | None = None,
    ) -> None:
        self.world = world
        self.streams = streams
        self.before: Callable[[Command], None] = lambda _: None
        """Called with each command before it leaves."""
        self.after: Callable[[], None] = lambda: None
        """Called whenever the world may have changed."""
        profile = profile_of(world.exchange_id)
        limiter = self.limiter = Limiter(profile.connection.budgets, clock=clock)
        client = self.client = Client(
            profile.connection,
            transport=line,
            clock=clock,
            limiter=limiter,
            keys=Keys(),
            timeout_s=TIMEOUT_S,
            has_streams=streams is not None,
        )
        self.live = LiveVenue(
            api=self._api(client, clock),
            settings=ExchangeSettings(id=world.exchange_id, streams=streams is not None),
            orders=OrderSettings(),
            instruments=dict(INSTRUMENTS),
            clock=clock,
            limiter=limiter,
            probe_ids=_probe_id,
            sync_time=client.sync_time,
        )

    def _api(self, client: Client, clock: ExchangeClock) -> PrivateApi:
        ids = {BTC: "BTCUSDT"}
        if self.streams is not None:
            self.world.wire.handle = self.streams.handle
            api = BybitApi if self.world.exchange_id == "bybit" else BinanceApi
            return api(client, ids, clock, connect=self.streams.connect)
        open_api = profile_of(self.world.exchange_id).open_api
        assert open_api is not None
        return open_api(client, ids, clock)

    async def start(self, emit: Emit) -> None:
        await self.live.start(emit)

    async def run(self) -> None:
        await self.live.run()

    async def stop(self) -> None:
        await self.live.stop()

    def on_market(self, event: Event) -> None:
        if isinstance(event, PriceMoved):
            self.world.see(event)
            self.after()
        else:
            self.world.core.on_market(event)
        if self.streams is not None:
            self.streams.pump()
        self.live.on_market(event)

    async def execute(self, command: Command) -> Event:
        self.before(command)
        self.world.note(command)
        answer = await self.live.execute(command)
        self.after()
        return answer


def _probe_id(symbol: Symbol) -> ClientOrderId:
    return ClientOrderId(ids.derive(PROBED, "simulated", symbol))


def weather_of(line: BadLine) -> Weather:
    """The same bad line, as the gateway's transport meets it."""
    return Weather(
        up_s=(line.up_s[0] / 2, line.up_s[1] / 2),
        down_s=(line.down_s[0] / 2, line.down_s[1] / 2),
        lost_request=line.lost_request,
        lost_reply=line.lost_reply,
        late_request=line.late_request,
        late_s=line.late_s,
        # An account is read with half a dozen requests, and is lost with any one of them.
        lost_query=line.lost_query / 6,
        # The start has shown that stops can be placed: else nothing would be traded on it at all.
        since=T0 + 800,
        until=line.until,
    )
