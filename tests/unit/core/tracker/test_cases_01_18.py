"""Cases 1 to 18 of the cluster lifecycle: appearing, touching, breaking, silence, drifting."""

from bot.core.tracker.readings import is_comparable
from bot.model.cluster import ClusterEventKind, ClusterState, Ending
from tests.fakes.tracking import LONG, TrackedSymbol, a_cluster, a_row

ROW = a_row(101.0)
KIND = ClusterEventKind


def test_case_01_a_cluster_seen_once_is_dropped_and_was_never_tradable() -> None:
    it = TrackedSymbol()
    it.reads(ROW)
    cluster = it.only()
    was_tradable = it.is_tradable(cluster)
    it.reads()
    it.reads()

    assert not was_tradable
    assert [KIND.NEW, KIND.DROPPED] == it.told()
    assert [] == it.tracker.live()


def test_case_02_three_polls_in_two_seconds_leave_a_candidate_until_it_is_15_s_old() -> None:
    it = TrackedSymbol()
    for _ in range(3):
        it.reads(ROW, after_s=1.0)
    early = it.only().state
    it.reads(ROW, after_s=12.9)
    almost = it.only().state
    it.reads(ROW, after_s=0.1)

    assert ClusterState.CANDIDATE == early
    assert ClusterState.CANDIDATE == almost
    assert ClusterState.ACTIVE == it.only().state
    assert [KIND.NEW, KIND.ACTIVE] == it.told()
    assert it.is_tradable(it.only())


def test_case_03_a_wick_between_polls_breaks_and_is_swept_not_accepted() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(100.8, high=101.2)
    broken = it.events[-1].cluster
    it.price(100.8)

    assert [KIND.BROKEN, KIND.BREAK_SWEPT] == it.told()
    assert Ending.PENDING == broken.ending
    assert 101.2 == it.events[-1].cluster.sweep_extreme
    assert not it.events[-1].cluster.is_low_confidence


def test_case_04_a_price_that_stays_through_for_10_s_is_accepted_with_high_confidence() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    for _ in range(10):
        it.price(101.1)
    before = it.told()
    it.price(101.1)

    assert [KIND.BROKEN] == before
    assert [KIND.BROKEN, KIND.BREAK_ACCEPTED] == it.told()
    assert not it.events[-1].cluster.is_low_confidence
    assert it.events[-1].is_only_break


def test_case_04_a_hold_that_is_interrupted_within_a_step_starts_again() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(101.1)
    it.price(101.1, after_s=9.0, low=101.0)
    it.price(101.1, after_s=9.0)
    before = it.told()
    it.price(101.1, after_s=1.0)

    assert [KIND.BROKEN] == before
    assert [KIND.BROKEN, KIND.BREAK_ACCEPTED] == it.told()


def test_case_05_a_price_at_the_level_or_1_bp_through_touches_and_does_not_break() -> None:
    for price in (101.0, 101.0101):
        it = TrackedSymbol(price=100.5)
        it.grows(ROW)
        it.price(price)

        assert [KIND.TOUCHED] == it.told()
        assert (ClusterState.TOUCHED, 1) == (it.only().state, it.only().touches)


def test_case_05_a_price_2_bps_through_breaks() -> None:
    it = TrackedSymbol(price=99_000.0)
    it.grows(a_row(100_000.0))
    it.price(100_020.0)

    assert [KIND.BROKEN] == it.told()


def test_case_06_hovering_3_to_12_bps_away_is_one_touch() -> None:
    it = TrackedSymbol(price=99.0)
    it.grows(a_row(100.0))
    for away_bps in (3, 12, 4, 11, 3, 14):
        it.price(100.0 * (1 - away_bps / 1e4))
    hovering = it.told()
    it.price(99.85)

    assert [KIND.TOUCHED] == hovering
    assert [KIND.TOUCHED, KIND.UNTOUCHED] == it.told()
    assert (1, 1, ClusterState.ACTIVE) == (
        it.only().touches,
        it.only().rejections,
        it.only().state,
    )


def test_case_07_an_outage_with_a_quiet_price_keeps_all_tracks_and_trades_none() -> None:
    it = TrackedSymbol()
    clusters = it.grows(ROW, a_row(99.0, LONG))
    for _ in range(200):
        it.fails(after_s=4.0)
        it.price(100.0)

    assert [] == it.told()
    assert [c.id for c in clusters] == [c.id for c in it.tracker.live()]
    assert [0, 0] == [c.absent for c in it.tracker.live()]
    assert not any(it.is_tradable(c) for c in it.tracker.live())


def test_case_08_an_outage_does_not_hide_a_break_by_the_exchange_price() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(30):
        it.fails(after_s=4.0)
        it.price(100.0)
    it.price(101.5)

    assert [KIND.BROKEN] == it.told()


def test_case_09_an_empty_list_expires_after_6_polls_and_45_s() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(8):
        it.reads(after_s=5.0)
    early = it.told()
    it.reads(after_s=5.0)

    assert [] == early
    assert [KIND.EXPIRED] == it.told()
    assert Ending.EXPIRED == it.events[-1].cluster.ending


def test_case_10_six_empty_polls_in_6_s_leave_it_live() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(6):
        it.reads(after_s=1.0)

    assert [] == it.told()
    assert 6 == it.only().absent
    assert not it.is_tradable(it.only())


def test_case_11_a_frozen_payload_is_not_counted() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(7):
        it.price(100.0)
        it.reads(key="same", after_s=4.0)
    absent = it.only().absent
    it.price(100.15, after_s=1.0)
    answers = [it.reads(key="same", after_s=5.0) for _ in range(6)]

    assert 7 == absent == it.only().absent
    assert not any(answer.is_reading_good for answer in answers)
    assert "has not changed for" in answers[0].reading_problem
    assert [] == it.told()


def test_case_12_a_null_price_is_a_failed_poll_and_no_absence() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(10):
        it.fails("unsupported")

    assert [] == it.told()
    assert 0 == it.only().absent


def test_case_13_pages_details_cut_json_and_429_are_failed_polls_and_no_absence() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    kinds = ("http", "malformed", "throttled", "timeout", "unreachable", "refused") * 3
    answers = [it.fails(kind) for kind in kinds]

    assert not any(answer.is_reading_good for answer in answers)
    assert [f"{kind} in the test" for kind in kinds] == [a.reading_problem for a in answers]
    assert [] == it.told()
    assert 0 == it.only().absent


def test_case_14_no_suitable_best_cluster_is_no_event_for_the_tracker() -> None:
    """The best route's 404 is an answer; nothing of it reaches the tracker, so nothing ages."""
    it = TrackedSymbol()
    before = it.grows(ROW)
    it.waits(5.0)

    assert before == it.tracker.live()
    assert it.is_tradable(it.only())


def test_case_15_a_cluster_beyond_what_the_query_shows_is_kept() -> None:
    it = TrackedSymbol(price=100.0)
    it.grows(a_row(190.0), a_row(144.0))
    far = a_cluster(146.0)
    for _ in range(12):
        it.reads()

    assert [KIND.EXPIRED] == it.told()
    assert 144.0 == it.events[-1].cluster.level
    assert 190.0 == it.only().level
    assert not is_comparable(far, 100.0)
    assert is_comparable(far, 100.0, distance_max_pct=60.0)


def test_case_16_a_cluster_near_the_strength_filter_is_kept() -> None:
    """The query asks for every strength; a provider that is asked for less is read with care."""
    it = TrackedSymbol()
    it.grows(a_row(101.0, strength=0.01))
    weak = it.only()

    assert is_comparable(weak, 100.0)
    assert not is_comparable(weak, 100.0, strength_min=0.01)
    assert it.is_tradable(weak)


def test_case_17_a_level_that_drifts_2_bps_a_poll_stays_the_same_track() -> None:
    it = TrackedSymbol(price=99.0)
    (cluster,) = it.grows(a_row(101.0))
    level = 101.0
    for _ in range(30):
        level *= 1.0002
        it.reads(a_row(level))

    assert cluster.id == it.only().id
    assert (101.0, level) == (it.only().anchor_level, it.only().level)
    assert [] == it.told()


def test_case_18_a_level_that_jumps_60_bps_is_a_new_track() -> None:
    it = TrackedSymbol(price=99.0)
    (cluster,) = it.grows(a_row(101.0))
    it.reads(a_row(101.6))

    assert [KIND.NEW] == it.told()
    assert [(cluster.id, 1), (it.events[-1].cluster.id, 0)] == [
        (c.id, c.absent) for c in it.tracker.live()
    ]
