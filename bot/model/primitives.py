"""The units that everything else is measured in.

Arithmetic on a Price gives a plain Decimal: a new price must pass through `Instrument`, where the
tick grid and the rounding direction are chosen.
"""

from decimal import Decimal
from enum import StrEnum
from typing import NewType

import msgspec

Symbol = NewType("Symbol", str)
"""ccxt's unified name, `BTC/USDT:USDT`."""
ClientOrderId = NewType("ClientOrderId", str)
"""Ours, derived: 128 bits in lower-case base36, 25 characters."""
VenueOrderId = NewType("VenueOrderId", str)
FillId = NewType("FillId", str)
"""The venue's own trade id; unique within a symbol."""
SignalId = NewType("SignalId", str)
BracketId = NewType("BracketId", str)
ClusterId = NewType("ClusterId", int)
"""Our own track number; never the provider's `cluster_id`."""
Millis = NewType("Millis", int)
"""An instant: milliseconds since 1970 UTC. Durations are plain ints ending in `_ms`."""
Price = NewType("Price", Decimal)
"""Quote currency per base coin."""
Qty = NewType("Qty", Decimal)
"""Base coins, unsigned, on the lot grid."""
Usd = NewType("Usd", Decimal)
"""Quote currency, signed."""

ZERO = Decimal(0)


class Value(msgspec.Struct, frozen=True, gc=False):
    """The base of every value: frozen, compared by content; subclasses repeat the flags.

    What is frozen refers only to what was there before it, so it can never be part of a cycle:
    the garbage collector need not look at it, and never stops the loop to look at all of them.
    """


class Side(StrEnum):
    """The side of an order or a fill."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The side that undoes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what one unit does to a signed position."""
        return 1 if self is Side.BUY else -1


class PositionSide(StrEnum):
    """The side of a position, and of the positions at risk in a cluster."""

    LONG = "long"
    SHORT = "short"

    @property
    def opposite(self) -> "PositionSide":
        """The other side."""
        return PositionSide.SHORT if self is PositionSide.LONG else PositionSide.LONG

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short: the direction of price that pays."""
        return 1 if self is PositionSide.LONG else -1

    @property
    def entry_side(self) -> Side:
        """The order side that opens such a position."""
        return Side.BUY if self is PositionSide.LONG else Side.SELL

    @property
    def exit_side(self) -> Side:
        """The order side that closes such a position."""
        return self.entry_side.opposite
