"""Bybit's V5 interface: the endpoints we call, and what exactly is sent to them.

Linear contracts settled in USDT, one position a symbol (`positionIdx` 0). Amounts go out as plain
decimal text. A conditional order is made by `triggerPrice` and keeps its ids when it fires;
`orderFilter` is for spot and is not sent ("Place Order", V5 reference).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bot.gateway.connection import Route
from bot.model.order import OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import Millis, Price, Side

CATEGORY: Final = "linear"
COIN: Final = "USDT"
COINS: Final = (COIN, "USDC")
"""What linear contracts are settled in: ours, and whatever else the account may hold."""
WINDOW_MS: Final = 7 * 86_400_000
"""Longest span of time that a list of executions or of transactions covers in one question."""
ORDERS_PAGE: Final = 50
EXECUTIONS_PAGE: Final = 100
POSITIONS_PAGE: Final = 200
TRANSACTIONS_PAGE: Final = 50

Params = dict[str, Any]


def _route(name: str, budget: str, *params: str) -> Route:
    return Route(name=name, costs={"ip": 1, budget: 1}, params=frozenset(params))


ORDER_CREATE = _route(
    "privatePostV5OrderCreate",
    "order.create",
    *("category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId"),
    *("positionIdx", "reduceOnly", "closeOnTrigger", "triggerPrice", "triggerDirection"),
    *("triggerBy", "stopLoss", "slTriggerBy", "slOrderType", "tpslMode"),
)
ORDER_CANCEL = _route(
    "privatePostV5OrderCancel", "order.cancel", "category", "symbol", "orderLinkId", "orderId"
)
ORDER_REALTIME = _route(
    "privateGetV5OrderRealtime",
    "order.read",
    *("category", "symbol", "settleCoin", "orderLinkId", "orderId", "openOnly", "limit", "cursor"),
)
ORDER_HISTORY = _route(
    "privateGetV5OrderHistory", "order.history", "category", "symbol", "orderLinkId", "orderId"
)
POSITION_LIST = _route(
    "privateGetV5PositionList",
    "position.read",
    *("category", "symbol", "settleCoin", "limit", "cursor"),
)
EXECUTION_LIST = _route(
    "privateGetV5ExecutionList",
    "execution.read",
    *("category", "startTime", "endTime", "limit", "cursor"),
)
WALLET_BALANCE = _route("privateGetV5AccountWalletBalance", "account.read", "accountType", "coin")
TRANSACTION_LOG = _route(
    "privateGetV5AccountTransactionLog",
    "account.read",
    *("accountType", "category", "currency", "type", "startTime", "endTime", "limit", "cursor"),
)
ACCOUNT_INFO = _route("privateGetV5AccountInfo", "account.read")
FEE_RATE = _route("privateGetV5AccountFeeRate", "fee.read", "category", "symbol")
QUERY_API = _route("privateGetV5UserQueryApi", "user.read")
SET_MARGIN_MODE = _route("privatePostV5AccountSetMarginMode", "settings", "setMarginMode")
SWITCH_MODE = _route("privatePostV5PositionSwitchMode", "settings", "category", "coin", "mode")
SET_LEVERAGE = _route(
    "privatePostV5PositionSetLeverage",
    "settings",
    *("category", "symbol", "buyLeverage", "sellLeverage"),
)
SERVER_TIME = Route(name="publicGetV5MarketTime", costs={"ip": 1})

ROUTES: Final = (
    ORDER_CREATE,
    ORDER_CANCEL,
    ORDER_REALTIME,
    ORDER_HISTORY,
    POSITION_LIST,
    EXECUTION_LIST,
    WALLET_BALANCE,
    TRANSACTION_LOG,
    ACCOUNT_INFO,
    FEE_RATE,
    QUERY_API,
    SET_MARGIN_MODE,
    SWITCH_MODE,
    SET_LEVERAGE,
    SERVER_TIME,
)

_TIME_IN_FORCE: Final[Mapping[TimeInForce, str]] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.POST_ONLY: "PostOnly",
}
_MARGIN_MODES: Final[Mapping[str, str]] = {
    "isolated": "ISOLATED_MARGIN",
    "cross": "REGULAR_MARGIN",
}
_RISES_TO, _FALLS_TO = 1, 2


def side_of(side: Side) -> str:
    """The exchange's word for a side."""
    return "Buy" if side is Side.BUY else "Sell"


def place(request: OrderRequest, market_id: str, stop_loss_price: Price | None) -> Params:
    """The body of a new order; an entry carries its stop where a price for it is given."""
    params: Params = {
        "category": CATEGORY,
        "symbol": market_id,
        "side": side_of(request.side),
        "orderType": "Limit" if request.kind is OrderKind.LIMIT else "Market",
        "qty": _text(request.qty),
        "orderLinkId": request.client_id,
        "positionIdx": 0,
    }
    if request.kind is OrderKind.LIMIT:
        assert request.price is not None, "a limit order has a price"
        params |= {
            "price": _text(request.price),
            "timeInForce": _TIME_IN_FORCE[request.time_in_force],
        }
    if request.is_reduce_only:
        params["reduceOnly"] = True
    if request.kind is OrderKind.STOP_MARKET:
        params |= _trigger(request)
    if stop_loss_price is not None:
        assert not request.is_reduce_only, "only what opens a position carries its stop"
        params |= _attached_stop(stop_loss_price)
    return params


def _trigger(request: OrderRequest) -> Params:
    """A stop fires when the mark passes its trigger against the position.

    `closeOnTrigger` lets the exchange cancel or shrink other orders of the contract when there is
    no margin left at that moment: a stop must not fail for want of margin.
    """
    assert request.trigger_price is not None, "a stop has a trigger"
    assert request.is_reduce_only, "a stop only reduces"
    return {
        "triggerPrice": _text(request.trigger_price),
        "triggerDirection": _RISES_TO if request.side is Side.BUY else _FALLS_TO,
        "triggerBy": "MarkPrice",
        "closeOnTrigger": True,
    }


def _attached_stop(price: Price) -> Params:
    """A stop for the whole position that stands with the first fill of the entry."""
    return {
        "stopLoss": _text(price),
        "slTriggerBy": "MarkPrice",
        "slOrderType": "Market",
        "tpslMode": "Full",
    }


def order_named(market_id: str, *, client_id: str = "", venue_id: str = "") -> Params:
    """One order, by our name or by the exchange's."""
    assert bool(client_id) != bool(venue_id), "an order is asked for by one name"
    name = {"orderLinkId": client_id} if client_id else {"orderId": venue_id}
    return {"category": CATEGORY, "symbol": market_id, **name}


def open_orders() -> Params:
    """Ordinary and conditional orders that still work, of every symbol."""
    return {"category": CATEGORY, "settleCoin": COIN, "openOnly": 0, "limit": ORDERS_PAGE}


def held_positions(coin: str = COIN) -> Params:
    """Positions above zero, of every symbol that is settled in a coin."""
    return {"category": CATEGORY, "settleCoin": coin, "limit": POSITIONS_PAGE}


def position_of(market_id: str) -> Params:
    """One symbol's rows, also where nothing is held: they tell leverage and position mode."""
    return {"category": CATEGORY, "symbol": market_id}


def executions(since: Millis, until: Millis | None) -> Params:
    """Executions of every symbol; without `until` to the end of the window from `since`."""
    return {
        "category": CATEGORY,
        **_span(since, until),
        "limit": EXECUTIONS_PAGE,
    }


def settlements(since: Millis, until: Millis | None) -> Params:
    """Funding in the transaction log, which reaches a day from a start that stands alone."""
    until = until or Millis(since + WINDOW_MS)
    return {
        "accountType": "UNIFIED",
        "category": CATEGORY,
        "currency": COIN,
        "type": "SETTLEMENT",
        **_span(since, until),
        "limit": TRANSACTIONS_PAGE,
    }


def wallet() -> Params:
    """The unified account's balance in USDT."""
    return {"accountType": "UNIFIED", "coin": COIN}


def one_way() -> Params:
    """One position a symbol, for every contract settled in USDT."""
    return {"category": CATEGORY, "coin": COIN, "mode": 0}


def margin_mode(mode: str) -> Params:
    """`isolated` or `cross`, for the whole account: a unified account knows no other scope."""
    return {"setMarginMode": _MARGIN_MODES[mode]}


def leverage(market_id: str, times: int) -> Params:
    """The same for both sides, as one-way mode wants it."""
    return {
        "category": CATEGORY,
        "symbol": market_id,
        "buyLeverage": str(times),
        "sellLeverage": str(times),
    }


def fee_rate(market_id: str) -> Params:
    """The account's own rates on a symbol."""
    return {"category": CATEGORY, "symbol": market_id}


def windows(since: Millis, until: Millis) -> list[tuple[Millis, Millis | None]]:
    """Spans that cover everything from `since`, each one question long; the last one is open."""
    spans: list[tuple[Millis, Millis | None]] = []
    start = since
    while until - start >= WINDOW_MS:
        end = Millis(start + WINDOW_MS)
        spans.append((start, end))
        start = end
    return [*spans, (start, None)]


def _span(since: Millis, until: Millis | None) -> Params:
    return {"startTime": since} if until is None else {"startTime": since, "endTime": until}


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
