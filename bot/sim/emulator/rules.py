"""What an emulated exchange refuses when an order is asked for: pure."""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Side
from bot.sim.emulator.state import NewOrder, Why
from bot.venue.matching import Quote, is_triggered, would_take

PRICE_SPAN = Decimal("0.05")
"""How far beyond the mark a buy may bid and a sell may ask (Binance PERCENT_PRICE, BTCUSDT)."""
CONDITIONALS_MAX = 200
"""Open conditional orders of an account over all symbols (Binance change log 2025-12-10)."""


def refusal(asked: NewOrder, instrument: Instrument, quote: Quote, last: Decimal) -> Why | None:
    """Judge form, grid, size and price of an order; means and names are judged elsewhere."""
    return (
        _bad_form(asked, instrument)
        or _bad_size(asked, instrument, quote)
        or _bad_price(asked, quote, last)
    )


def is_above(asked: NewOrder) -> bool:
    """Whether a conditional order fires at or above its trigger; else at or below."""
    return (asked.side is Side.BUY) is not asked.is_take_profit


def is_fired(asked: NewOrder, *, low: Decimal, high: Decimal) -> bool:
    """Whether a range of prices reached the trigger of a conditional order."""
    assert asked.trigger_price is not None
    watched = Side.BUY if is_above(asked) else Side.SELL
    return is_triggered(watched, asked.trigger_price, low=low, high=high)


def price_bound(instrument: Instrument, side: Side, mark: Decimal) -> Decimal:
    """The worst price at which an order of that side may trade, on the tick grid."""
    if side is Side.BUY:
        return instrument.price_down(mark * (1 + PRICE_SPAN))
    return max(instrument.price_up(mark * (1 - PRICE_SPAN)), instrument.tick_size)


def _bad_form(asked: NewOrder, instrument: Instrument) -> Why | None:
    if asked.kind is OrderKind.STOP_MARKET and asked.trigger_price is None:
        return Why.BAD_PRICE
    if asked.kind is OrderKind.LIMIT and asked.price is None:
        return Why.BAD_PRICE
    for price in (asked.price, asked.trigger_price, asked.stop_loss):
        if price is not None and (price <= 0 or price % instrument.tick_size):
            return Why.BAD_PRICE
    return None


def _bad_size(asked: NewOrder, instrument: Instrument, quote: Quote) -> Why | None:
    if asked.closes_position:
        return None
    qty = asked.qty
    if qty % instrument.lot_size or not instrument.qty_min <= qty <= instrument.qty_max:
        return Why.BAD_QTY
    price = asked.price or asked.trigger_price or quote.mark
    # Whoever closes a small position may do so: the minimum is for new exposure.
    if not asked.is_reduce_only and qty * price < instrument.notional_min_usd:
        return Why.NOTIONAL_TOO_SMALL
    return None


def _bad_price(asked: NewOrder, quote: Quote, last: Decimal) -> Why | None:
    if asked.kind is OrderKind.STOP_MARKET:
        now = quote.mark if asked.is_by_mark else last
        return Why.WOULD_TRIGGER if is_fired(asked, low=now, high=now) else None
    if asked.price is None:
        return None
    sign = asked.side.sign
    if (asked.price - quote.mark * (1 + sign * PRICE_SPAN)) * sign > 0:
        return Why.PRICE_TOO_FAR
    is_post_only = asked.time_in_force is TimeInForce.POST_ONLY
    if is_post_only and would_take(asked.side, asked.price, quote):
        return Why.WOULD_TAKE
    return None
