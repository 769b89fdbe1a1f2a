"""What happens at an emulated exchange, line by line, and the sum of it at the end."""

import textwrap
from decimal import Decimal

from bot.model.instrument import display_symbol
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Side, Symbol
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import (
    Happening,
    Holding,
    HoldingChanged,
    Order,
    OrderChanged,
    Origin,
    Status,
    Trade,
)
from bot.story import clock, money

_BY = {
    Origin.TRIGGER: "STOPPED",
    Origin.LIQUIDATION: "LIQUID.",
    Origin.ADL: "ADL",
    Origin.MANUAL: "BY HAND",
    Origin.SETTLEMENT: "SETTLED",
}
_ENDS = {
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
}
_KINDS = {
    TimeInForce.GTC: "resting",
    TimeInForce.IOC: "at once or not at all",
    TimeInForce.POST_ONLY: "resting, post-only",
}


def told(happening: Happening) -> str | None:
    """One line, or None where the line before says it already."""
    if isinstance(happening, HoldingChanged):
        return _held(happening)
    if happening.trade is not None:
        return _traded(happening, happening.trade)
    order = happening.order
    if order.status is Status.TRIGGERED:
        trigger = money(order.asked.trigger_price)
        return _line(happening.at, order.asked.symbol, "TRIGGER", f"the stop at {trigger} fires")
    if order.status in _ENDS:
        why = f": {str(order.why).replace('_', ' ')}" if order.why else ""
        return _line(happening.at, order.asked.symbol, _ENDS[order.status], f"{_name(order)}{why}")
    if order.asked.origin in _BY or order.asked.kind is OrderKind.MARKET:
        return None  # It trades at once, and that is told.
    return _line(happening.at, order.asked.symbol, _word(order), _asked(order))


def summary(core: Emulator, *, begun_usd: Decimal) -> str:
    """Trades, costs and the result, and what is still held."""
    fees = sum((trade.fee_usd for trade in core.trades), ZERO)
    realized = sum((trade.realized_usd for trade in core.trades), ZERO)
    funding = sum((row.usd for row in core.incomes if row.kind == "funding"), ZERO)
    result = core.balance_usd - begun_usd
    count = len(core.trades)
    fills = f"{count} fill{'' if count == 1 else 's'}" if count else "no fills"
    lines = textwrap.wrap(
        f"{fills}: {result:+,.2f} USDT (realized {realized:+,.2f}, fees {-fees:+,.2f}, "
        f"funding {funding:+,.2f}); balance {core.balance_usd:,.2f} USDT.",
        80,
    )
    for symbol, held in core.holdings.items():
        lines.append(
            f"{display_symbol(symbol)} is still {_position(held)}, "
            f"{core.unrealized_usd(symbol):+,.2f} USDT at the mark."
        )
    waiting = sum(order.is_working for order in core.orders.values())
    if waiting:
        lines.append(f"{waiting} order{'' if waiting == 1 else 's'} still open.")
    if not core.holdings and not waiting:
        lines.append("Nothing is held, no order is open.")
    return "\n".join(lines)


def _held(happening: HoldingChanged) -> str | None:
    symbol, held = happening.symbol, happening.holding
    balance = f"balance {happening.balance_usd:,.2f}"
    if happening.reason == "funding":
        return _line(happening.at, symbol, "FUNDING", balance)
    if happening.reason == "settings":
        return _line(happening.at, symbol, "SETTINGS", "leverage or margin mode were set")
    if held is None or not held.qty:
        return _line(happening.at, symbol, "FLAT", balance)
    return _line(happening.at, symbol, "HOLDS", f"{_position(held)}, {balance}")


def _position(held: Holding) -> str:
    side = "LONG" if held.qty > 0 else "SHORT"
    return f"{side} {abs(held.qty)} from {money(held.entry_price)}"


def _traded(happening: OrderChanged, trade: Trade) -> str:
    order = happening.order
    part = "" if order.status is Status.FILLED else f" of {order.asked.qty}"
    text = f"{trade.side} {trade.qty}{part} at {money(trade.price)}, fee {trade.fee_usd:.2f}"
    if trade.realized_usd:
        text += f", realized {trade.realized_usd:+,.2f}"
    return _line(happening.at, trade.symbol, _BY.get(trade.origin, "FILLED"), text)


def _word(order: Order) -> str:
    if order.is_conditional:
        return "TARGET" if order.asked.is_take_profit else "STOP"
    return "ORDER"


def _asked(order: Order) -> str:
    asked = order.asked
    what = "all" if asked.closes_position else str(asked.qty)
    reduces = ", reduce-only" if asked.is_reduce_only else ""
    if order.is_conditional:
        watched = "mark" if asked.is_by_mark else "last price"
        return f"{asked.side} {what} when the {watched} is at {money(asked.trigger_price)}{reduces}"
    better = "lower" if asked.side is Side.BUY else "higher"
    how = _KINDS[asked.time_in_force]
    return f"{asked.side} {what} at {money(asked.price)} or {better}, {how}{reduces}"


def _name(order: Order) -> str:
    asked = order.asked
    filled = f", {order.filled_qty} filled" if order.filled_qty else ""
    kind = "stop" if order.is_conditional else "order"
    price = asked.trigger_price if order.is_conditional else asked.price
    where = f" at {money(price)}" if price is not None else ""
    return f"{kind} to {asked.side} {asked.qty}{where}{filled}"


def _line(at: int, symbol: Symbol, word: str, text: str) -> str:
    return f"{clock(at)}  {display_symbol(symbol):<9} {word:<8} {text}"
