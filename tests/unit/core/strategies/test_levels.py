"""S2, support and resistance: after a sweep, or resting before a touch."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bot.core.selector import select
from bot.core.strategies import levels
from bot.core.strategies.base import Candidate, View
from bot.model.cluster import ClusterState
from bot.model.primitives import PositionSide
from bot.model.signal import EntryStyle, Refusal, Rule, Signal, Strategy
from tests.fakes.views import (
    LONG,
    NOW,
    SHORT,
    a_view,
    ago,
    long_at,
    short_at,
    swept,
    tuned,
)

_D = Decimal
_RESTING = tuned("levels", mode="pre_touch")
_ALONE = tuned("hunt", enabled=False)


def _refusals(view: View, side: PositionSide = LONG) -> list[Refusal]:
    proposals = levels.propose(view)
    return [p for p in proposals if isinstance(p, Refusal) and p.position_side is side]


def _rules(view: View, side: PositionSide = LONG) -> list[Rule]:
    return [refusal.rule for refusal in _refusals(view, side)]


def _signal(view: View) -> Signal:
    signal = select(view).signal
    assert signal is not None
    assert signal.strategy is Strategy.LEVELS
    return signal


def _candidates(view: View) -> Iterable[Candidate]:
    return [p for p in levels.propose(view) if isinstance(p, Candidate)]


def test_a_reclaimed_sweep_is_bought_with_the_stop_below_its_extreme() -> None:
    event = swept(LONG, 99_950.0, extreme=99_790.0)
    signal = _signal(a_view(short_at(100_790.0), events=[event], settings=_ALONE))

    assert signal.position_side is LONG
    assert signal.entry_style is EntryStyle.IOC
    assert _D("99789.9") == signal.stop_price
    assert _D("100739.6") == signal.target_price
    assert not signal.is_target_invented


def test_a_shallow_sweep_has_its_stop_beyond_the_far_edge() -> None:
    event = swept(LONG, 99_950.0, extreme=99_930.0, low=99_900.0, high=99_950.0)
    signal = _signal(a_view(short_at(100_790.0), events=[event], settings=_ALONE))

    assert _D("99800.1") == signal.stop_price


def test_guide_10_resistance_is_the_target_and_there_is_a_stop() -> None:
    """Row 10: the guide computes resistance and never uses it, and has no stop and no target."""
    event = swept(SHORT, 100_050.0, extreme=100_210.0)
    signal = _signal(a_view(long_at(99_210.0), events=[event], settings=_ALONE))

    assert signal.position_side is SHORT
    assert _D("100210.1") == signal.stop_price
    assert _D("99259.7") == signal.target_price


def test_without_a_level_ahead_the_target_is_twice_the_risk_and_marked() -> None:
    """T = E + 2K with K per coin, costs included, after rounding E and S."""
    signal = _signal(a_view(events=[swept(LONG, 99_950.0, extreme=99_790.0)]))

    assert signal.is_target_invented
    assert signal.target_price == (signal.entry_price + 2 * signal.loss_per_unit_usd).quantize(
        _D("0.1"), rounding="ROUND_FLOOR"
    )


def test_guide_09_support_is_the_nearest_below_and_none_is_no_error() -> None:
    """Row 9: `min(price_level)` is the farthest, and raises on an empty list."""
    near, far = long_at(99_800.0), long_at(99_000.0)
    [refusal] = _refusals(a_view(far, near, long_at(100_200.0)))

    assert (Rule.NOT_SWEPT, near.id) == (refusal.rule, refusal.cluster_id)
    assert (0, 1) == (refusal.saw, refusal.limit)
    assert [Rule.NO_LEVEL] == _rules(a_view())
    assert [Rule.NO_LEVEL] == _rules(a_view(settings=_RESTING))
    assert [Rule.NO_LEVEL] == _rules(a_view(long_at(96_900.0)))
    assert [Rule.NO_LEVEL] == _rules(a_view(long_at(99_800.0, state=ClusterState.CANDIDATE)))


def test_guide_11_a_sweep_is_an_event_of_our_own_tracker() -> None:
    """Row 11: `c.active` is not in the API; here a break that was taken back is an event."""
    view = a_view(long_at(99_800.0))

    assert [Rule.NOT_SWEPT] == _rules(view)
    assert len(list(_candidates(a_view(events=[swept(LONG, 99_950.0, extreme=99_790.0)])))) == 1


def test_guide_12_a_hunt_down_and_a_purchase_of_one_cluster_do_not_both_win() -> None:
    """Row 12: one long cluster is support to buy and fuel to sell; arbitration decides."""
    cluster = long_at(99_300.0)
    view = a_view(cluster, settings=tuned("common", same_cluster_s=600.0))
    short = select(view).signal
    assert short is not None
    assert short.position_side is SHORT
    backed = {cluster.id: (LONG, ago(599))}
    refused = select(a_view(cluster, backed=backed))

    assert refused.signal is None
    assert Rule.CLUSTER_BACKED_OTHER_SIDE in {r.rule for r in refused.refusals}
    assert select(a_view(cluster, backed={cluster.id: (LONG, ago(600))})).signal is not None


def test_guide_17_the_stop_lies_beyond_the_far_edge_and_a_buffer() -> None:
    """Row 17: "stops just beyond the cluster" and "no stops at clusters": both, by the far edge."""
    cluster = long_at(99_900.0, low=99_850.0, high=99_950.0)
    [candidate] = _candidates(a_view(cluster, settings=_RESTING))

    assert candidate.stop == pytest.approx(99_850 * 0.999)


def test_the_price_back_below_the_band_is_refused() -> None:
    event = swept(LONG, 100_050.0, extreme=99_990.0, low=100_020.0, high=100_060.0)
    [refusal] = _refusals(a_view(events=[event]))

    assert (Rule.BELOW_FAR_EDGE, 100_000.0, 100_020.0) == (
        refusal.rule,
        refusal.saw,
        refusal.limit,
    )


def test_a_price_that_ran_away_from_the_level_is_refused() -> None:
    [refusal] = _refusals(a_view(events=[swept(LONG, 98_900.0, extreme=98_800.0)]))

    assert (Rule.TOO_FAR, 1.0) == (refusal.rule, refusal.limit)


def test_three_touches_in_an_hour_weaken_a_level() -> None:
    touched = {"touched_at": (ago(3_599), ago(1_000), ago(60))}
    long_ago = {"touched_at": (ago(3_601), ago(1_000), ago(60))}
    [refusal] = _refusals(a_view(events=[swept(LONG, 99_950.0, extreme=99_790.0, **touched)]))

    assert (Rule.TOO_MANY_TOUCHES, 3, 2) == (refusal.rule, refusal.saw, refusal.limit)
    assert not _rules(a_view(events=[swept(LONG, 99_950.0, extreme=99_790.0, **long_ago)]))


def test_a_larger_level_just_behind_refuses() -> None:
    event = swept(LONG, 99_950.0, extreme=99_790.0)
    larger = long_at(99_500.0, notional_usd=5e6)
    smaller = long_at(99_500.0, notional_usd=3e6)
    farther = long_at(99_400.0, notional_usd=5e6)
    [refusal] = _refusals(a_view(larger, events=[event]))

    assert (Rule.CASCADE_BELOW, 5e6, 4e6) == (refusal.rule, refusal.saw, refusal.limit)
    assert not _rules(a_view(smaller, events=[event]))
    assert not _rules(a_view(farther, events=[event]))


def test_sweeps_that_are_old_doubtful_or_two_sided_are_refused() -> None:
    cases: dict[Rule, dict[str, Any]] = {
        Rule.EVENT_TOO_OLD: {"event_at": ago(16)},
        Rule.LOW_CONFIDENCE: {"is_recovery": True},
        Rule.TWO_SIDED_BREAK: {"is_two_sided": True},
        Rule.TOO_WEAK: {"strength": 0.4},
        Rule.TOO_YOUNG: {"first_seen_at": ago(79)},
    }
    for rule, fields in cases.items():
        event = swept(LONG, 99_950.0, extreme=99_790.0, **fields)
        assert [rule] == _rules(a_view(events=[event]))


def test_an_old_sweep_is_history_and_its_age_is_told() -> None:
    event = swept(LONG, 99_950.0, extreme=99_790.0, event_at=ago(61))
    [refusal] = _refusals(a_view(long_at(99_800.0), events=[event]))

    assert refusal.rule is Rule.NOT_SWEPT
    assert refusal.numbers["last_sweep_age_s"] == 61.0


def test_before_a_touch_the_order_rests_just_before_the_level() -> None:
    cluster = long_at(99_900.0)
    signal = _signal(a_view(cluster, settings=_RESTING))

    assert signal.entry_style is EntryStyle.POST_ONLY
    assert _D("99930.0") == signal.entry_price
    assert _D("99780.0") == signal.stop_price
    assert signal.is_target_invented
    assert NOW == signal.at


def test_before_a_touch_an_order_that_would_trade_at_once_is_refused() -> None:
    cluster = long_at(99_980.0)

    assert [Rule.PRICE_THROUGH] == _rules(a_view(cluster, settings=_RESTING))


def test_before_a_touch_a_level_is_not_used_up_from_afar() -> None:
    """A resting entry lives for seconds, and one signal acts once."""
    [refusal] = _refusals(a_view(long_at(99_400.0), settings=_RESTING))

    assert (Rule.TOO_FAR, 0.5) == (refusal.rule, refusal.limit)


def test_before_a_touch_the_level_must_be_beyond_doubt() -> None:
    assert [Rule.TOO_WEAK] == _rules(a_view(long_at(99_900.0, strength=0.1), settings=_RESTING))
    worn = long_at(99_900.0, touched_at=(ago(9), ago(8), ago(7)))
    assert [Rule.TOO_MANY_TOUCHES] == _rules(a_view(worn, settings=_RESTING))


def test_resistance_that_is_not_ahead_bounds_nothing() -> None:
    event = swept(LONG, 99_950.0, extreme=99_790.0)
    [candidate] = _candidates(a_view(short_at(99_999.0), events=[event]))

    assert candidate.target is None


def test_levels_that_are_off_say_so_once() -> None:
    [refusal] = list(levels.propose(a_view(settings=tuned("levels", enabled=False))))

    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.STRATEGY_OFF


def test_a_sweep_whose_extreme_is_unknown_has_its_stop_beyond_the_far_edge() -> None:
    event = swept(LONG, 99_950.0, extreme=99_790.0)
    blind = msgspec.structs.replace(
        event, cluster=msgspec.structs.replace(event.cluster, sweep_extreme=None)
    )
    [candidate] = _candidates(a_view(events=[blind]))

    assert candidate.stop == pytest.approx(99_950 * 0.999)
