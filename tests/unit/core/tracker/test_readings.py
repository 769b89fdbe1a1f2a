"""Readings over all clusters: tolerance, rewriting, ghosts and generations."""

import pytest

from bot.core.tracker.readings import REWRITE_AFTER_MS, is_comparable
from bot.model.cluster import ClusterEventKind
from tests.fakes.tracking import TrackedSymbol, a_cluster, a_row

KIND = ClusterEventKind
ROW = a_row(101.0)


@pytest.mark.parametrize(
    ("atr_1m_pct", "away_bps", "is_same"),
    [
        (None, 9, True),
        (None, 11, False),
        (0.3, 9, True),
        (0.8, 19, True),
        (0.8, 21, False),
        (9.0, 29, True),
        (9.0, 31, False),
    ],
)
def test_the_tolerance_is_a_quarter_of_the_atr_between_10_and_30_bps(
    atr_1m_pct: float | None, away_bps: float, *, is_same: bool
) -> None:
    it = TrackedSymbol(price=99.0)
    it.grows(a_row(100.0))
    it.reads(a_row(100.0 * (1 + away_bps / 1e4)), atr_1m_pct=atr_1m_pct)

    assert ([] if is_same else [KIND.NEW]) == it.told()


def test_an_unchanged_track_is_written_again_only_after_a_while() -> None:
    """Otherwise every reading would write every track; a restart may be half a minute behind."""
    it = TrackedSymbol()
    it.grows(ROW)
    written = [len(it.reads(ROW).clusters) for _ in range(12)]
    last = it.only()

    assert 2 <= sum(written) <= 3
    assert it.at - last.last_seen_at <= REWRITE_AFTER_MS


def test_no_sighting_is_lost_by_not_writing() -> None:
    it = TrackedSymbol()
    (before,) = it.grows(ROW)
    for _ in range(4):
        it.reads(ROW)
    seen_at = it.at
    it.reads()

    assert (17, seen_at) == (it.only().seen, it.only().last_seen_at)
    assert before.seen <= 13


def test_what_changed_is_written_at_once() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    it.reads(ROW)
    changes = it.reads(a_row(101.0, notional=2e6))

    assert [2e6] == [c.notional_usd for c in changes.clusters]


def test_a_level_that_the_price_stands_at_is_not_comparable() -> None:
    """Its row would lie on the wrong side and be ignored, so its absence means nothing."""
    assert is_comparable(a_cluster(101.0), 100.99)
    assert not is_comparable(a_cluster(101.0), 101.0)
    assert not is_comparable(a_cluster(101.0), 101.01)


def test_two_rows_on_one_broken_level_are_both_its_next_generation() -> None:
    it = TrackedSymbol(price=100.9)
    (old,) = it.grows(ROW)
    it.price(100.9, high=101.1)
    it.price(100.5)
    it.reads(ROW, a_row(101.05))

    assert [(2, old.id), (2, old.id)] == [(c.gen, c.parent_id) for c in it.tracker.live()]


def test_a_second_break_of_a_level_leads_to_a_third_generation() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    for _ in range(2):
        it.price(100.9, high=101.1)
        it.price(100.5)
        it.reads(ROW)

    assert 3 == it.only().gen


def test_a_candidate_that_expired_with_all_others_comes_back_as_a_candidate() -> None:
    it = TrackedSymbol()
    it.reads(ROW)
    for _ in range(121):
        it.fails("unsupported")
    it.reads(ROW)

    assert [KIND.NEW, KIND.EXPIRED, KIND.REVIVED] == it.told()
    assert it.only().active_at is None


def test_floating_tracks_follow_their_tier_and_break_at_the_level_known_before() -> None:
    it = TrackedSymbol(price=100.0)
    it.is_floating = True
    (old,) = it.grows(a_row(102.0, tier=50.0))
    it.price(101.0)
    it.reads(a_row(103.02, tier=50.0))
    moved = it.only()
    it.price(103.1)

    assert (old.id, 103.02, True) == (moved.id, moved.level, moved.is_floating)
    assert [KIND.BROKEN] == it.told()


def test_a_switch_of_identity_marks_every_live_track_at_once() -> None:
    it = TrackedSymbol(price=100.0)
    it.grows(ROW, a_row(104.0, tier=50.0))
    it.is_floating = True
    it.reads(ROW)
    floating = [c.is_floating for c in it.tracker.live()]
    it.is_floating = False
    it.reads(ROW)

    assert [True, True] == floating
    assert [False, False] == [c.is_floating for c in it.tracker.live()]
