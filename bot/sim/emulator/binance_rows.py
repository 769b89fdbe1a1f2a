"""Orders, trades and positions as Binance writes them.

Shapes: Binance USD-M futures, "Query Order", "Query Algo Order", "Account Trade List", "Position
Information V3"; placements without `avgPrice` and `cumQuote` since the UM/CM merge of 2026.
"""

from decimal import Decimal
from typing import Any

from bot.model.instrument import Instrument, display_symbol
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Side, Symbol
from bot.sim.emulator.binance_words import QUOTE, plain, price_text, qty_text, usd_text
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, Order, Origin, Status, Trade, Why

STATUSES = {
    Status.NEW: "NEW",
    Status.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
}
ALGO_STATUSES = {
    Status.NEW: "NEW",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
    Status.TRIGGERED: "TRIGGERED",
}
TIMES_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.POST_ONLY: "GTX"}
FAILURES = {
    Why.NOTHING_TO_REDUCE: "Reduce Only reject",
    Why.NO_MARGIN: "Margin is insufficient",
}
"""Reasons in ALGO_UPDATE; the first is of "Event: Algo Order Update", the other a guess."""


def side_text(side: Side) -> str:
    """BUY or SELL."""
    return side.value.upper()


def order_type(asked: NewOrder) -> str:
    """The exchange's word for what kind of order it is."""
    if asked.origin is Origin.LIQUIDATION:
        return "LIQUIDATION"
    if asked.kind is not OrderKind.STOP_MARKET:
        return asked.kind.value.upper()
    name = "TAKE_PROFIT" if asked.is_take_profit else "STOP"
    return name if asked.price is not None else f"{name}_MARKET"


def working_type(asked: NewOrder) -> str:
    """Which price a trigger looks at; ordinary orders have the default."""
    is_by_mark = asked.kind is OrderKind.STOP_MARKET and asked.is_by_mark
    return "MARK_PRICE" if is_by_mark else "CONTRACT_PRICE"


def order_row(order: Order, instrument: Instrument) -> dict[str, Any]:
    """An ordinary order, as queries and lists tell it."""
    asked = order.asked
    is_triggered = order.parent_id is not None
    # What a conditional order has sent still shows what it was: a stop.
    origin = "STOP_MARKET" if is_triggered else order_type(asked)
    return {
        "orderId": order.id,
        "symbol": display_symbol(asked.symbol),
        "status": STATUSES[order.status],
        "clientOrderId": order.client_id,
        "price": price_text(asked.price, instrument),
        "avgPrice": usd_text(order.average_price or ZERO),
        "origQty": qty_text(asked.qty, instrument),
        "executedQty": qty_text(order.filled_qty, instrument),
        "cumQuote": usd_text(order.filled_usd),
        "timeInForce": TIMES_IN_FORCE[asked.time_in_force],
        "type": order_type(asked),
        "reduceOnly": asked.is_reduce_only,
        "closePosition": False,
        "side": side_text(asked.side),
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": working_type(asked),
        "priceProtect": False,
        "origType": origin,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": order.created_at,
        "updateTime": order.updated_at,
    }


def placed_row(order: Order, instrument: Instrument, *, tells_result: bool) -> dict[str, Any]:
    """An ordinary order, as its placement is answered: without prices of what it filled."""
    row = order_row(order, instrument)
    for name in ("avgPrice", "cumQuote", "time"):
        del row[name]
    row["cumQty"] = row["executedQty"]
    if not tells_result:
        row |= {"status": "NEW", "executedQty": qty_text(ZERO, instrument)}
        row["cumQty"] = row["executedQty"]
    return row


def algo_status(order: Order, child: Order | None) -> str:
    """FINISHED once what it has sent has ended, filled or not."""
    if order.status is Status.TRIGGERED and child is not None and not child.is_working:
        return "FINISHED"
    return ALGO_STATUSES[order.status]


def algo_row(order: Order, core: Emulator) -> dict[str, Any]:
    """A conditional order, as its service tells it."""
    asked = order.asked
    instrument = core.instruments[asked.symbol]
    child = None if order.child_id is None else core.orders[order.child_id]
    is_traded = child is not None and bool(child.filled_qty)
    average = (child.average_price if child else None) or ZERO
    return {
        "algoId": order.id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": order_type(asked),
        "symbol": display_symbol(asked.symbol),
        "side": side_text(asked.side),
        "positionSide": "BOTH",
        "timeInForce": TIMES_IN_FORCE[asked.time_in_force],
        "quantity": qty_text(ZERO if asked.closes_position else asked.qty, instrument),
        "algoStatus": algo_status(order, child),
        "actualOrderId": "" if child is None else str(child.id),
        "actualPrice": usd_text(average) if is_traded else "0.00000",
        "actualQty": qty_text(child.filled_qty if child else ZERO, instrument),
        "triggerPrice": price_text(asked.trigger_price, instrument),
        "price": price_text(asked.price, instrument),
        "icebergQuantity": None,
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": working_type(asked),
        "priceMatch": "NONE",
        "closePosition": asked.closes_position,
        "priceProtect": False,
        "reduceOnly": asked.is_reduce_only,
        "createTime": order.created_at,
        "updateTime": order.updated_at if child is None else child.updated_at,
        "triggerTime": order.triggered_at or 0,
        "goodTillDate": 0,
    }


def trade_row(trade: Trade, instrument: Instrument) -> dict[str, Any]:
    """A trade of the account: it names its order by the exchange's id alone."""
    return {
        "symbol": display_symbol(trade.symbol),
        "id": trade.id,
        "orderId": trade.order_id,
        "side": side_text(trade.side),
        "price": price_text(trade.price, instrument),
        "qty": qty_text(trade.qty, instrument),
        "realizedPnl": usd_text(trade.realized_usd),
        "quoteQty": usd_text(trade.qty * trade.price),
        "commission": usd_text(trade.fee_usd),
        "commissionAsset": QUOTE,
        "time": trade.at,
        "positionSide": "BOTH",
        "buyer": trade.side is Side.BUY,
        "maker": trade.is_maker,
    }


class Risk:
    """What positions tell of one symbol, held or not."""

    def __init__(self, core: Emulator, symbol: Symbol) -> None:
        held = core.holdings.get(symbol)
        self.core = core
        self.symbol = symbol
        self.instrument = core.instruments[symbol]
        self.qty = ZERO if held is None else held.qty
        self.entry = ZERO if held is None else held.entry_price
        self.updated_at = 0 if held is None else held.updated_at
        known = symbol in core.prices
        self.mark = Decimal(repr(core.prices[symbol].mark)) if known else ZERO
        self.unrealized = core.unrealized_usd(symbol)
        self.notional = self.qty * self.mark
        self.is_isolated = core.margin_modes[symbol] == "isolated"
        self.margin = core.margin_used(symbol)
        bracket = self.instrument.tier_at(float(abs(self.notional)))
        rate = Decimal(repr(bracket.maintenance_rate))
        cum = Decimal(repr(bracket.cum_usd))
        self.maintenance = max(abs(self.notional) * rate - cum, ZERO) if self.qty else ZERO

    @property
    def side_text(self) -> str:
        """BOTH, or in hedge mode the side that is held."""
        if not self.core.is_hedge:
            return "BOTH"
        return "SHORT" if self.qty < 0 else "LONG"

    def v3(self) -> dict[str, Any]:
        """As "Position Information V3" tells it: without leverage and margin mode."""
        liquidation = self.core.liquidation_price(self.symbol)
        isolated = self.margin if self.is_isolated else ZERO
        return {
            "symbol": display_symbol(self.symbol),
            "positionSide": self.side_text,
            "positionAmt": qty_text(self.qty, self.instrument),
            "entryPrice": plain(self.entry.quantize(Decimal("1e-8"))),
            "breakEvenPrice": plain(self.entry.quantize(Decimal("1e-8"))),
            "markPrice": usd_text(self.mark),
            "unRealizedProfit": usd_text(self.unrealized),
            "liquidationPrice": usd_text(liquidation) if liquidation else "0",
            "isolatedMargin": usd_text(isolated + self.unrealized) if isolated else "0",
            "notional": usd_text(self.notional),
            "marginAsset": QUOTE,
            "isolatedWallet": usd_text(isolated) if isolated else "0",
            "initialMargin": usd_text(self.margin),
            "maintMargin": usd_text(self.maintenance),
            "positionInitialMargin": usd_text(self.margin),
            "openOrderInitialMargin": "0",
            "adl": 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": self.updated_at,
        }

    def v2(self) -> dict[str, Any]:
        """As "Position Information V2" tells it."""
        row = self.v3()
        for name in (
            "initialMargin",
            "maintMargin",
            "positionInitialMargin",
            "openOrderInitialMargin",
            "adl",
            "bidNotional",
            "askNotional",
            "marginAsset",
        ):
            del row[name]
        return row | {
            "leverage": str(self.core.leverages[self.symbol]),
            "maxNotionalValue": self.notional_max(),
            "marginType": "isolated" if self.is_isolated else "cross",
            "isAutoAddMargin": "false",
            "isolated": self.is_isolated,
            "adlQuantile": 0,
        }

    def account_v3(self) -> dict[str, Any]:
        """As "Account Information V3" tells it."""
        row = self.v3()
        return {
            "symbol": row["symbol"],
            "positionSide": row["positionSide"],
            "positionAmt": row["positionAmt"],
            "unrealizedProfit": row["unRealizedProfit"],
            "isolatedMargin": row["isolatedMargin"],
            "notional": row["notional"],
            "isolatedWallet": row["isolatedWallet"],
            "initialMargin": row["initialMargin"],
            "maintMargin": row["maintMargin"],
            "updateTime": row["updateTime"],
        }

    def notional_max(self) -> str:
        """The most that may be held at the leverage that is set."""
        leverage = self.core.leverages[self.symbol]
        caps = [row.floor_usd for row in self.instrument.tiers if row.leverage_max < leverage]
        return str(int(min(caps, default=1e9)))
