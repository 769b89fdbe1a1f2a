"""The life of one cluster: each transition at and beside its threshold."""

import msgspec
import pytest

from bot.core.tracker import lifecycle
from bot.core.tracker.lifecycle import PriceStep, Sighting
from bot.model.cluster import Cluster, ClusterEventKind, ClusterState, Ending
from bot.model.primitives import ClusterId, Millis, PositionSide
from bot.model.settings import TrackerSettings
from tests.fakes.tracking import BTC, LONG, SHORT, START, a_cluster, a_row

SETTINGS = TrackerSettings()
KIND = ClusterEventKind


def later(seconds: float) -> Millis:
    return Millis(START + int(seconds * 1000))


def seen_at(seconds: float) -> Sighting:
    return Sighting(at=later(seconds), age_at=later(seconds), is_floating=False)


def a_step(mark: float, *, after_s: float = 1.0, is_recovery: bool = False) -> PriceStep:
    return PriceStep(
        at=later(after_s),
        mark=mark,
        high=mark,
        low=mark,
        since_at=START,
        is_recovery=is_recovery,
    )


def active(level: float = 100.0, side: PositionSide = SHORT) -> Cluster:
    return msgspec.structs.replace(a_cluster(level, side), state=ClusterState.ACTIVE)


def pending(level: float = 100.0) -> Cluster:
    broken, _ = lifecycle.priced(active(level), a_step(level * 1.001), SETTINGS, level)
    return broken


def test_how_far_a_price_is_through_depends_on_the_side() -> None:
    assert 20.0 == lifecycle.beyond_bps(SHORT, 100.0, 100.2)
    assert -20.0 == lifecycle.beyond_bps(LONG, 100.0, 100.2)
    assert 2.0 == lifecycle.beyond_bps(SHORT, 3.0, 3.0006)


@pytest.mark.parametrize(
    ("side", "price", "kind"),
    [
        (SHORT, 99.94, None),
        (SHORT, 99.95, KIND.TOUCHED),
        (SHORT, 100.019, KIND.TOUCHED),
        (SHORT, 100.02, KIND.BROKEN),
        (LONG, 100.06, None),
        (LONG, 100.05, KIND.TOUCHED),
        (LONG, 99.981, KIND.TOUCHED),
        (LONG, 99.98, KIND.BROKEN),
    ],
)
def test_touch_and_break_begin_at_their_thresholds(
    side: PositionSide, price: float, kind: ClusterEventKind | None
) -> None:
    _, happened = lifecycle.priced(active(100.0, side), a_step(price), SETTINGS, 100.0)

    assert kind == happened


def test_a_candidate_is_broken_but_never_touched() -> None:
    candidate = a_cluster(100.0)

    assert (candidate, None) == lifecycle.priced(candidate, a_step(100.0), SETTINGS, 100.0)
    assert KIND.BROKEN == lifecycle.priced(candidate, a_step(100.1), SETTINGS, 100.0)[1]


def test_only_the_last_touches_are_kept() -> None:
    cluster = active()
    for i in range(12):
        touched, _ = lifecycle.priced(cluster, a_step(100.0, after_s=i), SETTINGS, 100.0)
        cluster = msgspec.structs.replace(touched, state=ClusterState.ACTIVE)

    assert 12 == cluster.touches
    assert tuple(later(i) for i in range(4, 12)) == cluster.touched_at


def test_a_touched_track_is_left_at_15_bps_by_the_last_price() -> None:
    touched = msgspec.structs.replace(active(), state=ClusterState.TOUCHED)

    assert lifecycle.priced(touched, a_step(99.86), SETTINGS, 100.0)[1] is None
    assert KIND.UNTOUCHED == lifecycle.priced(touched, a_step(99.85), SETTINGS, 100.0)[1]


def test_a_track_without_a_level_for_the_range_is_judged_by_the_last_price() -> None:
    step = a_step(99.0)._replace(high=101.0)

    assert lifecycle.priced(active(), step, SETTINGS, None)[1] is None
    assert KIND.BROKEN == lifecycle.priced(active(), step, SETTINGS, 100.0)[1]


def test_a_level_that_came_nearer_breaks_by_the_last_price() -> None:
    after, kind = lifecycle.priced(active(100.0), a_step(100.1), SETTINGS, 101.0)

    assert (KIND.BROKEN, 100.0) == (kind, after.broken_level)


@pytest.mark.parametrize(
    ("changes", "is_low"),
    [
        ({}, False),
        ({"absent": 1}, True),
        ({"rematches_due": 1}, True),
        ({"first_seen_at": Millis(START - 14_000)}, False),
        ({"first_seen_at": Millis(START - 13_999)}, True),
        ({"state": ClusterState.CANDIDATE}, True),
    ],
)
def test_confidence_of_a_break_is_low_for_a_doubtful_track(
    changes: dict[str, object], *, is_low: bool
) -> None:
    cluster = msgspec.structs.replace(active(), **changes)
    broken, _ = lifecycle.priced(cluster, a_step(100.1), SETTINGS, 100.0)

    assert is_low == broken.is_low_confidence


def test_a_recovery_break_does_not_begin_a_hold() -> None:
    broken, _ = lifecycle.priced(active(), a_step(100.1, is_recovery=True), SETTINGS, 100.0)

    assert broken.beyond_since_at is None
    assert (True, True) == (broken.is_recovery, broken.is_low_confidence)


@pytest.mark.parametrize(
    ("price", "after_s", "ending"),
    [
        (100.1, 10.9, Ending.PENDING),
        (100.1, 11.0, Ending.ACCEPTED),
        (100.1, 90.0, Ending.ACCEPTED),
        (100.0, 61.0, Ending.PENDING),
        (100.0, 61.1, Ending.UNDECIDED),
        (99.96, 2.0, Ending.PENDING),
        (99.95, 2.0, Ending.SWEPT),
        (99.95, 90.0, Ending.SWEPT),
    ],
)
def test_a_pending_break_is_accepted_then_swept_then_undecided(
    price: float, after_s: float, ending: Ending
) -> None:
    after, _ = lifecycle.settled(pending(), a_step(price, after_s=after_s), SETTINGS)

    assert ending == after.ending
    assert (after.ended_at is None) == (ending is Ending.PENDING)


def test_a_hold_is_interrupted_by_the_range() -> None:
    step = a_step(100.1, after_s=12.0)._replace(low=100.01)
    after, kind = lifecycle.settled(pending(), step, SETTINGS)

    assert (None, later(12.0)) == (kind, after.beyond_since_at)


def test_a_hold_is_not_proved_while_catching_up() -> None:
    after, kind = lifecycle.settled(
        pending(), a_step(100.1, after_s=20.0, is_recovery=True), SETTINGS
    )

    assert (None, None) == (kind, after.beyond_since_at)
    assert not after.is_low_confidence


def test_the_extreme_of_a_sweep_is_the_farthest_price_beyond() -> None:
    high, _ = lifecycle.settled(pending(), a_step(100.5), SETTINGS)
    back, _ = lifecycle.settled(high, a_step(100.2, after_s=2.0), SETTINGS)
    long, _ = lifecycle.priced(active(100.0, LONG), a_step(99.9), SETTINGS, 100.0)
    deep, _ = lifecycle.settled(long, a_step(99.5), SETTINGS)
    unknown = msgspec.structs.replace(long, sweep_extreme=None)

    assert (100.5, 99.5) == (back.sweep_extreme, deep.sweep_extreme)
    assert 99.8 == lifecycle.settled(unknown, a_step(99.8), SETTINGS)[0].sweep_extreme


def test_a_re_formed_candidate_needs_six_polls() -> None:
    parent = pending()
    child = lifecycle.born(
        a_row(100.0), seen_at(0), cluster_id=ClusterId(2), symbol=BTC, parent=parent
    )
    states = []
    for i in range(1, 6):
        child, _ = lifecycle.matched(child, a_row(100.0), seen_at(10.0 * i), SETTINGS)
        states.append(child.state)

    assert (2, parent.id) == (child.gen, child.parent_id)
    assert [ClusterState.CANDIDATE] * 4 + [ClusterState.ACTIVE] == states
    assert later(50.0) == child.active_at


def test_a_match_ends_an_absence_and_pays_one_rematch() -> None:
    away = msgspec.structs.replace(active(), absent=4, rematches_due=3)
    after, kind = lifecycle.matched(away, a_row(100.0), seen_at(5.0), SETTINGS)

    assert (None, 0, 2) == (kind, after.absent, after.rematches_due)


def test_absence_ends_a_life_only_by_count_and_time() -> None:
    often = msgspec.structs.replace(active(), absent=5)
    seldom = msgspec.structs.replace(active(), absent=4)

    assert lifecycle.missed(often, seen_at(44.9), SETTINGS)[1] is None
    assert KIND.EXPIRED == lifecycle.missed(often, seen_at(45.0), SETTINGS)[1]
    assert lifecycle.missed(seldom, seen_at(900.0), SETTINGS)[1] is None


def test_only_what_expired_within_10_minutes_uncrossed_can_be_revived() -> None:
    expired, _ = lifecycle.gone(active(), START, Ending.EXPIRED)
    crossed = lifecycle.crossed(expired, a_step(100.02), SETTINGS)

    assert lifecycle.can_revive(expired, later(600.0), SETTINGS)
    assert not lifecycle.can_revive(expired, later(600.1), SETTINGS)
    assert not lifecycle.can_revive(crossed, later(1.0), SETTINGS)
    assert expired is lifecycle.crossed(expired, a_step(100.01), SETTINGS)
    for ending in (Ending.DROPPED, Ending.AGED_OUT):
        gone, _ = lifecycle.gone(active(), START, ending)
        assert not lifecycle.can_revive(gone, later(1.0), SETTINGS)


def test_a_pending_break_that_cannot_be_judged_is_undecided() -> None:
    after, kind = lifecycle.abandoned(pending(), later(5.0))

    assert (KIND.BREAK_UNDECIDED, Ending.UNDECIDED) == (kind, after.ending)
    assert after.is_low_confidence


def test_no_instant_of_a_rebased_cluster_is_later_than_now() -> None:
    touched = msgspec.structs.replace(pending(), touched_at=(START, later(1.0)), active_at=START)
    now = later(-5.0)
    after = lifecycle.rebased(touched, now)

    assert (now, now, now, now) == (
        after.last_seen_at,
        after.active_at,
        after.broken_at,
        after.beyond_since_at,
    )
    assert (now, now) == after.touched_at
    assert touched.first_seen_at == after.first_seen_at


def test_a_delayed_cluster_is_younger_and_not_seen_before_it_was_born() -> None:
    after = lifecycle.delayed(a_cluster(age_s=1.0), 5_000)

    assert (later(4.0), later(4.0)) == (after.first_seen_at, after.last_seen_at)
