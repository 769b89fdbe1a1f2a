"""What is sent to Binance USDⓈ-M: every endpoint that is used, and the parameters of each call.

Weights are those of the exchange's documentation as of its change log of 2026-08-26, not ccxt's,
which differ. Names of parameters are the exchange's own. Conditional orders live in a service of
their own since 2025-12-09: other endpoints, other ids (change log 2025-11-06).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bot.gateway.connection import Budget, Route
from bot.model.order import OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import ClientOrderId, Millis

WEIGHT: Final = Budget(name="weight", capacity=2_400, interval_ms=60_000)
"""Per IP address."""
ORDERS_10S: Final = Budget(name="orders_10s", capacity=300, interval_ms=10_000)
ORDERS_1M: Final = Budget(name="orders_1m", capacity=1_200, interval_ms=60_000)
"""Per account: new orders alone, cancels are free."""
DATA_5M: Final = Budget(name="data", capacity=1_000, interval_ms=300_000)
"""Per IP address: what lies under /futures/data ("Open Interest Statistics")."""

WINDOW: Final = "recvWindow"
PAGE_MAX: Final = 1_000
"""Rows that one page of trades, orders or incomes holds."""
HISTORY_WINDOW_MS: Final = 7 * 86_400_000 - 1
"""The longest time between startTime and endTime of one page."""
QUOTE: Final = "USDT"


def _route(name: str, weight: int, *params: str, is_order: bool = False) -> Route:
    costs = {WEIGHT.name: weight} if weight else {}
    if is_order:
        costs |= {ORDERS_10S.name: 1, ORDERS_1M.name: 1}
    return Route(name=name, costs=costs, params=frozenset((*params, WINDOW)))


TIME: Final = Route(name="fapiPublicGetTime", costs={WEIGHT.name: 1})

PLACE: Final = _route(
    "fapiPrivatePostOrder",
    0,
    "symbol",
    "side",
    "type",
    "quantity",
    "price",
    "timeInForce",
    "reduceOnly",
    "newClientOrderId",
    "newOrderRespType",
    is_order=True,
)
PLACE_STOP: Final = _route(
    "fapiPrivatePostAlgoOrder",
    0,
    "algoType",
    "symbol",
    "side",
    "type",
    "quantity",
    "triggerPrice",
    "workingType",
    "reduceOnly",
    "clientAlgoId",
    is_order=True,
)
CANCEL: Final = _route("fapiPrivateDeleteOrder", 1, "symbol", "orderId", "origClientOrderId")
CANCEL_STOP: Final = _route("fapiPrivateDeleteAlgoOrder", 1, "algoId", "clientAlgoId")
QUERY: Final = _route("fapiPrivateGetOrder", 1, "symbol", "orderId", "origClientOrderId")
QUERY_STOP: Final = _route("fapiPrivateGetAlgoOrder", 1, "algoId", "clientAlgoId")

POSITIONS: Final = _route("fapiPrivateV3GetPositionRisk", 5)
OPEN_ORDERS: Final = _route("fapiPrivateGetOpenOrders", 40)
"""Of all symbols; conditional orders are never among them (ccxt #27486)."""
OPEN_STOPS: Final = _route("fapiPrivateGetOpenAlgoOrders", 40)
BALANCE: Final = _route("fapiPrivateV3GetBalance", 5)
SYMBOL_CONFIG: Final = _route("fapiPrivateGetSymbolConfig", 5)
ACCOUNT_CONFIG: Final = _route("fapiPrivateGetAccountConfig", 5)
TRADES: Final = _route(
    "fapiPrivateGetUserTrades", 5, "symbol", "startTime", "endTime", "fromId", "limit"
)
STOPS_OF_SYMBOL: Final = _route(
    "fapiPrivateGetAllAlgoOrders", 5, "symbol", "startTime", "endTime", "limit"
)
INCOME: Final = _route(
    "fapiPrivateGetIncome", 30, "incomeType", "startTime", "endTime", "page", "limit"
)
COMMISSION: Final = _route("fapiPrivateGetCommissionRate", 20, "symbol")

SET_POSITION_MODE: Final = _route("fapiPrivatePostPositionSideDual", 1, "dualSidePosition")
SET_MARGIN_MODE: Final = _route("fapiPrivatePostMarginType", 1, "symbol", "marginType")
SET_LEVERAGE: Final = _route("fapiPrivatePostLeverage", 1, "symbol", "leverage")

KEY_RIGHTS: Final = _route("sapiGetAccountApiRestrictions", 0)
SPOT_ACCOUNT: Final = _route("privateGetAccount", 0, "omitZeroBalances")
"""The only endpoint that tells the account's number; another host with budgets of its own."""

OPEN_LISTEN_KEY: Final = Route(name="fapiPrivatePostListenKey", costs={WEIGHT.name: 1})
KEEP_LISTEN_KEY: Final = Route(name="fapiPrivatePutListenKey", costs={WEIGHT.name: 1})
"""Not signed: neither time nor window goes with them."""

ROUTES: Final = (
    TIME,
    PLACE,
    PLACE_STOP,
    CANCEL,
    CANCEL_STOP,
    QUERY,
    QUERY_STOP,
    POSITIONS,
    OPEN_ORDERS,
    OPEN_STOPS,
    BALANCE,
    SYMBOL_CONFIG,
    ACCOUNT_CONFIG,
    TRADES,
    STOPS_OF_SYMBOL,
    INCOME,
    COMMISSION,
    SET_POSITION_MODE,
    SET_MARGIN_MODE,
    SET_LEVERAGE,
    KEY_RIGHTS,
    SPOT_ACCOUNT,
    OPEN_LISTEN_KEY,
    KEEP_LISTEN_KEY,
)


class Asked(NamedTuple):
    """One call: where to, and with what."""

    route: Route
    params: Mapping[str, Any]


_TIMES_IN_FORCE: Final = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.POST_ONLY: "GTX",
}


def place(request: OrderRequest, market_id: str) -> Asked:
    """Any order of ours; a stop goes to the service of conditional orders.

    A stop is a market order behind a mark-price trigger, never a limit order that a gap would
    leave behind. closePosition is not used: it has no quantity and closes what is not ours.
    """
    if request.kind is OrderKind.STOP_MARKET:
        return _stop(request, market_id)
    params: dict[str, Any] = {
        "symbol": market_id,
        "side": request.side.value.upper(),
        "quantity": plain(request.qty),
        "newClientOrderId": request.client_id,
        "newOrderRespType": "RESULT",
    }
    if request.kind is OrderKind.MARKET:
        params["type"] = "MARKET"
    else:
        assert request.price is not None, "a limit order has a price"
        params["type"] = "LIMIT"
        params["price"] = plain(request.price)
        params["timeInForce"] = _TIMES_IN_FORCE[request.time_in_force]
    if request.is_reduce_only:
        params["reduceOnly"] = "true"
    return Asked(PLACE, params)


def _stop(request: OrderRequest, market_id: str) -> Asked:
    assert request.trigger_price is not None, "a stop has a trigger"
    params: dict[str, Any] = {
        "algoType": "CONDITIONAL",
        "symbol": market_id,
        "side": request.side.value.upper(),
        "type": "STOP_MARKET",
        "quantity": plain(request.qty),
        "triggerPrice": plain(request.trigger_price),
        "workingType": "MARK_PRICE",
        "clientAlgoId": request.client_id,
    }
    if request.is_reduce_only:
        params["reduceOnly"] = "true"
    return Asked(PLACE_STOP, params)


def query(client_id: ClientOrderId, market_id: str, *, is_trigger: bool) -> Asked:
    """One order by our id."""
    if is_trigger:
        return Asked(QUERY_STOP, {"clientAlgoId": client_id})
    return Asked(QUERY, {"symbol": market_id, "origClientOrderId": client_id})


def query_id(venue_id: str, market_id: str) -> Asked:
    """One ordinary order by the exchange's id: a stop's child, or whose a trade is."""
    return Asked(QUERY, {"symbol": market_id, "orderId": venue_id})


def cancel(client_id: ClientOrderId, market_id: str, *, is_trigger: bool) -> Asked:
    """Cancel by our id."""
    if is_trigger:
        return Asked(CANCEL_STOP, {"clientAlgoId": client_id})
    return Asked(CANCEL, {"symbol": market_id, "origClientOrderId": client_id})


def cancel_id(venue_id: str, market_id: str, *, is_trigger: bool) -> Asked:
    """Cancel by the exchange's id."""
    if is_trigger:
        return Asked(CANCEL_STOP, {"algoId": venue_id})
    return Asked(CANCEL, {"symbol": market_id, "orderId": venue_id})


def trades_since(market_id: str, start_at: Millis, end_at: Millis) -> Asked:
    """The first page of trades in a window of at most `HISTORY_WINDOW_MS`."""
    params = {"symbol": market_id, "startTime": start_at, "endTime": end_at, "limit": PAGE_MAX}
    return Asked(TRADES, params)


def trades_from(market_id: str, trade_id: int) -> Asked:
    """The next page: from a trade on; it may not be given together with times."""
    return Asked(TRADES, {"symbol": market_id, "fromId": trade_id, "limit": PAGE_MAX})


def stops_since(market_id: str, start_at: Millis, end_at: Millis) -> Asked:
    """Conditional orders of a symbol in every state, within at most `HISTORY_WINDOW_MS`."""
    params = {"symbol": market_id, "startTime": start_at, "endTime": end_at, "limit": PAGE_MAX}
    return Asked(STOPS_OF_SYMBOL, params)


def funding_since(start_at: Millis, end_at: Millis) -> Asked:
    """Funding settled within at most `HISTORY_WINDOW_MS`."""
    params = {
        "incomeType": "FUNDING_FEE",
        "startTime": start_at,
        "endTime": end_at,
        "limit": PAGE_MAX,
    }
    return Asked(INCOME, params)


def set_margin_mode(market_id: str, mode: str) -> Asked:
    """`isolated` or `cross`."""
    names = {"isolated": "ISOLATED", "cross": "CROSSED"}
    return Asked(SET_MARGIN_MODE, {"symbol": market_id, "marginType": names[mode]})


def plain(amount: Decimal) -> str:
    """Digits without an exponent and without needless zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
