"""What Binance's user stream tells of orders and of the account.

Sources: Binance USD-M futures "Event: Order Update", "Event: Algo Order Update", "Event: Balance
and Position Update", "Event: Account Configuration Update".
"""

from typing import Any

from bot.model.instrument import display_symbol
from bot.model.primitives import ZERO, Millis
from bot.sim.emulator.binance_rows import (
    FAILURES,
    STATUSES,
    TIMES_IN_FORCE,
    Risk,
    algo_status,
    order_type,
    side_text,
    working_type,
)
from bot.sim.emulator.binance_words import QUOTE, plain, price_text, qty_text, usd_text
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Happening, HoldingChanged, Order, OrderChanged, Status, Trade

REASONS = {"order": "ORDER", "funding": "FUNDING_FEE"}


def user_messages(core: Emulator, happening: Happening) -> list[dict[str, Any]]:
    """The messages that a happening brings, in their order."""
    if isinstance(happening, HoldingChanged):
        return _account_messages(core, happening)
    order, at = happening.order, happening.at
    if order.is_conditional:
        return [_algo_update(core, order, at, child=None)]
    messages = [_order_update(core, happening)]
    if order.parent_id is not None and not order.is_working:
        parent = core.orders[order.parent_id]
        messages.append(_algo_update(core, parent, at, child=order))
    return messages


def _order_update(core: Emulator, happening: OrderChanged) -> dict[str, Any]:
    order, trade, at = happening.order, happening.trade, happening.at
    asked = order.asked
    instrument = core.instruments[asked.symbol]
    kind = order_type(asked)
    row = {
        "s": display_symbol(asked.symbol),
        "c": order.client_id,
        "S": side_text(asked.side),
        "o": kind,
        "f": TIMES_IN_FORCE[asked.time_in_force],
        "q": qty_text(asked.qty, instrument),
        "p": price_text(asked.price, instrument),
        "ap": usd_text(order.average_price or ZERO),
        "sp": "0",
        "x": _execution(order, trade),
        "X": STATUSES[order.status],
        "i": order.id,
        "l": qty_text(trade.qty if trade else ZERO, instrument),
        "z": qty_text(order.filled_qty, instrument),
        "L": price_text(trade.price if trade else None, instrument),
        "T": at,
        "t": trade.id if trade else 0,
        "b": "0",
        "a": "0",
        "m": trade.is_maker if trade else False,
        "R": asked.is_reduce_only,
        "wt": working_type(asked),
        "ot": "STOP_MARKET" if order.parent_id is not None else kind,
        "ps": "BOTH",
        "cp": False,
        "rp": usd_text(trade.realized_usd if trade else ZERO),
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    if trade is not None:
        row |= {"N": QUOTE, "n": usd_text(trade.fee_usd)}
    return {"e": "ORDER_TRADE_UPDATE", "E": at, "T": at, "o": row}


def _execution(order: Order, trade: Trade | None) -> str:
    if trade is not None:
        return "TRADE"
    return STATUSES[order.status]


def _algo_update(
    core: Emulator, order: Order, at: Millis, *, child: Order | None
) -> dict[str, Any]:
    """An order of the algo service; `child` is what it has sent, once that has ended."""
    asked = order.asked
    instrument = core.instruments[asked.symbol]
    average = (child.average_price if child else None) or ZERO
    row = {
        "caid": order.client_id,
        "aid": order.id,
        "at": "CONDITIONAL",
        "o": order_type(asked),
        "s": display_symbol(asked.symbol),
        "S": side_text(asked.side),
        "ps": "BOTH",
        "f": TIMES_IN_FORCE[asked.time_in_force],
        "q": qty_text(ZERO if asked.closes_position else asked.qty, instrument),
        "X": algo_status(order, child),
        "ai": "" if order.child_id is None else str(order.child_id),
        "ap": usd_text(average) if average else "0.00000",
        "aq": qty_text(child.filled_qty if child else ZERO, instrument),
        "act": "MARKET" if order.status is Status.TRIGGERED else "0",
        "tp": price_text(asked.trigger_price, instrument),
        "p": price_text(asked.price, instrument),
        "V": "EXPIRE_MAKER",
        "wt": working_type(asked),
        "pm": "NONE",
        "cp": asked.closes_position,
        "pP": False,
        "R": asked.is_reduce_only,
        "tt": order.triggered_at or 0,
        "gtd": 0,
    }
    if order.status is Status.REJECTED and order.why is not None:
        row["rm"] = FAILURES.get(order.why, order.why.value)
    return {"e": "ALGO_UPDATE", "T": at, "E": at, "o": row}


def _account_messages(core: Emulator, happening: HoldingChanged) -> list[dict[str, Any]]:
    symbol, at = happening.symbol, happening.at
    if happening.reason == "settings":
        config = {"s": display_symbol(symbol), "l": core.leverages[symbol]}
        return [{"e": "ACCOUNT_CONFIG_UPDATE", "E": at, "T": at, "ac": config}]
    instrument = core.instruments[symbol]
    held = happening.holding
    is_isolated = core.margin_modes[symbol] == "isolated"
    wallet = usd_text(happening.balance_usd)
    position = {
        "s": display_symbol(symbol),
        "pa": qty_text(held.qty if held else ZERO, instrument),
        "ep": plain(held.entry_price) if held else "0",
        "bep": plain(held.entry_price) if held else "0",
        "cr": usd_text(sum((row.usd for row in core.incomes if row.kind == "realized"), ZERO)),
        "up": usd_text(core.unrealized_usd(symbol)),
        "mt": "isolated" if is_isolated else "cross",
        "iw": usd_text(core.margin_used(symbol)) if is_isolated else "0",
        "ps": Risk(core, symbol).side_text,
    }
    # A crossed position's funding tells the balance alone.
    is_told = happening.reason != "funding" or is_isolated
    update = {
        "m": REASONS[happening.reason],
        "B": [{"a": QUOTE, "wb": wallet, "cw": wallet, "bc": "0"}],
        "P": [position] if is_told else [],
    }
    return [{"e": "ACCOUNT_UPDATE", "E": at, "T": at, "a": update}]
