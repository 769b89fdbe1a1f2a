"""What to do. Imperative; each is on disk before a venue hears of it."""

from typing import TypeAlias

import msgspec

from bot.model.order import OrderRequest
from bot.model.primitives import ClientOrderId, Millis, Price, Symbol, VenueOrderId


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    symbol: Symbol


class PlaceOrder(_Command, frozen=True, kw_only=True):
    """Send a new order."""

    request: OrderRequest
    stop_loss_price: Price | None = None
    """Of an entry: where the venue can attach a stop to it, this is its trigger."""


class CancelOrder(_Command, frozen=True, kw_only=True):
    """Cancel by client id; `is_trigger` names the service where stops live."""

    client_id: ClientOrderId
    is_trigger: bool = False
    is_reduce_only: bool = False


class CancelForeign(_Command, frozen=True, kw_only=True):
    """Cancel an order that carries our prefix and that no row explains."""

    venue_id: VenueOrderId
    is_trigger: bool = False


class QueryOrder(_Command, frozen=True, kw_only=True):
    """Ask what became of one order."""

    client_id: ClientOrderId
    is_trigger: bool = False


class FetchAccount(_Command, frozen=True, kw_only=True):
    """Ask for positions, orders of every kind, fills since `fills_since` and the balance.

    An empty `symbol` asks for all symbols at once.
    """

    fills_since: Millis


Command: TypeAlias = PlaceOrder | CancelOrder | CancelForeign | QueryOrder | FetchAccount
