"""An emulated exchange's own books beside the bot's ledger: what differs, in plain sentences.

The exchange is the truth: its trades one by one, what is held, what is in the wallet, and what
still works there. What the ledger knows besides must not be known.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from bot.model.order import Fill, Leg, Order, OrderKind
from bot.model.primitives import PositionSide, Symbol
from bot.sim.emulator.bybit_words import exec_name
from bot.sim.emulator.state import Origin
from bot.store import check
from bot.store.reader import Reader

EVERY_ROW: Final = 1_000_000
OURS: Final = frozenset({Origin.CLIENT, Origin.TRIGGER, Origin.ATTACHED})
"""Trades of orders that the bot sent, or that came of them."""
SAME_USD: Final = Decimal("0.00001")
"""Sums that are rounded at each step on one side, and at the end on the other."""
ALL: Final = Decimal(10**12)

State = Mapping[str, Any]
"""The answer of `/_emulator/state`."""


class Trade(NamedTuple):
    """A fill as both sides can tell of it."""

    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    fee_usd: Decimal
    at: int
    is_maker: bool


class Working(NamedTuple):
    """An order that still can do something, as both sides can tell of it."""

    symbol: str
    side: str
    qty: Decimal
    filled_qty: Decimal
    price: Decimal | None
    trigger_price: Decimal | None


class Ledger(NamedTuple):
    """What a ledger says, read at once."""

    problems: tuple[str, ...]
    held: Mapping[Symbol, Decimal]
    fills: list[Fill]
    orders: list[Order]
    balance_usd: Decimal
    closed_by: Counter[str]


def ledger_of(path: Path) -> Ledger:
    """Read it; whoever asks has ended the bot."""
    problems = check.examine(path).problems
    with Reader(path) as reader:
        account = reader.account()
        held = {
            row.symbol: row.open_qty * (1 if row.position_side is PositionSide.LONG else -1)
            for row in reader.open_brackets()
            if row.open_qty
        }
        return Ledger(
            problems=problems,
            held=held,
            fills=reader.fills(limit=EVERY_ROW),
            orders=reader.orders(limit=EVERY_ROW),
            balance_usd=account.balance_usd if account else Decimal(-1),
            closed_by=Counter(str(row.closed_by) for row in reader.trades(limit=EVERY_ROW)),
        )


def differences(state: State, ledger: Ledger) -> list[str]:
    """Everything in which the two do not agree, and every order that must not be there."""
    balance_usd = Decimal(state["balance_usd"])
    found = [f"the ledger says of itself: {problem}" for problem in ledger.problems]
    found += _compared("position", held_at(state), ledger.held)
    found += _compared("fill", trades_at(state), fills_in(ledger.fills))
    found += _compared("order", working_at(state), working_in(ledger.orders))
    if abs(balance_usd - ledger.balance_usd) > SAME_USD:
        found.append(f"the wallet holds {balance_usd}, and the ledger {ledger.balance_usd}")
    return found + bare(state) + orphans(state) + doubled(ledger.orders)


def held_at(state: State) -> dict[str, Decimal]:
    """Signed quantities at the exchange."""
    return {row["symbol"]: Decimal(row["qty"]) for row in state["holdings"] if Decimal(row["qty"])}


def trades_at(state: State) -> dict[str, Trade]:
    """By the id that the exchange gives to clients."""
    is_bybit = state["exchange"] == "bybit"
    return {
        exec_name(row["symbol"], "trade", row["id"])
        if is_bybit
        else f"{row['symbol']} {row['id']}": Trade(
            symbol=row["symbol"],
            side=row["side"],
            qty=Decimal(row["qty"]),
            price=Decimal(row["price"]),
            fee_usd=Decimal(row["fee_usd"]),
            at=row["at"],
            is_maker=row["is_maker"],
        )
        for row in state["trades"]
        if row["origin"] in OURS
    }


def fills_in(fills: Iterable[Fill]) -> dict[str, Trade]:
    """The ledger's, by the same ids: a Bybit id is one word, a Binance id counts in its symbol."""
    return {
        row.id if "-" in row.id else f"{row.symbol} {row.id}": Trade(
            symbol=row.symbol,
            side=row.side.value,
            qty=row.qty,
            price=row.price,
            fee_usd=row.fee_usd,
            at=row.at,
            is_maker=row.is_maker,
        )
        for row in fills
    }


def working_at(state: State) -> dict[str, Working]:
    """By client id; a stop that came with an entry has a name of the exchange's, and is its own."""
    return {
        row["client_id"]: Working(
            symbol=row["asked"]["symbol"],
            side=row["asked"]["side"],
            qty=Decimal(row["asked"]["qty"]),
            filled_qty=Decimal(row["filled_qty"]),
            price=_decimal(row["asked"]["price"]),
            trigger_price=_decimal(row["asked"]["trigger_price"]),
        )
        for row in state["orders"]
        if row["asked"]["origin"] != Origin.ATTACHED
    }


def working_in(orders: Iterable[Order]) -> dict[str, Working]:
    """The ledger's orders that are not over."""
    return {
        row.request.client_id: Working(
            symbol=row.request.symbol,
            side=row.request.side.value,
            qty=row.request.qty,
            filled_qty=row.filled_qty,
            price=row.request.price,
            trigger_price=row.request.trigger_price,
        )
        for row in orders
        if not row.is_final
    }


def bare(state: State) -> list[str]:
    """Positions without a stop for all of them."""
    stops = _stops(state)
    return [
        f"{symbol} holds {qty}, and stops of {stops[symbol, _exit_of(qty)]} protect it"
        for symbol, qty in held_at(state).items()
        if stops[symbol, _exit_of(qty)] < abs(qty)
    ]


def orphans(state: State) -> list[str]:
    """Stops, and whatever else only reduces, where there is nothing to reduce."""
    held = held_at(state)
    return [
        f"{row['asked']['symbol']} is flat, and {row['client_id']} still works there"
        for row in state["orders"]
        if row["asked"]["symbol"] not in held
        and (row["asked"]["is_reduce_only"] or row["asked"]["kind"] == OrderKind.STOP_MARKET)
    ]


def doubled(orders: Iterable[Order]) -> list[str]:
    """Brackets with more than one entry that may have been acted on."""
    entries = Counter(row.request.bracket_id for row in orders if row.request.leg is Leg.ENTRY)
    return [f"bracket {bracket} has {n} entries" for bracket, n in entries.items() if n > 1]


def _stops(state: State) -> dict[tuple[str, str], Decimal]:
    """How much is protected, by symbol and side of the stop; nothing where there is none."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in state["orders"]:
        asked = row["asked"]
        if asked["kind"] == OrderKind.STOP_MARKET:
            is_for_all = asked["origin"] == Origin.ATTACHED or asked["closes_position"]
            found[asked["symbol"], asked["side"]] += ALL if is_for_all else Decimal(asked["qty"])
    return found


def _exit_of(qty: Decimal) -> str:
    return "sell" if qty > 0 else "buy"


def _decimal(figure: str | None) -> Decimal | None:
    return None if figure is None else Decimal(figure)


def _compared(what: str, there: Mapping[Any, Any], here: Mapping[Any, Any]) -> list[str]:
    """Each name on one side alone, and each that says two things."""
    return [
        f"{what} {name}: there {there.get(name)}, in the ledger {here.get(name)}"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    ]
