"""What fills do to a position: pure folding, one function for every case."""

from decimal import Decimal

import msgspec

from bot.model.primitives import (
    ZERO,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    Value,
)


class Holding(Value, frozen=True, kw_only=True):
    """A position as the venue's own books hold it."""

    symbol: Symbol
    position_side: PositionSide
    qty: Qty
    entry_price: Price
    """Average of what is held, unrounded."""
    updated_at: Millis

    @property
    def signed_qty(self) -> Decimal:
        """Long positive, short negative."""
        return self.qty * self.position_side.sign


class Booked(Value, frozen=True, kw_only=True):
    """A position after a fill, and the profit the fill realized before fees."""

    holding: Holding | None
    realized_usd: Usd


def book(
    holding: Holding | None, *, symbol: Symbol, side: Side, qty: Qty, price: Price, at: Millis
) -> Booked:
    """Fold one fill: open, add, reduce, close, or close and open the other way."""
    opened = PositionSide.LONG if side is Side.BUY else PositionSide.SHORT
    if holding is None:
        fresh = Holding(
            symbol=symbol, position_side=opened, qty=qty, entry_price=price, updated_at=at
        )
        return Booked(holding=fresh, realized_usd=Usd(ZERO))
    if holding.position_side is opened:
        total = Qty(holding.qty + qty)
        average = (holding.entry_price * holding.qty + price * qty) / total
        grown = msgspec.structs.replace(
            holding, qty=total, entry_price=Price(average), updated_at=at
        )
        return Booked(holding=grown, realized_usd=Usd(ZERO))
    closed = min(holding.qty, qty)
    realized = Usd((price - holding.entry_price) * closed * holding.position_side.sign)
    left = holding.qty - closed
    rest: Holding | None = None
    if left:
        rest = msgspec.structs.replace(holding, qty=Qty(left), updated_at=at)
    elif qty > closed:
        rest = book(
            None, symbol=symbol, side=side, qty=Qty(qty - closed), price=price, at=at
        ).holding
    return Booked(holding=rest, realized_usd=realized)


def reducible_qty(holding: Holding | None, side: Side) -> Qty:
    """How much an order of that side may reduce: nothing without an opposite position."""
    if holding is None or holding.position_side.exit_side is not side:
        return Qty(ZERO)
    return holding.qty
