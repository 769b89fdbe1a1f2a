"""S1, the hunt: toward a cluster, out before it, both ways alike."""

from decimal import Decimal

import msgspec
import pytest

from bot.core.selector import Selection, select
from bot.core.strategies import hunt
from bot.core.strategies.base import NEAREST_MAX, Candidate, Proposal, View
from bot.model.cluster import Cluster, ClusterState
from bot.model.primitives import PositionSide, Price
from bot.model.signal import Refusal, Rule, Signal, Strategy
from tests.fakes.views import LONG, SHORT, a_view, ago, long_at, settings_with, short_at, tuned

_P = Price


def _only(view: View, cluster: Cluster, side: PositionSide = LONG) -> Proposal:
    """What the hunt says of one cluster."""
    for proposal in hunt.propose(view):
        if isinstance(proposal, Candidate):
            if (proposal.side, proposal.cluster.id) == (side, cluster.id):
                return proposal
        elif (proposal.position_side, proposal.cluster_id) == (side, cluster.id):
            return proposal
    raise AssertionError("the hunt did not look at it")


def _refused(view: View, cluster: Cluster, side: PositionSide = LONG) -> Refusal:
    proposal = _only(view, cluster, side)
    assert isinstance(proposal, Refusal)
    return proposal


def _candidate(view: View, cluster: Cluster, side: PositionSide = LONG) -> Candidate:
    proposal = _only(view, cluster, side)
    assert isinstance(proposal, Candidate)
    return proposal


def _hunts(view: View) -> Selection:
    found = select(view)
    return Selection(found.signal, tuple(r for r in found.refusals if r.strategy is Strategy.HUNT))


def _signal(view: View) -> Signal:
    signal = select(view).signal
    assert signal is not None
    return signal


def test_a_long_goes_to_the_short_cluster_and_is_out_before_it() -> None:
    signal = _signal(a_view(short_at(101_000.0)))

    assert signal.strategy is Strategy.HUNT
    assert signal.position_side is LONG
    assert _P(Decimal(100_000)) == signal.entry_price
    assert _P(Decimal("99800.0")) == signal.stop_price
    assert _P(Decimal("100949.5")) == signal.target_price
    assert signal.time_stop_ms == 3_600_000


def test_a_short_goes_to_the_long_cluster_and_is_out_before_it() -> None:
    signal = _signal(a_view(long_at(99_000.0)))

    assert signal.position_side is SHORT
    assert _P(Decimal("100200.0")) == signal.stop_price
    assert _P(Decimal("99049.5")) == signal.target_price


def test_guide_01_the_stop_of_a_long_lies_below_its_entry_at_every_distance() -> None:
    """Row 1: `cluster * 0.995` lies above the entry unless the cluster is nearer than 0.5025 %."""
    for distance in range(60, 201, 5):
        target = short_at(100_000 * (1 + distance / 10_000))
        signal = _signal(a_view(target, atr_15m_pct=0.155))
        assert signal.stop_price < signal.entry_price < signal.target_price


def test_guide_02_a_long_of_the_guides_example_has_its_stop_below() -> None:
    """Row 2: price 89,175.10 and cluster 89,365; the guide's stop of 89,186.27 is above."""
    cluster = short_at(89_365.0)
    view = a_view(cluster, price=89_175.1, settings=tuned("hunt", distance_min_pct=0.1))
    [refusal] = [r for r in _hunts(view).refusals if r.cluster_id == cluster.id]

    assert refusal.rule is Rule.TARGET_TOO_NEAR
    assert refusal.numbers["stop"] < refusal.numbers["entry"] < refusal.numbers["target"]


def test_guide_03_the_guides_example_is_refused_with_its_real_ratio() -> None:
    """Row 3: "risk_reward 2.5" is far less; compute it, never quote it, and refuse."""
    cluster = short_at(89_365.0)
    settings = tuned("hunt", distance_min_pct=0.1)
    costless = msgspec.structs.replace(
        settings.strategies.common, target_min_costs=0.0, target_buffer_pct=0.0
    )
    strategies = msgspec.structs.replace(settings.strategies, common=costless)
    view = a_view(cluster, price=89_175.1, settings=settings_with(strategies), atr_15m_pct=0.4767)
    [refusal] = [r for r in _hunts(view).refusals if r.cluster_id == cluster.id]

    assert refusal.rule is Rule.PAYS_TOO_LITTLE
    assert refusal.numbers["rr_gross"] == pytest.approx(0.447, abs=0.001)
    assert refusal.saw is not None
    assert refusal.saw < 0.25
    assert refusal.limit == 1.5


def test_guide_05_nothing_is_hunted_that_the_price_is_through() -> None:
    """Row 5: `price >= cluster * 0.98` has no upper bound and fires when the price is through."""
    cluster = short_at(100_010.0, low=99_990.0, high=100_030.0)
    refusal = _refused(a_view(cluster), cluster)

    assert refusal.rule is Rule.PRICE_THROUGH
    assert (100_000.0, 99_990.0) == (refusal.saw, refusal.limit)


def test_guide_06_neither_side_is_favoured() -> None:
    """Row 6: the guide has no short branch and asks for the long one first."""
    both = select(a_view(short_at(101_500.0), long_at(98_500.0)))

    assert both.signal is None
    assert [Rule.NO_LEAD] * 2 == [r.rule for r in both.refusals if r.rule is Rule.NO_LEAD]


def test_guide_07_a_hunt_is_out_before_the_cluster() -> None:
    """Row 7: the guide has four exits for one event; a hunt's target lies before the near edge."""
    cluster = short_at(101_000.0, low=100_900.0, high=101_100.0)

    assert _candidate(a_view(cluster), cluster).target == pytest.approx(100_900 * 0.9995)


def test_guide_08_the_nearer_valid_cluster_is_not_hidden_by_a_stronger_far_one() -> None:
    """Row 8: the guide picks the strongest and tests its distance afterwards."""
    near, far = short_at(101_000.0, strength=0.6), short_at(104_000.0, strength=1.0)

    assert _signal(a_view(near, far)).cluster_id == near.id


def test_of_several_targets_the_best_score_is_taken() -> None:
    near, far = short_at(100_800.0, strength=0.8), short_at(101_800.0, strength=0.8)

    assert _signal(a_view(near, far)).cluster_id == far.id


@pytest.mark.parametrize(("level", "rule"), [(100_599.0, Rule.TOO_NEAR), (102_001.0, Rule.TOO_FAR)])
def test_the_distance_is_between_06_and_2_percent(level: float, rule: Rule) -> None:
    cluster = short_at(level)
    refusal = _refused(a_view(cluster), cluster)

    assert rule is refusal.rule
    assert refusal.saw == pytest.approx((level - 100_000) / 1000)
    assert {Rule.TOO_NEAR: 0.6, Rule.TOO_FAR: 2.0}[rule] == refusal.limit


def test_the_edges_of_the_distance_belong_to_it() -> None:
    for level in (100_600.0, 102_000.0):
        cluster = short_at(level)
        assert isinstance(_only(a_view(cluster), cluster), Candidate)


def test_a_cluster_that_was_rejected_twice_is_left_alone() -> None:
    once, twice = short_at(101_000.0, rejections=1), short_at(101_000.0, rejections=2)
    refusal = _refused(a_view(twice), twice)

    assert isinstance(_only(a_view(once), once), Candidate)
    assert (Rule.REJECTED_TWICE, 2, 1) == (refusal.rule, refusal.saw, refusal.limit)


def test_a_nearer_opposite_cluster_that_pulls_harder_refuses() -> None:
    target = short_at(101_000.0, notional_usd=3e6)
    harder = long_at(99_500.0, notional_usd=1.1e6)
    weaker = long_at(99_500.0, notional_usd=0.9e6)
    farther = long_at(98_990.0, notional_usd=90e6)
    refusal = _refused(a_view(target, harder), target)

    assert refusal.rule is Rule.OPPOSITE_NEARER
    assert refusal.saw == pytest.approx(2.2e6)
    assert refusal.limit == pytest.approx(2e6)
    assert refusal.numbers["opposite_level"] == 99_500.0
    assert isinstance(_only(a_view(target, weaker), target), Candidate)
    assert isinstance(_only(a_view(target, farther), target), Candidate)


def test_an_opposite_cluster_at_the_price_itself_is_no_division_by_zero() -> None:
    target = short_at(101_000.0)
    refusal = _refused(a_view(target, long_at(100_000.0)), target)

    assert refusal.rule is Rule.OPPOSITE_NEARER
    assert refusal.saw == 4e6 / hunt.NEAREST_PCT


def test_the_stop_goes_behind_the_structure_where_that_is_farther() -> None:
    target = short_at(101_500.0, notional_usd=50e6)
    near = long_at(99_500.0, low=99_400.0, high=99_600.0, notional_usd=1e5)
    beyond_reach = long_at(98_700.0, notional_usd=1e5)
    at_hand = long_at(99_950.0, notional_usd=1e5)

    assert _candidate(a_view(target, near), target).stop == pytest.approx(99_400 * 0.999)
    assert _candidate(a_view(target, beyond_reach), target).stop == pytest.approx(99_800.0)
    assert _candidate(a_view(target, at_hand), target).stop == pytest.approx(99_800.0)


def test_a_candidate_cluster_is_no_structure() -> None:
    target = short_at(101_500.0, notional_usd=50e6)
    untried = long_at(99_500.0, notional_usd=1e5, state=ClusterState.CANDIDATE)

    assert _candidate(a_view(target, untried), target).stop == pytest.approx(99_800.0)


def test_structure_that_surrounds_the_price_counts_by_its_far_edge() -> None:
    target = short_at(101_500.0, notional_usd=50e6)
    around = long_at(99_990.0, low=100_001.0, high=100_010.0, notional_usd=1.0)

    assert _candidate(a_view(target, around), target).stop == pytest.approx(99_800.0)


def test_young_weak_absent_and_untried_clusters_are_refused_with_their_figures() -> None:
    cases = {
        Rule.TOO_YOUNG: (short_at(101_000.0, first_seen_at=ago(59)), 59.0, 60.0),
        Rule.TOO_WEAK: (short_at(101_000.0, strength=0.49), 0.49, 0.5),
        Rule.ABSENT: (short_at(101_000.0, absent=1), 1, 0),
        Rule.NOT_ACTIVE: (short_at(101_000.0, state=ClusterState.CANDIDATE, seen=2), 2, 3),
    }
    for rule, (cluster, saw, limit) in cases.items():
        refusal = _refused(a_view(cluster), cluster)
        assert (rule, saw, limit) == (refusal.rule, refusal.saw, refusal.limit)


def test_no_cluster_within_reach_is_said_for_each_side() -> None:
    refusals = _hunts(a_view(short_at(103_500.0))).refusals

    assert [(Rule.NO_LEVEL, LONG), (Rule.NO_LEVEL, SHORT)] == [
        (r.rule, r.position_side) for r in refusals
    ]


def test_work_is_bounded_to_the_nearest() -> None:
    clusters = [short_at(100_700.0 + n, n) for n in range(50)]
    looked_at = [p for p in hunt.propose(a_view(*clusters)) if isinstance(p, Candidate)]

    assert list(range(NEAREST_MAX)) == [candidate.cluster.id for candidate in looked_at]
    assert looked_at[0].next_level == 100_701.0
    assert looked_at[-1].next_level is None


def test_a_hunt_that_is_off_says_so_once() -> None:
    view = a_view(short_at(101_000.0), settings=tuned("hunt", enabled=False))

    assert [Rule.STRATEGY_OFF] == [r.rule for r in _hunts(view).refusals]
