"""A position has a stop at the venue for all of it, or is being flattened.

`advance` looks at what there is and does what is missing; calling it again changes nothing. A stop
that must grow is replaced: the new one is placed, confirmed, and only then the old one canceled.
Until the venue has confirmed a stop for the whole, the software stop stands in for it.

A stop that is larger than the position stays: it is reduce-only, so the venue cuts it to what is
held, and replacing it would open a gap for nothing.
"""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.core import exits, exposure, placing
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.order import Leg, Order, OrderKind, OrderStatus
from bot.model.primitives import ZERO, Millis, Price

ANSWER_MS: Final = 1_000
"""Left of `stop_deadline_s` for the answer when a second stop goes out."""
_NEVER: Final = Millis(2**62)
WOULD_TRIGGER_CODES: Final = frozenset({"would_trigger", "-2021", "110092", "110093"})
"""Rejections that say that the stop's price is already behind the mark (Binance, Bybit)."""


def advance(state: State, draft: Draft, bracket: Bracket) -> None:
    """See to the stop of one bracket."""
    held = exposure.held_qty(state, bracket)
    if not held:
        return
    cover = covering(state, bracket)
    if cover is not None and cover.remaining_qty >= held:
        _confirm(state, draft, bracket, cover)
        return
    if bracket.unprotected_since is None:
        bracket = replace(bracket, unprotected_since=draft.at)
        draft.put_bracket(bracket)
    if exits.is_in_flight(state, bracket):
        return
    if bracket.status is not BracketStatus.CLOSING and _must_flatten(state, draft, bracket):
        exits.start(state, draft, bracket, ClosedBy.UNPROTECTED)
        return
    _place(state, draft, bracket)


def on_price(state: State, draft: Draft, bracket: Bracket) -> None:
    """Do the stop's work where the venue's cannot, or does not."""
    mark = exposure.mark_of(state, bracket.symbol)
    if mark is None or bracket.stop_price is None or bracket.status is BracketStatus.CLOSING:
        return
    held = exposure.held_qty(state, bracket)
    if not held:
        return
    if not is_beyond(bracket, bracket.stop_price, mark):
        if bracket.beyond_stop_at is not None:
            draft.put_bracket(replace(bracket, beyond_stop_at=None))
        return
    cover = covering(state, bracket)
    if cover is None or cover.remaining_qty < held:
        text = f"The mark {mark} is beyond the stop {bracket.stop_price}, which is not confirmed."
        draft.note("error", "bracket.unprotected", text, bracket.symbol)
        exits.start(state, draft, bracket, ClosedBy.STOP)
    elif bracket.beyond_stop_at is None:
        draft.put_bracket(replace(bracket, beyond_stop_at=draft.at))
    elif draft.at >= bracket.beyond_stop_at + _patience_ms(state):
        # The venue has confirmed this stop and does not fire it.
        text = f"The stop {bracket.stop_price} was passed and has not filled."
        draft.note("critical", "bracket.unprotected", text, bracket.symbol)
        exits.start(state, draft, bracket, ClosedBy.STOP)


def next_due_at(state: State, bracket: Bracket) -> Millis | None:
    """The earliest instant at which protection acts by itself."""
    dues: list[int] = []
    if bracket.beyond_stop_at is not None and bracket.status is not BracketStatus.CLOSING:
        dues.append(bracket.beyond_stop_at + _patience_ms(state))
    since = bracket.unprotected_since
    if since is not None and not exits.is_in_flight(state, bracket):
        if bracket.status is not BracketStatus.CLOSING:
            dues.append(since + _patience_ms(state))
        if (beside_at := _beside_doubt_at(state, bracket)) < _NEVER:
            dues.append(beside_at)
        if not exposure.live_of(state, bracket.id, Leg.STOP):
            dues.append(placing.next_attempt_at(state, bracket, Leg.STOP))
    return Millis(min(dues)) if dues else None


def covering(state: State, bracket: Bracket) -> Order | None:
    """The confirmed stop that covers most; an order that is being canceled covers nothing."""
    stops = exposure.live_of(state, bracket.id, Leg.STOP)
    confirmed = [row for row in stops if row.status is OrderStatus.OPEN]
    return max(confirmed, key=lambda row: (row.remaining_qty, row.request.attempt), default=None)


def _confirm(state: State, draft: Draft, bracket: Bracket, cover: Order) -> None:
    """All of it is protected: note since when, and let the smaller stops go."""
    first = bracket.stop_confirmed_at is None
    if first or bracket.unprotected_since is not None:
        draft.put_bracket(
            replace(
                bracket,
                stop_confirmed_at=draft.at if first else bracket.stop_confirmed_at,
                unprotected_since=None,
            )
        )
    if first:
        text = f"A stop at {cover.request.trigger_price} protects {cover.remaining_qty}."
        draft.note("info", "bracket.protected", text, bracket.symbol)
    for stop in exposure.live_of(state, bracket.id, Leg.STOP):
        if stop is not cover:
            placing.cancel(draft, stop)


def _must_flatten(state: State, draft: Draft, bracket: Bracket) -> bool:
    stops = exposure.orders_of(state, bracket.id, Leg.STOP)
    if stops and stops[-1].code in WOULD_TRIGGER_CODES:
        _alarm(draft, bracket, "the venue says that its stop would trigger at once")
        return True
    since = bracket.unprotected_since
    if since is not None and draft.at >= since + _patience_ms(state):
        waited_s = (draft.at - since) / 1000
        _alarm(draft, bracket, f"no stop was confirmed for {waited_s:.1f} s")
        return True
    return False


def _alarm(draft: Draft, bracket: Bracket, why: str) -> None:
    text = f"The position is flattened because {why}. Look at the venue that it is closed."
    draft.note("critical", "bracket.unprotected", text, bracket.symbol)


def _place(state: State, draft: Draft, bracket: Bracket) -> None:
    """Place a stop for the whole of what is held, unless one is on its way."""
    in_doubt = placing.is_in_doubt(state, bracket, Leg.STOP)
    if bracket.stop_price is None or (in_doubt and draft.at < _beside_doubt_at(state, bracket)):
        return
    stops = exposure.orders_of(state, bracket.id, Leg.STOP)
    if stops and stops[-1].code in WOULD_TRIGGER_CODES:
        return
    if draft.at < placing.next_attempt_at(state, bracket, Leg.STOP):
        return
    instrument = state.instruments[bracket.symbol]
    qty = instrument.qty_down(exposure.held_qty(state, bracket))
    if not qty:
        return
    # The venue may have changed its ticks since the price was chosen.
    trigger_price = instrument.stop_away(bracket.stop_price, bracket.position_side)
    if trigger_price != bracket.stop_price:
        bracket = replace(bracket, stop_price=trigger_price)
        draft.put_bracket(bracket)
    placing.place(
        state,
        draft,
        bracket,
        leg=Leg.STOP,
        kind=OrderKind.STOP_MARKET,
        qty=qty,
        trigger_price=trigger_price,
        is_beside_doubt=in_doubt,
    )


def _beside_doubt_at(state: State, bracket: Bracket) -> Millis:
    """When a second stop goes out beside one whose fate is unknown; never a third."""
    unknown = [
        stop
        for stop in exposure.live_of(state, bracket.id, Leg.STOP)
        if stop.status in {OrderStatus.UNKNOWN, OrderStatus.INTENDED}
    ]
    if len(unknown) != 1 or bracket.unprotected_since is None:
        return _NEVER
    deadline_ms = int(state.settings.orders.stop_deadline_s * 1000)
    due = bracket.unprotected_since + max(deadline_ms - ANSWER_MS, 0)
    # One that has only just left is on its way, not in doubt: where stops are refused again and
    # again, the next would go out beside each, and use up the orders that an exit needs.
    return Millis(max(due, unknown[0].intended_at + ANSWER_MS))


def is_beyond(bracket: Bracket, price: Price, mark: Decimal) -> bool:
    """Whether the mark is at or on the losing side of a price."""
    return (mark - price) * bracket.position_side.sign <= ZERO


def _patience_ms(state: State) -> int:
    return int(state.settings.orders.flatten_deadline_s * 1000)
