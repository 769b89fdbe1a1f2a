"""The three nearest levels each side."""

from bot.core.levels import nearest_levels
from bot.model.cluster import ClusterState
from bot.model.settings import CommonSettings
from bot.model.signal import Levels
from tests.fakes.views import long_at, short_at

_COMMON = CommonSettings()


def test_three_nearest_each_side_come_nearest_first() -> None:
    clusters = [long_at(100 - n / 4) for n in range(1, 9)] + [
        short_at(100 + n / 4) for n in range(1, 9)
    ]

    expected = Levels(support=(99.75, 99.5, 99.25), resistance=(100.25, 100.5, 100.75))
    assert expected == nearest_levels(clusters, 100.0, _COMMON)


def test_guide_28_the_order_of_the_list_does_not_matter() -> None:
    """Row 28: the guide sorts support down and resistance up, the server everything up."""
    clusters = [long_at(99.0), short_at(101.0), long_at(98.5), short_at(102.0), long_at(99.5)]

    forward = nearest_levels(clusters, 100.0, _COMMON)
    assert forward == nearest_levels(reversed(clusters), 100.0, _COMMON)
    assert forward == nearest_levels(sorted(clusters, key=lambda c: c.level), 100.0, _COMMON)
    assert Levels(support=(99.5, 99.0, 98.5), resistance=(101.0, 102.0)) == forward


def test_guide_21_the_side_follows_from_our_own_price() -> None:
    """Row 21: `distance_from_price` is unsigned and seconds old; a level passed is no support."""
    cluster = long_at(100.0)

    assert Levels(support=(100.0,)) == nearest_levels([cluster], 100.5, _COMMON)
    assert Levels() == nearest_levels([cluster], 99.5, _COMMON)
    assert Levels() == nearest_levels([cluster], 100.0, _COMMON)


def test_candidates_and_what_is_weak_or_far_are_left_out() -> None:
    clusters = [
        long_at(99.0, state=ClusterState.CANDIDATE),
        long_at(98.0, strength=0.49),
        long_at(96.9),
        short_at(103.1),
    ]

    assert Levels() == nearest_levels(clusters, 100.0, _COMMON)
    assert Levels() == nearest_levels([], 100.0, _COMMON)
