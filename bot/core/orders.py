"""What the venue's answers make of an order: pure folding, in any order, any number of times.

Merging is monotone: the filled quantity only grows, and a status only moves along TRANSITIONS.
A final status absorbs every later status, but never a fill. The venue's answers are input, so what
does not fit is absorbed here; a move outside the table is our own bug and crashes.
Each function gives back the same object when nothing has changed.
"""

from typing import Final

from msgspec.structs import replace

from bot.model.order import TRANSITIONS, Fill, Order, OrderReport, OrderStatus
from bot.model.primitives import Millis, Price, Qty, Usd, VenueOrderId

_S = OrderStatus
_UNANSWERED: Final = frozenset({_S.INTENDED, _S.UNKNOWN})
"""States in which it is not known that the order exists."""


def accepted(order: Order, *, venue_id: VenueOrderId, venue_at: Millis, at: Millis) -> Order:
    """An id came back: it exists."""
    if order.status in _UNANSWERED:
        order = _moved(order, _S.OPEN, at)
    if order.venue_id == venue_id:
        return order
    return replace(
        order,
        venue_id=venue_id,
        venue_at=max(order.venue_at or venue_at, venue_at),
        updated_at=at,
    )


def rejected(order: Order, *, code: str, reason: str, at: Millis) -> Order:
    """The venue proves that the order does not exist; absorbed where it is known to exist."""
    if order.status not in _UNANSWERED or order.filled_qty:
        return order
    return replace(_moved(order, _S.REJECTED, at), code=code, reason=reason)


def turned_away(order: Order, *, reason: str, retry_at: Millis | None, at: Millis) -> Order:
    """Turned away unread: to be sent again at `retry_at`, or never where that is None."""
    if order.status is _S.INTENDED and retry_at is not None:
        return replace(order, retry_at=retry_at, reason=reason, updated_at=at)
    return rejected(order, code="not_processed", reason=reason, at=at)


def resent(order: Order, *, valid_until: Millis, at: Millis) -> Order:
    """The same order goes out again after it was turned away; only its validity is new."""
    assert order.status is _S.INTENDED, f"{order.request.client_id} is {order.status}"
    request = replace(order.request, valid_until=valid_until)
    return replace(order, request=request, retry_at=None, updated_at=at)


def unknown(order: Order, *, reason: str, unsettled_until: Millis, at: Millis) -> Order:
    """No answer that proves anything: it may exist, and may come into being until then."""
    if order.status is not _S.INTENDED:
        return order
    return replace(
        _moved(order, _S.UNKNOWN, at),
        reason=reason,
        unsettled_until=unsettled_until,
        queried_at=None,
        queries=0,
    )


def reported(order: Order, report: OrderReport, *, at: Millis) -> Order:
    """The venue's own report: the filled quantity grows, the status moves if it may."""
    filled = Qty(max(order.filled_qty, report.filled_qty))
    status = report.status
    if filled >= order.request.qty:
        status = _S.FILLED
    average = order.average_price if order.booked_qty else report.average_price
    merged = replace(
        order,
        filled_qty=filled,
        average_price=average or order.average_price,
        venue_id=order.venue_id or report.venue_id,
        venue_at=max(order.venue_at or report.venue_at, report.venue_at),
        not_found_answers=0,
    )
    merged = _with_status(merged, status, at)
    # A newer time alone is no news: a venue may stamp every answer anew.
    is_news = merged != replace(order, venue_at=merged.venue_at)
    return replace(merged, updated_at=at) if is_news else order


def filled(order: Order, fill: Fill, *, at: Millis) -> Order:
    """A part of it traded: booked whatever the status. The caller sees to it that it is new."""
    booked = Qty(order.booked_qty + fill.qty)
    booked_usd = Usd(order.booked_usd + fill.qty * fill.price)
    grown = replace(
        order,
        booked_qty=booked,
        booked_usd=booked_usd,
        filled_qty=Qty(max(order.filled_qty, booked)),
        average_price=Price(booked_usd / booked),
        fee_usd=Usd(order.fee_usd + fill.fee_usd),
        venue_id=order.venue_id or fill.venue_order_id,
        updated_at=at,
    )
    if grown.filled_qty >= grown.request.qty:
        return _with_status(grown, _S.FILLED, at)
    return _with_status(grown, _S.OPEN, at)


def missing(order: Order, *, asked_at: Millis, grace_ms: int, at: Millis) -> Order:
    """An authenticated "no such order"; it counts only once the order can no longer arrive.

    `grace_ms` is how long a venue may take to show an order that it has accepted.
    """
    if order.is_final or order.status is _S.INTENDED:
        return order
    settled_at = order.unsettled_until
    if settled_at is None:
        settled_at = Millis((order.accepted_at or order.intended_at) + grace_ms)
    if asked_at <= settled_at:
        return order
    return replace(order, not_found_answers=order.not_found_answers + 1, updated_at=at)


def canceling(order: Order, *, at: Millis) -> Order:
    """Its cancel is sent."""
    if order.status is not _S.OPEN:
        return order
    return replace(_moved(order, _S.CANCELING, at), queried_at=at, queries=0)


def proved_by_position(order: Order, qty: Qty, *, at: Millis) -> Order:
    """The venue holds a position that only this order can have made: `qty` of it has filled."""
    if qty <= order.filled_qty:
        return order
    proved = replace(order, filled_qty=qty, not_found_answers=0, updated_at=at)
    return _with_status(proved, _S.FILLED, at) if qty >= order.request.qty else proved


def asked(order: Order, *, at: Millis, is_anew: bool = False) -> Order:
    """It was asked about, or its cancel was sent once more."""
    return replace(order, queried_at=at, queries=1 if is_anew else order.queries + 1)


def proved_absent(order: Order, *, at: Millis) -> Order:
    """Four proofs agree that it is not there: it never was, or it has ended without more fills."""
    if order.status is _S.UNKNOWN and not order.filled_qty:
        return replace(_moved(order, _S.REJECTED, at), reason="proved never to have existed")
    return replace(_moved(order, _S.CANCELED, at), reason="gone at the venue")


def _with_status(order: Order, status: OrderStatus, at: Millis) -> Order:
    """Move to a reported status where the table allows it; absorb it otherwise."""
    if status is order.status or status not in TRANSITIONS[order.status]:
        return order
    # "Open" of an order that is being canceled says nothing of the cancel, which comes later.
    if order.status is _S.CANCELING and status is _S.OPEN:
        return order
    if status in {_S.INTENDED, _S.UNKNOWN, _S.CANCELING}:
        return order
    return _moved(order, status, at)


def _moved(order: Order, status: OrderStatus, at: Millis) -> Order:
    assert status in TRANSITIONS[order.status], f"{order.status} may not become {status}"
    is_over = status in {_S.FILLED, _S.CANCELED, _S.REJECTED}
    exists = status is not _S.REJECTED and status is not _S.UNKNOWN
    return replace(
        order,
        status=status,
        accepted_at=order.accepted_at or (at if exists else None),
        ended_at=order.ended_at or (at if is_over else None),
        retry_at=None,
        updated_at=at,
    )
