"""The prices at which something happens on a symbol, so that every other price costs nothing."""

from collections.abc import Iterable
from decimal import Decimal

from bot.model.events import PriceMoved
from bot.model.order import OrderRequest
from bot.model.primitives import PositionSide, Side, Value

INFINITY = float("inf")


class Watch(Value, frozen=True, kw_only=True):
    """Nothing happens while the range stays strictly between `low` and `high`."""

    low: float = -INFINITY
    high: float = INFINITY
    funding_at: float = INFINITY
    """The next settlement, in ms, while there is a position."""

    def is_hit(self, event: PriceMoved) -> bool:
        """Whether this price may do something; the exact judgment is made elsewhere."""
        return event.low <= self.low or event.high >= self.high or event.at >= self.funding_at


def watch_of(
    requests: Iterable[OrderRequest],
    *,
    liquidation: tuple[PositionSide, Decimal] | None,
    funding_at: int | None,
) -> Watch:
    """The nearest price either side at which an order or the liquidation may act."""
    lows: list[Decimal] = []
    highs: list[Decimal] = []
    for request in requests:
        if request.trigger_price is not None:
            falling = lows if request.side is Side.SELL else highs
            falling.append(request.trigger_price)
        elif request.price is not None:
            resting = lows if request.side is Side.BUY else highs
            resting.append(request.price)
    if liquidation is not None:
        side, price = liquidation
        (lows if side is PositionSide.LONG else highs).append(price)
    return Watch(
        low=float(max(lows)) if lows else -INFINITY,
        high=float(min(highs)) if highs else INFINITY,
        funding_at=INFINITY if funding_at is None else funding_at,
    )
