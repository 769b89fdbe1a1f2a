"""The live venue, the gateway and ccxt over the emulator, with no bot: commands by hand."""

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from bot.clock import seeded_random
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.time import ExchangeClock
from bot.model.commands import PlaceOrder
from bot.model.events import Event
from bot.model.order import Leg, OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import BracketId, ClientOrderId, Millis, Price, Qty, Side
from tests.fakes.live_line import Line, Weather
from tests.fakes.live_world import EmulatedVenue, EmulatedWorld
from tests.fakes.paper import BTC
from tests.fakes.sim_market import T0, Script

WINDOW_MS = 5_000

Instead = Callable[[HttpRequest], HttpReply | None]


class TamperedLine(Line):
    """A line whose replies are replaced where somebody says so; the requests arrive."""

    instead: Instead = staticmethod(lambda _: None)

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        reply = await super().send(request, timeout_s=timeout_s)
        return self.instead(request) or reply


class BareVenue:
    """One venue; use it within `run_virtual`."""

    def __init__(self, exchange: str, *, weather: Weather, seed: int = 1) -> None:
        self.world = EmulatedWorld(exchange)
        self.clock = ExchangeClock(start_at=T0)
        chance = seeded_random(seed)
        self.line = TamperedLine(self.world.wire, clock=self.clock, chance=chance, weather=weather)
        self.venue = EmulatedVenue(self.world, clock=self.clock, line=self.line)
        self.venue.live._probe._proved.add(BTC)
        self.told: list[Event] = []

    async def start(self) -> None:
        await self.venue.start(self.told.append)
        self.venue.on_market(Script().price(T0, T0))

    async def place(self, request: OrderRequest, *, window_ms: int = WINDOW_MS) -> Event:
        fresh = replace(request, valid_until=Millis(self.clock.now() + window_ms))
        stop = Price(Decimal(98_500)) if request.leg is Leg.ENTRY else None
        return await self.venue.execute(PlaceOrder(symbol=BTC, request=fresh, stop_loss_price=stop))


def an_order(leg: Leg, name: str, *, qty: str = "0.010", price: str | None = None) -> OrderRequest:
    """An entry that fills at once where it has no price of its own, or what protects it."""
    is_stop, is_entry = leg is Leg.STOP, leg is Leg.ENTRY
    kind = OrderKind.STOP_MARKET if is_stop else OrderKind.LIMIT
    if leg is Leg.EXIT:
        kind = OrderKind.MARKET
    at = price or ("100050" if is_entry else "101200")
    in_force = TimeInForce.IOC if is_entry and price is None else TimeInForce.POST_ONLY
    return OrderRequest(
        client_id=ClientOrderId(f"{leg.value}{name}".ljust(25, "0")),
        symbol=BTC,
        bracket_id=BracketId(name),
        leg=leg,
        attempt=1,
        side=Side.BUY if is_entry else Side.SELL,
        kind=kind,
        qty=Qty(Decimal(qty)),
        price=Price(Decimal(at)) if kind is OrderKind.LIMIT else None,
        trigger_price=Price(Decimal(99_500)) if is_stop else None,
        time_in_force=in_force if kind is OrderKind.LIMIT else TimeInForce.GTC,
        is_reduce_only=not is_entry,
        valid_until=Millis(T0 + WINDOW_MS),
    )
