"""Positions and balances that our books do not explain: doubted first, then believed.

More than we expect is dangerous at once: it is believed at the second reading that agrees, and
protected. Less than we expect leaves reduce-only orders at the venue, which do no harm, so it
takes more readings over a longer time: an empty answer is often a wrong one.
"""

from decimal import Decimal
from typing import Final

from bot.core import accounting, booking, exposure, operation, orders
from bot.core.desk import Doubt
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.account import HoldCause, VenueSnapshot
from bot.model.order import Order, OrderStatus
from bot.model.primitives import ZERO, Millis, PositionSide, Price, Qty, Symbol

GROWN_READS: Final = 2
GROWN_AGAIN_MS: Final = 1_000
GONE_READS: Final = 3
GONE_AFTER_MS: Final = 60_000
OLDER_BY_MS: Final = 500
"""A position that changed so long before a trade did not change by it; clocks of one venue."""
OLDER_FOR_MS: Final = 20_000
"""After a trade: a position that is older than it is not believed."""
BALANCE_TOLERANCE_USD: Final = Decimal("0.01")
_WHY: Final = "the venue holds what no fill of ours explains"


def judge(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """Compare every position that was asked about with the books."""
    for symbol in snapshot.symbols:
        if symbol not in state.symbols:
            continue
        _judge_symbol(state, draft, symbol, snapshot)
        _hold_unexplained(state, draft, symbol)


def judge_balance(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """Take the venue's balance over while nothing is under way: deposits, and our small errors."""
    account, desk = state.account, state.desk
    is_quiet = not state.brackets and not desk.live() and not desk.doubts
    is_newer = not state.placed_at or snapshot.at > state.placed_at[-1]
    if account is None or not is_quiet or not is_newer:
        desk.balance_doubt = None
        return
    moved = snapshot.balance_usd - account.balance_usd
    if abs(moved) < BALANCE_TOLERANCE_USD:
        desk.balance_doubt = None
    elif desk.balance_doubt is not None and desk.balance_doubt.seen == moved:
        desk.balance_doubt = None
        accounting.take_balance(state, draft, snapshot.balance_usd)
        text = f"The balance moved by {moved:+.2f} USD from outside: {snapshot.balance_usd:.2f}."
        draft.note("info", "account.updated", text)
    else:
        desk.balance_doubt = Doubt(seen=moved, since=snapshot.at)
        desk.want_account(Millis(draft.at + GROWN_AGAIN_MS))


def _judge_symbol(state: State, draft: Draft, symbol: Symbol, snapshot: VenueSnapshot) -> None:
    difference = exposure.venue_qty(state, symbol) - exposure.books_qty(state, symbol)
    if not difference:
        state.desk.doubts.pop(symbol, None)
        return
    live = [row for row in exposure.live(state) if row.request.symbol == symbol]
    is_moving = any(row.unbooked_qty for row in live) or _is_moving(state, symbol, snapshot)
    if is_moving or _is_older(state, symbol, snapshot):
        # Fills are on their way, something happened since the question was asked, or the position
        # comes from a replica that has not heard of our last fill.
        state.desk.want_account(Millis(draft.at + GROWN_AGAIN_MS))
        return
    doubt = _doubted(state, symbol, difference, snapshot.at)
    is_growth = _is_growth(state, symbol, difference)
    state.desk.want_account(
        Millis(draft.at + (GROWN_AGAIN_MS if is_growth else GROWN_AGAIN_MS * 5))
    )
    age_ms = snapshot.at - doubt.since
    unknown = [row for row in live if row.status in {OrderStatus.UNKNOWN, OrderStatus.INTENDED}]
    if is_growth and doubt.reads >= GROWN_READS and age_ms >= GROWN_AGAIN_MS:
        if unknown:
            _blame(draft, unknown, difference)
        else:
            _grow(state, draft, symbol, difference)
    elif not unknown and doubt.reads >= GONE_READS and age_ms >= GONE_AFTER_MS:
        _shrink(state, draft, symbol, difference)


def _doubted(state: State, symbol: Symbol, difference: Decimal, seen_at: Millis) -> Doubt:
    known = state.desk.doubts.get(symbol)
    if known is not None and known.seen == difference:
        doubt = Doubt(seen=difference, since=known.since, reads=known.reads + 1)
    else:
        doubt = Doubt(seen=difference, since=seen_at)
    state.desk.doubts[symbol] = doubt
    return doubt


def _is_moving(state: State, symbol: Symbol, snapshot: VenueSnapshot) -> bool:
    """Whether an order on the symbol has changed since the snapshot was asked for."""
    rows = (order for order in state.orders.values() if order.request.symbol == symbol)
    return any(
        order.updated_at >= snapshot.at and order.status is not OrderStatus.UNKNOWN
        for order in rows
    )


def _is_older(state: State, symbol: Symbol, snapshot: VenueSnapshot) -> bool:
    """Whether the position that is told dates from before the last trade that we know of.

    For so long only: it is the venue's own word, and more than we expect must be protected.
    """
    position, traded_at = state.positions.get(symbol), state.desk.traded_at.get(symbol)
    if position is None or traded_at is None:
        return False
    is_recent = snapshot.at < traded_at + OLDER_FOR_MS
    return is_recent and position.venue_at < traded_at - OLDER_BY_MS


def _is_growth(state: State, symbol: Symbol, difference: Decimal) -> bool:
    """Whether the venue holds more than the books, on the same side or from nothing."""
    return exposure.books_qty(state, symbol) * difference >= ZERO


def _blame(draft: Draft, unknown: list[Order], difference: Decimal) -> None:
    """The position proves an order that was in doubt, where it can be only that one."""
    qty = Qty(abs(difference))
    for order in unknown:
        request = order.request
        fits = request.side.sign * difference > 0 and qty <= request.qty
        if fits and not request.is_reduce_only and order.status is OrderStatus.UNKNOWN:
            draft.put_order(orders.proved_by_position(order, qty, at=draft.at))
            text = f"The position proves that the {request.leg.value} order has filled: {qty}."
            draft.note("warning", "order.resolved", text, request.symbol)
            return


def _grow(state: State, draft: Draft, symbol: Symbol, difference: Decimal) -> None:
    position = state.positions[symbol]
    side = PositionSide.LONG if difference > 0 else PositionSide.SHORT
    state.desk.doubts.pop(symbol, None)
    qty = Qty(abs(difference))
    booking.adopt(state, draft, symbol, side, qty=qty, price=position.entry_price, why=_WHY)


def _shrink(state: State, draft: Draft, symbol: Symbol, difference: Decimal) -> None:
    """Believe that part is gone: what was foreign first, then ours; a flip is adopted."""
    state.desk.doubts.pop(symbol, None)
    rest = abs(difference)
    sign = 1 if difference > 0 else -1
    foreign = state.account.foreign.get(symbol, ZERO) if state.account else ZERO
    if foreign * sign < 0:
        part = min(abs(foreign), rest)
        accounting.add_foreign(state, draft, symbol, part * sign)
        rest -= part
    for bracket in exposure.brackets_on(state, symbol):
        part = min(rest, exposure.held_qty(state, bracket))
        if part and bracket.position_side.sign * sign < 0:
            booking.shrink(state, draft, bracket, Qty(part), "read three times over a minute")
            rest -= part
    position = state.positions.get(symbol)
    if rest and position is not None:
        side = PositionSide.LONG if sign > 0 else PositionSide.SHORT
        price = Price(position.entry_price)
        booking.adopt(state, draft, symbol, side, qty=Qty(rest), price=price, why=_WHY)


def _hold_unexplained(state: State, draft: Draft, symbol: Symbol) -> None:
    """Entries on a symbol stop while it holds what is not ours, or what is not explained."""
    foreign = state.account.foreign.get(symbol, ZERO) if state.account else ZERO
    adopted = [row for row in exposure.brackets_on(state, symbol) if row.signal is None]
    cause = HoldCause.UNEXPLAINED_POSITION
    if state.desk.doubts.get(symbol) is not None:
        detail = f"the position differs from the books by {state.desk.doubts[symbol].seen}"
    elif adopted:
        detail = "a position that no trade of ours explains was adopted"
    elif abs(foreign) >= state.instruments[symbol].qty_min:
        detail = f"{foreign} on it is not ours"
    else:
        operation.end_hold(state, draft, cause, symbol=symbol)
        return
    operation.hold_for(state, draft, cause, detail, symbol=symbol)
