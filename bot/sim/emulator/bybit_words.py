"""Bybit's words: its codes, its names for what the emulator knows, and its way of writing numbers.

Facts are from Bybit's v5 documentation (pages "Error Codes", "Enums Definitions", "Place Order")
and from the exceptions table of ccxt 4.5.90.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Side, Symbol
from bot.sim.emulator.state import Order, Origin, Status, Why

PARAMS_ERROR = 10001
ORDER_GONE = (110001, "order not exists or too late to cancel")

WHY_CODES: Mapping[Why, tuple[int, str]] = {
    Why.UNKNOWN_SYMBOL: (PARAMS_ERROR, "params error: symbol invalid"),
    Why.HALTED: (110066, "No trading is allowed at the current time"),
    Why.BAD_PRICE: (110003, "Order price exceeds the allowable range."),
    Why.BAD_QTY: (PARAMS_ERROR, "Qty invalid"),
    Why.NOTIONAL_TOO_SMALL: (110094, "Order does not meet minimum order value"),
    Why.NO_MARGIN: (110007, "ab not enough for new order"),
    Why.NOTHING_TO_REDUCE: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Why.WOULD_TRIGGER: (110093, "expect Falling, but trigger_price >= current"),
    Why.DUPLICATE_ID: (110072, "OrderLinkedID is duplicate"),
    Why.PRICE_TOO_FAR: (110003, "Order price exceeds the allowable range."),
    Why.TOO_MANY_STOPS: (110009, "The number of stop orders exceeds the maximum allowable limit"),
    Why.WRONG_POSITION_SIDE: (PARAMS_ERROR, "position idx not match position mode"),
    Why.REDUCE_ONLY_MODE: (110023, "This contract only supports position closing via reduceOnly"),
    Why.REDUCE_ONLY_BLOCKED: (110017, "Reduce-only rule not satisfied"),
    Why.CLOSE_EXISTS: (110055, "This position has at least one stop loss link order"),
    Why.UNKNOWN_ORDER: ORDER_GONE,
    Why.HAS_POSITION: (110024, "You have an existing position"),
    Why.HAS_ORDERS: (110028, "Open orders exist"),
    Why.LEVERAGE_TOO_HIGH: (110013, "cannot set leverage gt maxLeverage by risk limit"),
}
"""What `order/create` answers. WOULD_TAKE is missing: a post-only order that would take is
acknowledged and then canceled."""

REJECT_REASONS: Mapping[Why, str] = {
    Why.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Why.NOTHING_TO_REDUCE: "EC_PerCancelRequest",
}

EXEC_TYPES: Mapping[Origin, str] = {
    Origin.LIQUIDATION: "BustTrade",
    Origin.ADL: "AdlTrade",
    Origin.SETTLEMENT: "Settle",
}
CREATE_TYPES: Mapping[Origin, str] = {
    Origin.ATTACHED: "CreateByStopLoss",
    Origin.LIQUIDATION: "CreateByTakeOver_PassThrough",
    Origin.ADL: "CreateByAdl_PassThrough",
    Origin.MANUAL: "CreateByClosing",
    Origin.SETTLEMENT: "CreateBySettle",
}
TIMES_IN_FORCE: Mapping[str, TimeInForce] = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "PostOnly": TimeInForce.POST_ONLY,
}
TIME_IN_FORCE_NAMES: Mapping[TimeInForce, str] = {
    value: name for name, value in TIMES_IN_FORCE.items()
}
SIDES: Mapping[str, Side] = {"Buy": Side.BUY, "Sell": Side.SELL}
SIDE_NAMES: Mapping[Side, str] = {Side.BUY: "Buy", Side.SELL: "Sell"}
MARGIN_MODES: Mapping[str, str] = {"ISOLATED_MARGIN": "isolated", "REGULAR_MARGIN": "cross"}
MARGIN_MODE_NAMES: Mapping[str, str] = {value: name for name, value in MARGIN_MODES.items()}

_ORDER_TAIL = 0x8E4D_0B7B_17A1_2001
_TAIL_BITS = 64


class Refused(Exception):  # noqa: N818  (an answer of the exchange, no failure of the emulator)
    """The exchange says no: a code, a sentence, and the HTTP status they come with."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


def bad(message: str) -> Refused:
    """A parameter that Bybit does not take: 10001."""
    return Refused(PARAMS_ERROR, message)


def refused(why: Why, *, is_rising: bool = False) -> Refused:
    """The refusal of an order; a trigger on the wrong side has a code for each direction."""
    if why is Why.WOULD_TRIGGER and is_rising:
        return Refused(110092, "expect Rising, but trigger_price <= current")
    return Refused(*WHY_CODES[why])


def plain(value: Decimal | float) -> str:
    """A number as Bybit writes it: a string without exponent and without trailing zeros."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return format(exact.normalize(), "f") if exact else "0"


def number(text: str, name: str) -> Decimal:
    """A number that came as text.

    Raises Refused (10001) for anything that is not a finite number.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise bad(f"params error: {name} invalid") from error
    if not value.is_finite():
        raise bad(f"params error: {name} invalid")
    return value


def order_name(order_id: int) -> str:
    """Bybit's orderId: a UUID, here one that can be read back."""
    return str(UUID(int=(order_id << _TAIL_BITS) | _ORDER_TAIL))


def order_id_of(name: str) -> int | None:
    """The emulator's number of an orderId; None where it is none of its own."""
    try:
        value = UUID(name).int
    except ValueError:
        return None
    return value >> _TAIL_BITS if value & ((1 << _TAIL_BITS) - 1) == _ORDER_TAIL else None


def exec_name(symbol: Symbol, kind: str, number: int) -> str:
    """The execId of a trade or of a funding settlement."""
    return str(uuid5(NAMESPACE_OID, f"{symbol}/{kind}/{number}"))


def order_type(order: Order) -> str:
    """Market or Limit; of a conditional order, what it becomes."""
    return "Limit" if order.asked.kind is OrderKind.LIMIT else "Market"


def order_status(order: Order, child: Order | None) -> str:
    """The status of an order, which a conditional order shares with the one that it sent."""
    if order.is_conditional and order.status is not Status.TRIGGERED:
        waiting = {Status.NEW: "Untriggered", Status.REJECTED: "Rejected"}
        return waiting.get(order.status, "Deactivated")
    if order.is_conditional and child is None:
        return "Triggered"
    return _STATUSES[(child or order).status]


_STATUSES: Mapping[Status, str] = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
    Status.CANCELED: "Cancelled",
    Status.EXPIRED: "Cancelled",
    Status.REJECTED: "Rejected",
    Status.TRIGGERED: "Triggered",
}


def cancel_type(order: Order) -> str:
    """Who or what canceled an order; UNKNOWN for one that was not."""
    if order.why is Why.NOTHING_TO_REDUCE:
        is_attached = order.asked.origin is Origin.ATTACHED
        return "CancelByTpSlTsClear" if is_attached else "CancelByReduceOnly"
    return "CancelByUser" if order.status is Status.CANCELED else "UNKNOWN"


def reject_reason(order: Order) -> str:
    """Why an order ended unfilled, as the matching engine puts it."""
    if order.why is not None:
        return REJECT_REASONS.get(order.why, "EC_Others")
    if order.status is Status.CANCELED:
        return "EC_PerCancelRequest"
    if order.status is Status.EXPIRED and not order.is_conditional:
        return "EC_NoImmediateQtyToFill"
    return "EC_NoError"


def envelope(
    result: Mapping[str, Any], at: int, *, code: int = 0, text: str = "OK"
) -> dict[str, Any]:
    """What every v5 reply looks like."""
    return {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": at}
