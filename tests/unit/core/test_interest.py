"""Open interest against its own past: nothing known shrinks nothing, something lost does."""

import math
from itertools import pairwise

import pytest

from bot.core.interest import HOUR_MS, OWN_FRESH_MS, STATS_FRESH_MS, Interest, Series
from bot.model.events import OpenInterestRead
from bot.model.heatmap import OpenInterest, Stats
from bot.model.primitives import Millis, Symbol
from bot.model.settings import SizeSettings

_BTC = Symbol("BTC/USDT:USDT")
_SIZE = SizeSettings()
_DAY = 24 * HOUR_MS


def _past(value: float = 100.0, hours: int = 48) -> list[tuple[Millis, float]]:
    return [(Millis(n * HOUR_MS), value) for n in range(hours)]


def _read(at: int, oi: float) -> OpenInterestRead:
    return OpenInterestRead(at=Millis(at), symbol=_BTC, oi=oi, stamped_at=Millis(at))


def test_ratio_is_the_newest_value_over_its_own_median() -> None:
    interest = Interest(_past())
    at = Millis(48 * HOUR_MS)
    interest.on_open_interest(_read(at, 80.0))

    assert interest.ratio(at) == pytest.approx(0.8)
    assert interest.multiplier(at, _SIZE) == pytest.approx(0.8)
    assert interest.total_usd(at, 1000.0) == pytest.approx(80_000.0)


def test_a_symbol_that_was_never_seen_is_not_shrunk() -> None:
    interest = Interest()

    assert interest.multiplier(Millis(0), _SIZE) == 1.0
    assert interest.ratio(Millis(0)) is None
    assert interest.total_usd(Millis(0), 1.0) is None
    assert interest.long_short_ratio(Millis(0)) is None


def test_less_than_a_day_of_history_says_nothing() -> None:
    interest = Interest(_past(hours=23))
    at = Millis(22 * HOUR_MS)

    assert interest.ratio(at) is None
    assert interest.multiplier(at, _SIZE) == 1.0


def test_lost_figures_hold_for_the_grace_period_and_then_halve() -> None:
    interest = Interest([*_past(), (Millis(48 * HOUR_MS), 80.0)])
    stale = 48 * HOUR_MS + OWN_FRESH_MS

    assert interest.multiplier(Millis(stale), _SIZE) == pytest.approx(0.8)
    assert interest.multiplier(Millis(stale + 1), _SIZE) == pytest.approx(0.8)
    assert interest.multiplier(Millis(stale + 300_000), _SIZE) == pytest.approx(0.8)
    assert interest.multiplier(Millis(stale + 300_001), _SIZE) == 0.5
    interest.on_open_interest(_read(stale + 400_000, 90.0))
    assert interest.multiplier(Millis(stale + 400_000), _SIZE) == pytest.approx(0.9)


def test_lost_figures_never_enlarge() -> None:
    size = SizeSettings(multiplier_max=1.5)
    interest = Interest([*_past(), (Millis(48 * HOUR_MS), 140.0)])
    at = 48 * HOUR_MS

    assert interest.multiplier(Millis(at), size) == pytest.approx(1.4)
    assert interest.multiplier(Millis(at + OWN_FRESH_MS + 1), size) == 1.0


def test_guide_13_a_symbol_missing_from_the_statistics_is_no_error() -> None:
    """Row 13: the nesting is `stats.debug`, and BTC is missing from it."""
    interest = Interest()
    stats = Stats()
    interest.on_stats(stats.open_interest.get(_BTC), Millis(0))

    assert interest.multiplier(Millis(0), _SIZE) == 1.0


def test_guide_14_the_long_short_ratio_is_kept_and_never_traded_on() -> None:
    """Row 14: at the public provider it is book depth, and the guide gives it three meanings."""
    interest = Interest()
    bias = {}
    for ratio in (0.5, 1.0, 2.0):
        interest.on_stats(OpenInterest(total_oi_usd=1e9, long_short_ratio=ratio), Millis(0))
        bias[ratio] = interest.multiplier(Millis(0), _SIZE)

    assert {0.5: 1.0, 1.0: 1.0, 2.0: 1.0} == bias
    assert interest.long_short_ratio(Millis(0)) == 2.0
    assert interest.long_short_ratio(Millis(STATS_FRESH_MS + 1)) is None


def test_guide_16_size_follows_the_own_past_without_jumps() -> None:
    """Row 16: steps at 1 and 5 billion pass BTC and ETH alone, and jump at the edge."""
    sizes = []
    for oi in range(40, 130):
        interest = Interest([*_past(), (Millis(48 * HOUR_MS), float(oi))])
        sizes.append(interest.multiplier(Millis(48 * HOUR_MS), _SIZE))

    assert all(0 <= after - before < 0.011 for before, after in pairwise(sizes))
    assert min(sizes) == 0.5
    assert max(sizes) == 1.0


def test_the_exchange_is_preferred_to_the_provider() -> None:
    interest = Interest([*_past(), (Millis(48 * HOUR_MS), 80.0)])
    for at, _ in _past():
        interest.on_stats(OpenInterest(total_oi_usd=1e9), at)
    at = Millis(48 * HOUR_MS)
    interest.on_stats(OpenInterest(total_oi_usd=0.6e9), at)

    assert interest.ratio(at) == pytest.approx(0.8)


def test_the_provider_stands_in_where_the_exchange_is_silent() -> None:
    interest = Interest()
    for at, _ in _past():
        interest.on_stats(OpenInterest(total_oi_usd=1e9), at)
    at = Millis(48 * HOUR_MS)
    interest.on_stats(OpenInterest(total_oi_usd=0.6e9), at)

    assert interest.ratio(at) == pytest.approx(0.6)
    assert interest.total_usd(at, 1000.0) == 0.6e9


def test_values_that_cannot_be_and_late_ones_are_ignored() -> None:
    series = Series()
    for at, value in ((5, 10.0), (4, 99.0), (6, math.nan), (7, 0.0), (8, -1.0), (9, math.inf)):
        series.add(Millis(at), value)

    assert (5, 10.0) == (series.at, series.value)
    assert series.age_ms(Millis(3)) == 0


def test_the_window_is_thirty_days() -> None:
    series = Series()
    for n in range(30 * 24):
        series.add(Millis(n * HOUR_MS), 1.0)
    for n in range(30 * 24, 60 * 24):
        series.add(Millis(n * HOUR_MS), 2.0)

    assert series.ratio == 1.0
    assert len(series._sorted) == 30 * 24
