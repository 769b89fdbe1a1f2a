"""Why a venue turns an order away, in the codes of the largest one: pure checks, first no wins."""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.order import OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import Millis, Qty, Value
from bot.venue.matching import Quote, is_triggered, would_take

LATE = "-1021"
UNKNOWN_SYMBOL = "-1121"
MALFORMED = "-1102"
PRECISION = "-1111"
BY_CHANCE = "-2010"
UNKNOWN_ORDER = "-2011"
NO_MARGIN = "-2019"
TRIGGERS_AT_ONCE = "-2021"
REDUCE_ONLY = "-2022"
QTY_TOO_SMALL = "-4003"
QTY_TOO_LARGE = "-4005"
DUPLICATE_ID = "-4116"
NOTIONAL_TOO_SMALL = "-4164"
WOULD_TAKE = "-5022"


class No(Value, frozen=True, kw_only=True):
    """A refusal: the code, and a sentence with the numbers."""

    code: str
    reason: str


def check(
    request: OrderRequest,
    instrument: Instrument,
    quote: Quote,
    *,
    at: Millis,
    reducible_qty: Qty,
    margin_free_usd: Decimal,
    margin_asked_usd: Decimal,
) -> No | None:
    """Judge a request as it arrives; None: it is taken.

    `reducible_qty` is what a reduce-only order of its side finds; margins are initial margins.
    """
    if at > request.valid_until:
        late_ms = at - request.valid_until
        return No(code=LATE, reason=f"arrived {late_ms} ms after its receive window")
    return (
        _check_form(request)
        or _check_grid(request, instrument)
        or _check_size(request, instrument, quote)
        or _check_price(request, quote)
        or _check_means(request, reducible_qty, margin_free_usd, margin_asked_usd)
    )


def _check_form(request: OrderRequest) -> No | None:
    has_price = request.price is not None
    has_trigger = request.trigger_price is not None
    if has_price != (request.kind is OrderKind.LIMIT):
        return No(code=MALFORMED, reason=f"a {request.kind} order with price {request.price}")
    if has_trigger != (request.kind is OrderKind.STOP_MARKET):
        trigger = request.trigger_price
        return No(code=MALFORMED, reason=f"a {request.kind} order with trigger price {trigger}")
    return None


def _check_grid(request: OrderRequest, instrument: Instrument) -> No | None:
    if request.qty % instrument.lot_size:
        reason = f"quantity {request.qty} is not a multiple of {instrument.lot_size}"
        return No(code=PRECISION, reason=reason)
    for price in (request.price, request.trigger_price):
        if price is not None and (price <= 0 or price % instrument.tick_size):
            reason = f"price {price} is not a positive multiple of {instrument.tick_size}"
            return No(code=PRECISION, reason=reason)
    return None


def _check_size(request: OrderRequest, instrument: Instrument, quote: Quote) -> No | None:
    if request.qty < instrument.qty_min or request.qty <= 0:
        reason = f"quantity {request.qty} is below the minimum {instrument.qty_min}"
        return No(code=QTY_TOO_SMALL, reason=reason)
    if request.qty > instrument.qty_max:
        reason = f"quantity {request.qty} is above the maximum {instrument.qty_max}"
        return No(code=QTY_TOO_LARGE, reason=reason)
    notional = request.qty * (request.price or quote.mark)
    # Whoever closes a small position may do so: the minimum is for new exposure.
    if not request.is_reduce_only and notional < instrument.notional_min_usd:
        reason = f"notional {notional:.2f} is below the minimum {instrument.notional_min_usd}"
        return No(code=NOTIONAL_TOO_SMALL, reason=reason)
    return None


def _check_price(request: OrderRequest, quote: Quote) -> No | None:
    trigger, price = request.trigger_price, request.price
    if trigger is not None and is_triggered(request.side, trigger, low=quote.mark, high=quote.mark):
        reason = f"stop at {trigger} would trigger at once: the mark is {quote.mark}"
        return No(code=TRIGGERS_AT_ONCE, reason=reason)
    is_post_only = request.time_in_force is TimeInForce.POST_ONLY
    if price is not None and is_post_only and would_take(request.side, price, quote):
        reason = f"post-only at {price} would take from {quote.touch(request.side)}"
        return No(code=WOULD_TAKE, reason=reason)
    return None


def _check_means(
    request: OrderRequest, reducible_qty: Qty, free_usd: Decimal, asked_usd: Decimal
) -> No | None:
    if request.is_reduce_only:
        if reducible_qty:
            return None
        return No(code=REDUCE_ONLY, reason=f"no position that a {request.side} would reduce")
    if asked_usd > free_usd:
        reason = f"initial margin {asked_usd:.2f} is above the free {max(free_usd, 0):.2f}"
        return No(code=NO_MARGIN, reason=reason)
    return None
