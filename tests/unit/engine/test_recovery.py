"""What the price did while the bot was away."""

from collections.abc import Sequence

import msgspec

from bot.engine.recovery import GAP_MIN_MS, recovery_step
from bot.model.events import PriceMoved
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.model.snapshot import SymbolSnapshot
from tests.fakes.rows import BTC, T0

MINUTE_MS = 60_000


class Past(msgspec.Struct, kw_only=True):
    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]] = ()
    funding: Funding | None = None


def bar(minute: int, *, high: float = 101.0, low: float = 99.0, close: float = 100.0) -> Candle:
    return Candle(
        symbol=BTC,
        open_at=Millis(T0 + minute * MINUTE_MS),
        timeframe_ms=MINUTE_MS,
        open=100.0,
        high=high,
        low=low,
        close=close,
        volume=1.0,
    )


def missed(*bars: Candle, since_ms: int | None = 0, minutes: float) -> PriceMoved | None:
    """The step for a bot whose last price was `since_ms` after T0 and that is back after so long"""
    last_at = None if since_ms is None else Millis(T0 + since_ms)
    known = SymbolSnapshot(symbol=BTC, last_price_at=last_at, last_price=100.0)
    now = Millis(T0 + round(minutes * MINUTE_MS))
    return recovery_step(BTC, known, Past(candles=bars), now)


def test_the_range_of_all_that_was_missed_is_one_step_marked_as_recovery() -> None:
    step = missed(bar(0, high=120.0), bar(1, low=80.0), bar(2, close=105.0), minutes=3)

    assert step is not None
    assert (120.0, 80.0, 105.0) == (step.high, step.low, step.mark)
    assert (T0, T0 + 3 * MINUTE_MS) == (step.since_at, step.at)
    assert step.is_recovery
    assert step.is_complete


def test_the_bar_that_was_open_at_the_last_price_proves_nothing() -> None:
    """Its extreme may be older than the price that was seen."""
    step = missed(bar(0, high=500.0), bar(1, high=110.0), since_ms=30_000, minutes=2)

    assert step is not None
    assert 110.0 == step.high


def test_a_bar_that_is_not_over_is_not_looked_into() -> None:
    step = missed(bar(0), bar(1, high=500.0), minutes=1.5)

    assert step is not None
    assert 101.0 == step.high


def test_a_gap_that_bars_do_not_cover_is_marked_incomplete() -> None:
    """Nobody knows what the price did meanwhile: breaks are doubtful."""
    step = missed(bar(0), bar(9), minutes=10)

    assert step is not None
    assert not step.is_complete


def test_a_pause_as_short_as_between_two_prices_is_none() -> None:
    assert missed(bar(0), minutes=(GAP_MIN_MS - 1) / MINUTE_MS) is None


def test_without_a_last_price_or_bars_there_is_nothing_to_recover() -> None:
    assert missed(bar(0), bar(1), since_ms=None, minutes=2) is None
    assert missed(minutes=60) is None
