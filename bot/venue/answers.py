"""What the outcome of a call proves, as the event that the core is told.

An id that came back proves that an order exists, a code of the table that it does not; being
turned away unread proves that it was not acted on. Everything else proves nothing.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

import structlog

from bot.gateway.connection import ENTRY, PROTECT, Lane
from bot.gateway.failures import (
    UNREAD,
    GatewayError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Verdict,
)
from bot.model.events import (
    CancelRejected,
    Event,
    OrderAccepted,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.order import Leg, OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import ClientOrderId, Millis

T = TypeVar("T")

BACK_OFF_MS: Final = (500, 1_000, 2_000, 4_000)
"""Wait after being turned away so many times in a row; the last one repeats."""
FILTER_CODES: Final = frozenset(
    {
        *("-1013", "-1111", "-4001", "-4002", "-4003", "-4004", "-4005", "-4013", "-4014"),
        *("-4023", "-4029", "-4030", "-4164"),
        # Binance: filters, precision, price and quantity limits, tick, lot, minimum notional.
        *("10001", "110003", "110094", "110095", "110096"),
        # Bybit: parameters off the grid, minimum notional, quantity and price limits.
    }
)
"""Refusals that a changed contract explains: markets are read again (faults.md, E38)."""

log = structlog.get_logger()


async def careful(work: Awaitable[T]) -> T:
    """Await a call: whatever goes wrong in it that is no GatewayError proves nothing.

    Raises:
        GatewayError: as it comes; NoAnswerError in the place of anything else, also of a
            cancellation that nobody has asked for (ccxt cancels its own futures).

    """
    try:
        return await work
    except GatewayError:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise NoAnswerError("the call was given up on its way") from None
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        log.exception("venue.call_failed", text=f"A call to the exchange broke on our side: {what}")
        raise NoAnswerError(f"the call broke on our side, {what}") from error


def lane_of(request: OrderRequest) -> Lane:
    """Stops and exits go first; what opens or takes profit can wait."""
    return PROTECT if request.leg in {Leg.STOP, Leg.EXIT} else ENTRY


def placed(request: OrderRequest, report: OrderReport, at: Millis) -> Event:
    """An id came back."""
    if report.status is OrderStatus.OPEN and not report.filled_qty:
        return OrderAccepted(
            at=at,
            client_id=request.client_id,
            venue_id=report.venue_id,
            venue_at=report.venue_at,
        )
    return OrderUpdated(at=at, report=report)


def not_placed(request: OrderRequest, error: GatewayError, at: Millis, retry_at: Millis) -> Event:
    """What a failed placement proves; `retry_at` counts where it was turned away unread."""
    client_id, reason = request.client_id, error.reason
    if is_unread(error):
        return OrderNotProcessed(at=at, client_id=client_id, reason=reason, retry_at=retry_at)
    until = request.valid_until
    if isinstance(error, RefusedError):
        if error.verdict in {Verdict.REJECTED, Verdict.AUTH}:
            return OrderRejected(at=at, client_id=client_id, code=error.code, reason=reason)
        if error.verdict is Verdict.DUPLICATE:
            # An earlier sending got through: nothing is on its way any more.
            until = at
    return OrderOutcomeUnknown(at=at, client_id=client_id, reason=reason, unsettled_until=until)


def not_canceled(client_id: ClientOrderId, error: GatewayError, at: Millis) -> Event:
    """A cancel failed: refused with a code, or nobody knows; neither proves anything."""
    if isinstance(error, RefusedError) and error.verdict in {Verdict.REJECTED, Verdict.NOT_FOUND}:
        return CancelRejected(at=at, client_id=client_id, code=error.code, reason=error.reason)
    return QueryFailed(at=at, client_id=client_id, reason=error.reason)


def is_unread(error: GatewayError) -> bool:
    """Whether it is certain that nobody has acted on the request."""
    if isinstance(error, NotSentError):
        return True
    return isinstance(error, RefusedError) and error.verdict in UNREAD
