"""What Binance's user stream tells: orders, trades, conditional orders, and that something moved.

Shapes: "Event: Order Update", "Event: Algo Order Update", "Event: Balance and Position Update".
The endpoints' long names are put in place of the stream's letters, so that one decoder reads both.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from bot.model.order import OrderReport
from bot.model.primitives import Symbol
from bot.venue.decode.binanceusdm import Stop, Trade, order_of, stop_of, trade_of
from bot.venue.decode.fields import as_row, optional_text_of, text_of


class OrderNews(NamedTuple):
    """An ordinary order changed, or traded."""

    report: OrderReport
    trade: Trade | None


class StopNews(NamedTuple):
    """A conditional order changed."""

    stop: Stop
    why: str
    """What went wrong when it fired, in the exchange's words; mostly empty."""


class Moved(NamedTuple):
    """Something else of the account changed; only a reading tells what."""

    why: str


class KeyExpired(NamedTuple):
    """The stream has nothing more to say: its key is over."""


News: TypeAlias = OrderNews | StopNews | Moved | KeyExpired

_ORDER_NAMES: Mapping[str, str] = {
    "clientOrderId": "c",
    "orderId": "i",
    "side": "S",
    "type": "o",
    "status": "X",
    "origQty": "q",
    "executedQty": "z",
    "avgPrice": "ap",
    "price": "p",
    "reduceOnly": "R",
    "updateTime": "T",
}
_TRADE_NAMES: Mapping[str, str] = {
    "id": "t",
    "orderId": "i",
    "side": "S",
    "qty": "l",
    "price": "L",
    "commission": "n",
    "commissionAsset": "N",
    "maker": "m",
    "time": "T",
}
_STOP_NAMES: Mapping[str, str] = {
    "algoId": "aid",
    "clientAlgoId": "caid",
    "side": "S",
    "quantity": "q",
    "algoStatus": "X",
    "actualOrderId": "ai",
    "actualQty": "aq",
    "actualPrice": "ap",
    "triggerPrice": "tp",
    "reduceOnly": "R",
}


def news_of(
    message: Any, symbols: Mapping[str, Symbol], *, quote: str, rates: Mapping[bool, Decimal]
) -> News | None:
    """Read one message; None for kinds that tell nothing new, and for symbols we do not trade.

    TRADE_LITE tells earlier and in less words what ORDER_TRADE_UPDATE tells, so it is passed over.
    ACCOUNT_UPDATE with the reason ORDER comes with every trade, which is told by itself.
    """
    row = as_row(message, "user stream")
    kind = text_of(row, "e")
    if kind == "ORDER_TRADE_UPDATE":
        return _order_news(as_row(row.get("o"), kind), symbols, quote=quote, rates=rates)
    if kind == "ALGO_UPDATE":
        return _stop_news(row, symbols)
    if kind == "ACCOUNT_UPDATE":
        reason = text_of(as_row(row.get("a"), kind), "m")
        return None if reason == "ORDER" else Moved(f"the account changed: {reason}")
    if kind == "ACCOUNT_CONFIG_UPDATE":
        return Moved("the settings of the account changed")
    if kind == "MARGIN_CALL":
        return Moved("the exchange warns of a liquidation")
    return KeyExpired() if kind == "listenKeyExpired" else None


def _order_news(
    row: Mapping[str, Any],
    symbols: Mapping[str, Symbol],
    *,
    quote: str,
    rates: Mapping[bool, Decimal],
) -> OrderNews | None:
    symbol = symbols.get(text_of(row, "s"))
    if symbol is None:
        return None
    report = order_of(_renamed(row, _ORDER_NAMES), symbol)
    if text_of(row, "x") != "TRADE":
        return OrderNews(report, None)
    trade = trade_of(_renamed(row, _TRADE_NAMES), symbol, quote=quote, rates=rates)
    return OrderNews(report, trade)


def _stop_news(message: Mapping[str, Any], symbols: Mapping[str, Symbol]) -> StopNews | None:
    row = as_row(message.get("o"), "ALGO_UPDATE")
    symbol = symbols.get(text_of(row, "s"))
    if symbol is None:
        return None
    renamed = _renamed(row, _STOP_NAMES) | {"updateTime": message.get("T")}
    return StopNews(stop_of(renamed, symbol), optional_text_of(row, "rm"))


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {long: row[letter] for long, letter in names.items() if letter in row}
