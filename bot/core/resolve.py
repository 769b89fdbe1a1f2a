"""Orders in doubt: asked about until something is proved, and never ended by a timer.

An order that may or may not exist is proved absent by four things together: enough authenticated
"no such order" answers given after it could no longer arrive, its absence from the open orders, no
fill of it, and a position that the books explain without it.
"""

from collections.abc import Sequence
from typing import Final

from bot.core import exposure, operation, orders, placing
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.account import HoldCause, VenueSnapshot
from bot.model.order import Order, OrderKind, OrderStatus, TimeInForce
from bot.model.primitives import Millis, Symbol

GRACE_MS: Final = 2_000
"""How long a venue may take to show what it has accepted."""
_UNKNOWN_WAITS_MS: Final = (200, 300, 500, 1_000, 2_000)
"""Waits between questions: at 0.2, 0.5, 1, 2 and 4 s; from then on with each reconcile."""
PROOF_WAIT_MS: Final = 500
"""Between the questions that complete a proof of absence."""
_CANCELING_WAITS_MS: Final = (1_000, 2_000, 4_000)
_ENDING_WAITS_MS: Final = (500, 1_000, 2_000, 4_000)


def advance(state: State, draft: Draft, order: Order) -> None:
    """Do what time asks for on one order that is not over."""
    if order.status is OrderStatus.INTENDED:
        _advance_intended(state, draft, order)
        return
    due = _ask_at(state, order)
    if due is None or draft.at < due:
        return
    if order.status is OrderStatus.CANCELING and not order.not_found_answers:
        draft.cancel(order)
    ask(state, draft, order)


def ask(state: State, draft: Draft, order: Order) -> None:
    """Ask the venue about an order, and count the question."""
    settled_at = order.unsettled_until
    asked_at = order.queried_at
    # Once it can no longer arrive, answers begin to prove something: ask quickly again.
    is_anew = (
        settled_at is not None
        and draft.at > settled_at
        and (asked_at is None or asked_at <= settled_at)
    )
    asked = orders.asked(order, at=draft.at, is_anew=is_anew)
    draft.put_order(asked)
    draft.query(asked)
    if asked.not_found_answers >= state.settings.orders.missing_answers_min:
        state.desk.want_account(draft.at)


def doubt(state: State, draft: Draft, order: Order, reason: str, until: Millis) -> None:
    """The outcome of a request is lost: the order is unknown, and its symbol reduce-only."""
    settled_at = max(until, placing.unsettled_until(state, order))
    lost = orders.unknown(order, reason=reason, unsettled_until=settled_at, at=draft.at)
    if lost is order:
        return
    draft.put_order(lost)
    leg = order.request.leg.value
    text = f"It is not known whether the {leg} order exists ({reason}); the venue is being asked."
    draft.note("error", "order.outcome_lost", text, order.request.symbol)


def prove(state: State, draft: Draft, order: Order, snapshot: VenueSnapshot) -> None:
    """End an order that the snapshot completes the proof against.

    The caller has found the position explained, and no report of the order in the snapshot.
    """
    enough = state.settings.orders.missing_answers_min
    if order.is_final or order.status is OrderStatus.INTENDED or order.not_found_answers < enough:
        return
    settled_at = order.unsettled_until or Millis((order.accepted_at or 0) + GRACE_MS)
    if snapshot.at <= settled_at or order.unbooked_qty:
        return
    draft.put_order(orders.proved_absent(order, at=draft.at))
    leg = order.request.leg.value
    draft.note("info", "order.resolved", f"The {leg} order is proved not to be there.", _of(order))


def watch(state: State, draft: Draft, symbol: Symbol) -> None:
    """Hold entries on a symbol while an order that could add exposure there is unknown."""
    for client_id in state.desk.live():
        order = state.orders[client_id]
        is_unknown = order.status is OrderStatus.UNKNOWN and not order.request.is_reduce_only
        if is_unknown and _of(order) == symbol:
            detail = f"an entry on {symbol} is unknown: {order.reason}"
            operation.hold_for(state, draft, HoldCause.ORDER_UNKNOWN, detail, symbol=symbol)
            return
    operation.end_hold(state, draft, HoldCause.ORDER_UNKNOWN, symbol=symbol)


def next_due_at(state: State, order: Order) -> Millis | None:
    """When time next asks for something on an order."""
    if order.is_final:
        return None
    if order.status is OrderStatus.INTENDED:
        return order.retry_at or placing.unsettled_until(state, order)
    return _ask_at(state, order)


def _advance_intended(state: State, draft: Draft, order: Order) -> None:
    if order.retry_at is not None:
        if draft.at < order.retry_at:
            return
        bracket = state.brackets.get(order.request.bracket_id)
        if bracket is not None and exposure.held_qty(state, bracket):
            placing.send_again(state, draft, order)
        else:
            reason = "turned away, and no longer wanted"
            draft.put_order(orders.turned_away(order, reason=reason, retry_at=None, at=draft.at))
    elif draft.at >= placing.unsettled_until(state, order):
        doubt(state, draft, order, "no answer came", draft.at)


def _ask_at(state: State, order: Order) -> Millis | None:
    """When an order is to be asked about next; None: nothing is doubtful about it."""
    match order.status:
        case OrderStatus.UNKNOWN:
            return _next(state, order, _UNKNOWN_WAITS_MS, order.updated_at)
        case OrderStatus.CANCELING:
            return _next(state, order, _CANCELING_WAITS_MS, order.updated_at)
        case OrderStatus.OPEN if order.not_found_answers or _ends_by_itself(order):
            return _next(state, order, _ENDING_WAITS_MS, order.accepted_at or order.updated_at)
        case _:
            return None


def _next(state: State, order: Order, waits_ms: Sequence[int], since: Millis) -> Millis:
    regular_ms = int(state.settings.orders.reconcile_orders_s * 1000)
    wait_ms = waits_ms[order.queries] if order.queries < len(waits_ms) else regular_ms
    if order.not_found_answers:
        # The venue answers again and the proof has begun: what an outage used up comes back.
        wait_ms = min(wait_ms, PROOF_WAIT_MS)
    due = Millis((order.queried_at or since) + wait_ms)
    settled_at = order.unsettled_until
    if settled_at is not None and order.queried_at is not None and order.queried_at <= settled_at:
        return Millis(min(due, settled_at + _UNKNOWN_WAITS_MS[0]))
    return due


def _ends_by_itself(order: Order) -> bool:
    request = order.request
    return request.kind is OrderKind.MARKET or request.time_in_force is TimeInForce.IOC


def _of(order: Order) -> Symbol:
    return order.request.symbol
