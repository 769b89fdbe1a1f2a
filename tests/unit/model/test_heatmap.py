"""A reading says what the provider said, and no more."""

import msgspec

from bot.model.heatmap import Reading, Row, Stats
from bot.model.primitives import PositionSide, Symbol


def test_a_reading_survives_the_journal() -> None:
    row = Row(
        level=100.0,
        side=PositionSide.LONG,
        notional_usd=1e6,
        strength=0.5,
        low=99.0,
        high=101.0,
    )
    reading = Reading(symbol=Symbol("BTC/USDT:USDT"), price=105.0, rows=(row,))

    assert reading == msgspec.json.decode(msgspec.json.encode(reading), type=Reading)
    assert row.leverage_tier is None


def test_statistics_of_two_replies_do_not_share_their_symbols() -> None:
    """The default is copied, not shared."""
    assert Stats().open_interest is not Stats().open_interest
