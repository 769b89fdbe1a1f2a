"""Matching: allowed pairs, least cost, no crossing."""

from math import inf, log

import pytest

from bot.core.tracker import matching
from bot.core.tracker.matching import Spot

COST = matching.level_cost(10.0, 2.0)


def by_level(old: list[float], new: list[float]) -> list[tuple[int, int]]:
    return matching.align(
        [matching.level_spot(level, None) for level in old],
        [matching.level_spot(level, None) for level in new],
        reach=1e-3,
        cost=COST,
    )


def test_nothing_pairs_with_nothing() -> None:
    assert [] == by_level([], [])
    assert [] == by_level([100.0], [])
    assert [] == by_level([], [100.0])


def test_only_levels_within_the_tolerance_pair() -> None:
    assert [(0, 0)] == by_level([100.0], [100.0999])
    assert [] == by_level([100.0], [100.11])


def test_a_distance_of_exactly_the_tolerance_pairs() -> None:
    old, new = matching.level_spot(100.0, None), (log(100.0) + 1e-3, None)

    assert [(0, 0)] == matching.align([old], [new], reach=1e-3, cost=COST)


def test_the_nearer_of_two_rows_takes_the_track() -> None:
    assert [(0, 1)] == by_level([100.0], [99.94, 100.03])


def test_two_that_move_together_are_not_swapped() -> None:
    assert [(0, 0), (1, 1)] == by_level([100.0, 100.08], [100.05, 100.13])


def test_both_pairs_beat_one_better_pair() -> None:
    """An allowed pair always wins over leaving both unmatched."""
    assert [(0, 0), (1, 1)] == by_level([100.0, 100.09], [100.085, 100.18])


def test_groups_far_apart_do_not_disturb_each_other() -> None:
    olds = [100.0, 110.0, 110.05, 130.0]
    news = [90.0, 100.01, 110.04, 120.0, 130.02]

    assert [(0, 1), (2, 2), (3, 4)] == by_level(olds, news)


@pytest.mark.parametrize(
    ("old_tier", "new_tier", "is_allowed"),
    [(50.0, 25.0, True), (50.0, 24.9, False), (None, 5.0, True), (5.0, None, True)],
)
def test_tiers_pair_up_to_a_ratio_of_two_and_unknown_ones_always(
    old_tier: float | None, new_tier: float | None, *, is_allowed: bool
) -> None:
    cost = COST(matching.level_spot(100.0, old_tier), matching.level_spot(100.0, new_tier))

    assert is_allowed == (cost < inf)


def test_the_cost_is_distance_over_tolerance_and_half_the_log_ratio_of_tiers() -> None:
    old: Spot = (0.0, log(10.0))
    new: Spot = (0.0005, log(20.0))

    assert 0.5 + 0.5 * log(2.0) == pytest.approx(COST(old, new))


def floating(old: list[tuple[float, float | None]], new: list[tuple[float, float | None]]) -> int:
    olds = sorted(matching.floating_spot(level, tier, 100.0) for level, tier in old)
    news = sorted(matching.floating_spot(level, tier, 103.0) for level, tier in new)
    pairs = matching.align(
        olds, news, reach=log(matching.FLOATING_TIER_RATIO), cost=matching.floating_cost
    )
    return len(pairs)


def test_floating_tracks_pair_by_tier_wherever_the_level_went() -> None:
    assert 1 == floating([(102.0, 50.0)], [(111.0, 50.0)])
    assert 1 == floating([(102.0, None)], [(111.0, None)])
    assert 0 == floating([(102.0, 50.0)], [(102.0, 25.0)])
    assert 0 == floating([(102.0, 50.0)], [(102.0, None)])


def test_floating_tracks_of_one_tier_pair_in_order_of_offset() -> None:
    cost = matching.floating_cost
    pairs = matching.align([(3.0, 0.01), (3.0, 0.04)], [(3.0, 0.012)], reach=log(1.05), cost=cost)

    assert [(0, 0)] == pairs


def test_a_row_between_two_tracks_goes_to_the_nearer_and_the_rest_stays_free() -> None:
    assert [(1, 0)] == by_level([100.0, 100.05], [100.04])
    assert [(0, 0)] == by_level([100.0], [100.01, 100.04])


def test_another_tier_costs_too_much_to_float() -> None:
    assert inf == matching.floating_cost((log(50.0), 0.02), (log(25.0), 0.02))
