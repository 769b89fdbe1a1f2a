"""Sifting the rows of a reading."""

from bot.core.tracker.rows import sift
from bot.model.primitives import PositionSide
from tests.fakes.tracking import LONG, SHORT, a_row


def test_rows_are_split_by_side_and_sorted_by_level() -> None:
    rows = (a_row(102.0), a_row(98.0, LONG), a_row(101.0), a_row(99.0, LONG))
    sifted = sift(rows, 100.0, per_side_max=50)

    assert [98.0, 99.0] == [row.level for row in sifted.of(PositionSide.LONG)]
    assert [101.0, 102.0] == [row.level for row in sifted.of(PositionSide.SHORT)]


def test_rows_on_the_wrong_side_are_neither_kept_nor_bad() -> None:
    sifted = sift((a_row(99.0, SHORT), a_row(100.0, LONG)), 100.0, per_side_max=50)

    assert ([], [], 0) == (sifted.longs, sifted.shorts, sifted.bad)


def test_of_duplicates_the_larger_notional_stays_whatever_the_order() -> None:
    small, large = a_row(101.0, notional=1.0), a_row(101.0, notional=2.0)
    other_tier = a_row(101.0, tier=50.0)

    assert [large, other_tier] == sift((small, large, other_tier), 100.0, per_side_max=9).shorts
    assert [large, other_tier] == sift((other_tier, large, small), 100.0, per_side_max=9).shorts


def test_the_largest_of_each_side_stay_and_the_rest_is_counted() -> None:
    rows = (*(a_row(101.0 + i, notional=float(i)) for i in range(5)), a_row(99.0, LONG))
    sifted = sift(rows, 100.0, per_side_max=2)

    assert [104.0, 105.0] == [row.level for row in sifted.shorts]
    assert (1, 3) == (len(sifted.longs), sifted.over_limit)
