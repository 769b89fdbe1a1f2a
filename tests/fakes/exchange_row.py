"""An order as the fake exchange holds it."""

from decimal import Decimal

import msgspec

from bot.model.order import OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import ZERO, Millis, Price, Qty, VenueOrderId


class Row(msgspec.Struct, kw_only=True):
    """An order as the exchange holds it."""

    request: OrderRequest
    venue_id: VenueOrderId
    status: OrderStatus = OrderStatus.OPEN
    filled_qty: Decimal = ZERO
    filled_usd: Decimal = ZERO
    created_at: Millis
    venue_at: Millis

    @property
    def open_qty(self) -> Decimal:
        return self.request.qty - self.filled_qty

    def report(self) -> OrderReport:
        request = self.request
        average = Price(self.filled_usd / self.filled_qty) if self.filled_qty else None
        return OrderReport(
            client_id=request.client_id,
            venue_id=self.venue_id,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            status=self.status,
            qty=request.qty,
            filled_qty=Qty(self.filled_qty),
            average_price=average,
            price=request.price,
            trigger_price=request.trigger_price,
            is_reduce_only=request.is_reduce_only,
            venue_at=self.venue_at,
        )
