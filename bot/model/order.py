"""An order's life, from intent to its end, and the fills that belong to it.

INTENDED is on disk before anything leaves. UNKNOWN is a state and not an error: it is asked
about, never re-sent, and never ended by a timer. Terminal states absorb statuses, never fills.
"""

from decimal import Decimal
from enum import StrEnum

from bot.model.primitives import (
    ZERO,
    BracketId,
    ClientOrderId,
    FillId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    Value,
    VenueOrderId,
)


class Leg(StrEnum):
    """The job of an order within its bracket."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"


class OrderKind(StrEnum):
    """How it executes. A stop is always a market order behind a mark-price trigger."""

    LIMIT = "limit"
    MARKET = "market"
    STOP_MARKET = "stop_market"


class TimeInForce(StrEnum):
    """How long it may rest."""

    GTC = "gtc"
    IOC = "ioc"
    POST_ONLY = "post_only"


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    INTENDED = "intended"
    OPEN = "open"
    UNKNOWN = "unknown"
    CANCELING = "canceling"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


FINAL_STATUSES = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED})

_S = OrderStatus
# fmt: off
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    # CANCELED: an IOC that found nothing.
    _S.INTENDED:  frozenset({_S.OPEN, _S.REJECTED, _S.UNKNOWN, _S.FILLED, _S.CANCELED}),
    # REJECTED: proved absent.
    _S.UNKNOWN:   frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.REJECTED}),
    # REJECTED: a trigger order that was refused when it fired.
    _S.OPEN:      frozenset({_S.CANCELING, _S.FILLED, _S.CANCELED, _S.REJECTED}),
    # OPEN: the cancel was refused and the order still works.
    _S.CANCELING: frozenset({_S.CANCELED, _S.FILLED, _S.OPEN, _S.REJECTED}),
    # A late fill is still a fill; after a rejection it also raises an alarm.
    _S.CANCELED:  frozenset({_S.FILLED}),
    _S.REJECTED:  frozenset({_S.FILLED}),
    _S.FILLED:    frozenset(),
}
# fmt: on


class OrderRequest(Value, frozen=True, kw_only=True):
    """What a venue is asked to do. Prices and quantities lie on the instrument's grid."""

    client_id: ClientOrderId
    symbol: Symbol
    bracket_id: BracketId
    leg: Leg
    attempt: int
    side: Side
    kind: OrderKind
    qty: Qty
    price: Price | None = None
    trigger_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    is_reduce_only: bool = False
    valid_until: Millis
    """The venue must refuse the request when it arrives later than this."""


class Order(Value, frozen=True, kw_only=True):
    """An order as the ledger knows it."""

    request: OrderRequest
    status: OrderStatus = OrderStatus.INTENDED
    venue_id: VenueOrderId | None = None
    filled_qty: Qty = Qty(ZERO)
    average_price: Price | None = None
    fee_usd: Usd = Usd(ZERO)
    intended_at: Millis
    accepted_at: Millis | None = None
    ended_at: Millis | None = None
    updated_at: Millis
    reason: str = ""
    code: str = ""
    """The venue's code of a rejection."""
    venue_at: Millis | None = None
    """The newest venue time that was merged."""
    unsettled_until: Millis | None = None
    """While UNKNOWN: until then the request may still arrive and be accepted."""
    retry_at: Millis | None = None
    """It was turned away unread and is sent again then, under the same id."""
    not_found_answers: int = 0
    """Authenticated, successful answers that it does not exist, given after `unsettled_until`."""
    queried_at: Millis | None = None
    """When it was last asked about, or its cancel last sent; None: not since it became due."""
    queries: int = 0
    booked_qty: Qty = Qty(ZERO)
    """Sum of its fills; `filled_qty` may run ahead of it by the venue's reports."""
    booked_usd: Usd = Usd(ZERO)
    """Sum of quantity times price of its fills."""
    assumed_qty: Qty = Qty(ZERO)
    """Booked from a report because the fills never came; late fills use this up first."""

    @property
    def is_final(self) -> bool:
        """No status can change it any more; a fill still can."""
        return self.status in FINAL_STATUSES

    @property
    def remaining_qty(self) -> Qty:
        """What is left to fill."""
        return Qty(max(self.request.qty - self.filled_qty, Decimal(0)))

    @property
    def unbooked_qty(self) -> Qty:
        """What the venue reports as filled and no fill has explained yet."""
        return Qty(max(self.filled_qty - self.booked_qty, Decimal(0)))


class Fill(Value, frozen=True, kw_only=True):
    """A part of an order that traded. Unique by (symbol, id): exactly once by construction."""

    id: FillId
    symbol: Symbol
    client_id: ClientOrderId | None
    """None: not one of ours, or a liquidation by the venue."""
    venue_order_id: VenueOrderId | None = None
    side: Side
    qty: Qty
    price: Price
    fee_usd: Usd
    at: Millis
    is_maker: bool = False
    is_liquidation: bool = False


class OrderReport(Value, frozen=True, kw_only=True):
    """What the venue says of one order when asked, or on its stream."""

    client_id: ClientOrderId | None
    venue_id: VenueOrderId
    symbol: Symbol
    side: Side
    kind: OrderKind
    status: OrderStatus
    qty: Qty
    filled_qty: Qty
    average_price: Price | None = None
    price: Price | None = None
    trigger_price: Price | None = None
    is_reduce_only: bool = False
    venue_at: Millis
    """The venue's own time of this state: it decides which report is newer."""
