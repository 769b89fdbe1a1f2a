"""Rows as Binance's documentation writes them, each field changeable."""

from decimal import Decimal
from typing import Any

from tests.fakes.contracts import BTC, NOON
from tests.fakes.live_binance import id_of

SYMBOLS = {"BTCUSDT": BTC}
RATES = {True: Decimal("0.0002"), False: Decimal("0.0005")}
OURS = id_of("entry")
STOP = id_of("stop")
WITHOUT: Any = object()
"""As a value: the field is not there."""


def _with(row: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (row | changes).items() if value is not WITHOUT}


def order_row(**changes: Any) -> dict[str, Any]:
    """ "Query Order": an entry that rests."""
    row = {
        "orderId": 1917641,
        "symbol": "BTCUSDT",
        "status": "NEW",
        "clientOrderId": OURS,
        "price": "100.20",
        "avgPrice": "0.00000",
        "origQty": "0.500",
        "executedQty": "0.000",
        "cumQuote": "0",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "reduceOnly": False,
        "closePosition": False,
        "side": "BUY",
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "origType": "LIMIT",
        "time": NOON,
        "updateTime": NOON,
    }
    return _with(row, changes)


def algo_row(**changes: Any) -> dict[str, Any]:
    """ "Query Algo Order": a stop that waits."""
    row = {
        "algoId": 2146760,
        "clientAlgoId": STOP,
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": "0.500",
        "algoStatus": "NEW",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "triggerPrice": "95.50",
        "price": "0.00",
        "icebergQuantity": None,
        "workingType": "MARK_PRICE",
        "closePosition": False,
        "reduceOnly": True,
        "createTime": NOON,
        "updateTime": NOON,
        "triggerTime": 0,
        "goodTillDate": 0,
    }
    return _with(row, changes)


def trade_row(**changes: Any) -> dict[str, Any]:
    """ "Account Trade List": a part of the entry."""
    row = {
        "buyer": True,
        "commission": "0.02505",
        "commissionAsset": "USDT",
        "id": 698759,
        "maker": False,
        "orderId": 1917641,
        "price": "100.20",
        "qty": "0.500",
        "quoteQty": "50.10",
        "realizedPnl": "0",
        "side": "BUY",
        "positionSide": "BOTH",
        "symbol": "BTCUSDT",
        "time": NOON,
    }
    return _with(row, changes)


def position_row(**changes: Any) -> dict[str, Any]:
    """ "Position Information V3": a long; without leverage and margin mode."""
    row = {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "0.500",
        "entryPrice": "100.2",
        "breakEvenPrice": "100.25",
        "markPrice": "100.1",
        "unRealizedProfit": "-0.05",
        "liquidationPrice": "81.2",
        "isolatedMargin": "10.0",
        "notional": "50.05",
        "marginAsset": "USDT",
        "updateTime": NOON,
    }
    return _with(row, changes)


def order_message(**changes: Any) -> dict[str, Any]:
    """ "Event: Order Update": the entry fills."""
    row = {
        "s": "BTCUSDT",
        "c": OURS,
        "S": "BUY",
        "o": "LIMIT",
        "f": "IOC",
        "q": "0.500",
        "p": "100.20",
        "ap": "100.15",
        "sp": "0",
        "x": "TRADE",
        "X": "FILLED",
        "i": 1917641,
        "l": "0.500",
        "z": "0.500",
        "L": "100.15",
        "N": "USDT",
        "n": "0.02503",
        "T": NOON,
        "t": 698759,
        "m": False,
        "R": False,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "rp": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": NOON, "T": NOON, "o": _with(row, changes)}


def algo_message(**changes: Any) -> dict[str, Any]:
    """ "Event: Algo Order Update": a stop is taken."""
    row = {
        "caid": STOP,
        "aid": 2146760,
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": "BTCUSDT",
        "S": "SELL",
        "ps": "BOTH",
        "f": "GTC",
        "q": "0.500",
        "X": "NEW",
        "ai": "",
        "ap": "0.00000",
        "aq": "0.00000",
        "act": "0",
        "tp": "95.5",
        "p": "0",
        "wt": "MARK_PRICE",
        "cp": False,
        "R": True,
        "tt": 0,
        "gtd": 0,
        "rm": "",
    }
    return {"e": "ALGO_UPDATE", "T": NOON, "E": NOON, "o": _with(row, changes)}


SYMBOL_ROW = {
    "symbol": "BTCUSDT",
    "marginType": "ISOLATED",
    "isAutoAddMargin": False,
    "leverage": 5,
    "maxNotionalValue": "1000000",
}
RIGHTS_ROW = {
    "ipRestrict": True,
    "createTime": NOON,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableFutures": True,
    "enableSpotAndMarginTrading": False,
}
CONFIG_ROW = {"feeTier": 0, "canTrade": True, "canDeposit": True, "dualSidePosition": False}
COMMISSION_ROW = {
    "symbol": "BTCUSDT",
    "makerCommissionRate": "0.000180",
    "takerCommissionRate": "0.000450",
}
FUNDING_ROW = {
    "symbol": "BTCUSDT",
    "incomeType": "FUNDING_FEE",
    "income": "-0.0375",
    "asset": "USDT",
    "time": NOON,
    "tranId": 9689322392,
    "tradeId": "",
}
