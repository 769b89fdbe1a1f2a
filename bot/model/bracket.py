"""Entry, stop and target: one id, one life. A closed bracket is what people call a trade."""

from enum import StrEnum

from bot.model.order import Leg
from bot.model.primitives import (
    ZERO,
    BracketId,
    ClientOrderId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Symbol,
    Usd,
    Value,
)
from bot.model.signal import Signal


class BracketStatus(StrEnum):
    """Where a bracket is in its life."""

    ENTERING = "entering"
    """The entry is in flight, working or unknown; nothing has filled."""
    OPEN = "open"
    """There is a position; its stop is confirmed, in flight, or being replaced."""
    CLOSING = "closing"
    """An exit is working; the stop stays until flat."""
    CLOSED = "closed"
    """Flat, after a position."""
    ABANDONED = "abandoned"
    """The entry ended without a fill."""


class ClosedBy(StrEnum):
    """What ended a trade."""

    TARGET = "target"
    STOP = "stop"
    TIME = "time"
    THESIS_GONE = "thesis_gone"
    CLUSTER_BREAK = "cluster_break"
    OPERATOR = "operator"
    UNPROTECTED = "unprotected"
    """The stop could not be placed in time, so the position was flattened."""
    EXTERNAL = "external"
    """Closed from outside: by hand, or by the venue."""
    LIQUIDATION = "liquidation"
    RISK = "risk"
    """A risk limit flattened the account."""


class LegRef(Value, frozen=True, kw_only=True):
    """The newest order of one leg."""

    leg: Leg
    client_id: ClientOrderId
    attempt: int


class Bracket(Value, frozen=True, kw_only=True):
    """One trade from signal to flat. Quantities are base coins; money is net of nothing yet."""

    id: BracketId
    symbol: Symbol
    position_side: PositionSide
    signal: Signal | None
    """None: a position that was found and adopted, not one we proposed."""
    status: BracketStatus = BracketStatus.ENTERING
    qty: Qty
    """Planned quantity."""
    entered_qty: Qty = Qty(ZERO)
    exited_qty: Qty = Qty(ZERO)
    entry_notional_usd: Usd = Usd(ZERO)
    exit_notional_usd: Usd = Usd(ZERO)
    fees_usd: Usd = Usd(ZERO)
    funding_usd: Usd = Usd(ZERO)
    """Received positive, paid negative."""
    stop_price: Price | None
    target_price: Price | None
    risk_usd: Usd
    """Planned net loss at the stop."""
    legs: tuple[LegRef, ...] = ()
    opened_at: Millis
    first_fill_at: Millis | None = None
    stop_confirmed_at: Millis | None = None
    """When the venue first confirmed a stop for the whole position."""
    unprotected_since: Millis | None = None
    """Since when what is held has had no confirmed stop for all of it."""
    beyond_stop_at: Millis | None = None
    """Since when the mark has been beyond the stop while the venue's stop still rests."""
    closed_at: Millis | None = None
    closed_by: ClosedBy | None = None
    is_floating: bool = False

    @property
    def open_qty(self) -> Qty:
        """What is still held, unsigned."""
        return Qty(self.entered_qty - self.exited_qty)

    @property
    def entry_price(self) -> Price | None:
        """Average entry, unrounded."""
        return Price(self.entry_notional_usd / self.entered_qty) if self.entered_qty else None

    @property
    def exit_price(self) -> Price | None:
        """Average exit, unrounded."""
        return Price(self.exit_notional_usd / self.exited_qty) if self.exited_qty else None

    @property
    def pnl_usd(self) -> Usd:
        """Net profit of what has been exited: price difference, fees and funding.

        While part is open, the entry side of the open part is left out.
        """
        if not self.entered_qty:
            return Usd(-self.fees_usd + self.funding_usd)
        entry_of_exited = self.entry_notional_usd / self.entered_qty * self.exited_qty
        gross = (self.exit_notional_usd - entry_of_exited) * self.position_side.sign
        return Usd(gross - self.fees_usd + self.funding_usd)

    @property
    def r(self) -> float | None:
        """Net profit in units of the planned risk."""
        return float(self.pnl_usd / self.risk_usd) if self.risk_usd else None

    def leg(self, leg: Leg) -> LegRef | None:
        """The newest order of a leg, if it has had one."""
        return next((ref for ref in self.legs if ref.leg is leg), None)
