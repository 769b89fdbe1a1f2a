"""What an emulated exchange knows: orders, trades, holdings, settings and the events of them.

Everything here is frozen: a change makes a new value, so that a fork of the whole exchange copies
its tables and shares every row.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Millis, Side, Symbol


class Status(StrEnum):
    """Where an order is at the exchange."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    """Ended by the exchange: an IOC's rest, a post-only that would take, a reduce-only bereft."""
    REJECTED = "rejected"
    TRIGGERED = "triggered"
    """A conditional order that has fired; what it sent is its child."""


WORKING = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


class Why(StrEnum):
    """Why an order is refused or ended; each dialect has its own code for it."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    HALTED = "halted"
    BAD_PRICE = "bad_price"
    """Off the tick grid, or not above zero."""
    BAD_QTY = "bad_qty"
    """Off the lot grid, below the minimum or above the maximum."""
    NOTIONAL_TOO_SMALL = "notional_too_small"
    NO_MARGIN = "no_margin"
    NOTHING_TO_REDUCE = "nothing_to_reduce"
    WOULD_TRIGGER = "would_trigger"
    WOULD_TAKE = "would_take"
    DUPLICATE_ID = "duplicate_id"
    PRICE_TOO_FAR = "price_too_far"
    TOO_MANY_STOPS = "too_many_stops"
    WRONG_POSITION_SIDE = "wrong_position_side"
    REDUCE_ONLY_MODE = "reduce_only_mode"
    """The account may only reduce."""
    REDUCE_ONLY_BLOCKED = "reduce_only_blocked"
    """Other reduce-only orders hold the position already; said only when a test asks for it."""
    CLOSE_EXISTS = "close_exists"
    """A conditional order that closes the whole position is there for that side."""
    UNKNOWN_ORDER = "unknown_order"
    HAS_POSITION = "has_position"
    """A setting cannot change while something is held."""
    HAS_ORDERS = "has_orders"
    """A setting cannot change while orders are open."""
    LEVERAGE_TOO_HIGH = "leverage_too_high"
    LEVERAGE_CUT = "leverage_cut"
    """Isolated leverage cannot be lowered under a position."""


class Origin(StrEnum):
    """Who sent an order."""

    CLIENT = "client"
    TRIGGER = "trigger"
    """The child of a conditional order."""
    ATTACHED = "attached"
    """A stop that came with an entry."""
    LIQUIDATION = "liquidation"
    ADL = "adl"
    MANUAL = "manual"
    SETTLEMENT = "settlement"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is asked for."""

    symbol: Symbol
    client_id: str = ""
    """Empty: the exchange makes one."""
    side: Side
    kind: OrderKind
    """STOP_MARKET is a conditional order, in a name space of its own."""
    qty: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    is_reduce_only: bool = False
    is_by_mark: bool = True
    """The trigger looks at the mark; else at the last price."""
    stop_loss: Decimal | None = None
    """Trigger of a stop for the whole position, attached to this entry."""
    is_take_profit: bool = False
    """A conditional order on the other side of the price: buys below it, sells above."""
    closes_position: bool = False
    """A conditional order for whatever is held when it fires; its quantity says nothing."""
    is_hedged: bool = False
    """Names one of the two positions of hedge mode."""
    origin: Origin = Origin.CLIENT


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the exchange held it at `updated_at`; every change makes a new one."""

    id: int
    asked: NewOrder
    client_id: str
    status: Status = Status.NEW
    filled_qty: Decimal = ZERO
    filled_usd: Decimal = ZERO
    created_at: Millis
    updated_at: Millis
    triggered_at: Millis | None = None
    """Of a conditional order that fired."""
    child_id: int | None = None
    """Of a conditional order that fired: the order that it sent."""
    parent_id: int | None = None
    why: Why | None = None

    @property
    def is_conditional(self) -> bool:
        """It waits for a trigger, in the service where such orders live."""
        return self.asked.kind is OrderKind.STOP_MARKET

    @property
    def is_working(self) -> bool:
        """It can still do something."""
        return self.status in WORKING

    @property
    def open_qty(self) -> Decimal:
        """What is left to fill."""
        return self.asked.qty - self.filled_qty

    @property
    def average_price(self) -> Decimal | None:
        """Of what filled."""
        return self.filled_usd / self.filled_qty if self.filled_qty else None


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an order that traded."""

    id: int
    order_id: int
    client_id: str
    symbol: Symbol
    side: Side
    qty: Decimal
    price: Decimal
    fee_usd: Decimal
    realized_usd: Decimal
    is_maker: bool
    at: Millis
    origin: Origin


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position: one-way, signed."""

    symbol: Symbol
    qty: Decimal
    entry_price: Decimal
    updated_at: Millis


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the wallet."""

    id: int
    symbol: Symbol
    kind: str
    """funding | realized | commission"""
    usd: Decimal
    at: Millis
    trade_id: int | None = None


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An order was taken, filled in part or in whole, or ended; the order as it was then."""

    at: Millis
    order: Order
    trade: Trade | None = None


class HoldingChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A position or the wallet changed."""

    at: Millis
    symbol: Symbol
    holding: Holding | None
    balance_usd: Decimal
    reason: str = "order"
    """order | funding | settings"""


Happening = OrderChanged | HoldingChanged
"""What a user stream tells."""
