"""A bar is known when it ends."""

from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol


def test_a_candle_closes_its_timeframe_after_it_opens() -> None:
    candle = Candle(
        symbol=Symbol("BTC/USDT:USDT"),
        open_at=Millis(1_000),
        timeframe_ms=60_000,
        open=1.0,
        high=2.0,
        low=0.5,
        close=1.5,
        volume=3.0,
    )

    assert candle.close_at == 61_000
    assert candle.taker_buy_volume is None
