"""Which stop of ours stands for the one that came with the entry.

At Bybit an entry carries a stop for the whole position, and the stop that the core then places
stands at the same trigger: whichever fires first closes the position. The exchange gives the
carried one no name of ours, so its fills are booked under our stop, for whose trigger they stand.
"""

from bot.model.order import OrderKind, OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import ClientOrderId, Side, Symbol


class OwnStops:
    """The newest stop of ours for each side of each symbol, since the last entry there."""

    def __init__(self) -> None:
        self._stops: dict[tuple[Symbol, Side], ClientOrderId] = {}
        self._before: dict[tuple[Symbol, Side], ClientOrderId | None] = {}
        """What the newest has taken the place of."""

    def placed(self, request: OrderRequest) -> None:
        """An order of ours is about to be sent.

        An entry ends what is known: until its own stop stands, a fill of the carried one belongs
        to no order of ours.
        """
        if request.kind is OrderKind.STOP_MARKET:
            place = request.symbol, request.side
            if self._stops.get(place) != request.client_id:
                self._before[place] = self._stops.get(place)
            self._stops[place] = request.client_id
        elif not request.is_reduce_only:
            self._stops.pop((request.symbol, request.side.opposite), None)

    def refused(self, request: OrderRequest) -> None:
        """It is proved not to exist: what was before stands again, and no fill is its own."""
        place = request.symbol, request.side
        if self._stops.get(place) == request.client_id:
            before = self._before.pop(place, None)
            if before is None:
                del self._stops[place]
            else:
                self._stops[place] = before

    def listed(self, report: OrderReport) -> None:
        """An open order was found: after a restart this is how its stops are known again."""
        if (
            report.kind is OrderKind.STOP_MARKET
            and report.client_id is not None
            and report.is_reduce_only
            and report.status is OrderStatus.OPEN
        ):
            self._stops.setdefault((report.symbol, report.side), report.client_id)

    def of(self, symbol: Symbol, side: Side) -> ClientOrderId | None:
        """The stop that a fill on that side is booked under; None where there is none."""
        return self._stops.get((symbol, side))
