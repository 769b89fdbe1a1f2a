"""Price steps over all clusters: order, groups, and quiet steps."""

from bot.core.tracker import lifecycle
from bot.core.tracker.changes import Changes
from bot.core.tracker.lifecycle import PriceStep
from bot.core.tracker.prices import apply_price
from bot.core.tracker.tracks import Tracks
from bot.model.cluster import ClusterEventKind, Ending
from bot.model.primitives import Millis
from bot.model.settings import TrackerSettings
from tests.fakes.tracking import LONG, START, a_cluster

SETTINGS = TrackerSettings()


def priced(tracks: Tracks, after_s: float, mark: float, *, low: float | None = None) -> Changes:
    changes = Changes()
    at = Millis(START + int(after_s * 1000))
    step = PriceStep(
        at=at,
        mark=mark,
        high=mark,
        low=mark if low is None else low,
        since_at=Millis(at - 1000),
    )
    apply_price(tracks, step, SETTINGS, changes)
    return changes


def test_a_quiet_step_changes_nothing() -> None:
    tracks = Tracks(SETTINGS, [a_cluster(101.0), a_cluster(99.0, LONG, cluster_id=2)])

    assert priced(tracks, 1, 100.0).is_empty


def test_long_levels_break_from_the_highest_down() -> None:
    levels = {1: 98.0, 2: 99.0, 3: 98.5}
    tracks = Tracks(SETTINGS, [a_cluster(x, LONG, cluster_id=i) for i, x in levels.items()])
    events = priced(tracks, 1, 97.0).events

    assert [99.0, 98.5, 98.0] == [e.cluster.broken_level for e in events]
    assert [False, False, True] == [e.is_only_break for e in events]


def test_a_nearer_break_accepted_later_is_still_not_the_last_of_its_window() -> None:
    tracks = Tracks(SETTINGS, [a_cluster(101.0), a_cluster(101.5, cluster_id=2)])
    priced(tracks, 1, 101.6)
    priced(tracks, 2, 101.3)
    events = priced(tracks, 11, 101.3).events

    assert [(ClusterEventKind.BREAK_ACCEPTED, 101.0, False)] == [
        (e.kind, e.cluster.level, e.is_only_break) for e in events
    ]


def test_breaks_of_different_windows_are_each_their_own() -> None:
    tracks = Tracks(SETTINGS, [a_cluster(101.0), a_cluster(101.5, cluster_id=2)])
    first = priced(tracks, 1, 101.2).events
    second = priced(tracks, 2, 101.6).events

    assert [True, True] == [e.is_only_break for e in (*first, *second)]
    assert 101.2 == first[0].price


def test_only_the_expired_levels_that_the_price_crossed_are_marked() -> None:
    aged, _ = lifecycle.gone(a_cluster(101.0), START, Ending.AGED_OUT)
    near, _ = lifecycle.gone(a_cluster(101.2, cluster_id=2), START, Ending.EXPIRED)
    far, _ = lifecycle.gone(a_cluster(105.0, cluster_id=3), START, Ending.EXPIRED)
    changes = priced(Tracks(SETTINGS, [aged, near, far]), 1, 101.5)

    assert [(2, 101.2)] == [(c.id, c.broken_level) for c in changes.clusters]
    assert [] == changes.events
