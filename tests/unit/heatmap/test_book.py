"""The book bar by bar, with figures that can be followed by hand."""

import math

import msgspec
import numpy as np
import pytest

from bot.heatmap.book import LONG, SHORT, Book
from bot.heatmap.shape import Shape, shape_of
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import a_bar, a_tier, an_instrument, interest, walk

FLAT = (100.0, 100.0, 100.0, 100.0)
ONE_TIER = EngineSettings(tiers=(10.0,), weights=(1.0,), half_lives_h=(24.0,), churn=0.0)


def a_shape(settings: EngineSettings = ONE_TIER) -> Shape:
    instrument = an_instrument(tiers=(a_tier(0.0, 0.005, 125.0),), tick="0.001")
    return shape_of(instrument, settings, 100.0)


def a_book(settings: EngineSettings = ONE_TIER, oi: float = 1000.0) -> Book:
    """A book that has seen one flat bar at 100."""
    book = Book(a_shape(settings))
    assert book.step(a_bar(0, FLAT), oi)
    return book


def held(book: Book, side: int) -> float:
    return float(book.quantities()[side].sum())


def level(book: Book, side: int) -> float:
    """Mean price of what a side holds, in log as it is split."""
    mass = book.quantities()[side].sum(axis=0)
    return math.exp(float((np.log(book.prices) * mass).sum() / mass.sum()))


def test_open_interest_of_the_start_is_unattributed_on_both_sides() -> None:
    book = a_book()

    assert [1000.0, 1000.0] == book.unattributed
    assert 0.0 == book.coverage


def test_a_rise_of_open_interest_is_one_long_and_one_short() -> None:
    """Half the makers are at risk: with takers unknown 0.75 of it on each side."""
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)

    assert 75.0 == pytest.approx(held(book, LONG))
    assert 75.0 == pytest.approx(held(book, SHORT))
    assert [1025.0, 1025.0] == pytest.approx(book.unattributed)
    assert 75.0 / 1100.0 == pytest.approx(book.coverage)


def test_taker_buys_put_more_longs_at_risk_but_never_split_the_contracts() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0, buys=500.0), 1100.0)

    assert 100.0 == pytest.approx(held(book, LONG))
    assert 50.0 == pytest.approx(held(book, SHORT))
    assert [1000.0, 1050.0] == pytest.approx(book.unattributed)


def test_taker_volume_beyond_the_bars_volume_counts_as_unknown() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0, buys=501.0), 1100.0)

    assert held(book, LONG) == pytest.approx(held(book, SHORT))


def test_positions_stand_at_their_exact_liquidation_prices() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)

    assert 100.0 * 0.9 / 0.995 == pytest.approx(level(book, LONG), rel=1e-6)
    assert 100.0 * 1.1 / 1.005 == pytest.approx(level(book, SHORT), rel=1e-6)


def test_levels_stay_where_they_are_while_the_price_moves() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    before = level(book, LONG)
    book.step(a_bar(2, (100.0, 104.0, 96.0, 104.0)), 1100.0)

    assert before == pytest.approx(level(book, LONG), rel=1e-12)


def test_a_bar_consumes_what_it_trades_through_and_the_other_side_stays() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.step(a_bar(2, (100.0, 100.0, 90.0, 95.0)), 1025.0)

    assert 0.0 == held(book, LONG)
    assert 0.0 < held(book, SHORT)
    assert 75.0 == pytest.approx(book.consumed[LONG])
    assert 0.0 == book.consumed[SHORT]


def test_the_bucket_at_the_extreme_goes_pro_rata() -> None:
    book = a_book(msgspec.structs.replace(ONE_TIER, bucket_width=0.01))
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    mass = book.quantities()[LONG].sum(axis=0)
    bucket = int(np.flatnonzero(mass)[-1])
    edge = (book.base + bucket + 0.75) * 0.01
    low = math.exp(edge)
    book.step(a_bar(2, (100.0, 100.0, low, 100.0)), 1100.0)

    assert mass[bucket] / 4.0 == pytest.approx(book.consumed[LONG])


def test_burning_more_than_interest_fell_goes_to_the_unattributed() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.step(a_bar(2, (100.0, 100.0, 90.0, 95.0)), 1100.0)

    assert 1100.0 == pytest.approx(book.unattributed[LONG])


def test_closes_are_taken_by_hazard_and_pinned_by_open_interest() -> None:
    """Two tiers hold the same; the one with half the half-life gives twice as much."""
    settings = EngineSettings(
        tiers=(5.0, 10.0), weights=(0.5, 0.5), half_lives_h=(24.0, 12.0), churn=0.0
    )
    book = a_book(settings, oi=1000.0)
    book.step(a_bar(1, FLAT, 500.0), 1200.0)
    before = [list(sums) for sums in book.sums]
    book.step(a_bar(2, FLAT), 1100.0)

    slow, fast = (before[LONG][tier] - book.sums[LONG][tier] for tier in (0, 1))
    assert 2.0 == pytest.approx(fast / slow)
    assert 1100.0 == pytest.approx(sum(book.sums[LONG]) + book.unattributed[LONG])


def test_what_an_emptied_tier_cannot_give_is_asked_of_the_others() -> None:
    settings = EngineSettings(
        tiers=(5.0, 10.0), weights=(0.9, 0.1), half_lives_h=(240.0, 1.0), churn=0.0
    )
    book = a_book(settings, oi=100.0)
    for index, oi in enumerate((125.0, 160.0, 200.0, 150.0)):
        book.step(a_bar(index + 1, FLAT, 100.0), oi)

    assert 0.0 == book.sums[LONG][1]
    assert 0.0 < book.sums[LONG][0]
    assert 150.0 == pytest.approx(sum(book.sums[LONG]) + book.unattributed[LONG])


def test_churn_opens_positions_while_interest_stands_still() -> None:
    book = a_book(msgspec.structs.replace(ONE_TIER, churn=0.1))
    book.step(a_bar(1, FLAT, 500.0), 1000.0)

    assert 50.0 * 0.75 == pytest.approx(held(book, LONG))
    assert 1000.0 == pytest.approx(held(book, LONG) + book.unattributed[LONG])


def test_no_more_is_opened_than_open_interest_holds() -> None:
    book = a_book(msgspec.structs.replace(ONE_TIER, churn=1.0), oi=100.0)
    book.step(a_bar(1, FLAT, 5000.0), 100.0)

    assert 75.0 == pytest.approx(held(book, LONG))
    assert 25.0 == pytest.approx(book.unattributed[LONG])


def test_of_levels_inside_their_own_bar_half_survives() -> None:
    settings = EngineSettings(tiers=(100.0,), weights=(1.0,), half_lives_h=(6.0,), churn=0.0)
    book = a_book(settings)
    book.step(a_bar(1, (100.0, 104.0, 96.0, 100.0), 500.0), 1100.0)

    assert 0.5 * 75.0 == pytest.approx(held(book, LONG))
    assert 1100.0 == pytest.approx(held(book, LONG) + book.unattributed[LONG])


def test_entries_outside_the_window_are_unattributed() -> None:
    """Longs at 3x lie 40 % below their entry, and the window ends at 30 %."""
    settings = EngineSettings(tiers=(3.0,), weights=(1.0,), half_lives_h=(240.0,), churn=0.0)
    book = a_book(settings)
    book.step(a_bar(1, FLAT, 500.0), 1100.0)

    assert 0.0 == held(book, LONG)
    assert 75.0 == pytest.approx(held(book, SHORT))


def test_without_open_interest_positions_fade_at_their_half_lives() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    day = a_bar(0, FLAT, timeframe_ms=86_400_000)
    later = msgspec.structs.replace(day, open_at=book.closed_at)
    book.step(later, None)

    assert 37.5 == pytest.approx(held(book, LONG))
    assert 550.0 == pytest.approx(book.oi)


def test_without_open_interest_the_sides_are_kept_equal() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.step(a_bar(2, (100.0, 100.0, 90.0, 95.0), 100.0), None)

    totals = [sum(book.sums[side]) + book.unattributed[side] for side in (LONG, SHORT)]
    assert [book.oi, book.oi] == pytest.approx(totals)


def test_a_book_that_never_sees_open_interest_lives_on_volume_and_covers_nothing() -> None:
    """What it explains is a share of nothing that was measured, so it stays warming."""
    book = Book(a_shape(msgspec.structs.replace(ONE_TIER, churn=0.1)))
    for index in range(3):
        book.step(a_bar(index, FLAT, 100.0), None)

    assert 0.75 * book.oi == pytest.approx(held(book, LONG))
    assert 0.0 == book.coverage


@pytest.mark.parametrize("absurd", [0.0, -3.0, math.nan, math.inf])
def test_open_interest_that_cannot_be_is_held_back(absurd: float) -> None:
    book = a_book()
    book.step(a_bar(1, FLAT), absurd)

    assert book.is_oi_held
    assert 1000.0 == book.oi


def test_absurd_open_interest_at_the_start_counts_as_unknown() -> None:
    book = Book(a_shape())
    book.step(a_bar(0, FLAT), -1.0)

    assert book.is_oi_held
    assert 0.0 == book.oi == book.coverage


def test_a_jump_is_held_until_three_readings_agree_and_is_then_unattributed() -> None:
    book = a_book()
    seen = []
    for index, oi in enumerate((1500.0, 1510.0, 1520.0)):
        book.step(a_bar(index + 1, FLAT, 100.0), oi)
        seen.append((book.oi, book.is_oi_held))

    assert [(1000.0, True), (1000.0, True), (1520.0, False)] == seen
    assert [1520.0, 1520.0] == book.unattributed


def test_jumps_that_do_not_agree_are_never_believed() -> None:
    book = a_book()
    for index, oi in enumerate((1500.0, 2000.0, 3000.0, 1500.0, 1000.0, 1500.0)):
        book.step(a_bar(index + 1, FLAT), oi)

    assert 1000.0 == book.oi


def test_a_reading_that_fits_between_two_jumps_starts_the_count_anew() -> None:
    book = a_book()
    for index, oi in enumerate((1500.0, 1500.0, 1000.0, 1500.0)):
        book.step(a_bar(index + 1, FLAT), oi)

    assert 1000.0 == book.oi


def test_a_gap_consumes_closes_and_enters_nothing() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.step(a_bar(20, (90.0, 90.0, 90.0, 90.0)), 1200.0)

    assert 0.0 == held(book, LONG)
    assert 75.0 == pytest.approx(held(book, SHORT))
    assert 1200.0 == pytest.approx(book.unattributed[LONG])


def test_a_gap_marks_coverage_down_and_time_heals_it() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    before = book.coverage
    book.step(a_bar(2 + 288, FLAT), 1100.0)
    after = book.coverage
    for index in range(288):
        book.step(a_bar(3 + 288 + index, FLAT), 1100.0)

    assert 0.5 * before == pytest.approx(after, rel=0.01)
    assert 0.75 * before == pytest.approx(book.coverage, rel=0.01)


def test_an_old_bar_changes_nothing() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    before = book.quantities()

    assert not book.step(a_bar(1, FLAT, 500.0), 1300.0)
    assert np.array_equal(before, book.quantities())


@pytest.mark.parametrize(
    "prices",
    [
        (100.0, 99.0, 98.0, 98.5),
        (100.0, 101.0, 0.0, 100.0),
        (100.0, math.inf, 99.0, 100.0),
        (100.0, 101.0, 99.0, math.nan),
        (math.nan, 101.0, 99.0, 100.0),
    ],
)
def test_a_bar_that_is_none_changes_nothing(prices: tuple[float, float, float, float]) -> None:
    book = a_book()

    assert not book.step(a_bar(1, prices), 1100.0)
    assert 1 == book.bars


@pytest.mark.parametrize("move", [0.16, -0.16])
def test_the_window_follows_the_price_and_levels_keep_their_prices(move: float) -> None:
    settings = EngineSettings(
        tiers=(10.0, 25.0), weights=(0.5, 0.5), half_lives_h=(24.0, 24.0), churn=0.0
    )
    book = a_book(settings)
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    side = LONG if move > 0 else SHORT
    before, base = level(book, side), book.base
    price = 100.0 * math.exp(move)
    book.step(a_bar(2, (100.0, max(price, 100.0), min(price, 100.0), price)), 1100.0)

    assert base != book.base
    assert before == pytest.approx(level(book, side), rel=1e-9)


def test_a_leap_beyond_the_window_spills_everything() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.step(a_bar(2, (250.0, 250.0, 250.0, 250.0)), 1100.0)

    assert 0.0 == held(book, LONG) == held(book, SHORT)
    assert [1100.0, 1100.0] == pytest.approx(book.unattributed)


def test_sweeping_twice_takes_nothing_the_second_time() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.sweep(100.0, 90.43)
    once = book.quantities()
    book.sweep(100.0, 90.43)

    assert np.array_equal(once, book.quantities())


def test_factors_that_grow_tiny_are_multiplied_out() -> None:
    book = a_book()
    book.step(a_bar(1, FLAT, 500.0), 1100.0)
    book.factors[LONG][0] = 1e-59
    book.cells[LONG] *= 1e59
    before = book.quantities()[LONG]
    book.step(
        msgspec.structs.replace(
            a_bar(0, FLAT, timeframe_ms=10 * 86_400_000), open_at=book.closed_at
        ),
        None,
    )

    assert 1.0 == book.factors[LONG][0]
    assert np.allclose(before * 2.0**-10, book.quantities()[LONG])


def test_the_profile_is_quantity_and_quantity_times_leverage() -> None:
    book = a_book(EngineSettings())
    for bar, oi in zip(walk(50, 5, price=100.0), interest(walk(50, 5), 6, 1000.0), strict=True):
        book.step(msgspec.structs.replace(bar, open_at=book.closed_at), oi)
    whole = book.quantities()[SHORT]

    quantity, levered = book.profile(SHORT)
    assert np.allclose(whole.sum(axis=0), quantity)
    assert np.allclose(np.array([3, 5, 10, 25, 50, 100.0]) @ whole, levered)
