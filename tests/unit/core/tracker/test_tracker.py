"""The tracker of one symbol: order of a cycle, silence, restart, tradability, timers."""

from math import inf, nan

import pytest

from bot.core.tracker.tracker import Tracker
from bot.model.cluster import ClusterEventKind, ClusterState
from bot.model.heatmap import Row
from bot.model.primitives import Millis
from bot.model.snapshot import SymbolSnapshot
from tests.fakes.tracking import BTC, LONG, START, TrackedSymbol, a_cluster, a_row, some_settings

KIND = ClusterEventKind
ROW = a_row(101.0)


def test_a_stale_or_refused_reading_changes_no_cluster() -> None:
    for price, word in ((100.5, "stale"), (1000.0, "refused")):
        it = TrackedSymbol()
        it.grows(ROW)
        changes = it.reads(price=price)

        assert changes.is_empty
        assert changes.sample is None
        assert changes.reading_problem.startswith(word)


def test_nothing_is_tradable_after_20_s_without_a_good_reading() -> None:
    it = TrackedSymbol()
    (cluster,) = it.grows(ROW)
    it.reads(price=101.0)
    tradable = [it.is_tradable(cluster)]
    it.waits(15.1)
    tradable.append(it.is_tradable(cluster))

    assert [True, False] == tradable
    assert not it.tracker.is_fresh(it.at)
    assert "no good reading for 20 s: stale" in it.tracker.staleness(it.at)


def test_after_10_silent_minutes_three_fresh_matches_are_needed() -> None:
    it = TrackedSymbol()
    (cluster,) = it.grows(ROW)
    it.waits(601.0)
    tradable = []
    for _ in range(4):
        it.reads(ROW, after_s=1.0)
        tradable.append(it.is_tradable(cluster))

    assert [False, False, True, True] == tradable


def test_a_restart_after_10_minutes_needs_them_too_and_a_quick_one_does_not() -> None:
    for gap_s, expected in ((30.0, True), (700.0, False)):
        before = TrackedSymbol()
        (cluster,) = before.grows(ROW)
        it = before.restarts(after_s=gap_s)
        it.price(100.0, since_s=gap_s, is_recovery=True)
        it.reads(ROW)

        assert expected == it.is_tradable(cluster)
        assert cluster.id == it.only().id


def test_after_6_silent_hours_all_tracks_end_and_come_back_as_new_ones() -> None:
    it = TrackedSymbol()
    (old,) = it.grows(ROW)
    it.waits(21_600.0)
    early = it.told()
    it.waits(1.0)
    it.reads(ROW)

    assert [] == early
    assert [KIND.AGED_OUT, KIND.NEW] == it.told()
    assert "no good reading for over 6 h" == it.events[0].reason
    assert old.id != it.only().id


@pytest.mark.parametrize("first", ["price", "reading", "stale", "failure"])
def test_a_restart_after_6_hours_ends_all_tracks_whatever_comes_first(first: str) -> None:
    before = TrackedSymbol()
    before.grows(ROW)
    it = before.restarts(after_s=22_000.0)
    match first:
        case "price":
            it.price(100.0, since_s=22_000.0, is_recovery=True)
        case "reading":
            it.reads(ROW)
        case "stale":
            it.reads(ROW, price=101.0)
        case _:
            it.fails()

    assert KIND.AGED_OUT == it.told()[0]


def test_a_restart_by_itself_advances_no_absence() -> None:
    before = TrackedSymbol()
    before.grows(ROW)
    before.reads()
    it = before.restarts(after_s=300.0)
    it.reads()

    assert 2 == it.only().absent


def test_a_restart_loads_what_was_written() -> None:
    before = TrackedSymbol(price=100.9)
    before.grows(ROW, a_row(99.0, LONG), a_row(103.0))
    before.price(101.1)
    before.reads(a_row(99.1, LONG))
    it = before.restarts(after_s=5.0)

    assert before.tracker.snapshot_clusters() == it.tracker.snapshot_clusters()


@pytest.mark.parametrize(("mark", "low"), [(nan, 1.0), (100.0, -1.0), (inf, 100.0), (0.0, 0.0)])
def test_a_price_that_is_not_a_positive_number_is_ignored_and_said_once(
    mark: float, low: float
) -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    notes = [len(it.price(mark, low=low).notes) for _ in range(2)]

    assert [1, 0] == notes
    assert ([], 100.0) == (it.told(), it.tracker.last_price)


def test_a_reading_before_the_first_price_is_not_good() -> None:
    it = TrackedSymbol()
    it.mark = None  # type: ignore[assignment]
    changes = it.reads(ROW, price=100.0)

    assert not changes.is_reading_good
    assert [] == it.tracker.clusters


def test_a_warming_engine_is_tracked_and_not_traded() -> None:
    it = TrackedSymbol()
    (cluster,) = it.grows(ROW)
    it.reads(ROW, is_warming=True)

    assert it.tracker.is_warming
    assert not it.is_tradable(cluster)
    assert "the local engine is still warming up" == it.tracker.why_untradable(cluster, it.at)


def test_every_refusal_to_trade_has_its_sentence_and_only_those() -> None:
    it = TrackedSymbol()
    it.reads(ROW)
    candidate = it.only()
    candidate_why = it.tracker.why_untradable(candidate, it.at)
    (cluster,) = it.grows(ROW)
    fine = it.tracker.why_untradable(cluster, it.at)
    it.reads()
    absent = it.tracker.why_untradable(cluster, it.at)
    it.reads(ROW)
    it.halts(is_halted=True)
    halted = it.tracker.why_untradable(cluster, it.at)
    it.halts(is_halted=False)
    it.waits(700.0)
    stale = it.tracker.why_untradable(cluster, it.at)
    it.reads(ROW)
    silent = it.tracker.why_untradable(cluster, it.at)

    assert "the cluster is still a candidate after 1 readings" == candidate_why
    assert "" == fine
    assert "the cluster is absent from the last 1 readings" == absent
    assert "the market is halted" == halted
    assert "no good reading for 702 s" == stale
    assert "after a long silence it must be seen 2 times" == silent
    assert "the cluster is no longer live" == it.tracker.why_untradable(
        a_cluster(cluster_id=99), it.at
    )


def test_the_next_timer_is_staleness_then_silence_or_age() -> None:
    it = TrackedSymbol()
    empty = Tracker(settings=some_settings(), snapshot=SymbolSnapshot(symbol=BTC)).next_due_at()
    (cluster,) = it.grows(ROW)
    read_at = it.tracker.last_good_at
    assert read_at is not None
    first = it.tracker.next_due_at()
    it.waits(30.0)
    second = it.tracker.next_due_at()
    for _ in range(71):
        it.reads(ROW, after_s=3600.0)
    it.waits(60.0)
    third = it.tracker.next_due_at()
    it.halts(is_halted=True)
    halted = it.tracker.next_due_at()

    assert empty is None
    assert read_at + 20_001 == first
    assert read_at + 21_600_001 == second
    assert cluster.first_seen_at + 72 * 3_600_000 + 1 == third
    assert halted is not None
    assert third < halted


def test_a_track_that_only_time_has_ended_cannot_be_revived() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    it.waits(22_000.0)
    it.reads(ROW, after_s=1.0)

    assert [KIND.AGED_OUT, KIND.NEW] == it.told()


def test_a_halt_that_is_told_twice_is_one_halt() -> None:
    it = TrackedSymbol()
    (before,) = it.grows(ROW)
    it.halts(is_halted=True)
    it.halts(is_halted=True, after_s=10.0)
    changes = it.halts(is_halted=False, after_s=10.0)
    again = it.halts(is_halted=False)

    assert [before.first_seen_at + 20_000] == [c.first_seen_at for c in changes.clusters]
    assert again.is_empty
    assert not it.tracker.is_halted


def test_bars_of_five_minutes_work_with_the_same_rules() -> None:
    """A recorded market: one price at the open, one at the close with the range, one reading."""
    it = TrackedSymbol(price=100.0, settings=some_settings(poll_period_s=300.0))
    for _ in range(4):
        it.price(100.0, after_s=300.0, high=100.2, low=99.8)
        it.reads(ROW, after_s=0.0)
        it.price(100.0, after_s=0.0)
    cluster = it.only()
    was_tradable = it.is_tradable(cluster)
    it.price(101.3, after_s=300.0, high=101.4, low=100.0)
    it.reads(after_s=0.0)
    it.price(101.3, after_s=0.0)
    it.price(101.2, after_s=300.0, high=101.5, low=101.1)

    assert ClusterState.ACTIVE == cluster.state
    assert was_tradable
    assert [KIND.NEW, KIND.ACTIVE, KIND.BROKEN, KIND.BREAK_ACCEPTED] == it.told()
    assert not it.events[-1].cluster.is_low_confidence


def test_a_good_reading_carries_a_sample_with_the_range_since_the_one_before() -> None:
    it = TrackedSymbol()
    it.reads(ROW)
    it.price(100.4, high=100.9, low=99.7)
    it.price(100.0)
    changes = it.reads(ROW, a_row(99.0, LONG))
    sample = changes.sample
    again = it.reads(ROW).sample

    assert sample is not None
    assert again is not None
    assert ((101.0,), (99.0,), 100.9, 99.7) == (
        sample.shorts,
        sample.longs,
        sample.high,
        sample.low,
    )
    assert (100.0, 100.0) == (again.high, again.low)


def test_unwritten_sightings_end_with_the_track() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.reads(ROW)
    it.price(101.2)
    broken = it.events[-1].cluster

    assert broken.last_seen_at <= it.at
    assert [] == it.tracker.clusters


def test_rows_of_an_unknown_order_give_the_same_tracks() -> None:
    rows: list[Row] = [a_row(101.0 + i, tier=t) for i in range(4) for t in (10.0, 50.0, None)]
    ids = []
    for order in (rows, rows[::-1]):
        it = TrackedSymbol()
        it.reads(*order)
        ids.append([(c.id, c.level, c.leverage_tier) for c in it.tracker.live()])

    assert ids[0] == ids[1]


def test_a_clock_set_back_before_any_price_leaves_older_clusters_as_they_are() -> None:
    old = a_cluster(101.0)
    snapshot = SymbolSnapshot(symbol=BTC, clusters=(old,), last_reading_at=Millis(START + 10_000))
    it = TrackedSymbol(snapshot=snapshot, at=Millis(START + 5_000))
    changes = it.waits(0.0)

    assert ["the clock was set back by 5.0 s"] == changes.notes
    assert ([], [old]) == (changes.clusters, it.tracker.clusters)
