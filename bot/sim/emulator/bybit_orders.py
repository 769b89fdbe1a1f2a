"""Creating and canceling orders in Bybit's words.

Sources: pages "Place Order", "Cancel Order", "Cancel All Orders" and "Set Trading Stop" of its v5
documentation. What the emulator cannot do is refused (10001) and never done by halves.
"""

import re
from decimal import Decimal
from itertools import islice
from typing import Any

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Side, Symbol
from bot.sim.emulator.bybit_call import Call, Route, market_ids, post
from bot.sim.emulator.bybit_rows import BybitRows
from bot.sim.emulator.bybit_words import (
    ORDER_GONE,
    SIDES,
    TIMES_IN_FORCE,
    Refused,
    bad,
    number,
    order_id_of,
    refused,
)
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, Order, Origin, Status, Why

LINK = re.compile(r"[A-Za-z0-9_-]{1,36}")
CONDITIONALS_MAX = 10
"""Open conditional orders a symbol ("Place Order", open orders up limit)."""
RISES = 1
FALLS = 2
WATCHED = {"MarkPrice": True, "LastPrice": False}
"""Whether a trigger looks at the mark; the last price is Bybit's default."""
KINDS = {"Market": OrderKind.MARKET, "Limit": OrderKind.LIMIT}
CREATE_PARAMS = (
    "category symbol side orderType qty price timeInForce orderLinkId reduceOnly closeOnTrigger "
    "positionIdx triggerPrice triggerDirection triggerBy stopLoss slTriggerBy slOrderType tpslMode"
)
ONLY_MARKET = {"Market": True}
ONLY_FULL = {"Full": True}


class BybitOrders:
    """Carries out what the client asks for."""

    def __init__(self, core: Emulator, rows: BybitRows) -> None:
        self._core = core
        self._rows = rows
        self._links: dict[str, int] = {}
        self._linked = 0
        """So many of the emulator's orders have been looked at for their names."""

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/v5/order/create": post(CREATE_PARAMS, self._create),
            "/v5/order/cancel": post(
                "category symbol orderId orderLinkId orderFilter", self._cancel
            ),
            "/v5/order/cancel-all": post(
                "category symbol baseCoin settleCoin orderFilter stopOrderType", self._cancel_all
            ),
            "/v5/order/amend": post(CREATE_PARAMS + " orderId", self._amend),
            "/v5/position/trading-stop": post(
                "category symbol tpslMode positionIdx stopLoss slTriggerBy slOrderType",
                self._set_stop,
            ),
        }

    # --- finding

    def by_link(self, link: str) -> Order | None:
        """The order of that orderLinkId, however it ended: the names are unique for ever."""
        orders = self._core.orders
        if len(orders) > self._linked:
            for order in islice(orders.values(), self._linked, None):
                if order.asked.origin is Origin.CLIENT and order.asked.client_id:
                    self._links[order.asked.client_id] = order.id
            self._linked = len(orders)
        order_id = self._links.get(link)
        return None if order_id is None else orders[order_id]

    def find(self, call: Call) -> Order | None:
        """The order that `orderId`, or else `orderLinkId`, names; None also before it shows."""
        if name := call.text("orderId"):
            order = self._core.orders.get(order_id_of(name) or 0)
        else:
            order = self.by_link(call.text("orderLinkId"))
        if order is None or not self._core.desk.book.is_shown(order, call.at):
            return None
        # What an order has sent is no order of its own here.
        return order if order.parent_id is None else None

    def sweep(self, at: Millis) -> None:
        """Cancel reduce-only conditional orders that have lost their position."""
        for order in self._core.desk.book.working(None, conditional=True):
            asked = order.asked
            held = self._core.desk.ledger.reducible_qty(asked.symbol, asked.side)
            if asked.is_reduce_only and not held:
                self._core.desk.book.end(order, at, Status.CANCELED, why=Why.NOTHING_TO_REDUCE)

    # --- creating

    def _create(self, call: Call) -> dict[str, Any]:
        asked = self._asked(call)
        self._check_link(asked.client_id)
        if asked.stop_loss is not None:
            self._check_stop_side(
                asked.symbol,
                asked.side,
                asked.stop_loss,
                is_by_mark=asked.is_by_mark,
                limit=asked.price,
            )
        if asked.kind is OrderKind.STOP_MARKET:
            self._check_conditional(asked)
        placed = self._core.place(asked, call.at)
        if placed is Why.WOULD_TAKE:
            placed = self._still_born(asked, call.at)
        if isinstance(placed, Why):
            is_rising = call.text("triggerDirection") == str(RISES)
            raise refused(placed, is_rising=is_rising)
        self.sweep(call.at)
        return self._rows.names(placed)

    def _still_born(self, asked: NewOrder, at: Millis) -> Order:
        """A post-only order that would take is acknowledged, and canceled by the engine."""
        book = self._core.desk.book
        return book.end(book.add(asked, at), at, Status.EXPIRED, why=Why.WOULD_TAKE)

    def _asked(self, call: Call) -> NewOrder:
        call.need_linear()
        symbol = call.one_of("symbol", market_ids(list(self._core.instruments)))
        self._check_position_index(call)
        side = call.one_of("side", SIDES)
        kind = call.one_of("orderType", KINDS)
        is_reduce_only = call.flag("reduceOnly")
        stop_loss = self._stop_loss(call, is_reduce_only=is_reduce_only)
        is_conditional = bool(call.text("triggerPrice"))
        if is_conditional and (kind is OrderKind.LIMIT or stop_loss is not None):
            raise bad("a conditional order is emulated as a market order without a stop")
        price = call.amount("price") if kind is OrderKind.LIMIT else None
        direction = call.whole("triggerDirection", 0, high=FALLS)
        if is_conditional and not direction:
            raise bad("TriggerDirection invalid")
        watched = "triggerBy" if is_conditional else "slTriggerBy"
        is_limit = kind is OrderKind.LIMIT
        return NewOrder(
            symbol=symbol,
            client_id=call.text("orderLinkId"),
            side=side,
            kind=OrderKind.STOP_MARKET if is_conditional else kind,
            qty=self._qty(call, symbol, side, is_reduce_only=is_reduce_only),
            price=price,
            trigger_price=call.amount("triggerPrice") if is_conditional else None,
            time_in_force=(
                call.one_of("timeInForce", TIMES_IN_FORCE, "GTC") if is_limit else TimeInForce.GTC
            ),
            is_reduce_only=is_reduce_only or call.flag("closeOnTrigger"),
            is_by_mark=call.one_of(watched, WATCHED, "LastPrice"),
            stop_loss=stop_loss,
            is_take_profit=is_conditional and (direction == RISES) is not (side is Side.BUY),
        )

    def _check_position_index(self, call: Call) -> None:
        """One-way mode has position 0 alone, hedge mode 1 and 2."""
        index = call.whole("positionIdx", 0, high=2)
        if self._core.is_hedge or index:
            raise refused(Why.WRONG_POSITION_SIDE)

    def _stop_loss(self, call: Call, *, is_reduce_only: bool) -> Decimal | None:
        if not call.text("stopLoss"):
            return None
        if is_reduce_only:
            raise bad("a reduce-only order takes no stopLoss")
        call.one_of("tpslMode", ONLY_FULL, "Full")
        call.one_of("slOrderType", ONLY_MARKET, "Market")
        return call.amount("stopLoss")

    def _qty(self, call: Call, symbol: Symbol, side: Side, *, is_reduce_only: bool) -> Decimal:
        """The quantity; "0" with both flags of a closing order is the whole position."""
        qty = number(call.needed("qty"), "qty")
        if not qty and is_reduce_only and call.flag("closeOnTrigger"):
            qty = self._core.desk.ledger.reducible_qty(symbol, side)
            if not qty:
                raise refused(Why.NOTHING_TO_REDUCE)
        if qty <= 0:
            raise refused(Why.BAD_QTY)
        return qty

    def _check_link(self, link: str) -> None:
        if not link:
            return
        if LINK.fullmatch(link) is None:
            raise bad("OrderLinkId invalid")
        if self.by_link(link) is not None:
            raise refused(Why.DUPLICATE_ID)

    def _check_conditional(self, asked: NewOrder) -> None:
        book = self._core.desk.book
        waiting = book.working(asked.symbol, conditional=True)
        if sum(row.asked.origin is Origin.CLIENT for row in waiting) >= CONDITIONALS_MAX:
            raise refused(Why.TOO_MANY_STOPS)
        held = self._core.desk.ledger.reducible_qty(asked.symbol, asked.side)
        if asked.is_reduce_only and not held:
            raise refused(Why.NOTHING_TO_REDUCE)

    def _check_stop_side(
        self,
        symbol: Symbol,
        side: Side,
        stop: Decimal,
        *,
        is_by_mark: bool,
        limit: Decimal | None = None,
    ) -> None:
        """A stop lies below what a long pays and above what a short gets."""
        if symbol not in self._core.prices:
            return
        desk = self._core.desk
        now = limit or (desk.quote(symbol).mark if is_by_mark else desk.last(symbol))
        if (now - stop) * side.sign <= 0:
            where = "lower" if side is Side.BUY else "higher"
            position = "Buy" if side is Side.BUY else "Sell"
            raise bad(
                f"StopLoss:{stop} set for {position} position should {where} than base_price:{now}"
            )

    # --- canceling

    def _cancel(self, call: Call) -> dict[str, Any]:
        call.need_linear()
        symbol = call.one_of("symbol", market_ids(list(self._core.instruments)))
        if not (call.text("orderId") or call.text("orderLinkId")):
            raise bad("params error: orderId or orderLinkId is required")
        order = self.find(call)
        if order is None or order.asked.symbol != symbol or not self._rows.is_open(order):
            raise Refused(*ORDER_GONE)
        self._end(order, call.at)
        return self._rows.names(order)

    def _end(self, order: Order, at: Millis) -> None:
        child = self._rows.child(order)
        self._core.cancel(order if child is None else child, at)

    def _cancel_all(self, call: Call) -> dict[str, Any]:
        call.need_linear()
        symbol = None
        if call.text("symbol"):
            symbol = call.one_of("symbol", market_ids(list(self._core.instruments)))
        elif not (call.text("settleCoin") or call.text("baseCoin")):
            raise bad("params error: symbol, settleCoin or baseCoin is required")
        kinds = {"": None, "Order": False, "StopOrder": True}
        conditional = call.one_of("orderFilter", kinds)
        gone = []
        for order in self._core.open_orders(symbol, conditional=conditional, at=call.at):
            root = self._rows.root(order)
            self._end(root, call.at)
            gone.append(self._rows.names(root))
        return {"list": gone, "success": "1"}

    def _amend(self, call: Call) -> dict[str, Any]:
        """Nobody here amends: whoever does has lost his way."""
        raise bad(f"order/amend is not emulated: {call.text('orderId')}")

    # --- the position's own stop

    def _set_stop(self, call: Call) -> dict[str, Any]:
        """Set, move or (with "0") cancel the stop of the whole position."""
        call.need_linear()
        symbol = call.one_of("symbol", market_ids(list(self._core.instruments)))
        self._check_position_index(call)
        call.one_of("tpslMode", ONLY_FULL)
        call.one_of("slOrderType", ONLY_MARKET, "Market")
        held = self._core.holdings.get(symbol)
        if held is None:
            raise bad("can not set tp/sl/ts for zero position")
        trigger = number(call.needed("stopLoss"), "stopLoss")
        is_by_mark = call.one_of("slTriggerBy", WATCHED, "LastPrice")
        side = Side.BUY if held.qty > 0 else Side.SELL
        old = self._rows.attached_stop(symbol)
        is_same = old is not None and old.asked.trigger_price == trigger
        if (is_same and old is not None and old.asked.is_by_mark is is_by_mark) or (
            old is None and not trigger
        ):
            raise Refused(34040, "not modified")
        if trigger:
            if trigger < 0 or trigger % self._core.instruments[symbol].tick_size:
                raise bad("StopLoss invalid")
            self._check_stop_side(symbol, side, trigger, is_by_mark=is_by_mark)
        if old is not None:
            self._core.cancel(old, call.at)
        if trigger:
            stop = NewOrder(
                symbol=symbol,
                side=side.opposite,
                kind=OrderKind.STOP_MARKET,
                qty=abs(held.qty),
                trigger_price=trigger,
                is_by_mark=is_by_mark,
                is_reduce_only=True,
                closes_position=True,
                origin=Origin.ATTACHED,
            )
            self._core.desk.book.add(stop, call.at)
        return {}
