"""Binance's orders: the ordinary ones, and the conditional ones in a service of their own.

Sources: Binance USD-M futures "New Order", "New Algo Order" and the pages beside them; change log
2025-11-06 (conditional orders leave `/order`, -4120) and 2025-12-10 (200 of them at most).
"""

from decimal import Decimal
from typing import Any

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Millis, Side, Symbol
from bot.sim.emulator.binance_call import Call, Route, one_or_all, signed_route, weighed
from bot.sim.emulator.binance_rows import algo_row, order_row, placed_row
from bot.sim.emulator.binance_words import Refused, refusal_of
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, Order, Status, Why

DAY_MS = 86_400_000
FORGOTTEN_AFTER_MS = 3 * DAY_MS
"""What ended without a trade is not found any more so long after it was made ("Query Order")."""
WINDOW_MS = 7 * DAY_MS
LISTED_MAX = 1_000
LISTED_DEFAULT = 500

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "GTX": TimeInForce.POST_ONLY,
}
_PLAIN_TYPES = {"LIMIT": OrderKind.LIMIT, "MARKET": OrderKind.MARKET}
_CONDITIONAL_TYPES = {
    "STOP": (False, True),
    "STOP_MARKET": (False, False),
    "TAKE_PROFIT": (True, True),
    "TAKE_PROFIT_MARKET": (True, False),
}
"""(is a take profit, has a price)"""
_BY_MARK = {"MARK_PRICE": True, "CONTRACT_PRICE": False}
_RESULTS = {"RESULT": True, "ACK": False}
_BAD_TYPE = (-1116, "Invalid orderType.")
_BAD_SIDE = (-1117, "Invalid side.")
_BAD_TIME = (-1115, "Invalid timeInForce.")
_MOVED = "Order type not supported for this endpoint. Please use the Algo Order API endpoints."


class Orders:
    """The order endpoints over the core."""

    def __init__(self, core: Emulator, ids: dict[str, Symbol]) -> None:
        self.core = core
        self.ids = ids
        """Unified symbols by Binance's names."""
        self.countdowns: dict[Symbol, Millis] = {}
        """When the open orders of a symbol are canceled unless the client calls again."""

    def routes(self) -> dict[str, Route]:
        """By method and path."""
        listed = "symbol orderId startTime endTime limit"
        named = "symbol orderId origClientOrderId"
        algo = "symbol algoId clientAlgoId"
        return {
            "POST /fapi/v1/order": signed_route(
                "symbol side positionSide type timeInForce quantity reduceOnly price "
                "newClientOrderId newOrderRespType selfTradePreventionMode priceMatch goodTillDate "
                "stopPrice closePosition workingType priceProtect activationPrice callbackRate",
                self.place,
                0,
                is_order=True,
            ),
            "GET /fapi/v1/order": signed_route(named, self.query),
            "DELETE /fapi/v1/order": signed_route(named, self.cancel),
            "GET /fapi/v1/openOrder": signed_route(named, self.query_open),
            "GET /fapi/v1/openOrders": weighed(
                signed_route("symbol", self.list_open), one_or_all(1, 40)
            ),
            "DELETE /fapi/v1/allOpenOrders": signed_route("symbol", self.cancel_all),
            "GET /fapi/v1/allOrders": signed_route(listed, self.list_all, 5),
            "POST /fapi/v1/algoOrder": signed_route(
                "algoType symbol side positionSide type timeInForce quantity price triggerPrice "
                "workingType priceMatch closePosition priceProtect reduceOnly activatePrice "
                "callbackRate clientAlgoId newOrderRespType selfTradePreventionMode goodTillDate",
                self.place_algo,
                0,
                is_order=True,
            ),
            "GET /fapi/v1/algoOrder": signed_route(algo, self.query_algo),
            "DELETE /fapi/v1/algoOrder": signed_route(algo, self.cancel_algo),
            "GET /fapi/v1/openAlgoOrders": weighed(
                signed_route("symbol algoType algoId", self.list_open_algo), one_or_all(1, 40)
            ),
            "DELETE /fapi/v1/algoOpenOrders": signed_route("symbol", self.cancel_all_algo),
            "GET /fapi/v1/allAlgoOrders": signed_route(
                "symbol algoId startTime endTime page limit", self.list_all_algo, 5
            ),
            "POST /fapi/v1/countdownCancelAll": signed_route(
                "symbol countdownTime", self.count_down, 10
            ),
        }

    # --- ordinary orders

    def place(self, call: Call) -> dict[str, Any]:
        """New Order."""
        symbol = self.symbol(call)
        side = call.one_of("side", _SIDES, no=Refused(*_BAD_SIDE))
        if call.text("type") in {*_CONDITIONAL_TYPES, "TRAILING_STOP_MARKET"}:
            raise Refused(-4120, _MOVED)
        kind = call.one_of("type", _PLAIN_TYPES, no=Refused(*_BAD_TYPE))
        call.forbid("stopPrice", "closePosition", "activationPrice", "callbackRate", "goodTillDate")
        is_limit = kind is OrderKind.LIMIT
        if not is_limit:
            call.forbid("price", "timeInForce")
        asked = NewOrder(
            symbol=symbol,
            client_id=call.client_id("newClientOrderId"),
            side=side,
            kind=kind,
            qty=call.amount_needed("quantity"),
            price=call.amount_needed("price") if is_limit else None,
            time_in_force=self._time_in_force(call) if is_limit else TimeInForce.GTC,
            is_reduce_only=call.flag("reduceOnly"),
            is_hedged=self._is_hedged(call),
        )
        tells = "newOrderRespType" in call.params and call.one_of("newOrderRespType", _RESULTS)
        order = self._placed(asked, call.at)
        return placed_row(order, self.core.instruments[symbol], tells_result=tells)

    def query(self, call: Call) -> dict[str, Any]:
        """Query Order."""
        order = self._named(call)
        if order is None or _is_forgotten(order, call.at):
            raise Refused(-2013, "Order does not exist.")
        return order_row(order, self.core.instruments[order.asked.symbol])

    def query_open(self, call: Call) -> dict[str, Any]:
        """Query Current Open Order."""
        order = self._named(call)
        if order is None or not order.is_working:
            raise Refused(-2013, "Order does not exist.")
        return order_row(order, self.core.instruments[order.asked.symbol])

    def cancel(self, call: Call) -> dict[str, Any]:
        """Cancel Order."""
        order = self._named(call)
        if order is None or not order.is_working:
            raise Refused(-2011, "Unknown order sent.")
        ended = self.core.cancel(order, call.at)
        return order_row(ended, self.core.instruments[ended.asked.symbol])

    def list_open(self, call: Call) -> list[dict[str, Any]]:
        """Current All Open Orders; conditional ones are never among them."""
        symbol = self.symbol(call) if "symbol" in call.params else None
        rows = self.core.open_orders(symbol, conditional=False, at=call.at)
        return [order_row(row, self.core.instruments[row.asked.symbol]) for row in rows]

    def cancel_all(self, call: Call) -> dict[str, Any]:
        """Cancel All Open Orders; conditional ones stay."""
        self._cancel_all(self.symbol(call), call.at, conditional=False)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def list_all(self, call: Call) -> list[dict[str, Any]]:
        """All Orders of a symbol within a week, oldest first."""
        symbol = self.symbol(call)
        limit = call.limit(LISTED_DEFAULT, LISTED_MAX)
        rows = self._listed(call, symbol, conditional=False, first_id=call.whole("orderId", 0))
        chosen = rows[:limit] if "orderId" in call.params else rows[-limit:]
        return [order_row(row, self.core.instruments[symbol]) for row in chosen]

    def count_down(self, call: Call) -> dict[str, Any]:
        """Auto-Cancel All Open Orders: a dead man's switch for ordinary orders, 0 ends it."""
        symbol = self.symbol(call)
        span_ms = call.whole_needed("countdownTime")
        self.countdowns.pop(symbol, None)
        if span_ms:
            self.countdowns[symbol] = Millis(call.at + span_ms)
        return {"symbol": call.text("symbol"), "countdownTime": str(span_ms)}

    def pass_time(self, at: Millis) -> None:
        """Let countdowns end."""
        for symbol, due_at in list(self.countdowns.items()):
            if due_at <= at:
                del self.countdowns[symbol]
                self._cancel_all(symbol, at, conditional=False)

    # --- conditional orders

    def place_algo(self, call: Call) -> dict[str, Any]:
        """New Algo Order."""
        if call.needed("algoType") != "CONDITIONAL":
            raise Refused(-1102, "Parameter 'algoType' is not valid.")
        symbol = self.symbol(call)
        side = call.one_of("side", _SIDES, no=Refused(*_BAD_SIDE))
        is_profit, has_price = call.one_of("type", _CONDITIONAL_TYPES, no=Refused(*_BAD_TYPE))
        call.forbid("activatePrice", "callbackRate", "goodTillDate")
        if not has_price:
            call.forbid("price")
        closes = call.flag("closePosition")
        if closes and "quantity" in call.params:
            raise Refused(-4137, "Quantity must be zero with closePosition equals true.")
        if closes:
            call.forbid("reduceOnly")
        has_type = "workingType" in call.params
        asked = NewOrder(
            symbol=symbol,
            client_id=call.client_id("clientAlgoId"),
            side=side,
            kind=OrderKind.STOP_MARKET,
            qty=ZERO if closes else call.amount_needed("quantity"),
            price=call.amount_needed("price") if has_price else None,
            trigger_price=call.amount_needed("triggerPrice"),
            time_in_force=self._time_in_force(call) if has_price else TimeInForce.GTC,
            is_reduce_only=call.flag("reduceOnly"),
            is_by_mark=has_type and call.one_of("workingType", _BY_MARK),
            is_take_profit=is_profit,
            closes_position=closes,
            is_hedged=self._is_hedged(call),
        )
        return algo_row(self._placed(asked, call.at), self.core)

    def query_algo(self, call: Call) -> dict[str, Any]:
        """Query Algo Order."""
        order = self._named_algo(call)
        if order is None or _is_forgotten(order, call.at):
            raise Refused(-2013, "Order does not exist.")
        return algo_row(order, self.core)

    def cancel_algo(self, call: Call) -> dict[str, Any]:
        """Cancel Algo Order: the answer tells neither state nor symbol."""
        order = self._named_algo(call)
        if order is None or not order.is_working:
            raise Refused(-2011, "Unknown order sent.")
        self.core.cancel(order, call.at)
        return {
            "algoId": order.id,
            "clientAlgoId": order.client_id,
            "code": "200",
            "msg": "success",
        }

    def list_open_algo(self, call: Call) -> list[dict[str, Any]]:
        """Current All Algo Open Orders."""
        symbol = self.symbol(call) if "symbol" in call.params else None
        rows = self.core.open_orders(symbol, conditional=True, at=call.at)
        number = call.whole("algoId", 0)
        return [algo_row(row, self.core) for row in rows if number in {0, row.id}]

    def cancel_all_algo(self, call: Call) -> dict[str, Any]:
        """Cancel All Algo Open Orders."""
        self._cancel_all(self.symbol(call), call.at, conditional=True)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def list_all_algo(self, call: Call) -> list[dict[str, Any]]:
        """Query All Algo Orders of a symbol within a week, oldest first."""
        symbol = self.symbol(call)
        limit = call.limit(LISTED_DEFAULT, LISTED_MAX)
        rows = self._listed(call, symbol, conditional=True, first_id=call.whole("algoId", 0))
        first = max(call.whole("page", 1) - 1, 0) * limit
        return [algo_row(row, self.core) for row in rows[first : first + limit]]

    # --- what they share

    def symbol(self, call: Call) -> Symbol:
        """The symbol that must be there; raises Refused (-1121)."""
        found = self.ids.get(call.needed("symbol"))
        if found is None:
            raise Refused(-1121, "Invalid symbol.")
        return found

    def symbols(self, call: Call) -> list[Symbol]:
        """The symbol that was named, or all."""
        return [self.symbol(call)] if "symbol" in call.params else list(self.ids.values())

    def _placed(self, asked: NewOrder, at: Millis) -> Order:
        taken = self.core.place(asked, at)
        if isinstance(taken, Why):
            raise refusal_of(taken, asked, self.core.instruments.get(asked.symbol))
        return taken

    def _time_in_force(self, call: Call) -> TimeInForce:
        return call.one_of("timeInForce", _TIMES_IN_FORCE, no=Refused(*_BAD_TIME))

    def _is_hedged(self, call: Call) -> bool:
        sides = {"": False, "BOTH": False, "LONG": True, "SHORT": True}
        if call.text("positionSide") not in sides:
            raise Refused(-4060, "Invalid position side.")
        return sides[call.text("positionSide")]

    def _named(self, call: Call) -> Order | None:
        symbol = self.symbol(call)
        number, name = call.whole("orderId", 0), call.text("origClientOrderId")
        if not (number or name):
            raise Refused(-1102, "Either orderId or origClientOrderId must be sent.")
        order = self.core.find(order_id=number, client_id=name, conditional=False, at=call.at)
        return order if order is not None and order.asked.symbol == symbol else None

    def _named_algo(self, call: Call) -> Order | None:
        number, name = call.whole("algoId", 0), call.text("clientAlgoId")
        if not (number or name):
            raise Refused(-1102, "Either algoId or clientAlgoId must be sent.")
        return self.core.find(order_id=number, client_id=name, conditional=True, at=call.at)

    def _listed(
        self, call: Call, symbol: Symbol, *, conditional: bool, first_id: int
    ) -> list[Order]:
        start, end = span_of(call, whole=bool(first_id))
        return [
            row
            for row in self.core.orders.values()
            if row.is_conditional is conditional
            and row.asked.symbol == symbol
            and row.id >= first_id
            and start <= row.created_at <= end
            and self.core.find(order_id=row.id, conditional=conditional, at=call.at) is not None
            and not _is_forgotten(row, call.at)
        ]

    def _cancel_all(self, symbol: Symbol, at: Millis, *, conditional: bool) -> None:
        for order in self.core.open_orders(symbol, conditional=conditional, at=at):
            self.core.cancel(order, at)


def span_of(call: Call, *, whole: bool) -> tuple[int, int]:
    """`startTime` and `endTime`, both included: a week at most (-4165), the last one unless told.

    `whole`: all of time, where what is listed begins with an id.
    """
    default_end = call.at
    if "startTime" in call.params and "endTime" not in call.params:
        default_end = Millis(call.whole("startTime", 0) + WINDOW_MS)
    end = call.whole("endTime", default_end)
    start = call.whole("startTime", 0 if whole else end - WINDOW_MS)
    if start > end:
        raise Refused(-1023, "Start time is greater than end time.")
    if not whole and end - start > WINDOW_MS:
        raise Refused(-4165, "Invalid time interval. Maximum time interval is 7 days.")
    return start, end


def _is_forgotten(order: Order, at: Millis) -> bool:
    """Ended without a trade, and made more than three days ago."""
    is_void = order.status in {Status.CANCELED, Status.EXPIRED} and order.filled_qty == Decimal(0)
    return is_void and at > order.created_at + FORGOTTEN_AFTER_MS
