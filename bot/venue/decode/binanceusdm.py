"""What Binance USDⓈ-M answers, in our words.

Shapes are those of the exchange's documentation (USDⓈ-M Futures, REST). A row that is not as
documented makes the whole reply unreadable: a position or an order left out would be a lie.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bot.core.ids import ID_LENGTH
from bot.model.order import Fill, OrderKind, OrderReport, OrderStatus
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    FillId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    VenueOrderId,
)
from bot.venue.decode.fields import (
    ShapeError,
    as_row,
    as_rows,
    decimal_of,
    flag_of,
    millis_of,
    optional_decimal_of,
    optional_text_of,
    text_of,
    whole_of,
)

_S = OrderStatus
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "NEW": _S.OPEN,
    "PARTIALLY_FILLED": _S.OPEN,
    "FILLED": _S.FILLED,
    "CANCELED": _S.CANCELED,
    "EXPIRED": _S.CANCELED,
    "EXPIRED_IN_MATCH": _S.CANCELED,
    "REJECTED": _S.REJECTED,
}
"""Of ordinary orders. EXPIRED: the rest of an IOC, a post-only that would take, a bereft exit."""
ALGO_STATUSES: Final[Mapping[str, OrderStatus]] = {
    "NEW": _S.OPEN,
    "TRIGGERING": _S.OPEN,
    "TRIGGERED": _S.OPEN,
    "FINISHED": _S.OPEN,
    "CANCELED": _S.CANCELED,
    "EXPIRED": _S.CANCELED,
    "REJECTED": _S.REJECTED,
}
"""Of conditional orders, as long as nothing is known of the order that they sent.

TRIGGERED says only that an order was sent, and FINISHED that it has ended, filled or not: neither
is a fill ("Event: Algo Order Update"). What became of it, its child tells.
"""
FORGOTTEN_AFTER_MS: Final = 3 * 86_400_000
"""The exchange forgets an order that ended without a fill three days after it was made."""

_LIQUIDATION: Final = "autoclose-"
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_ID_CHARACTERS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


class Owner(NamedTuple):
    """Whose order a trade belongs to."""

    client_id: ClientOrderId | None
    is_liquidation: bool = False


class Stop(NamedTuple):
    """A conditional order: its own report, and the order that it has sent."""

    report: OrderReport
    child_id: VenueOrderId | None
    """None: it has not sent any, as far as the service knows."""
    is_over: bool
    """Nothing more comes of it, its child included."""
    filled_qty: Qty
    average_price: Price | None
    """What the service itself says of the child; zero and None where it does not know."""

    @property
    def has_fired(self) -> bool:
        """What became of it, only its child tells."""
        return self.child_id is not None or (self.is_over and self.report.status is _S.OPEN)


class Trade(NamedTuple):
    """A trade whose owner is still to be found; the endpoint does not tell client ids."""

    fill: Fill
    order_id: VenueOrderId
    number: int


def is_ours(client_id: str) -> bool:
    """It has the shape of an id of ours; whether it is one, the core knows."""
    return len(client_id) == ID_LENGTH and _ID_CHARACTERS.issuperset(client_id)


def owner_of(client_id: str) -> Owner:
    """Of an ordinary order's client id.

    Ids that begin with `autoclose-` are liquidations; `adl_autoclose` and
    `settlement_autoclose-` are made by the exchange as well, and nobody's mistake ("Event: Order
    Update").
    """
    ours = ClientOrderId(client_id) if is_ours(client_id) else None
    return Owner(ours, is_liquidation=client_id.startswith(_LIQUIDATION))


# --- orders


def order_of(reply: Any, symbol: Symbol) -> OrderReport:
    """An ordinary order, from a placement, a query, a cancel or a list.

    Since the merge of the two futures services in 2026 placements may lack `avgPrice`: the price
    is None then, and comes with the fills.
    """
    row = as_row(reply, "order")
    kind = OrderKind.MARKET if text_of(row, "type") == "MARKET" else OrderKind.LIMIT
    return OrderReport(
        client_id=owner_of(optional_text_of(row, "clientOrderId")).client_id,
        venue_id=VenueOrderId(text_of(row, "orderId")),
        symbol=symbol,
        side=side_of(row, "side"),
        kind=kind,
        status=status_of(STATUSES, text_of(row, "status")),
        qty=Qty(decimal_of(row, "origQty")),
        filled_qty=Qty(decimal_of(row, "executedQty")),
        average_price=price_or_none(row, "avgPrice"),
        price=price_or_none(row, "price"),
        is_reduce_only=flag_of(row, "reduceOnly"),
        venue_at=millis_of(row, "updateTime"),
    )


def stop_of(reply: Any, symbol: Symbol) -> Stop:
    """A conditional order, from a placement, a query or a list."""
    row = as_row(reply, "conditional order")
    status = text_of(row, "algoStatus")
    client_id = optional_text_of(row, "clientAlgoId")
    child_id = optional_text_of(row, "actualOrderId")
    report = OrderReport(
        client_id=owner_of(client_id).client_id,
        venue_id=VenueOrderId(text_of(row, "algoId")),
        symbol=symbol,
        side=side_of(row, "side"),
        kind=OrderKind.STOP_MARKET,
        status=status_of(ALGO_STATUSES, status),
        qty=Qty(optional_decimal_of(row, "quantity")),
        filled_qty=Qty(ZERO),
        trigger_price=price_or_none(row, "triggerPrice"),
        is_reduce_only=flag_of(row, "reduceOnly"),
        venue_at=millis_of(row, "updateTime"),
    )
    return Stop(
        report=report,
        child_id=VenueOrderId(child_id) if child_id not in ("", "0") else None,
        is_over=status in {"FINISHED", "CANCELED", "EXPIRED", "REJECTED"},
        filled_qty=Qty(optional_decimal_of(row, "actualQty")),
        average_price=price_or_none(row, "actualPrice"),
    )


def with_child(stop: OrderReport, child: OrderReport) -> OrderReport:
    """What became of a stop that fired: its child's state, under the stop's names."""
    return OrderReport(
        client_id=stop.client_id,
        venue_id=stop.venue_id,
        symbol=stop.symbol,
        side=stop.side,
        kind=stop.kind,
        status=child.status,
        qty=stop.qty,
        filled_qty=child.filled_qty,
        average_price=child.average_price,
        trigger_price=stop.trigger_price,
        is_reduce_only=stop.is_reduce_only,
        venue_at=Millis(max(stop.venue_at, child.venue_at)),
    )


def without_child(stop: Stop, *, now: Millis) -> OrderReport:
    """Of a stop that has fired and whose child is not to be found.

    It counts as working, for the child may not be shown yet, until the exchange must have
    forgotten the child: then it has ended, with what the service says of it.
    """
    report = stop.report
    is_forgotten = stop.is_over and report.venue_at < now - FORGOTTEN_AFTER_MS
    if report.status is not _S.OPEN or not is_forgotten:
        return report
    is_filled = 0 < report.qty <= stop.filled_qty
    return OrderReport(
        client_id=report.client_id,
        venue_id=report.venue_id,
        symbol=report.symbol,
        side=report.side,
        kind=report.kind,
        status=_S.FILLED if is_filled else _S.CANCELED,
        qty=report.qty,
        filled_qty=stop.filled_qty,
        average_price=stop.average_price,
        trigger_price=report.trigger_price,
        is_reduce_only=report.is_reduce_only,
        venue_at=report.venue_at,
    )


def orders_of(reply: Any, symbols: Mapping[str, Symbol]) -> list[OrderReport]:
    """Ordinary open orders; those of symbols that we do not trade are left out."""
    rows = as_rows(reply, "open orders")
    return [order_of(row, symbol) for row, symbol in traded(rows, symbols)]


def stops_of(reply: Any, symbols: Mapping[str, Symbol]) -> list[Stop]:
    """Conditional orders; those of symbols that we do not trade are left out."""
    rows = as_rows(reply, "conditional orders")
    return [stop_of(row, symbol) for row, symbol in traded(rows, symbols)]


# --- trades


def trade_of(
    row: Mapping[str, Any], symbol: Symbol, *, quote: str, rates: Mapping[bool, Decimal]
) -> Trade:
    """One trade without its owner.

    A fee in another coin is estimated: notional times the account's rate for makers (True) or
    takers (False). It comes from another wallet, yet it is what the trade has cost.
    """
    qty, price = decimal_of(row, "qty"), decimal_of(row, "price")
    is_maker = flag_of(row, "maker")
    is_fee_known = optional_text_of(row, "commissionAsset") == quote
    fee = decimal_of(row, "commission") if is_fee_known else qty * price * rates[is_maker]
    order_id = VenueOrderId(text_of(row, "orderId"))
    number = whole_of(row, "id")
    fill = Fill(
        id=FillId(str(number)),
        symbol=symbol,
        client_id=None,
        venue_order_id=order_id,
        side=side_of(row, "side"),
        qty=Qty(qty),
        price=Price(price),
        fee_usd=Usd(fee),
        at=millis_of(row, "time"),
        is_maker=is_maker,
    )
    return Trade(fill=fill, order_id=order_id, number=number)


# --- rows and words


def traded(
    rows: Iterable[Mapping[str, Any]], symbols: Mapping[str, Symbol]
) -> Iterable[tuple[Mapping[str, Any], Symbol]]:
    """Rows of the symbols that we trade, each with ours; every row must name one."""
    for row in rows:
        symbol = symbols.get(text_of(row, "symbol"))
        if symbol is not None:
            yield row, symbol


def side_of(row: Mapping[str, Any], name: str) -> Side:
    """BUY or SELL."""
    value = text_of(row, name)
    if value not in _SIDES:
        raise ShapeError(f"unknown side {value!r}")
    return _SIDES[value]


def status_of(table: Mapping[str, OrderStatus], word: str) -> OrderStatus:
    """A status that the table does not know makes the reply unreadable."""
    if word not in table:
        raise ShapeError(f"unknown order status {word!r}")
    return table[word]


def price_or_none(row: Mapping[str, Any], name: str) -> Price | None:
    """A price; zero, empty, null and missing all mean that there is none."""
    value = optional_decimal_of(row, name)
    return Price(value) if value > 0 else None
