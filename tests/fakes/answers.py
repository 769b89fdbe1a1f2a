"""What a venue says to a bot in a test: answers, fills, reports and account readings."""

from decimal import Decimal
from typing import TYPE_CHECKING

from bot.core import ids
from bot.model.account import Position, VenueSnapshot
from bot.model.events import (
    AccountRead,
    OrderAccepted,
    OrderFilled,
    OrderMissing,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    PriceMoved,
)
from bot.model.order import Fill, Leg, Order, OrderReport, OrderStatus
from bot.model.primitives import (
    ZERO,
    FillId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    VenueOrderId,
)
from tests.fakes.contracts import BALANCE, BTC, ETH, NOON

if TYPE_CHECKING:
    from tests.fakes.playbook import Bot


def price(mark: str, at: Millis, symbol: Symbol = BTC) -> PriceMoved:
    """A mark with a narrow spread around it."""
    value = float(mark)
    return PriceMoved(
        at=at,
        symbol=symbol,
        mark=value,
        bid=value,
        ask=value,
        last=value,
        high=value,
        low=value,
        since_at=at,
    )


def accepted(bot: "Bot", leg: Leg, attempt: int | None = None) -> OrderAccepted:
    order = bot.order(leg, attempt)
    return OrderAccepted(
        at=bot.at,
        client_id=order.request.client_id,
        venue_id=venue_id(order),
        venue_at=bot.at,
    )


def rejected(
    bot: "Bot", leg: Leg, code: str = "-1013", attempt: int | None = None
) -> OrderRejected:
    client_id = bot.order(leg, attempt).request.client_id
    return OrderRejected(at=bot.at, client_id=client_id, code=code, reason="refused")


def lost(bot: "Bot", leg: Leg, attempt: int | None = None) -> OrderOutcomeUnknown:
    order = bot.order(leg, attempt)
    return OrderOutcomeUnknown(
        at=bot.at,
        client_id=order.request.client_id,
        reason="timeout",
        unsettled_until=order.request.valid_until,
    )


def missing(bot: "Bot", leg: Leg, attempt: int | None = None) -> OrderMissing:
    client_id = bot.order(leg, attempt).request.client_id
    return OrderMissing(at=bot.at, client_id=client_id, asked_at=bot.at)


def filled(
    bot: "Bot",
    leg: Leg,
    qty: str,
    *,
    at_price: str = "1000",
    name: str | None = None,
    attempt: int | None = None,
) -> OrderFilled:
    order = bot.order(leg, attempt)
    fill = fill_of(order, qty, bot.at, at_price=at_price, name=name)
    return OrderFilled(at=bot.at, fill=fill)


def fill_of(
    order: Order, qty: str, at: Millis, *, at_price: str = "1000", name: str | None = None
) -> Fill:
    request = order.request
    return Fill(
        id=FillId(name or f"{request.leg.value}{request.attempt}-{qty}"),
        symbol=request.symbol,
        client_id=request.client_id,
        venue_order_id=venue_id(order),
        side=request.side,
        qty=Qty(Decimal(qty)),
        price=Price(Decimal(at_price)),
        fee_usd=Usd(Decimal(qty) * Decimal(at_price) * 5 / 10_000),
        at=at,
    )


def outside(
    bot: "Bot",
    side: Side,
    qty: str,
    *,
    at_price: str = "1000",
    name: str = "outside",
    is_liquidation: bool = False,
) -> OrderFilled:
    fill = Fill(
        id=FillId(name),
        symbol=BTC,
        client_id=None,
        side=side,
        qty=Qty(Decimal(qty)),
        price=Price(Decimal(at_price)),
        fee_usd=Usd(ZERO),
        at=bot.at,
        is_liquidation=is_liquidation,
    )
    return OrderFilled(at=bot.at, fill=fill)


def reported(
    bot: "Bot",
    leg: Leg,
    status: OrderStatus,
    *,
    filled_qty: str = "0",
    attempt: int | None = None,
) -> OrderUpdated:
    order = bot.order(leg, attempt)
    return OrderUpdated(at=bot.at, report=report_of(order, status, bot.at, filled_qty=filled_qty))


def report_of(
    order: Order, status: OrderStatus, at: Millis, *, filled_qty: str = "0"
) -> OrderReport:
    request = order.request
    return OrderReport(
        client_id=request.client_id,
        venue_id=venue_id(order),
        symbol=request.symbol,
        side=request.side,
        kind=request.kind,
        status=status,
        qty=request.qty,
        filled_qty=Qty(Decimal(filled_qty)),
        price=request.price,
        trigger_price=request.trigger_price,
        is_reduce_only=request.is_reduce_only,
        venue_at=at,
    )


def position(
    qty: str, *, symbol: Symbol = BTC, entry: str = "1000", leverage: float = 3.0
) -> Position:
    signed = Decimal(qty)
    return Position(
        symbol=symbol,
        position_side=PositionSide.LONG if signed > 0 else PositionSide.SHORT,
        qty=Qty(abs(signed)),
        entry_price=Price(Decimal(entry)),
        leverage=leverage,
        venue_at=NOON,
    )


def account(
    at: Millis,
    *,
    positions: tuple[Position, ...] = (),
    orders: tuple[OrderReport, ...] = (),
    fills: tuple[Fill, ...] = (),
    balance: Decimal = BALANCE,
) -> AccountRead:
    snapshot = VenueSnapshot(
        at=at,
        symbols=(BTC, ETH),
        positions=positions,
        orders=orders,
        fills=fills,
        balance_usd=Usd(balance),
    )
    return AccountRead(at=at, snapshot=snapshot)


def reads(bot: "Bot", qty: str = "0", *, fills: tuple[Fill, ...] = ()) -> AccountRead:
    """The account as the venue would show it: this position, and our open orders."""
    works = {OrderStatus.OPEN, OrderStatus.CANCELING}
    orders = tuple(
        report_of(row, OrderStatus.OPEN, bot.at)
        for row in bot.state.orders.values()
        if row.status in works
    )
    positions = (position(qty),) if Decimal(qty) else ()
    balance = bot.state.account.balance_usd if bot.state.account is not None else Usd(BALANCE)
    return account(bot.at, positions=positions, orders=orders, fills=fills, balance=balance)


def venue_id(order: Order) -> VenueOrderId:
    return VenueOrderId(ids.derive("venue", order.request.client_id)[:8])
