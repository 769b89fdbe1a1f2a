"""The one place where an order comes into being: derived id, row first, then the command.

An attempt rises only when the last one of that leg is conclusive: accepted, ended or refused. While
one is in flight or unknown, no other of that leg is made.
"""

from typing import Final

from msgspec.structs import replace

from bot.core import exposure, ids, orders
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.bracket import Bracket, LegRef
from bot.model.order import Leg, Order, OrderKind, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import Millis, Price, Qty

BACK_OFF_MS: Final = (0, 500, 1_000, 2_000, 4_000, 8_000)
"""Wait before the next attempt after so many that failed in a row; the last one repeats."""
_IN_DOUBT: Final = frozenset({OrderStatus.INTENDED, OrderStatus.UNKNOWN})


def place(
    state: State,
    draft: Draft,
    bracket: Bracket,
    *,
    leg: Leg,
    kind: OrderKind,
    qty: Qty,
    price: Price | None = None,
    trigger_price: Price | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
    is_beside_doubt: bool = False,
) -> Bracket:
    """Write the next attempt of a leg and send it; gives the bracket that refers to it.

    `is_beside_doubt` lets a stop go out although the fate of the last one is unknown: both are
    reduce-only and close no more than what is held, and bare is worse.
    """
    assert qty > 0, f"an order of {leg} for nothing"
    assert not is_beside_doubt or leg is Leg.STOP, "only protection may stand twice"
    is_free = is_beside_doubt or not is_in_doubt(state, bracket, leg)
    assert is_free, f"an attempt of {leg} is still in doubt"
    last = bracket.leg(leg)
    attempt = last.attempt + 1 if last else 1
    is_entry = leg is Leg.ENTRY
    side = bracket.position_side
    request = OrderRequest(
        client_id=ids.client_order_id(
            instance=state.settings.instance, bracket_id=bracket.id, leg=leg, attempt=attempt
        ),
        symbol=bracket.symbol,
        bracket_id=bracket.id,
        leg=leg,
        attempt=attempt,
        side=side.entry_side if is_entry else side.exit_side,
        kind=kind,
        qty=qty,
        price=price,
        trigger_price=trigger_price,
        time_in_force=time_in_force,
        is_reduce_only=not is_entry,
        valid_until=valid_until(state, draft.at),
    )
    assert request.client_id not in state.orders, "an id names one order"
    ref = LegRef(leg=leg, client_id=request.client_id, attempt=attempt)
    legs = tuple(row for row in bracket.legs if row.leg is not leg)
    grown = replace(bracket, legs=(*legs, ref))
    draft.put_bracket(grown)
    draft.put_order(Order(request=request, intended_at=draft.at, updated_at=draft.at))
    draft.place(request)
    return grown


def send_again(state: State, draft: Draft, order: Order) -> None:
    """Send an order that was turned away unread, under its own id."""
    again = orders.resent(order, valid_until=valid_until(state, draft.at), at=draft.at)
    draft.put_order(again)
    draft.place(again.request)


def cancel(draft: Draft, order: Order) -> None:
    """Cancel an order that works; one in doubt is resolved first, one that is over needs none."""
    if order.status is not OrderStatus.OPEN:
        return
    draft.put_order(orders.canceling(order, at=draft.at))
    draft.cancel(order)


def is_in_doubt(state: State, bracket: Bracket, leg: Leg) -> bool:
    """Whether an order of the leg may or may not exist."""
    return any(row.status in _IN_DOUBT for row in exposure.live_of(state, bracket.id, leg))


def next_attempt_at(state: State, bracket: Bracket, leg: Leg) -> Millis:
    """When the leg may be tried again, after the attempts that failed in a row."""
    failed_at, failures = Millis(0), 0
    for order in reversed(exposure.orders_of(state, bracket.id, leg)):
        if not order.is_final or order.filled_qty:
            break
        failures += 1
        failed_at = max(failed_at, order.ended_at or order.updated_at)
    # The first repetition is at once.
    wait_ms = BACK_OFF_MS[min(max(failures - 1, 0), len(BACK_OFF_MS) - 1)]
    return Millis(failed_at + wait_ms)


def valid_until(state: State, at: Millis) -> Millis:
    """Until when a request that leaves at `at` may arrive."""
    return Millis(at + int(state.settings.orders.receive_window_s * 1000))


def unsettled_until(state: State, order: Order) -> Millis:
    """From then on a request that has not arrived can no longer be accepted."""
    skew_ms = int(state.settings.orders.clock_skew_max_s * 1000)
    return Millis(order.request.valid_until + skew_ms)
