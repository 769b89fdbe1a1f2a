"""Public market facts: bars, and the newest price as the core sees it."""

from bot.model.primitives import Millis, Symbol, Value


class Candle(Value, frozen=True, kw_only=True):
    """One closed bar. Prices in quote currency, volumes in base coins."""

    symbol: Symbol
    open_at: Millis
    timeframe_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    taker_buy_volume: float | None = None

    @property
    def close_at(self) -> Millis:
        """The instant the bar ends and its content is known."""
        return Millis(self.open_at + self.timeframe_ms)


class Funding(Value, frozen=True, kw_only=True):
    """The rate that longs pay shorts (negative: the other way) at the next settlement."""

    symbol: Symbol
    rate: float
    """Share of notional: 0.0001 is 0.01 %."""
    next_at: Millis
    interval_ms: int = 8 * 3_600_000
    """From one settlement to the next."""

    @property
    def last_at(self) -> Millis:
        """When it was settled last."""
        return Millis(self.next_at - self.interval_ms)
