"""The order manager's front: every event that concerns orders comes in here.

Handlers fold the event into the rows and then look at each bracket as a whole: `advance` does
whatever is missing, and nothing where nothing is. So the same code serves the first fill, a late
report, a restart and a stop canceled by hand.
"""

from typing import TypeAlias, assert_never

from bot.core import (
    accounting,
    booking,
    entries,
    exits,
    exposure,
    operation,
    orders,
    protect,
    resolve,
    risk,
    rounds,
)
from bot.core.draft import Draft
from bot.core.risk import Denied
from bot.core.state import State
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import ClosedBy
from bot.model.events import (
    CancelRejected,
    FundingPaid,
    OrderAccepted,
    OrderFilled,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.order import Order, OrderStatus
from bot.model.primitives import BracketId, ClientOrderId, Millis, Symbol
from bot.model.signal import Refusal, Signal

OrderEvent: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OrderNotProcessed
    | OrderOutcomeUnknown
    | OrderUpdated
    | OrderMissing
    | QueryFailed
    | CancelRejected
    | OrderFilled
)


def on_start(state: State, draft: Draft, at: Millis) -> None:
    """Recover: whatever was under way is in doubt until the venue has been read."""
    operation.on_start(state, draft)
    detail = "the venue has not been read since the start"
    cause = HoldCause.NOT_RECONCILED
    operation.hold_for(state, draft, cause, detail, to=OperatingState.PROTECT)
    for order in exposure.live(state):
        if order.status is OrderStatus.INTENDED and order.retry_at is None:
            # It may have left, and may still be on its way.
            resolve.doubt(state, draft, order, "the run ended while it was being sent", at)
        elif order.status is OrderStatus.CANCELING:
            # Nobody waits for the answer any more: cancel it again.
            draft.cancel(order)
            draft.put_order(orders.asked(order, at=at, is_anew=True))
    rounds.restart_clocks(state, draft)
    state.desk.want_account(at)
    on_time(state, draft, at)


def on_stop(state: State, draft: Draft, at: Millis) -> None:
    """The run is ending: unfilled entries are canceled, stops and targets stay at the venue."""
    del at
    state.desk.is_stopping = True
    entries.cancel_resting(state, draft, None, "the bot is stopping")


def on_signal(state: State, draft: Draft, signal: Signal, at: Millis) -> Refusal | None:
    """Put a signal before the risk gate, and open its bracket; gives the refusal if there is one.

    A signal that is denied may come again; the same denial of it is written down once.
    """
    verdict = risk.approve(state, signal, at)
    if isinstance(verdict, Denied):
        if state.desk.deny(signal.id, verdict.refusal.rule):
            draft.raise_signal(signal, verdict.refusal)
        return verdict.refusal
    state.desk.denied.pop(signal.id, None)
    draft.raise_signal(signal, None)
    entries.open_bracket(state, draft, verdict)
    return None


def on_order_event(state: State, draft: Draft, event: OrderEvent) -> None:
    """Fold an answer or a report into its order, then see to its bracket."""
    match event:
        case OrderFilled(fill=fill):
            booking.take(state, draft, fill)
            resolve.watch(state, draft, fill.symbol)
            for bracket in exposure.brackets_on(state, fill.symbol):
                advance(state, draft, bracket.id)
            operation.check_limits(state, draft)
        case OrderUpdated(report=report):
            _on_answer(state, draft, event, report.client_id)
        case _:
            _on_answer(state, draft, event, event.client_id)
    rounds.fetch_if_due(state, draft)


def on_price(state: State, draft: Draft, symbol: Symbol, at: Millis) -> None:
    """Watch stops and targets against the new mark, and the limits against the new equity."""
    del at
    is_exposed = False
    for bracket in exposure.brackets_on(state, symbol):
        is_exposed = True
        protect.on_price(state, draft, bracket)
        if operation.may_exit(state):
            exits.on_price(state, draft, state.brackets[bracket.id])
    if is_exposed:
        operation.check_limits(state, draft)


def on_funding(state: State, draft: Draft, event: FundingPaid) -> None:
    """Book a funding payment once."""
    accounting.book_funding(state, draft, event)
    operation.check_limits(state, draft)


def on_time(state: State, draft: Draft, at: Millis) -> None:
    """Run every timer that is due."""
    state.desk.timed_at = at
    accounting.roll_day(state, draft, at)
    operation.on_time(state, draft)
    for order in exposure.live(state):
        resolve.advance(state, draft, state.orders[order.request.client_id])
        resolve.watch(state, draft, order.request.symbol)
    advance_all(state, draft)
    rounds.fetch_if_due(state, draft)


def next_due_at(state: State) -> Millis | None:
    """The earliest instant at which `on_time` would do something; None: nothing is waiting."""
    dues = [operation.next_due_at(state), rounds.next_due_at(state)]
    if state.account is not None:
        dues.append(accounting.next_midnight(state.at))
    dues += [resolve.next_due_at(state, order) for order in exposure.live(state)]
    for bracket in state.brackets.values():
        dues += [module.next_due_at(state, bracket) for module in (entries, protect, exits)]
    # What was due when the timers last ran has had its turn, and waits for something else.
    had_turn = state.desk.timed_at or 0
    return min((due for due in dues if due is not None and due > had_turn), default=None)


def close_bracket(state: State, draft: Draft, bracket_id: BracketId, closed_by: ClosedBy) -> None:
    """Close a bracket for a reason of its strategy's or the operator's; twice is once.

    Where exits are not managed (before the first reconcile) nothing happens: the stop stays.
    """
    bracket = state.brackets.get(bracket_id)
    if bracket is None or bracket.closed_by is not None or not operation.may_exit(state):
        return
    exits.start(state, draft, bracket, closed_by)
    advance(state, draft, bracket_id)


def cancel_entries(state: State, draft: Draft, symbol: Symbol, reason: str) -> None:
    """Cancel the entries that rest on a symbol."""
    entries.cancel_resting(state, draft, symbol, reason)


def is_busy(state: State) -> bool:
    """Whether something is under way whose outcome a stopping run should wait for."""
    under_way = {OrderStatus.INTENDED, OrderStatus.UNKNOWN, OrderStatus.CANCELING}
    return any(
        order.status in under_way or (not order.is_final and not order.request.is_reduce_only)
        for order in exposure.live(state)
    )


def advance_all(state: State, draft: Draft) -> None:
    """See to every bracket."""
    for bracket_id in list(state.brackets):
        advance(state, draft, bracket_id)


def advance(state: State, draft: Draft, bracket_id: BracketId) -> None:
    """Do for one bracket whatever is missing: entry, stop, exit, target, and its end.

    Only the last of it, `exits.finish`, ends a bracket; one that has ended needs nothing.
    """
    if bracket_id not in state.brackets:
        return
    for part in (entries.advance, protect.advance, exits.advance, exits.advance_target):
        part(state, draft, state.brackets[bracket_id])
    bracket = state.brackets[bracket_id]
    if operation.is_flattening(state) and bracket.closed_by is None:
        exits.start(state, draft, bracket, ClosedBy.OPERATOR)
    exits.finish(state, draft, state.brackets[bracket_id])


def _on_answer(
    state: State, draft: Draft, event: OrderEvent, client_id: ClientOrderId | None
) -> None:
    order = state.orders.get(client_id) if client_id is not None else None
    if order is None:
        if isinstance(event, QueryFailed) and client_id is None:
            rounds.failed(state, draft)
        # Anything else is not ours: the next reading of the account judges it.
        return
    _fold(state, draft, order, event)
    resolve.watch(state, draft, order.request.symbol)
    advance(state, draft, order.request.bracket_id)


def _fold(state: State, draft: Draft, order: Order, event: OrderEvent) -> None:
    match event:
        case OrderUpdated(report=report):
            draft.put_order(orders.reported(order, report, at=draft.at))
            if state.orders[order.request.client_id].unbooked_qty:
                state.desk.want_account(draft.at)
        case OrderMissing(asked_at=asked_at):
            _on_missing(state, draft, order, asked_at)
        case CancelRejected():
            # It proves nothing: the order may have filled, ended, or still be there.
            if not order.is_final:
                draft.query(order)
        case QueryFailed() | OrderFilled():
            pass
        case _:
            _fold_outcome(state, draft, order, event)


def _fold_outcome(
    state: State,
    draft: Draft,
    order: Order,
    event: OrderAccepted | OrderRejected | OrderNotProcessed | OrderOutcomeUnknown,
) -> None:
    """Fold the answer to a request: it exists, it does not, it was not read, nobody knows."""
    at = draft.at
    match event:
        case OrderAccepted(venue_id=venue_id, venue_at=venue_at):
            draft.put_order(orders.accepted(order, venue_id=venue_id, venue_at=venue_at, at=at))
        case OrderRejected():
            _on_rejected(state, draft, order, event)
        case OrderNotProcessed(reason=reason, retry_at=retry_at):
            # An entry's price is old by then; what protects or closes is sent again.
            again = retry_at if order.request.is_reduce_only else None
            draft.put_order(orders.turned_away(order, reason=reason, retry_at=again, at=at))
        case OrderOutcomeUnknown(reason=reason, unsettled_until=until):
            if order.status is OrderStatus.INTENDED:
                resolve.doubt(state, draft, order, reason, until)
            elif not order.is_final:
                resolve.ask(state, draft, order)
        case _:
            assert_never(event)


def _on_rejected(state: State, draft: Draft, order: Order, event: OrderRejected) -> None:
    after = orders.rejected(order, code=event.code, reason=event.reason, at=draft.at)
    draft.put_order(after)
    if after.status is not OrderStatus.REJECTED:
        if not order.is_final:
            draft.query(order)
        return
    leg = order.request.leg.value
    severity = "warning"
    if order.request.is_reduce_only:
        # Perhaps there is nothing left to reduce: look before trying again.
        severity = "error"
        state.desk.want_account(draft.at)
    code = "" if event.code in event.reason else f" ({event.code})"
    text = f"The {leg} order was rejected: {event.reason}{code}."
    draft.note(severity, "order.rejected", text, order.request.symbol)


def _on_missing(state: State, draft: Draft, order: Order, asked_at: Millis) -> None:
    after = orders.missing(order, asked_at=asked_at, grace_ms=resolve.GRACE_MS, at=draft.at)
    draft.put_order(after)
    if after.not_found_answers >= state.settings.orders.missing_answers_min:
        state.desk.want_account(draft.at)
