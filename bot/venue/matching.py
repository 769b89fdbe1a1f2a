"""How an order meets a price: pure, and pessimistic wherever the path of the price is unknown.

The book is even: every tick from the best price on holds the same notional, so that `depth_usd` is
used up `impact` times 10 bps away. A taker walks along the levels and pays their average, rounded
to the tick against it; what it took is gone until the next price.

Pessimism, in this order: a resting order fills only when the price trades *through* it by a tick
(our place in the queue is unknown, so it is last) and never better than its limit; a stop fills
at its trigger, or at the price behind a gap, and then pays half the spread and the slippage; the
venue closes a position at the price where its margin is used up.
"""

from decimal import ROUND_FLOOR, Decimal

from msgspec.structs import replace

from bot.model.events import PriceMoved
from bot.model.instrument import Instrument
from bot.model.primitives import ZERO, Millis, PositionSide, Price, Qty, Side, Symbol, Value

DEPTH_ASSUMED_USD = Decimal(1_000_000)
"""Resting notional within 10 bps where the market does not say."""
DEPTH_SPAN = Decimal("0.001")
"""The distance over which a market's depth is measured: 10 bps."""
LIQUIDATION_PASSES_MAX = 8
"""Brackets are few, so the bracket at the liquidation price is found in a few passes."""
ONE = Decimal(1)


class Quote(Value, frozen=True, kw_only=True):
    """The newest prices of a symbol, exact, and the range of the mark since the ones before."""

    symbol: Symbol
    bid: Decimal
    ask: Decimal
    mark: Decimal
    high: Decimal
    low: Decimal
    depth_usd: Decimal = DEPTH_ASSUMED_USD
    late_from: Millis | None = None
    """From when on the range is, where it was found out after other prices had been seen."""

    def touch(self, side: Side) -> Decimal:
        """The best price a taker of that side meets."""
        return self.ask if side is Side.BUY else self.bid

    def seen_from(self, at: Millis) -> "Quote":
        """The same for an order that is there since `at`: what the price did before is past."""
        if self.late_from is None or at <= self.late_from:
            return self
        return replace(self, high=self.mark, low=self.mark)


def quote_of(event: PriceMoved, *, is_late: bool = False) -> Quote:
    """The same prices as exact decimals; called only when something may happen."""
    depth = event.depth_usd
    return Quote(
        symbol=event.symbol,
        bid=Decimal(repr(event.bid)),
        ask=Decimal(repr(event.ask)),
        mark=Decimal(repr(event.mark)),
        high=Decimal(repr(event.high)),
        low=Decimal(repr(event.low)),
        late_from=event.since_at if is_late else None,
        depth_usd=Decimal(repr(depth)) if depth else DEPTH_ASSUMED_USD,
    )


class Taken(Value, frozen=True, kw_only=True):
    """What a taker got: a quantity on the lot grid at one average price on the tick grid."""

    qty: Qty
    price: Price


class Line(Value, frozen=True, kw_only=True):
    """The even book that one taker meets."""

    instrument: Instrument
    side: Side
    """The taker's."""
    touch: Decimal
    slope: Decimal
    """Share of the price lost for each USD taken."""
    taken_usd: Decimal = ZERO
    """Taken by us since the newest price: it is not there twice."""

    def take(self, qty: Decimal, limit: Decimal | None = None) -> Taken | None:
        """Fill up to `qty` no worse than `limit`; None where not even one lot can be had."""
        reachable = qty if limit is None else min(qty, self._reach(limit))
        filled = self.instrument.qty_down(reachable)
        if not filled:
            return None
        start_usd, end_usd = self.taken_usd, self.taken_usd + filled * self.touch
        ticks = (self._walk(end_usd) - self._walk(start_usd)) / (end_usd - start_usd)
        average = self.touch + self.side.sign * ticks * self.instrument.tick_size
        price = self.instrument.price_aggressive(average, self.side)
        if limit is not None:
            price = Price(min(price, limit) if self.side is Side.BUY else max(price, limit))
        return Taken(qty=filled, price=Price(max(price, self.instrument.tick_size)))

    @property
    def _level_usd(self) -> Decimal:
        """What one tick's level holds."""
        return self.instrument.tick_size / self.touch / self.slope

    def _walk(self, usd: Decimal) -> Decimal:
        """The ticks given up by whoever took that much from the best price on, times USD."""
        if not self.slope:
            return ZERO
        level_usd = self._level_usd
        levels = (usd / level_usd).to_integral_value(ROUND_FLOOR)
        return levels * (levels - 1) / 2 * level_usd + levels * (usd - levels * level_usd)

    def _reach(self, limit: Decimal) -> Decimal:
        """Base coins that rest between the touch and `limit`, both levels included."""
        span = (limit - self.touch) * self.side.sign
        if span < 0:
            return ZERO
        if not self.slope:
            return Decimal("Infinity")
        levels = (span / self.instrument.tick_size).to_integral_value(ROUND_FLOOR) + 1
        return max(levels * self._level_usd - self.taken_usd, ZERO) / self.touch


def slope_of(depth_usd: Decimal, impact: Decimal) -> Decimal:
    """Share of the price lost for each USD taken, with `impact` in tens of basis points."""
    return impact * DEPTH_SPAN / depth_usd


# --- resting orders


def is_through(side: Side, limit: Decimal, quote: Quote, tick_size: Decimal) -> bool:
    """Whether the range went at least one tick beyond a resting limit."""
    if side is Side.BUY:
        return quote.low <= limit - tick_size
    return quote.high >= limit + tick_size


def resting_qty(instrument: Instrument, limit: Decimal, open_qty: Decimal, quote: Quote) -> Qty:
    """What a resting order gets when the price went through it: one depth at most, or a lot."""
    most = max(quote.depth_usd / limit, instrument.lot_size)
    return instrument.qty_down(min(open_qty, most))


def would_take(side: Side, limit: Decimal, quote: Quote) -> bool:
    """Whether a limit meets the other side at once: what post-only refuses."""
    return (limit - quote.touch(side)) * side.sign >= 0


# --- stops


def is_triggered(side: Side, trigger: Decimal, *, low: Decimal, high: Decimal) -> bool:
    """Whether a range of marks reached a stop's trigger: sells below, buys above."""
    return low <= trigger if side is Side.SELL else high >= trigger


def stop_price(side: Side, trigger: Decimal, quote: Quote) -> Decimal:
    """The mark at which a triggered stop goes to market: its trigger, or the far side of a gap."""
    if side is Side.SELL:
        return trigger if quote.high >= trigger else min(quote.high, quote.mark)
    return trigger if quote.low <= trigger else max(quote.low, quote.mark)


def touch_at(side: Side, mark: Decimal, quote: Quote) -> Decimal:
    """The best price a taker would have met when the mark was there: the spread moves along."""
    return mark + (quote.touch(side) - quote.mark)


# --- isolated margin


def leverage_at(instrument: Instrument, notional_usd: Decimal, leverage: Decimal) -> Decimal:
    """The leverage that holds for a notional: the setting, or what its bracket allows."""
    bracket = instrument.tier_at(float(notional_usd))
    return min(leverage, Decimal(str(bracket.leverage_max)))


def bankruptcy_price(side: PositionSide, entry: Decimal, leverage: Decimal) -> Decimal:
    """Where the whole isolated margin is lost."""
    return entry * (ONE - side.sign / leverage)


def liquidation_price(
    instrument: Instrument, side: PositionSide, *, entry: Decimal, qty: Decimal, leverage: Decimal
) -> Decimal | None:
    """Where the venue closes an isolated position; None where no price above zero does.

    Exact for linear contracts: long `(E(1 - 1/l) - cum/q) / (1 - m)`, short
    `(E(1 + 1/l) + cum/q) / (1 + m)`, with the bracket of the notional at that very price.
    """
    held = leverage_at(instrument, entry * qty, leverage)
    price = entry
    for _ in range(LIQUIDATION_PASSES_MAX):
        bracket = instrument.tier_at(float(price * qty))
        rate, cum = Decimal(str(bracket.maintenance_rate)), Decimal(str(bracket.cum_usd))
        edge = bankruptcy_price(side, entry, held) - side.sign * cum / qty
        found = max(edge / (ONE - side.sign * rate), ZERO)
        if found == price:
            break
        price = found
    return price if price > 0 else None
