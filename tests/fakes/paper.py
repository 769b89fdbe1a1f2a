"""What the paper venue's tests share: a contract, prices, requests, and books in memory."""

from decimal import Decimal

from bot.errors import StoreError
from bot.model.events import Event, PriceMoved
from bot.model.instrument import Instrument, LeverageTier
from bot.model.order import Leg, OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
)

BTC = Symbol("BTC/USDT:USDT")
NOW = Millis(1_767_225_600_000)
FAR = Millis(NOW + 365 * 86_400_000)


def instrument(symbol: Symbol = BTC) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        qty_max=Decimal(1000),
        notional_min_usd=Decimal(5),
        leverage_max=Decimal(150),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
        tiers=(
            LeverageTier(floor_usd=0, maintenance_rate=0.004, cum_usd=0, leverage_max=150),
            LeverageTier(floor_usd=300_000, maintenance_rate=0.005, cum_usd=300, leverage_max=100),
            LeverageTier(floor_usd=800_000, maintenance_rate=0.0065, cum_usd=1500, leverage_max=75),
        ),
    )


def price(
    mark: float,
    *,
    at: int = NOW,
    high: float | None = None,
    low: float | None = None,
    spread: float = 0.0,
    depth_usd: float | None = 1_000_000.0,
    symbol: Symbol = BTC,
) -> PriceMoved:
    return PriceMoved(
        at=Millis(at),
        symbol=symbol,
        mark=mark,
        bid=mark - spread / 2,
        ask=mark + spread / 2,
        last=mark,
        high=mark if high is None else high,
        low=mark if low is None else low,
        since_at=Millis(at - 1000),
        depth_usd=depth_usd,
    )


def request(
    name: str,
    side: Side,
    qty: str = "0.1",
    *,
    limit: str | None = None,
    trigger: str | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
    is_reduce_only: bool = False,
    valid_until: int = FAR,
    symbol: Symbol = BTC,
) -> OrderRequest:
    kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
    return OrderRequest(
        client_id=ClientOrderId(name),
        symbol=symbol,
        bracket_id=BracketId("b1"),
        leg=Leg.ENTRY,
        attempt=1,
        side=side,
        kind=OrderKind.STOP_MARKET if trigger is not None else kind,
        qty=Qty(Decimal(qty)),
        price=None if limit is None else Price(Decimal(limit)),
        trigger_price=None if trigger is None else Price(Decimal(trigger)),
        time_in_force=time_in_force,
        is_reduce_only=is_reduce_only,
        valid_until=Millis(valid_until),
    )


def ioc(name: str, side: Side, qty: str, limit: str) -> OrderRequest:
    return request(name, side, qty, limit=limit, time_in_force=TimeInForce.IOC)


def stop(name: str, side: Side, qty: str, trigger: str) -> OrderRequest:
    return request(name, side, qty, trigger=trigger, is_reduce_only=True)


def target(name: str, side: Side, qty: str, limit: str) -> OrderRequest:
    return request(name, side, qty, limit=limit, is_reduce_only=True)


class MemoryBooks:
    """PaperBooks that remember every save; `events` interleaves saves with what was told."""

    def __init__(self, document: bytes | None = None) -> None:
        self.document = document
        self.saves = 0
        self.is_full = False
        """The disk takes nothing more."""
        self.events: list[Event | str] = []

    def load(self) -> bytes | None:
        return self.document

    def save(self, document: bytes) -> None:
        if self.is_full:
            raise StoreError("The disk is full.")
        self.document = document
        self.saves += 1
        self.events.append("saved")

    def emit(self, event: Event) -> None:
        self.events.append(event)
