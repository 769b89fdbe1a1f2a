"""Binance's private interface over the emulated exchange, in virtual time, every request kept."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from bot.clock import run_virtual
from bot.core.ids import derive
from bot.gateway.client import Client
from bot.gateway.connection import PROTECT
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.order import Leg, OrderKind, OrderReport, OrderRequest, TimeInForce
from bot.model.primitives import BracketId, ClientOrderId, Millis, Price, Qty, Side, Symbol
from bot.sim.emulator.binance import BinanceDialect
from bot.venue.binanceusdm import BinanceApi
from bot.venue.profiles.binanceusdm import CONNECTION
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.emu_market import exchange_at, price_event
from tests.fakes.live_connection import KEY, SECRET, AKeys

T = TypeVar("T")
IDS = {BTC: "BTCUSDT", ETH: "ETHUSDT"}
ONE_WAY_S = 0.02


class Sent(NamedTuple):
    """A request as it left."""

    method: str
    host: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]

    @property
    def name(self) -> str:
        """`GET /fapi/v1/order`"""
        return f"{self.method} {self.path}"


Answer = Callable[[Sent], HttpReply | Exception | None]
"""What comes instead of the exchange's own answer; None: that one."""


class Desk:
    """The exchange, and a line to it that can be told what to answer."""

    def __init__(self) -> None:
        self.core = exchange_at()
        self.dialect = BinanceDialect(self.core, api_key=KEY, secret=SECRET)
        self.sent: list[Sent] = []
        self.answers: dict[str, Answer] = {}
        """By method and path."""
        self.now = NOON
        self.underway = 0
        self.underway_max = 0
        self.clock: ExchangeClock | None = None

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """The Transport: there and back takes time."""
        del timeout_s
        assert self.clock is not None, "the desk is used"
        self.underway += 1
        self.underway_max = max(self.underway_max, self.underway)
        try:
            await self.clock.sleep(ONE_WAY_S)
            sent = sent_of(request)
            self.sent.append(sent)
            answer = self.answers.get(sent.name, _itself)(sent)
            if answer is None:
                answer = self.dialect.handle(request, self.clock.now())
            await self.clock.sleep(ONE_WAY_S)
        finally:
            self.underway -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""

    def names(self) -> list[str]:
        """Method and path of what was sent."""
        return [row.name for row in self.sent]

    def count(self, name: str) -> int:
        """How often that was asked."""
        return self.names().count(name)

    def move(self, price: float) -> None:
        """The price of BTC is there now; stops on the way fire."""
        at = self.clock.now() if self.clock is not None else NOON
        self.core.on_market(price_event(price, at))


def _itself(sent: Sent) -> None:
    del sent


def sent_of(request: HttpRequest) -> Sent:
    """Take a request apart."""
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query) + parse_qsl(request.body)
    return Sent(request.method, parts.netloc, parts.path, dict(pairs), dict(request.headers))


def answering(found: Any, *, status: int = 200) -> Answer:
    """Always that, as JSON or as the bytes are."""
    body = found if isinstance(found, bytes) else msgspec.json.encode(found)
    return lambda _: HttpReply(status=status, body=body)


def refusing(code: int, *, status: int = 400) -> Answer:
    """Always no."""
    return answering({"code": code, "msg": "no"}, status=status)


def failing(error: Exception) -> Answer:
    """Never an answer."""
    return lambda _: error


def use(
    desk: Desk,
    work: Callable[[BinanceApi, ExchangeClock], Awaitable[T]],
    *,
    connect: Any = None,
) -> T:
    """Run a piece of work against the desk, in virtual time."""

    async def run() -> T:
        clock = ExchangeClock(start_at=Millis(desk.now))
        desk.clock = clock
        client = Client(
            CONNECTION,
            transport=desk,
            clock=clock,
            limiter=Limiter(CONNECTION.budgets, clock=clock),
            keys=AKeys(),
            has_streams=True,
        )
        more = {} if connect is None else {"connect": connect}
        try:
            return await work(BinanceApi(client, dict(IDS), clock, **more), clock)
        finally:
            desk.now = clock.now()
            await client.close()

    return run_virtual(run())


def id_of(name: str) -> ClientOrderId:
    """An id of ours."""
    return ClientOrderId(derive("test", name))


def request(name: str = "entry", **changes: Any) -> OrderRequest:
    """An entry of a long, as a limit order that takes what is there."""
    return msgspec.structs.replace(
        OrderRequest(
            client_id=id_of(name),
            symbol=BTC,
            bracket_id=BracketId("bracket"),
            leg=Leg.ENTRY,
            attempt=1,
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            qty=Qty(Decimal("0.5")),
            price=Price(Decimal("100.2")),
            time_in_force=TimeInForce.IOC,
            valid_until=Millis(NOON + 3_000),
        ),
        **changes,
    )


def exit_request(name: str = "exit", **changes: Any) -> OrderRequest:
    """The exit of a long."""
    return request(
        name,
        **{
            "leg": Leg.EXIT,
            "side": Side.SELL,
            "kind": OrderKind.MARKET,
            "price": None,
            "time_in_force": TimeInForce.GTC,
            "is_reduce_only": True,
            **changes,
        },
    )


def target_request(name: str = "target", **changes: Any) -> OrderRequest:
    """The target of a long."""
    return request(
        name,
        **{
            "leg": Leg.TARGET,
            "side": Side.SELL,
            "price": Price(Decimal(110)),
            "time_in_force": TimeInForce.GTC,
            "is_reduce_only": True,
            **changes,
        },
    )


def stop_request(name: str = "stop", **changes: Any) -> OrderRequest:
    """The stop of a long."""
    return request(
        name,
        **{
            "leg": Leg.STOP,
            "side": Side.SELL,
            "kind": OrderKind.STOP_MARKET,
            "price": None,
            "trigger_price": Price(Decimal("95.5")),
            "time_in_force": TimeInForce.GTC,
            "is_reduce_only": True,
            **changes,
        },
    )


async def place(api: BinanceApi, asked: OrderRequest) -> OrderReport:
    """Send one order that may take three seconds."""
    return await api.place(asked, stop_loss_price=None, lane=PROTECT, window_ms=3_000)


async def read(
    api: BinanceApi, clock: ExchangeClock, *, touched: tuple[Symbol, ...] = (), since: int = 60_000
) -> Any:
    """One reading of the account; gives the snapshot."""
    now = clock.now()
    snapshot, _ = await api.account(asked_at=now, fills_since=Millis(now - since), touched=touched)
    return snapshot
