"""The venue's own account against our books: what it says is the truth, and fills must explain it.

One pass works everything in: fills, then orders, then positions, then what they prove. A second
pass over the same snapshot changes nothing. A snapshot contradicts nothing that is newer than its
request, and a difference is believed only when it is read again.
"""

from typing import Final

from msgspec.structs import replace

from bot.core import (
    accounting,
    booking,
    differences,
    exposure,
    foreign,
    manager,
    operation,
    orders,
    resolve,
    rounds,
)
from bot.core.draft import Draft, fill_key
from bot.core.state import State
from bot.model.account import HoldCause, OperatingState, Position, VenueSnapshot
from bot.model.events import AccountRead
from bot.model.order import Order, OrderReport, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Symbol

ASSUME_AFTER_MS: Final = 60_000
"""A reported quantity whose fills have not come by then is booked from the report."""
_CURSOR_STEP_MS: Final = 600_000
"""The cursor moves at least so far at a time, so that a quiet account writes nothing."""


def on_account(state: State, draft: Draft, event: AccountRead) -> None:
    """Work the venue's snapshot in; an answer older than the last one is dropped."""
    snapshot = event.snapshot
    state.desk.fetch_asked_at = None
    if state.last_snapshot_at is not None and snapshot.at < state.last_snapshot_at:
        rounds.fetch_if_due(state, draft)
        return
    state.last_snapshot_at = snapshot.at
    fills_before = len(state.fills_seen)
    _take_fills(state, draft, snapshot)
    if state.account is None:
        accounting.open_account(state, draft, snapshot.balance_usd, draft.at)
    _take_orders(state, draft, snapshot)
    _take_positions(state, draft, snapshot)
    differences.judge(state, draft, snapshot)
    _prove(state, draft, snapshot)
    _move_cursor(state, draft, snapshot, is_moved=len(state.fills_seen) != fills_before)
    manager.advance_all(state, draft)
    differences.judge_balance(state, draft, snapshot)
    accounting.raise_peak(state, draft)
    _end_holds(state, draft, snapshot)
    operation.check_limits(state, draft)
    _prune(state, draft)
    rounds.fetch_if_due(state, draft)


def _take_fills(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    oldest = rounds.fills_since(state, snapshot.at)
    for fill in sorted(snapshot.fills, key=lambda row: (row.at, row.symbol, row.id)):
        is_known = fill.client_id is not None and fill.client_id in state.orders
        if fill_key(fill) in state.fills_seen or fill.symbol not in state.symbols:
            continue
        if is_known or (state.account is not None and fill.at >= oldest):
            booking.take(state, draft, fill)
        elif state.account is None:
            # What came before the books began is in the position that is found now.
            draft.put_fill(fill, None)


def _take_orders(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """Fold every report; ask about ours that the snapshot should show and does not."""
    shown: set[ClientOrderId] = set()
    for report in snapshot.orders:
        order = _known(state, report)
        if order is None:
            foreign.on_report(state, draft, report)
            continue
        shown.add(order.request.client_id)
        if order.is_final and report.status is OrderStatus.OPEN:
            foreign.on_risen(state, draft, order, report, snapshot.at)
            continue
        draft.put_order(orders.reported(order, report, at=draft.at))
        if order.status is OrderStatus.UNKNOWN:
            leg = order.request.leg.value
            text = f"The {leg} order exists at the venue: {report.status.value}."
            draft.note("info", "order.resolved", text, report.symbol)
    for order in exposure.live(state):
        if order.request.symbol not in snapshot.symbols or order.request.client_id in shown:
            continue
        works = order.status in {OrderStatus.OPEN, OrderStatus.CANCELING}
        if works and (order.accepted_at or 0) < snapshot.at - resolve.GRACE_MS:
            resolve.ask(state, draft, order)


def _take_positions(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """Remember what the venue holds; a leverage that moved by itself holds the symbol."""
    found: dict[Symbol, Position] = {row.symbol: row for row in snapshot.positions if row.qty}
    for symbol in snapshot.symbols:
        before, after = state.positions.get(symbol), found.get(symbol)
        if after is None:
            state.positions.pop(symbol, None)
            continue
        state.positions[symbol] = after
        if before is not None and before.leverage != after.leverage:
            detail = f"leverage went from {before.leverage} to {after.leverage} from outside"
            cause = HoldCause.ACCOUNT_CHANGED
            operation.hold_for(state, draft, cause, detail, symbol=symbol)


def _prove(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """End what is proved absent; book what was reported long ago and never came as fills."""
    shown = {order.request.client_id for row in snapshot.orders if (order := _known(state, row))}
    for order in exposure.live(state):
        symbol = order.request.symbol
        if symbol not in snapshot.symbols:
            continue
        if order.unbooked_qty and order.updated_at <= snapshot.at - ASSUME_AFTER_MS:
            booking.assume(state, draft, order)
            continue
        is_explained = exposure.venue_qty(state, symbol) == exposure.books_qty(state, symbol)
        if is_explained and order.request.client_id not in shown:
            resolve.prove(state, draft, order, snapshot)


def _move_cursor(state: State, draft: Draft, snapshot: VenueSnapshot, *, is_moved: bool) -> None:
    account = state.account
    assert account is not None, "the first reading opens the books"
    if snapshot.at > account.fills_cursor and (
        is_moved or snapshot.at - account.fills_cursor >= _CURSOR_STEP_MS
    ):
        draft.put_account(replace(account, fills_cursor=snapshot.at))


def _end_holds(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    for symbol in sorted(
        {order.request.symbol for order in exposure.live(state)} | set(snapshot.symbols)
    ):
        resolve.watch(state, draft, symbol)
    for hold in state.operation.holds:
        if hold.cause is HoldCause.CLOCK_JUMPED and snapshot.at >= hold.since:
            operation.end_hold(state, draft, HoldCause.CLOCK_JUMPED)
        if hold.cause is HoldCause.NOT_RECONCILED:
            _end_recovery(state, draft)
    if operation.is_flattening(state):
        _end_flatten(state, draft, snapshot)


def _end_recovery(state: State, draft: Draft) -> None:
    """Books and venue agree: trade. Until then exits are managed and nothing is opened."""
    in_doubt = [row for row in exposure.live(state) if row.status is OrderStatus.UNKNOWN]
    if not in_doubt and not state.desk.doubts:
        operation.end_hold(state, draft, HoldCause.NOT_RECONCILED)
        draft.note("info", "reconcile.finished", "Books and venue agree.")
        return
    detail = f"{len(in_doubt)} orders are unknown, {len(state.desk.doubts)} positions unexplained"
    operation.hold_for(state, draft, HoldCause.NOT_RECONCILED, detail, to=OperatingState.HOLD)


def _end_flatten(state: State, draft: Draft, snapshot: VenueSnapshot) -> None:
    """Verified flat: no bracket, no order, and a reading after the last write that agrees."""
    is_newer = not state.placed_at or snapshot.at > state.placed_at[-1]
    is_over = not state.brackets and not state.desk.live()
    is_agreed = all(
        exposure.venue_qty(state, symbol) == exposure.books_qty(state, symbol)
        for symbol in state.symbols
    )
    if is_over and is_newer and is_agreed:
        operation.flattened(state, draft)
    else:
        state.desk.want_account(Millis(draft.at + rounds.GAP_MS))


def _prune(state: State, draft: Draft) -> None:
    """Let go of orders that ended long ago; until then they absorb what comes late."""
    oldest = draft.at - int(state.settings.orders.tombstone_s * 1000)
    gone = [
        order
        for order in state.orders.values()
        if order.ended_at is not None
        and order.ended_at < oldest
        and order.is_final
        and order.request.bracket_id not in state.brackets
    ]
    for order in gone:
        del state.orders[order.request.client_id]
        state.desk.forget(order)


def _known(state: State, report: OrderReport) -> Order | None:
    return state.orders.get(report.client_id) if report.client_id is not None else None
