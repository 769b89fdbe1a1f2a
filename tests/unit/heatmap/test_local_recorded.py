"""The local engine on recorded markets: coverage rises and levels stand still as designed."""

import math

import pytest

from bot.heatmap.local import LocalEngine
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import (
    Past,
    is_recorded,
    read,
    recorded,
    see,
)

SETTINGS = EngineSettings()


@pytest.mark.skipif(not is_recorded(), reason="no recorded data beside the repository")
@pytest.mark.parametrize("coin", ["BTC", "SOL"])
def test_coverage_on_recorded_markets_rises_as_designed(coin: str) -> None:
    """0.09 to 0.2 after 500 bars, 0.2 after days, then level while nothing crashes."""
    instrument, past = recorded(coin, 30 * 288)
    engine = LocalEngine({instrument.symbol: instrument}, SETTINGS)
    covered = []
    for bar, (_, oi) in zip(past.candles, [(0, 0.0), *past.open_interest], strict=False):
        see(engine, bar, oi or None)
        book = engine._symbols[instrument.symbol].book
        covered.append(book.coverage if book else 0.0)
    warm_after_days = next(index for index, share in enumerate(covered) if share >= 0.2) / 288

    assert 0.09 <= covered[499] <= 0.2
    assert 2.0 <= warm_after_days <= 7.0
    assert 0.3 <= covered[-1] <= 0.58


@pytest.mark.skipif(not is_recorded(), reason="no recorded data beside the repository")
@pytest.mark.parametrize("coin", ["BTC", "SOL"])
def test_levels_on_recorded_markets_stay_where_they_are(coin: str) -> None:
    """Of the clusters that were not traded through, by the provider gate's own measure.

    Between two bars nothing changes, so 60 seconds later four readings of five are the same.
    """
    instrument, past = recorded(coin, 22 * 288)
    warm = Past(past.candles[: 15 * 288], past.open_interest[: 15 * 288 - 1])
    engine = LocalEngine({instrument.symbol: instrument}, SETTINGS)
    engine.warm_up(instrument.symbol, warm)
    known = dict(past.open_interest)
    asked = kept = same_id = 0
    before = read(engine, instrument.symbol)
    for bar in past.candles[15 * 288 :]:
        see(engine, bar, known.get(bar.close_at))
        after = read(engine, instrument.symbol)
        ids = {row.provider_id for row in after.rows}
        for row in before.rows:
            if bar.low <= row.level <= bar.high:
                continue
            asked += 1
            same_id += row.provider_id in ids
            kept += any(
                row.side is later.side and abs(math.log(row.level / later.level)) <= 0.001
                for later in after.rows
            )
        before = after

    assert asked > 10_000
    assert kept / asked >= 0.95
    assert same_id / asked >= 0.95
