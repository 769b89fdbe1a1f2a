"""Cases 19 to 36 of the cluster lifecycle: identity, merging, crossing, coming back."""

from bot.model.cluster import ClusterEventKind, ClusterState, Ending
from tests.fakes.tracking import LONG, SHORT, TrackedSymbol, a_row

ROW = a_row(101.0)
KIND = ClusterEventKind


def test_case_19_a_level_that_changes_sides_is_a_new_track_and_the_old_is_not_broken() -> None:
    it = TrackedSymbol(price=100.0)
    (old,) = it.grows(ROW)
    it.price(101.005)
    it.events.clear()
    it.reads(a_row(101.0, LONG))

    assert [KIND.NEW] == it.told()
    assert {old.id: SHORT, it.events[-1].cluster.id: LONG} == {
        c.id: c.side for c in it.tracker.live()
    }


def test_case_20_a_tier_that_goes_from_50_to_10_at_the_level_is_a_new_track() -> None:
    it = TrackedSymbol()
    (old,) = it.grows(a_row(101.0, tier=50.0))
    it.reads(a_row(101.0, tier=10.0))

    assert [KIND.NEW] == it.told()
    assert old.id != it.events[-1].cluster.id


def test_case_21_an_unknown_tier_matches() -> None:
    it = TrackedSymbol()
    (old,) = it.grows(a_row(101.0, tier=50.0))
    it.reads(a_row(101.0, tier=None))

    assert [] == it.told()
    assert (old.id, 50.0) == (it.only().id, it.only().leverage_tier)


def test_case_22_reshuffled_provider_ids_and_order_have_no_effect() -> None:
    levels = (101.0, 101.5, 102.0)
    it = TrackedSymbol()
    before = it.grows(*(a_row(level, provider_id=i) for i, level in enumerate(levels)))
    it.reads(*(a_row(level, provider_id=7 - i) for i, level in enumerate(reversed(levels))))

    assert [] == it.told()
    assert [c.id for c in before] == [c.id for c in it.tracker.live()]


def test_case_23_two_clusters_8_bps_apart_that_both_move_5_bps_are_not_swapped() -> None:
    """The lower one lands nearer to where the upper one was; nearest-first would swap them."""
    it = TrackedSymbol(price=99.0)
    before = it.grows(a_row(100.0), a_row(100.08))
    it.reads(a_row(100.05), a_row(100.13))

    assert [] == it.told()
    assert [(c.id, level) for c, level in zip(before, (100.05, 100.13), strict=True)] == [
        (c.id, c.level) for c in it.tracker.live()
    ]


def test_case_24_of_two_that_merge_one_goes_on_and_the_other_expires_unbroken() -> None:
    it = TrackedSymbol(price=99.0)
    it.grows(a_row(100.0), a_row(100.08))
    for _ in range(12):
        it.reads(a_row(100.05))

    assert [KIND.EXPIRED] == it.told()
    assert 100.05 == it.only().level


def test_case_25_of_one_that_splits_the_nearer_keeps_the_id() -> None:
    it = TrackedSymbol(price=99.0)
    (old,) = it.grows(a_row(100.0))
    it.reads(a_row(99.94), a_row(100.03))

    assert [KIND.NEW] == it.told()
    assert 100.03 == (it.tracker.get(old.id) or old).level
    assert 99.94 == it.events[-1].cluster.level


def test_case_26_a_cluster_that_vanishes_as_the_price_crosses_is_broken_not_expired() -> None:
    it = TrackedSymbol(price=100.5)
    it.grows(ROW)
    for _ in range(5):
        it.reads(after_s=8.0)
    it.price(101.1)
    it.reads(after_s=8.0)

    assert [KIND.BROKEN] == it.told()
    assert it.events[-1].cluster.is_low_confidence


def test_case_27_a_level_that_recedes_as_the_price_crosses_breaks_where_it_was() -> None:
    it = TrackedSymbol(price=100.9)
    (old,) = it.grows(ROW)
    it.price(101.05)
    it.reads(a_row(101.15))

    assert [KIND.BROKEN, KIND.NEW] == it.told()
    assert (old.id, 101.0) == (it.events[0].cluster.id, it.events[0].cluster.broken_level)


def test_case_27_a_reading_inside_the_window_does_not_save_the_level_either() -> None:
    """The reading came first, but the price had been there before it."""
    it = TrackedSymbol(price=100.9)
    (old,) = it.grows(ROW)
    it.price(100.9, after_s=5.0)
    it.reads(a_row(101.08), after_s=0.5)
    it.price(100.95, high=101.03, after_s=0.5, since_s=1.0)

    assert [KIND.BROKEN] == it.told()
    assert (old.id, 101.0) == (it.events[0].cluster.id, it.events[0].cluster.broken_level)


def test_case_28_a_broken_level_that_is_reported_where_the_price_is_is_ignored() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(100.9, high=101.1)
    it.price(100.9)
    it.events.clear()
    answers = [it.reads(ROW) for _ in range(10)]

    assert all(answer.is_reading_good for answer in answers)
    assert ([], []) == (it.told(), it.tracker.live())


def test_case_29_a_broken_level_that_returns_far_from_the_price_is_generation_2() -> None:
    it = TrackedSymbol(price=100.9)
    (old,) = it.grows(ROW)
    it.price(100.9, high=101.1)
    it.price(100.5)
    it.events.clear()
    for _ in range(5):
        it.reads(ROW)
    young = it.only()
    it.reads(ROW)

    assert (KIND.REFORMED, 2, old.id) == (it.events[0].kind, young.gen, young.parent_id)
    assert ClusterState.CANDIDATE == young.state
    assert ClusterState.ACTIVE == it.only().state
    assert [KIND.REFORMED, KIND.ACTIVE] == it.told()


def test_case_29_after_300_s_the_level_is_an_ordinary_new_track() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(100.9, high=101.1)
    it.price(100.9)
    it.events.clear()
    for _ in range(59):
        it.reads()
        it.price(100.9, after_s=0.1)
    it.reads(ROW)

    assert [KIND.NEW] == it.told()
    assert (1, None) == (it.only().gen, it.only().parent_id)


def an_expired_track() -> TrackedSymbol:
    it = TrackedSymbol(price=100.0)
    it.grows(ROW)
    for _ in range(10):
        it.reads()

    assert [KIND.EXPIRED] == it.told()
    return it


def test_case_30_an_expired_track_that_comes_back_uncrossed_is_revived() -> None:
    it = an_expired_track()
    gone = it.events[-1].cluster
    it.price(100.5)
    it.reads(ROW)

    assert [KIND.EXPIRED, KIND.REVIVED] == it.told()
    assert (gone.id, ClusterState.ACTIVE, Ending.NONE) == (
        it.only().id,
        it.only().state,
        it.only().ending,
    )
    assert it.is_tradable(it.only())


def test_case_30_an_expired_track_whose_level_was_crossed_comes_back_as_a_new_one() -> None:
    it = an_expired_track()
    gone = it.events[-1].cluster
    it.price(100.0, high=101.1)
    it.reads(ROW)

    assert [KIND.EXPIRED, KIND.NEW] == it.told()
    assert gone.id != it.only().id


def test_case_30_the_crossing_is_remembered_over_a_restart() -> None:
    before = an_expired_track()
    before.price(100.0, high=101.1)
    it = before.restarts(after_s=5.0)
    it.price(100.0)
    it.reads(ROW)

    assert [KIND.NEW] == it.told()


def test_case_31_a_broken_candidate_has_low_confidence() -> None:
    it = TrackedSymbol(price=100.9)
    it.price(100.9)
    it.reads(ROW, after_s=0.5)
    it.price(101.1)

    assert [KIND.NEW, KIND.BROKEN] == it.told()
    assert it.events[-1].cluster.is_low_confidence


def test_case_32_a_cluster_absent_once_and_then_crossed_has_low_confidence() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.reads()
    it.price(101.1)

    assert [KIND.BROKEN] == it.told()
    assert it.events[-1].cluster.is_low_confidence


def test_case_33_a_level_crossed_while_the_daemon_was_down_is_a_recovery_break() -> None:
    before = TrackedSymbol(price=100.9)
    before.grows(ROW)
    it = before.restarts(after_s=300.0)
    it.price(100.9, high=101.2, since_s=300.0, after_s=0.0, is_recovery=True)
    it.price(100.9)

    assert [KIND.BROKEN, KIND.BREAK_SWEPT] == it.told()
    broken = it.events[0].cluster
    assert (True, True) == (broken.is_low_confidence, broken.is_recovery)
    assert it.events[1].cluster.is_recovery


def test_case_33_a_candle_that_opened_before_the_track_was_seen_does_not_break_it() -> None:
    """Its extreme may be older than the track."""
    before = TrackedSymbol(price=100.9)
    before.grows(ROW)
    it = before.restarts(after_s=300.0)
    it.price(100.9, high=101.2, since_s=360.0, after_s=0.0, is_recovery=True)

    assert [] == it.told()


def test_case_34_one_bar_breaks_three_levels_nearest_first_and_only_the_last_may_signal() -> None:
    it = TrackedSymbol(price=100.5)
    it.grows(a_row(101.4), a_row(101.0), a_row(101.2))
    it.price(101.9)
    for _ in range(10):
        it.price(101.9)

    assert [KIND.BROKEN] * 3 + [KIND.BREAK_ACCEPTED] * 3 == it.told()
    assert [101.0, 101.2, 101.4] * 2 == [e.cluster.broken_level for e in it.events]
    assert [False, False, True] * 2 == [e.is_only_break for e in it.events]
    assert not any(e.is_two_sided for e in it.events)


def test_case_35_both_sides_broken_in_one_window_say_so() -> None:
    it = TrackedSymbol(price=100.0)
    it.grows(a_row(100.5), a_row(99.5, LONG))
    it.price(100.0, high=100.7, low=99.3)
    it.price(100.0)

    assert [KIND.BROKEN] * 2 + [KIND.BREAK_SWEPT] * 2 == it.told()
    assert all(e.is_two_sided for e in it.events)


def test_case_36_a_row_on_the_wrong_side_of_the_price_is_ignored() -> None:
    it = TrackedSymbol(price=100.0)
    changes = it.reads(a_row(99.0, SHORT), a_row(101.0, LONG), a_row(100.0, SHORT))

    assert changes.is_reading_good
    assert ([], []) == (it.told(), changes.notes)
