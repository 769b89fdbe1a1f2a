"""Orders at the venue that no row explains.

Ours are those whose client id follows from a bracket we know: entries among them are canceled,
exits adopted. Anybody else's are left alone and told of once.
"""

from typing import Final

from msgspec.structs import replace

from bot.core import ids, operation, orders
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import Bracket, LegRef
from bot.model.order import Leg, Order, OrderKind, OrderReport, OrderRequest
from bot.model.primitives import Millis

ATTEMPTS_AHEAD: Final = 3
"""Attempts past the newest known one whose ids are tried."""
RISEN_AFTER_MS: Final = 2_000
"""A report newer by this than the order's end is no late report: the order is there."""


def on_report(state: State, draft: Draft, report: OrderReport) -> None:
    """Judge an order that has no row."""
    found = _derived(state, report)
    if found is None:
        name = f"{report.symbol}|{report.venue_id}"
        if name not in state.desk.reported:
            state.desk.reported.add(name)
            text = f"Order {report.venue_id} at the venue is not ours and is left alone."
            draft.note("warning", "reconcile.corrected", text, report.symbol)
            if report.client_id is not None and ids.is_shaped_like_ours(report.client_id):
                # Another bot trades with this key, or this ledger has lost what it sent.
                detail = f"order {report.venue_id} on {report.symbol} was sent by another liqbot"
                cause, to = HoldCause.OTHER_INSTANCE, OperatingState.PROTECT
                operation.hold_for(state, draft, cause, detail, to=to)
        return
    bracket, ref = found
    is_trigger = report.kind is OrderKind.STOP_MARKET
    if ref.leg is Leg.ENTRY or not report.is_reduce_only:
        draft.cancel_foreign(report.symbol, report.venue_id, is_trigger=is_trigger)
        text = f"An entry of ours without a row was found ({report.venue_id}) and is canceled."
        draft.note("error", "reconcile.corrected", text, report.symbol)
        return
    request = OrderRequest(
        client_id=ref.client_id,
        symbol=report.symbol,
        bracket_id=bracket.id,
        leg=ref.leg,
        attempt=ref.attempt,
        side=report.side,
        kind=report.kind,
        qty=report.qty,
        price=report.price,
        trigger_price=report.trigger_price,
        is_reduce_only=True,
        valid_until=draft.at,
    )
    legs = tuple(row for row in bracket.legs if row.leg is not ref.leg)
    draft.put_bracket(replace(bracket, legs=(*legs, ref)))
    order = Order(request=request, intended_at=draft.at, updated_at=draft.at)
    draft.put_order(orders.reported(order, report, at=draft.at))
    text = f"The {ref.leg.value} order {report.venue_id} had no row and is adopted."
    draft.note("warning", "reconcile.corrected", text, report.symbol)


def on_risen(
    state: State, draft: Draft, order: Order, report: OrderReport, seen_at: Millis
) -> None:
    """Cancel an order that we hold to be over and that is open at the venue all the same."""
    del state
    if order.ended_at is None or seen_at < order.ended_at + RISEN_AFTER_MS:
        return
    is_trigger = report.kind is OrderKind.STOP_MARKET
    draft.cancel_foreign(report.symbol, report.venue_id, is_trigger=is_trigger)
    text = f"The {order.request.leg.value} order was {order.status.value} and is open; canceled."
    draft.note("error", "reconcile.corrected", text, report.symbol)


def _derived(state: State, report: OrderReport) -> tuple[Bracket, LegRef] | None:
    if report.client_id is None:
        return None
    for bracket in state.brackets.values():
        if bracket.symbol != report.symbol:
            continue
        for leg in Leg:
            last = bracket.leg(leg)
            known = last.attempt if last is not None else 0
            for attempt in range(1, known + ATTEMPTS_AHEAD + 1):
                name = ids.client_order_id(
                    instance=state.settings.instance,
                    bracket_id=bracket.id,
                    leg=leg,
                    attempt=attempt,
                )
                if name == report.client_id:
                    newest = max(attempt, known)
                    return bracket, LegRef(leg=leg, client_id=name, attempt=newest)
    return None
