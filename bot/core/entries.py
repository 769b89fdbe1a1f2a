"""Opening a bracket, and what becomes of an entry that does not fill.

An IOC entry takes up to a slippage cap; a post-only entry rests until its timeout. An entry is
never repeated: its price belongs to the moment of its signal.
"""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.core import exposure, ids, operation, placing
from bot.core.draft import Draft
from bot.core.risk import Approved
from bot.core.state import State
from bot.model.bracket import Bracket, BracketStatus
from bot.model.order import Leg, Order, OrderKind, OrderStatus, TimeInForce
from bot.model.primitives import Millis, Price, Symbol
from bot.model.signal import EntryStyle, Signal

_BPS: Final = Decimal("0.0001")


def open_bracket(state: State, draft: Draft, approved: Approved) -> None:
    """Write the bracket and its entry, and send the entry."""
    signal = approved.signal
    is_ioc = signal.entry_style is EntryStyle.IOC
    bracket = Bracket(
        id=ids.bracket_id(signal.id),
        symbol=signal.symbol,
        position_side=signal.position_side,
        signal=signal,
        qty=approved.qty,
        stop_price=signal.stop_price,
        target_price=signal.target_price,
        risk_usd=approved.risk_usd,
        opened_at=draft.at,
        is_floating=signal.is_floating,
    )
    placing.place(
        state,
        draft,
        bracket,
        leg=Leg.ENTRY,
        kind=OrderKind.LIMIT,
        qty=approved.qty,
        price=_capped(state, signal) if is_ioc else signal.entry_price,
        time_in_force=TimeInForce.IOC if is_ioc else TimeInForce.POST_ONLY,
    )


def advance(state: State, draft: Draft, bracket: Bracket) -> None:
    """See to the entry of one bracket: it fills, runs out of time, or is no longer wanted."""
    if bracket.status is BracketStatus.ENTERING and exposure.held_qty(state, bracket):
        is_unwanted = bracket.closed_by is not None
        status = BracketStatus.CLOSING if is_unwanted else BracketStatus.OPEN
        bracket = replace(bracket, status=status)
        draft.put_bracket(bracket)
        qty = exposure.held_qty(state, bracket)
        text = f"{bracket.position_side.value} {qty} of {bracket.qty} entered."
        draft.note("info", "bracket.opened", text, bracket.symbol)
    for entry in exposure.live_of(state, bracket.id, Leg.ENTRY):
        if entry.status is OrderStatus.OPEN and _is_over(state, draft, bracket, entry):
            placing.cancel(draft, entry)


def cancel_resting(state: State, draft: Draft, symbol: Symbol | None, reason: str) -> None:
    """Cancel entries that work, on one symbol or on all; calling it again changes nothing."""
    for bracket in list(state.brackets.values()):
        if symbol is not None and bracket.symbol != symbol:
            continue
        for entry in exposure.live_of(state, bracket.id, Leg.ENTRY):
            if entry.status is OrderStatus.OPEN:
                placing.cancel(draft, entry)
                draft.note("info", "order.canceled", f"Entry canceled: {reason}", bracket.symbol)


def next_due_at(state: State, bracket: Bracket) -> Millis | None:
    """When an entry that works runs out of time."""
    entries = exposure.live_of(state, bracket.id, Leg.ENTRY)
    return min((_ends_at(state, row) for row in entries if not row.is_final), default=None)


def _is_over(state: State, draft: Draft, bracket: Bracket, entry: Order) -> bool:
    is_unwanted = bracket.closed_by is not None or bracket.status is BracketStatus.CLOSING
    is_held = state.desk.is_stopping or not operation.may_work(state)
    return is_unwanted or is_held or draft.at >= _ends_at(state, entry)


def _ends_at(state: State, entry: Order) -> Millis:
    """An IOC order ends by itself at once; one that does not is helped along."""
    settings = state.settings.orders
    is_ioc = entry.request.time_in_force is TimeInForce.IOC
    timeout_s = settings.receive_window_s if is_ioc else settings.entry_timeout_s
    return Millis(entry.intended_at + int(timeout_s * 1000))


def _capped(state: State, signal: Signal) -> Price:
    """The entry price and the slippage allowed, on the tick that keeps within both."""
    instrument = state.instruments[signal.symbol]
    side = signal.position_side.entry_side
    cap = Decimal(repr(state.settings.orders.slippage_cap_bps)) * _BPS
    price = instrument.price_passive(signal.entry_price * (1 + cap * side.sign), side)
    return price if (price - signal.entry_price) * side.sign > 0 else signal.entry_price
