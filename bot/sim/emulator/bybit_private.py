"""Reading orders, executions, positions and the wallet's changes, in Bybit's words.

Sources: pages "Trade", "Position" and "Account" of Bybit's v5 documentation.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.bybit_call import DAY_MS, Call, Route, get, market_ids, page, span
from bot.sim.emulator.bybit_orders import BybitOrders
from bot.sim.emulator.bybit_rows import BybitRows, exec_type, link_of
from bot.sim.emulator.bybit_words import (
    EXEC_TYPES,
    bad,
    exec_name,
    order_name,
    order_status,
    plain,
)
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Income, Order, Trade

CLOSED_MAX = 500
"""So many ended orders `order/realtime` still knows."""
ORDER_PARAMS = "category symbol baseCoin settleCoin orderId orderLinkId orderFilter limit cursor"
FILTERS = {"": None, "Order": False, "StopOrder": True}
EXEC_FILTERS = {"": "", "Trade": "Trade", "Funding": "Funding"} | {
    name: name for name in EXEC_TYPES.values()
}
LOG_TYPES = {"": "", "TRADE": "TRADE", "SETTLEMENT": "SETTLEMENT"}


class BybitPrivate:
    """Answers what the account has done and holds; changes nothing."""

    def __init__(self, core: Emulator, rows: BybitRows, orders: BybitOrders) -> None:
        self._core = core
        self._rows = rows
        self._orders = orders

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/v5/order/realtime": get(ORDER_PARAMS + " openOnly", self._realtime),
            "/v5/order/history": get(
                ORDER_PARAMS + " orderStatus startTime endTime", self._history
            ),
            "/v5/execution/list": get(
                "category symbol orderId orderLinkId baseCoin startTime endTime execType limit "
                "cursor",
                self._executions,
            ),
            "/v5/position/list": get(
                "category symbol baseCoin settleCoin limit cursor", self._positions
            ),
            "/v5/account/transaction-log": get(
                "accountType category currency baseCoin type startTime endTime limit cursor",
                self._log,
            ),
        }

    def _symbol(self, call: Call) -> Symbol | None:
        """The symbol asked for; None: all of a coin, one of which must be named."""
        if call.text("symbol"):
            return call.one_of("symbol", market_ids(list(self._core.instruments)))
        return None

    def _scope(self, call: Call) -> Symbol | None:
        """The same where Bybit wants one of symbol, settleCoin and baseCoin to be there."""
        call.need_linear()
        symbol = self._symbol(call)
        is_scoped = symbol or call.text("settleCoin") or call.text("baseCoin")
        if not (is_scoped or call.text("orderId") or call.text("orderLinkId")):
            raise bad("params error: one of symbol, baseCoin, settleCoin is required")
        return symbol

    # --- orders

    def _realtime(self, call: Call) -> dict[str, Any]:
        """Open orders, newest first; one that is named is shown ended as well.

        `openOnly` 1 gives the newest ended ones; 0, the default, none of them.
        """
        symbol = self._scope(call)
        if call.text("orderId") or call.text("orderLinkId"):
            return self._one(call, symbol)
        is_open = call.whole("openOnly", 0, high=2) == 0
        return self._listed(call, symbol, is_open=is_open, most=50, since=Millis(0))

    def _history(self, call: Call) -> dict[str, Any]:
        """Ended orders of the last seven days, or of the span asked for; also one by its name."""
        call.need_linear()
        symbol = self._symbol(call)
        if call.text("orderId") or call.text("orderLinkId"):
            found = self._orders.find(call)
            rows = [] if found is None or self._rows.is_open(found) else [found]
            return self._reply([self._rows.order(row) for row in rows], "")
        since, until = span(call)
        return self._listed(call, symbol, is_open=False, most=50, since=since, until=until)

    def _one(self, call: Call, symbol: Symbol | None) -> dict[str, Any]:
        order = self._orders.find(call)
        if order is None or symbol not in {None, order.asked.symbol}:
            return self._reply([], "")
        return self._reply([self._rows.order(order)], "")

    def _listed(
        self,
        call: Call,
        symbol: Symbol | None,
        *,
        is_open: bool,
        most: int,
        since: Millis,
        until: Millis | None = None,
    ) -> dict[str, Any]:
        conditional = call.one_of("orderFilter", FILTERS)
        found = self._open(call) if is_open else self._ended(call)
        wanted = call.text("orderStatus")
        rows = [
            order
            for order in found
            if symbol in {None, order.asked.symbol}
            and conditional in {None, order.is_conditional}
            and since <= order.created_at <= (until or call.at)
            and wanted in {"", order_status(order, self._rows.child(order))}
        ]
        if not is_open and until is None:
            rows = rows[:CLOSED_MAX]
        shown, cursor = page(call, rows, default=20, most=most)
        return self._reply([self._rows.order(row) for row in shown], cursor)

    def _open(self, call: Call) -> list[Order]:
        """Open orders as they were asked for, newest first."""
        rows = self._core.open_orders(None, conditional=None, at=call.at)
        roots = {row.id: row for row in map(self._rows.root, rows)}
        return sorted(roots.values(), key=lambda row: (row.created_at, row.id), reverse=True)

    def _ended(self, call: Call) -> list[Order]:
        return [
            row
            for row in reversed(self._core.orders.values())
            if row.parent_id is None
            and not self._rows.is_open(row)
            and self._core.desk.book.is_shown(row, call.at)
        ]

    def _reply(self, rows: list[dict[str, Any]], cursor: str) -> dict[str, Any]:
        return {"category": "linear", "nextPageCursor": cursor, "list": rows}

    # --- executions

    def _executions(self, call: Call) -> dict[str, Any]:
        """Executions, newest first; with the name of an order every other parameter is ignored."""
        call.need_linear()
        wanted = call.one_of("execType", EXEC_FILTERS)
        if call.text("orderId") or call.text("orderLinkId"):
            found: list[Trade | Income] = list(self._trades_of(call))
        else:
            symbol = self._symbol(call)
            since, until = span(call)
            found = [
                row
                for row in self._traded(since, until)
                if symbol in {None, row.symbol} and wanted in {"", _type_of(row)}
            ]
        shown, cursor = page(call, found, default=50, most=100)
        rows = [
            self._rows.trade(row) if isinstance(row, Trade) else self._rows.funding(row)
            for row in shown
        ]
        return self._reply(rows, cursor)

    def _trades_of(self, call: Call) -> Iterator[Trade]:
        order = self._orders.find(call)
        if order is not None:
            ids = {order.id, order.child_id}
            yield from (row for row in reversed(self._core.trades) if row.order_id in ids)

    def _traded(self, since: Millis, until: Millis) -> list[Trade | Income]:
        """Trades and funding within a span, newest first."""
        found: list[Trade | Income] = []
        for trade in reversed(self._core.trades):
            if trade.at < since:
                break
            found.append(trade)
        for income in reversed(self._core.incomes):
            if income.at < since:
                break
            if income.kind == "funding":
                found.append(income)
        found = [row for row in found if row.at <= until]
        return sorted(found, key=lambda row: row.at, reverse=True)

    # --- positions

    def _positions(self, call: Call) -> dict[str, Any]:
        """By symbol also a flat one; by coin only what is held."""
        symbol = self._scope(call)
        symbols = list(self._core.holdings) if symbol is None else [symbol]
        rows = [row for each in symbols for row in self._rows.positions(each)]
        shown, cursor = page(call, rows, default=20, most=200)
        return self._reply(shown, cursor)

    # --- the wallet's changes

    def _log(self, call: Call) -> dict[str, Any]:
        """Changes of the wallet, newest first: one row a trade, one a funding settlement.

        Without both ends of a span it is one of 24 hours, unlike other lists.
        """
        wanted = call.one_of("type", LOG_TYPES)
        since, until = span(call, width_ms=DAY_MS)
        found = [
            row
            for row in self._traded(since, until)
            if wanted in {"", "TRADE" if isinstance(row, Trade) else "SETTLEMENT"}
        ]
        shown, cursor = page(call, found, default=20, most=50)
        return {"list": [self._log_row(row) for row in shown], "nextPageCursor": cursor}

    def _log_row(self, row: Trade | Income) -> dict[str, Any]:
        if isinstance(row, Income):
            shown = self._rows.funding(row)
            fee, change, flow, kind = "0", plain(row.usd), "0", "SETTLEMENT"
            names = {"orderId": shown["orderId"], "orderLinkId": ""}
        else:
            shown = self._rows.trade(row)
            fee, flow, kind = plain(row.fee_usd), plain(row.realized_usd), "TRADE"
            change = plain(row.realized_usd - row.fee_usd)
            root = self._rows.root(self._core.orders[row.order_id])
            names = {"orderId": order_name(root.id), "orderLinkId": link_of(root)}
        return {
            "id": exec_name(row.symbol, f"log-{kind}", row.id),
            "symbol": shown["symbol"],
            "category": "linear",
            "side": shown["side"],
            "transactionTime": shown["execTime"],
            "type": kind,
            "qty": shown["execQty"],
            "size": "",
            "currency": "USDT",
            "tradePrice": shown["execPrice"],
            "funding": change if kind == "SETTLEMENT" else "",
            "fee": fee,
            "cashFlow": flow,
            "change": change,
            "cashBalance": plain(self._balance_after(row)),
            "feeRate": shown["feeRate"],
            "bonusChange": "",
            "tradeId": shown["execId"],
            **names,
        }

    def _balance_after(self, row: Trade | Income) -> Decimal:
        later = (income.usd for income in self._core.incomes if income.at > row.at)
        return self._core.balance_usd - sum(later, Decimal(0))


def _type_of(row: Trade | Income) -> str:
    return exec_type(row) if isinstance(row, Trade) else "Funding"
