"""Where a fill belongs: to an order of ours, to a position closed from outside, or elsewhere.

Each fill is booked exactly once. A late fill on an order that had ended is booked too: where its
bracket is gone, what it holds is adopted and protected.
"""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.core import accounting, exposure, ids, orders
from bot.core.draft import Draft, fill_key
from bot.core.state import State
from bot.model.bracket import Bracket, BracketStatus
from bot.model.order import Fill, Order, OrderStatus
from bot.model.primitives import (
    ZERO,
    FillId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
)

_BPS: Final = Decimal("0.0001")
_PERCENT: Final = Decimal("0.01")


def take(state: State, draft: Draft, fill: Fill) -> None:
    """Book a fill once, wherever it belongs."""
    if fill_key(fill) in state.fills_seen:
        return
    state.desk.traded(fill.symbol, fill.at)
    order = state.orders.get(fill.client_id) if fill.client_id is not None else None
    if order is None:
        _take_foreign(state, draft, fill)
    elif accounting.book_own(state, draft, order, fill):
        if order.status in {OrderStatus.CANCELED, OrderStatus.REJECTED}:
            text = f"{fill.qty} filled on an order that was {order.status.value}; it is booked."
            draft.note("error", "order.filled", text, fill.symbol)
    elif order.request.is_reduce_only:
        # It cannot have opened anything: what it closed, the foreign part first, is gone. (Bybit's
        # stop of a position closes all of it under one stop's name, also what others hold there.)
        if fill.qty <= order.request.qty - order.booked_qty:
            draft.put_order(orders.filled(order, fill, at=draft.at))
        _take_foreign(state, draft, fill)
    elif order.request.bracket_id in state.brackets:
        draft.put_fill(fill, None)
        text = f"A fill of {fill.qty} is more than its order asked for; the account is read again."
        draft.note("critical", "order.filled", text, fill.symbol)
        state.desk.want_account(draft.at)
    else:
        draft.put_order(orders.filled(order, fill, at=draft.at))
        side = _opened(fill.side)
        why = "an order of a trade that had ended has filled late"
        adopt(state, draft, fill.symbol, side, qty=fill.qty, price=fill.price, why=why, fill=fill)


def adopt(
    state: State,
    draft: Draft,
    symbol: Symbol,
    side: PositionSide,
    *,
    qty: Qty,
    price: Price,
    why: str,
    fill: Fill | None = None,
) -> Bracket:
    """Take a position over that no trade of ours explains, with a stop at the largest distance."""
    found_at = draft.at
    instance = state.settings.instance
    while True:
        name = ids.adopted_bracket_id(instance=instance, symbol=symbol, found_at=found_at)
        if name not in state.brackets:
            break
        found_at = Millis(found_at + 1)
    instrument = state.instruments[symbol]
    mark = exposure.mark_of(state, symbol) or price
    distance = mark * Decimal(repr(state.settings.strategies.common.stop_max_pct)) * _PERCENT
    bracket = Bracket(
        id=name,
        symbol=symbol,
        position_side=side,
        signal=None,
        status=BracketStatus.OPEN,
        qty=qty,
        stop_price=instrument.stop_away(mark - distance * side.sign, side),
        target_price=None,
        risk_usd=Usd(distance * qty),
        opened_at=draft.at,
    )
    draft.put_bracket(bracket)
    if fill is None:
        fill = _made_up(f"adopted-{name}", symbol, side.entry_side, qty, price, draft.at)
    accounting.book_adopted(state, draft, bracket, fill)
    text = (
        f"{side.value} {qty} is adopted and gets a stop at {bracket.stop_price}: {why}. "
        "Entries on the symbol stop; close it by hand or with `liqbot flatten`."
    )
    draft.note("critical", "reconcile.corrected", text, symbol)
    return state.brackets[name]


def shrink(state: State, draft: Draft, bracket: Bracket, qty: Qty, why: str) -> None:
    """Believe the venue that part of a position is gone though no fill tells of it."""
    price = exposure.mark_of(state, bracket.symbol) or bracket.entry_price or ZERO
    name = f"gone-{ids.derive(bracket.id, str(draft.at))}"
    side = bracket.position_side.exit_side
    fill = _made_up(name, bracket.symbol, side, qty, Price(Decimal(price)), draft.at)
    draft.put_fill(fill, bracket.id)
    accounting.book_external(state, draft, bracket, fill, qty)
    text = f"{qty} is gone at the venue without a fill that tells how ({why}); booked at the mark."
    draft.note("error", "reconcile.corrected", text, bracket.symbol)


def assume(state: State, draft: Draft, order: Order) -> None:
    """Book what the venue reports as filled where its fills have not come for a long time."""
    qty = order.unbooked_qty
    symbol = order.request.symbol
    price = order.average_price or order.request.price or exposure.mark_of(state, symbol)
    if not qty or price is None or order.request.bracket_id not in state.brackets:
        return
    name = f"report-{order.request.client_id}-{order.filled_qty}"
    fee = qty * price * state.instruments[symbol].taker_fee_bps * _BPS
    fill = _made_up(name, symbol, order.request.side, qty, Price(Decimal(price)), draft.at)
    fill = replace(fill, client_id=order.request.client_id, fee_usd=Usd(fee))
    if fill_key(fill) not in state.fills_seen and accounting.book_own(state, draft, order, fill):
        booked = state.orders[order.request.client_id]
        draft.put_order(replace(booked, assumed_qty=Qty(booked.assumed_qty + qty)))
        text = f"{qty} is booked from the venue's report: its fills did not come."
        draft.note("warning", "reconcile.corrected", text, symbol)


def _take_foreign(state: State, draft: Draft, fill: Fill) -> None:
    """Book a fill that is not ours: it takes the foreign part first, then closes ours."""
    sign = fill.side.sign
    foreign = state.account.foreign.get(fill.symbol, ZERO) if state.account else ZERO
    is_first = not fill.is_liquidation and foreign * sign < 0
    outside = min(abs(foreign), fill.qty) if is_first else ZERO
    rest = fill.qty - outside
    bracket_id = None
    for bracket in exposure.brackets_on(state, fill.symbol):
        part = Qty(min(rest, exposure.held_qty(state, bracket)))
        if part and bracket.position_side.exit_side is fill.side:
            bracket_id = bracket_id or bracket.id
            rest -= part
            accounting.book_external(state, draft, bracket, fill, part)
            how = "liquidated by the venue" if fill.is_liquidation else "closed from outside"
            text = f"{part} was {how} at {fill.price}."
            draft.note("error", "position.changed", text, fill.symbol)
    draft.put_fill(fill, bracket_id)
    outside += rest
    if outside and state.account is not None:
        accounting.add_foreign(state, draft, fill.symbol, outside * sign)
        text = f"{fill.side.value} {outside} is not ours; it is left alone."
        draft.note("warning", "position.changed", text, fill.symbol)
    state.desk.want_account(draft.at)


def _opened(side: Side) -> PositionSide:
    return PositionSide.LONG if side is Side.BUY else PositionSide.SHORT


def _made_up(name: str, symbol: Symbol, side: Side, qty: Qty, price: Price, at: Millis) -> Fill:
    """A fill of our own books, where the venue gives a quantity and no trade."""
    return Fill(
        id=FillId(name),
        symbol=symbol,
        client_id=None,
        side=side,
        qty=qty,
        price=price,
        fee_usd=Usd(ZERO),
        at=at,
    )
