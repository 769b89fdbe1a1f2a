"""The account as Bybit writes it: rows of orders, executions, positions and the wallet.

A conditional order keeps its orderId and orderLinkId when it fires: what the emulator holds as a
parent and its child is shown as one order, and the child's trades under the parent's names.
Sources: pages "Get Open & Closed Orders", "Get Trade History", "Get Position Info" and "Get Wallet
Balance" of Bybit's v5 documentation.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bot.model.instrument import display_symbol
from bot.model.order import OrderKind
from bot.model.primitives import ZERO, Side, Symbol
from bot.sim.emulator import rules
from bot.sim.emulator.bybit_words import (
    CREATE_TYPES,
    EXEC_TYPES,
    SIDE_NAMES,
    TIME_IN_FORCE_NAMES,
    cancel_type,
    exec_name,
    order_name,
    order_status,
    order_type,
    plain,
    reject_reason,
)
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Holding, Income, Order, Origin, Trade

SLIP = Decimal("0.05")
"""A market order goes to the book as an IOC limit order this far off: its `price` is no fill."""
CENT = Decimal("0.00000001")
ISOLATED = "isolated"


class BybitRows:
    """Reads the emulator, changes nothing."""

    def __init__(self, core: Emulator) -> None:
        self._core = core
        self._fees_usd: dict[int, Decimal] = {}
        """By order."""
        self._trades_counted = 0

    # --- orders

    def root(self, order: Order) -> Order:
        """The order that was asked for: of a child, its parent."""
        return order if order.parent_id is None else self._core.orders[order.parent_id]

    def child(self, order: Order) -> Order | None:
        """The order that a conditional one has sent; None before."""
        return None if order.child_id is None else self._core.orders[order.child_id]

    def is_open(self, order: Order) -> bool:
        """Whether an order, or the one that it has sent, can still do something."""
        child = self.child(order)
        return order.is_working or (child is not None and child.is_working)

    def names(self, order: Order) -> dict[str, str]:
        """The two names of an order, all that creating and canceling answer."""
        return {"orderId": order_name(order.id), "orderLinkId": link_of(order)}

    def order(self, order: Order, *, child: Order | None = None) -> dict[str, Any]:
        """One order as it is now, or with its child as it was."""
        asked = order.asked
        child = child or self.child(order)
        working = child or order
        left = working.open_qty if working.is_working else ZERO
        price = self._price_shown(working)
        has_stop = asked.stop_loss is not None
        return {
            "category": "linear",
            "symbol": display_symbol(asked.symbol),
            **self.names(order),
            "blockTradeId": "",
            "side": SIDE_NAMES[asked.side],
            "positionIdx": 0,
            "orderStatus": order_status(order, child),
            "createType": CREATE_TYPES.get(asked.origin, _created_by(order)),
            "cancelType": cancel_type(working),
            "rejectReason": reject_reason(working),
            "price": plain(price),
            "qty": plain(asked.qty),
            "avgPrice": "" if not working.filled_qty else self._average(working),
            "leavesQty": plain(left),
            "leavesValue": plain(left * price),
            "cumExecQty": plain(working.filled_qty),
            "cumExecValue": plain(working.filled_usd),
            **self._fees(working),
            "timeInForce": _time_in_force(order),
            "orderType": order_type(order),
            "stopOrderType": _stop_type(order),
            "orderIv": "",
            "marketUnit": "",
            "isLeverage": "",
            **_trigger(order),
            "takeProfit": "",
            "stopLoss": "" if asked.stop_loss is None else plain(asked.stop_loss),
            "tpslMode": "Full" if has_stop or asked.origin is Origin.ATTACHED else "",
            "tpLimitPrice": "",
            "slLimitPrice": "",
            "tpTriggerBy": "",
            "slTriggerBy": _watched(order) if has_stop else "",
            "lastPriceOnCreated": "",
            "reduceOnly": asked.is_reduce_only,
            "closeOnTrigger": asked.closes_position,
            "placeType": "",
            "smpType": "None",
            "smpGroup": 0,
            "smpOrderId": "",
            "createdTime": str(order.created_at),
            "updatedTime": str(max(order.updated_at, working.updated_at)),
        }

    def _price_shown(self, order: Order) -> Decimal:
        if order.asked.price is not None:
            return order.asked.price
        average = order.average_price
        if average is None:
            return ZERO
        instrument = self._core.instruments[order.asked.symbol]
        return instrument.price_down(average * (1 + order.asked.side.sign * SLIP))

    def _average(self, order: Order) -> str:
        assert order.average_price is not None
        return plain(order.average_price.quantize(CENT, ROUND_HALF_UP))

    def _fees(self, order: Order) -> dict[str, Any]:
        for row in self._core.trades[self._trades_counted :]:
            known = self._fees_usd.get(row.order_id, ZERO)
            self._fees_usd[row.order_id] = known + row.fee_usd
        self._trades_counted = len(self._core.trades)
        paid = self._fees_usd.get(order.id, ZERO)
        detail = {"USDT": plain(paid)} if paid else {}
        return {"cumExecFee": plain(paid), "cumFeeDetail": detail}

    # --- executions

    def trade(self, trade: Trade) -> dict[str, Any]:
        """One execution, under the names of the order that was asked for."""
        sent = self._core.orders[trade.order_id]
        order = self.root(sent)
        value = trade.qty * trade.price
        closed = trade.qty if trade.realized_usd else ZERO
        price = self._core.prices.get(trade.symbol)
        return {
            "category": "linear",
            "symbol": display_symbol(trade.symbol),
            **self.names(order),
            "side": SIDE_NAMES[trade.side],
            "orderPrice": plain(self._price_shown(sent)),
            "orderQty": plain(sent.asked.qty),
            "leavesQty": plain(sent.open_qty),
            "createType": CREATE_TYPES.get(order.asked.origin, _created_by(order)),
            "orderType": order_type(order),
            "stopOrderType": _stop_type(order) or "UNKNOWN",
            "execFee": plain(trade.fee_usd),
            "execId": exec_name(trade.symbol, "trade", trade.id),
            "execPrice": plain(trade.price),
            "execQty": plain(trade.qty),
            "execType": exec_type(trade),
            "execValue": plain(value),
            "execTime": str(trade.at),
            "execPnl": plain(trade.realized_usd),
            "feeCurrency": "",
            "isMaker": trade.is_maker,
            "feeRate": plain((trade.fee_usd / value).quantize(CENT, ROUND_HALF_UP)),
            "tradeIv": "",
            "markIv": "",
            "markPrice": "" if price is None else plain(price.mark),
            "indexPrice": "",
            "underlyingPrice": "",
            "blockTradeId": "",
            "closedSize": plain(closed),
            "extraFees": "",
            "seq": trade.at,
        }

    def funding(self, income: Income) -> dict[str, Any]:
        """A funding settlement, which Bybit lists as an execution: a fee paid or received.

        There is no order behind it: orderType is UNKNOWN, and orderId names nothing.
        """
        symbol = income.symbol
        held = sum(
            (
                row.side.sign * row.qty
                for row in self._core.trades
                if row.symbol == symbol and row.at <= income.at
            ),
            ZERO,
        )
        settled = self._core.tape.settled.get(symbol, [])
        row = next((row for row in settled if row.at == income.at), None)
        mark = ZERO if row is None else Decimal(repr(row.mark))
        name = exec_name(symbol, "funding", income.id)
        return {
            "category": "linear",
            "symbol": display_symbol(symbol),
            "orderId": exec_name(symbol, "settlement", income.id),
            "orderLinkId": "",
            "side": SIDE_NAMES[Side.BUY if held > 0 else Side.SELL],
            "orderPrice": "0",
            "orderQty": "0",
            "leavesQty": "0",
            "createType": "",
            "orderType": "UNKNOWN",
            "stopOrderType": "UNKNOWN",
            "execFee": plain(-income.usd),
            "execId": name,
            "execPrice": plain(mark),
            "execQty": plain(abs(held)),
            "execType": "Funding",
            "execValue": plain(abs(held) * mark),
            "execTime": str(income.at),
            "execPnl": "0",
            "feeCurrency": "",
            "isMaker": False,
            "feeRate": "0" if row is None else plain(row.rate),
            "markPrice": plain(mark),
            "closedSize": "0",
            "extraFees": "",
            "seq": income.at,
        }

    # --- positions

    def positions(self, symbol: Symbol) -> list[dict[str, Any]]:
        """The rows of a symbol: one, or both sides of hedge mode."""
        if self._core.is_hedge:
            return [self._position(symbol, None, index) for index in (1, 2)]
        return [self._position(symbol, self._core.holdings.get(symbol), 0)]

    def _position(self, symbol: Symbol, held: Holding | None, index: int) -> dict[str, Any]:
        core = self._core
        qty = ZERO if held is None else held.qty
        price = core.prices.get(symbol)
        liquidation = core.liquidation_price(symbol)
        margin = core.margin_used(symbol)
        side = "" if held is None else SIDE_NAMES[Side.BUY if qty > 0 else Side.SELL]
        realized = (row.usd for row in core.incomes if row.symbol == symbol)
        ceiling = core.instruments[symbol].tiers[1:2]
        touched = "0" if held is None else str(held.updated_at)
        return {
            "positionIdx": index,
            "riskId": 1,
            "riskLimitValue": plain(ceiling[0].floor_usd) if ceiling else "1000000000",
            "symbol": display_symbol(symbol),
            "side": side,
            "size": plain(abs(qty)),
            "avgPrice": "0" if held is None else plain(held.entry_price.quantize(CENT)),
            "positionValue": "" if held is None else plain(abs(qty) * held.entry_price),
            "tradeMode": 0,
            "autoAddMargin": 0,
            "positionStatus": "Normal",
            "leverage": str(core.leverages[symbol]),
            "markPrice": "" if price is None else plain(price.mark),
            "liqPrice": "" if liquidation is None else plain(liquidation),
            "bustPrice": "",
            "positionIM": plain(margin.quantize(CENT)),
            "positionMM": plain(self._maintenance(symbol).quantize(CENT)),
            "positionBalance": plain(margin.quantize(CENT)),
            "tpslMode": "Full",
            "takeProfit": "",
            "stopLoss": self._stop_of(symbol),
            "trailingStop": "0",
            "unrealisedPnl": "" if held is None else plain(core.unrealized_usd(symbol)),
            "curRealisedPnl": "0",
            "cumRealisedPnl": plain(sum(realized, ZERO)),
            "adlRankIndicator": 0 if held is None else 2,
            "isReduceOnly": False,
            "mmrSysUpdatedTime": "",
            "leverageSysUpdatedTime": "",
            "createdTime": touched,
            "updatedTime": touched,
            "seq": core.version if held is not None else -1,
        }

    def attached_stop(self, symbol: Symbol) -> Order | None:
        """The stop of the position itself."""
        rows = self._core.desk.book.working(symbol, conditional=True)
        return next((row for row in rows if row.asked.origin is Origin.ATTACHED), None)

    def _stop_of(self, symbol: Symbol) -> str:
        stop = self.attached_stop(symbol)
        trigger = None if stop is None else stop.asked.trigger_price
        return "" if trigger is None else plain(trigger)

    def _maintenance(self, symbol: Symbol) -> Decimal:
        held, price = self._core.holdings.get(symbol), self._core.prices.get(symbol)
        if held is None or price is None:
            return ZERO
        notional = float(abs(held.qty)) * price.mark
        tier = self._core.instruments[symbol].tier_at(notional)
        return Decimal(repr(max(notional * tier.maintenance_rate - tier.cum_usd, 0.0)))

    # --- the wallet

    def wallet(self) -> dict[str, Any]:
        """The unified account; with isolated margin its totals of margin are empty texts."""
        core = self._core
        unrealized = sum((core.unrealized_usd(symbol) for symbol in core.holdings), ZERO)
        bound = sum((core.margin_used(symbol) for symbol in core.holdings), ZERO)
        resting = core.balance_usd - bound - core.available_usd()
        maintenance = sum((self._maintenance(symbol) for symbol in core.holdings), ZERO)
        equity = core.balance_usd + unrealized
        initial = bound + resting
        totals = {
            "accountIMRate": _rate(initial, equity),
            "accountMMRate": _rate(maintenance, equity),
            "totalMarginBalance": plain(equity.quantize(CENT)),
            "totalAvailableBalance": plain((equity - initial).quantize(CENT)),
            "totalInitialMargin": plain(initial.quantize(CENT)),
            "totalMaintenanceMargin": plain(maintenance.quantize(CENT)),
        }
        if core.account_margin_mode == ISOLATED:
            totals = dict.fromkeys(totals, "")
        realized = sum((row.usd for row in core.incomes), ZERO)
        coin = {
            "coin": "USDT",
            "equity": plain(equity.quantize(CENT)),
            "usdValue": plain(equity.quantize(CENT)),
            "walletBalance": plain(core.balance_usd.quantize(CENT)),
            "locked": "0",
            "spotHedgingQty": "0",
            "borrowAmount": "0",
            "availableToBorrow": "",
            "availableToWithdraw": "",
            "accruedInterest": "0",
            "totalOrderIM": plain(resting.quantize(CENT)),
            "totalPositionIM": plain(bound.quantize(CENT)),
            "totalPositionMM": plain(maintenance.quantize(CENT)),
            "unrealisedPnl": plain(unrealized.quantize(CENT)),
            "cumRealisedPnl": plain(realized.quantize(CENT)),
            "bonus": "0",
            "marginCollateral": True,
            "collateralSwitch": True,
        }
        return {
            "accountType": "UNIFIED",
            "accountLTV": "",
            "totalEquity": plain(equity.quantize(CENT)),
            "totalWalletBalance": plain(core.balance_usd.quantize(CENT)),
            "totalPerpUPL": plain(unrealized.quantize(CENT)),
            **totals,
            "coin": [coin],
        }


def link_of(order: Order) -> str:
    """The client's own id; what it did not name has none at Bybit."""
    return order.asked.client_id if order.asked.origin is Origin.CLIENT else ""


def exec_type(trade: Trade) -> str:
    """Trade, or what the exchange did by itself."""
    return EXEC_TYPES.get(trade.origin, "Trade")


def _created_by(order: Order) -> str:
    return "CreateByStopOrder" if order.is_conditional else "CreateByUser"


def _stop_type(order: Order) -> str:
    if not order.is_conditional:
        return ""
    return "StopLoss" if order.asked.origin is Origin.ATTACHED else "Stop"


def _watched(order: Order) -> str:
    return "MarkPrice" if order.asked.is_by_mark else "LastPrice"


def _time_in_force(order: Order) -> str:
    is_limit = order.asked.kind is OrderKind.LIMIT
    return TIME_IN_FORCE_NAMES[order.asked.time_in_force] if is_limit else "IOC"


def _trigger(order: Order) -> dict[str, Any]:
    trigger = order.asked.trigger_price
    if trigger is None:
        return {"triggerPrice": "", "triggerDirection": 0, "triggerBy": ""}
    direction = 1 if rules.is_above(order.asked) else 2
    return {
        "triggerPrice": plain(trigger),
        "triggerDirection": direction,
        "triggerBy": _watched(order),
    }


def _rate(part: Decimal, whole: Decimal) -> str:
    return plain((part / whole).quantize(Decimal("0.0001"))) if whole > 0 else "0"
