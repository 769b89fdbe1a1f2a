"""What is held, by our own books and the venue's reports: quantities, never money.

A report may know of a fill before the fill itself arrives. Protection follows whichever knows
more; money follows the fills.
"""

from decimal import Decimal

from bot.core.state import State
from bot.model.bracket import Bracket
from bot.model.order import Leg, Order
from bot.model.primitives import ZERO, BracketId, Qty, Symbol


def brackets_on(state: State, symbol: Symbol) -> list[Bracket]:
    """Open brackets on a symbol, oldest first."""
    return [row for row in state.brackets.values() if row.symbol == symbol]


def live(state: State) -> list[Order]:
    """Orders that are not over, or whose fills are not all booked, oldest first."""
    return [state.orders[client_id] for client_id in state.desk.live()]


def orders_of(state: State, bracket_id: BracketId, leg: Leg | None = None) -> list[Order]:
    """Every order a bracket has had, oldest first; of one leg, or of all."""
    rows = (state.orders[client_id] for client_id in state.desk.of_bracket(bracket_id))
    return [row for row in rows if leg is None or row.request.leg is leg]


def live_of(state: State, bracket_id: BracketId, leg: Leg | None = None) -> list[Order]:
    """Those that are not over."""
    return [row for row in orders_of(state, bracket_id, leg) if not row.is_final]


def open_qty(state: State, bracket: Bracket) -> Decimal:
    """What is held, reports included; negative where more was taken out than put in."""
    held = Decimal(bracket.open_qty)
    for order in orders_of(state, bracket.id):
        if order.unbooked_qty:
            held += order.unbooked_qty if order.request.leg is Leg.ENTRY else -order.unbooked_qty
    return held


def held_qty(state: State, bracket: Bracket) -> Qty:
    """What is held and must be protected, unsigned."""
    return Qty(max(open_qty(state, bracket), ZERO))


def books_qty(state: State, symbol: Symbol) -> Decimal:
    """The signed position that our books expect at the venue, foreign part included."""
    own = sum(
        (open_qty(state, row) * row.position_side.sign for row in brackets_on(state, symbol)), ZERO
    )
    foreign = state.account.foreign.get(symbol, ZERO) if state.account else ZERO
    return own + foreign


def venue_qty(state: State, symbol: Symbol) -> Decimal:
    """The signed position as the venue last said."""
    position = state.positions.get(symbol)
    return position.qty * position.position_side.sign if position else ZERO


def mark_of(state: State, symbol: Symbol) -> Decimal | None:
    """The newest mark, exact as it was sent; None before the first price."""
    row = state.symbols.get(symbol)
    return Decimal(repr(row.price.mark)) if row is not None and row.price is not None else None
