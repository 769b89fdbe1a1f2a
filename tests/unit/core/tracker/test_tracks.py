"""Tracks: filing by what may become of a cluster, and the thresholds a price must reach."""

import msgspec

from bot.core.tracker import lifecycle
from bot.core.tracker.lifecycle import PriceStep
from bot.core.tracker.tracks import Tracks
from bot.model.cluster import Cluster, ClusterState, Ending
from bot.model.primitives import Millis
from bot.model.settings import TrackerSettings
from tests.fakes.tracking import LONG, START, a_cluster

SETTINGS = TrackerSettings()


def in_state(cluster: Cluster, state: ClusterState) -> Cluster:
    return msgspec.structs.replace(cluster, state=state)


def a_step(low: float, high: float, *, since: int = START, is_recovery: bool = False) -> PriceStep:
    return PriceStep(
        at=Millis(START + 1000),
        mark=low,
        high=high,
        low=low,
        since_at=Millis(since),
        is_recovery=is_recovery,
    )


def test_a_cluster_is_filed_by_what_may_become_of_it() -> None:
    live = a_cluster(101.0, cluster_id=1)
    expired, _ = lifecycle.gone(a_cluster(102.0, cluster_id=2), START, Ending.EXPIRED)
    dropped, _ = lifecycle.gone(a_cluster(103.0, cluster_id=3), START, Ending.DROPPED)
    broken, _ = lifecycle.priced(
        a_cluster(104.0, cluster_id=4), a_step(104.5, 104.5), SETTINGS, 104.0
    )
    tracks = Tracks(SETTINGS, [live, expired, dropped, broken])

    assert [[1], [4], [2]] == [list(tracks.live), list(tracks.pending), list(tracks.ended)]
    assert [live, broken, expired] == tracks.all()
    assert [live, expired, None, broken] == [
        tracks.get(c.id) for c in (live, expired, dropped, broken)
    ]


def test_what_can_no_longer_come_back_is_forgotten() -> None:
    expired, _ = lifecycle.gone(a_cluster(), START, Ending.EXPIRED)
    tracks = Tracks(SETTINGS, [expired])
    tracks.forget(Millis(START + 600_000))
    kept = list(tracks.ended)
    tracks.forget(Millis(START + 600_001))

    assert [expired.id] == kept
    assert {} == tracks.ended


def test_a_step_within_all_thresholds_reaches_nothing() -> None:
    short = in_state(a_cluster(100.0), ClusterState.ACTIVE)
    long = in_state(a_cluster(90.0, LONG, cluster_id=2), ClusterState.ACTIVE)
    tracks = Tracks(SETTINGS, [short, long])

    assert not tracks.is_reached(a_step(90.05, 99.94))
    assert tracks.is_reached(a_step(95.0, 99.95))
    assert tracks.is_reached(a_step(90.04, 95.0))


def test_a_touched_track_is_reached_by_leaving_and_by_breaking_only() -> None:
    for side, low, high in ((None, 99.86, 100.01), (LONG, 99.99, 100.14)):
        cluster = a_cluster(100.0, side) if side else a_cluster(100.0)
        tracks = Tracks(SETTINGS, [in_state(cluster, ClusterState.TOUCHED)])

        assert not tracks.is_reached(a_step(low, high))
        assert tracks.is_reached(a_step(low - 0.02, high))
        assert tracks.is_reached(a_step(low, high + 0.02))


def test_a_level_that_moved_within_the_window_counts_where_it_was() -> None:
    before = a_cluster(100.0)
    after = msgspec.structs.replace(before, level=100.5)
    tracks = Tracks(SETTINGS, [before])
    tracks.follow(after, Millis(START + 500))

    assert 100.0 == tracks.level_then(after, a_step(99.0, 99.0))
    assert 100.5 == tracks.level_then(after, a_step(99.0, 99.0, since=START + 500))
    tracks.close_window()
    assert 100.5 == tracks.level_then(after, a_step(99.0, 99.0))


def test_a_track_born_within_the_window_has_no_level_for_its_range() -> None:
    newborn = a_cluster(age_s=-0.5)
    tracks = Tracks(SETTINGS, [newborn])

    assert tracks.level_then(newborn, a_step(99.0, 99.0)) is None


def test_after_a_pause_a_window_from_well_before_the_last_sighting_does_not_count() -> None:
    seen = a_cluster()
    tracks = Tracks(SETTINGS, [seen])
    near, far = START - 15_000, START - 15_001

    assert seen.level == tracks.level_then(seen, a_step(99.0, 99.0, since=near, is_recovery=True))
    assert tracks.level_then(seen, a_step(99.0, 99.0, since=far, is_recovery=True)) is None
    assert seen.level == tracks.level_then(seen, a_step(99.0, 99.0, since=far))
