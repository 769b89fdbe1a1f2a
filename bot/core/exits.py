"""Ways out: closing at market, the resting target, and what is swept up afterwards.

Closing comes first and protection is canceled after it: a close that is refused leaves the stop
where it is. Every exit is reduce-only. The target rests only once the stop is confirmed.
"""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.core import accounting, exposure, operation, placing
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.order import Leg, Order, OrderKind, OrderStatus
from bot.model.primitives import ZERO, Millis, Qty, Usd

DUST_AFTER_FAILURES: Final = 5
"""Refused closes after which a remainder below the venue's minimum is given up as dust."""


def start(state: State, draft: Draft, bracket: Bracket, closed_by: ClosedBy) -> None:
    """Begin to close a bracket; one that is being closed goes on as it is."""
    if bracket.status is BracketStatus.CLOSING:
        return
    for entry in exposure.live_of(state, bracket.id, Leg.ENTRY):
        placing.cancel(draft, entry)
    held = exposure.held_qty(state, bracket)
    is_closing = bool(held) or bool(bracket.entered_qty)
    status = BracketStatus.CLOSING if is_closing else bracket.status
    # An entry that fills after all, while it is being canceled, is then closed for this reason.
    bracket = replace(bracket, status=status, closed_by=bracket.closed_by or closed_by)
    draft.put_bracket(bracket)
    if held:
        advance(state, draft, bracket)


def advance(state: State, draft: Draft, bracket: Bracket) -> None:
    """See to the market exit of a bracket that is being closed."""
    held = exposure.held_qty(state, bracket)
    if bracket.status is not BracketStatus.CLOSING or not held or is_in_flight(state, bracket):
        return
    instrument = state.instruments[bracket.symbol]
    qty = Qty(min(instrument.qty_down(held), instrument.qty_max))
    exits = exposure.orders_of(state, bracket.id, Leg.EXIT)
    if qty < instrument.qty_min or not qty or _is_refused_dust(state, bracket, qty, exits):
        _write_off(state, draft, bracket, held)
        return
    if draft.at < placing.next_attempt_at(state, bracket, Leg.EXIT):
        return
    if exits and exits[-1].code:
        # A resting target may hold the quantity that the close asks for: it goes, the stop stays.
        # Commands of a symbol leave in order, so the close finds the target gone.
        for target in exposure.live_of(state, bracket.id, Leg.TARGET):
            placing.cancel(draft, target)
    placing.place(state, draft, bracket, leg=Leg.EXIT, kind=OrderKind.MARKET, qty=qty)


def advance_target(state: State, draft: Draft, bracket: Bracket) -> None:
    """Rest the target for what is held; it waits for the stop and for the entry to be over."""
    held = exposure.held_qty(state, bracket)
    is_ready = (
        bracket.status is BracketStatus.OPEN
        and bracket.target_price is not None
        and bracket.unprotected_since is None
        and bracket.stop_confirmed_at is not None
        and held > 0
        and operation.may_exit(state)
        and not exposure.live_of(state, bracket.id, Leg.ENTRY)
    )
    if not is_ready:
        return
    live = exposure.live_of(state, bracket.id, Leg.TARGET)
    for target in live:
        if target.remaining_qty < held:
            placing.cancel(draft, target)
    if live or draft.at < placing.next_attempt_at(state, bracket, Leg.TARGET):
        return
    instrument = state.instruments[bracket.symbol]
    qty = instrument.qty_down(held)
    if qty >= instrument.qty_min:
        assert bracket.target_price is not None, "it is ready"
        # The venue may have changed its ticks since the price was chosen.
        price = instrument.price_passive(bracket.target_price, bracket.position_side.exit_side)
        placing.place(
            state,
            draft,
            bracket,
            leg=Leg.TARGET,
            kind=OrderKind.LIMIT,
            qty=qty,
            price=price,
        )


def on_price(state: State, draft: Draft, bracket: Bracket) -> None:
    """Close at the target where no resting order can take it."""
    mark = exposure.mark_of(state, bracket.symbol)
    if bracket.status is not BracketStatus.OPEN or bracket.target_price is None or mark is None:
        return
    is_reached = (mark - bracket.target_price) * bracket.position_side.sign >= ZERO
    is_resting = bool(exposure.live_of(state, bracket.id, Leg.TARGET))
    # Before the stop is confirmed the target is not due yet; afterwards it must rest.
    was_tried = bracket.leg(Leg.TARGET) is not None
    if is_reached and was_tried and not is_resting and exposure.held_qty(state, bracket):
        start(state, draft, bracket, ClosedBy.TARGET)


def finish(state: State, draft: Draft, bracket: Bracket) -> None:
    """Sweep up after a flat bracket: cancel what still works, and end it when all is over."""
    if exposure.held_qty(state, bracket):
        return
    orders = exposure.orders_of(state, bracket.id)
    was_held = bracket.entered_qty > 0
    for order in orders:
        # An entry that has not filled yet goes on working; one of a position that is gone does not.
        if order.request.leg is not Leg.ENTRY or was_held:
            placing.cancel(draft, order)
    orders = exposure.orders_of(state, bracket.id)
    if all(order.is_final and not order.unbooked_qty for order in orders):
        _end(state, draft, bracket)


def next_due_at(state: State, bracket: Bracket) -> Millis | None:
    """The earliest instant at which a further attempt is due."""
    held = exposure.held_qty(state, bracket)
    if not held:
        return None
    if bracket.status is BracketStatus.CLOSING and not is_in_flight(state, bracket):
        return placing.next_attempt_at(state, bracket, Leg.EXIT)
    is_retried = bracket.status is BracketStatus.OPEN and bracket.leg(Leg.TARGET) is not None
    if is_retried and not exposure.live_of(state, bracket.id, Leg.TARGET):
        return placing.next_attempt_at(state, bracket, Leg.TARGET)
    return None


def is_in_flight(state: State, bracket: Bracket) -> bool:
    """Whether a market exit is working or in doubt."""
    return bool(exposure.live_of(state, bracket.id, Leg.EXIT))


def _end(state: State, draft: Draft, bracket: Bracket) -> None:
    bracket = accounting.return_excess(state, draft, bracket)
    ended = accounting.close(state, draft, bracket)
    state.desk.want_account(draft.at)
    if ended.status is BracketStatus.ABANDONED:
        draft.note("info", "bracket.closed", "The entry ended without a fill.", bracket.symbol)
        return
    r = f" ({ended.r:+.2f} R)" if ended.r is not None else ""
    reason = ended.closed_by.value if ended.closed_by else "unknown"
    text = f"Closed by {reason}: {ended.pnl_usd:+.2f} USD{r}."
    draft.note("info", "bracket.closed", text, bracket.symbol)
    operation.check_limits(state, draft)


def _is_refused_dust(state: State, bracket: Bracket, qty: Qty, exits: list[Order]) -> bool:
    """Whether closes of less than the minimum notional have been refused often enough."""
    price = exposure.mark_of(state, bracket.symbol) or bracket.entry_price or ZERO
    if qty * price >= state.instruments[bracket.symbol].notional_min_usd:
        return False
    tail = exits[-DUST_AFTER_FAILURES:]
    refused = [order for order in tail if order.status is OrderStatus.REJECTED]
    return len(refused) == DUST_AFTER_FAILURES


def _write_off(state: State, draft: Draft, bracket: Bracket, held: Decimal) -> None:
    """A remainder too small to close becomes foreign dust at cost; the bracket can end."""
    entry = bracket.entry_price or ZERO
    draft.put_bracket(
        replace(
            bracket,
            exited_qty=Qty(bracket.exited_qty + held),
            exit_notional_usd=Usd(bracket.exit_notional_usd + held * entry),
        )
    )
    accounting.add_foreign(state, draft, bracket.symbol, held * bracket.position_side.sign)
    text = f"A remainder of {held} is below the venue's minimum and stays there as dust."
    draft.note("warning", "position.changed", text, bracket.symbol)
