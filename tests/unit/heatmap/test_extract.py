"""Cutting a profile into clusters, naming them, and turning them into rows."""

import itertools
import math

import msgspec
import numpy as np
import pytest

from bot.heatmap.book import LONG, SHORT, Book
from bot.heatmap.extract import CLUSTERS_MAX, Extractor, facing
from bot.heatmap.shape import shape_of
from bot.model.heatmap import Row
from bot.model.primitives import Millis, PositionSide
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import START_AT, a_bar, an_instrument, interest, walk

AT = Millis(START_AT)
SETTINGS = EngineSettings()


def a_book(oi: float = 1_000_000.0) -> Book:
    """An empty book around 100, with 100 million USD of open interest."""
    book = Book(shape_of(an_instrument(tick="0.001"), SETTINGS, 100.0))
    book.step(a_bar(0, (100.0, 100.0, 100.0, 100.0)), oi)
    return book


def put(book: Book, side: int, distance: int, usd: float, tier: int = 2) -> None:
    """Put a heap into the bucket so many buckets from the price: below for longs."""
    bucket = book.shape.buckets // 2 + (distance if side == SHORT else -distance)
    book.cells[side, tier, bucket] += usd / book.prices[bucket]


def extract(book: Book, extractor: Extractor | None = None, at: int = AT) -> list[Row]:
    return (extractor or Extractor(SETTINGS)).extract(book, Millis(at))


def test_an_empty_book_has_no_clusters() -> None:
    assert [] == extract(a_book())


def test_a_heap_becomes_one_cluster_with_its_price_and_its_dollars() -> None:
    book = a_book()
    put(book, LONG, 40, 5e6)
    (row,) = extract(book)

    assert PositionSide.LONG is row.side
    assert 5e6 == pytest.approx(row.notional_usd)
    assert 10.0 == pytest.approx(row.leverage_tier)
    assert 250 == row.liquidation_count
    assert book.prices[book.shape.buckets // 2 - 40] == pytest.approx(row.level)


def test_the_band_runs_to_the_outer_edges_of_its_buckets() -> None:
    """One heap, smoothed, stays above half its peak for one bucket on each side."""
    book = a_book()
    put(book, SHORT, 40, 5e6)
    (row,) = extract(book)
    bucket = book.base + book.shape.buckets // 2 + 40

    assert math.exp((bucket - 1) * book.shape.width) == pytest.approx(row.low)
    assert math.exp((bucket + 2) * book.shape.width) == pytest.approx(row.high)


def test_the_level_is_the_mean_by_dollars_and_the_tier_by_quantity() -> None:
    book = a_book()
    put(book, SHORT, 40, 6e6, tier=2)
    put(book, SHORT, 41, 2e6, tier=4)
    (row,) = extract(book)
    first, second = (book.prices[book.shape.buckets // 2 + away] for away in (40, 41))

    assert (6.0 * first + 2.0 * second) / 8.0 == pytest.approx(row.level)
    held = (6.0 / first, 2.0 / second)
    tier = (10.0 * held[0] + 50.0 * held[1]) / sum(held)
    assert tier == pytest.approx(row.leverage_tier, abs=0.005)


def test_figures_have_no_more_digits_than_mean_anything() -> None:
    """Every reading is kept for months, so seventeen digits a figure would be most of the disk."""
    book = a_book()
    for distance in range(40, 400, 30):
        put(book, SHORT, distance, 1e6 * math.pi * distance, tier=2)
        put(book, SHORT, distance + 1, 1e6 * math.e, tier=4)
    rows = extract(book)

    assert rows
    for row in rows:
        levels = (row.level, row.low, row.high)
        assert levels == tuple(round(price, 5) for price in levels)
        assert row.low <= row.level <= row.high
        assert row.notional_usd == round(row.notional_usd)
        assert row.strength == round(row.strength, 4)
        assert row.leverage_tier == round(row.leverage_tier or 0.0, 2)


def test_the_share_at_risk_scales_the_dollars() -> None:
    book = a_book()
    put(book, LONG, 40, 5e6)
    half = msgspec.structs.replace(SETTINGS, share_at_risk=0.5)
    (row,) = Extractor(half).extract(book, AT)

    assert 2.5e6 == pytest.approx(row.notional_usd)


def test_clusters_below_the_floor_are_dropped() -> None:
    """100,000 USD, or 0.2 % of open interest where that is more: here 200,000 USD."""
    book = a_book()
    put(book, LONG, 40, 1.9e5)
    put(book, LONG, 80, 2.1e5)

    assert [2.1e5] == pytest.approx([row.notional_usd for row in extract(book)])


def test_small_open_interest_leaves_the_floor_in_dollars() -> None:
    book = a_book(oi=1000.0)
    put(book, LONG, 40, 0.9e5)
    put(book, LONG, 80, 1.1e5)

    assert [1.1e5] == pytest.approx([row.notional_usd for row in extract(book)])


def test_a_wide_plateau_is_cut_at_twenty_buckets_from_its_peak() -> None:
    book = a_book()
    for distance in range(40, 140):
        put(book, SHORT, distance, 1e6)
    put(book, SHORT, 90, 1e5)
    width = book.shape.width
    spans = [round(math.log(row.high / row.low) / width) for row in extract(book)]

    assert 41 == max(spans)


def test_four_buckets_are_left_between_clusters() -> None:
    book = a_book()
    for distance in range(40, 140):
        put(book, SHORT, distance, 1e6 + 1e3 * ((distance * 37) % 100))
    extractor = Extractor(SETTINGS)
    extract(book, extractor)
    spans = extractor.spans[SHORT]
    between = [right.first - left.last - 1 for left, right in itertools.pairwise(spans)]

    assert len(spans) > 1
    assert min(between) >= 4


def test_the_stronger_peak_is_cut_first_and_the_weaker_gets_what_is_left() -> None:
    book = a_book()
    put(book, SHORT, 40, 9e6)
    put(book, SHORT, 44, 3e6)
    put(book, SHORT, 52, 3e6)

    assert [9e6, 3e6] == pytest.approx([row.notional_usd for row in extract(book)], rel=0.01)


def test_heaps_at_the_windows_ends_are_clusters_too() -> None:
    book = a_book()
    book.cells[LONG, 2, 0] = 1e5
    book.cells[SHORT, 2, -1] = 1e5
    found = [(row.side, row.low < row.level < row.high) for row in extract(book)]

    assert [(PositionSide.LONG, True), (PositionSide.SHORT, True)] == found


def test_at_most_fifty_clusters_are_kept_on_a_side_and_they_are_the_strongest_peaks() -> None:
    book = a_book()
    for index in range(59):
        put(book, SHORT, 10 + 10 * index, 1e6 + 1e4 * index)
    totals = sorted(row.notional_usd for row in extract(book))

    assert CLUSTERS_MAX == len(totals)
    assert 1e6 + 9e4 == pytest.approx(totals[0])


def test_a_cluster_keeps_its_id_while_it_covers_the_same_prices() -> None:
    book, extractor = a_book(), Extractor(SETTINGS)
    put(book, SHORT, 40, 5e6)
    put(book, LONG, 40, 5e6)
    first = [row.provider_id for row in extract(book, extractor)]
    put(book, SHORT, 41, 5e6)
    put(book, SHORT, 80, 5e6)
    second = [row.provider_id for row in extract(book, extractor, AT + 1)]

    assert [1, 2] == first
    assert [1, 2, 3] == second


def test_a_cluster_that_moved_away_is_a_new_one_and_ids_are_never_used_again() -> None:
    book, extractor = a_book(), Extractor(SETTINGS)
    put(book, SHORT, 40, 5e6)
    extract(book, extractor)
    book.cells[...] = 0.0
    extract(book, extractor)
    put(book, SHORT, 40, 5e6)

    assert [2] == [row.provider_id for row in extract(book, extractor)]


def test_an_id_goes_to_the_range_that_overlaps_most() -> None:
    extractor = Extractor(SETTINGS)
    extractor._name(SHORT, [[100, 110]])
    spans = extractor._name(SHORT, [[99, 102], [105, 113]])

    assert [(99, 101, 2), (105, 112, 1)] == [tuple(span) for span in spans]


def test_of_equal_overlaps_the_older_id_wins() -> None:
    extractor = Extractor(SETTINGS)
    extractor._name(SHORT, [[106, 110]])
    extractor._name(SHORT, [[100, 104], [106, 110]])
    spans = extractor._name(SHORT, [[100, 110]])

    assert [1] == [span.id for span in spans]


def test_less_than_half_of_the_smaller_range_is_no_overlap() -> None:
    extractor = Extractor(SETTINGS)
    extractor._name(SHORT, [[100, 110]])

    assert [2] == [span.id for span in extractor._name(SHORT, [[106, 116]])]
    assert [2] == [span.id for span in extractor._name(SHORT, [[111, 121]])]


def test_rows_on_the_wrong_side_of_the_price_do_not_face_it() -> None:
    book = a_book()
    put(book, LONG, 40, 5e6)
    put(book, SHORT, 40, 5e6)
    long, short = extract(book)

    assert (long, short) == facing([long, short], 100.0)
    assert (short,) == facing([long, short], long.level)
    assert (long,) == facing([long, short], short.level)


def test_rows_of_a_lived_in_book_are_sound() -> None:
    book, extractor = Book(shape_of(an_instrument(), SETTINGS, 50_000.0)), Extractor(SETTINGS)
    candles = walk(2_000, 3)
    for bar, oi in zip(candles, interest(candles, 4), strict=True):
        book.step(bar, oi)
        rows = extractor.extract(book, bar.close_at) if book.bars % 50 == 0 else []
        for row in rows:
            assert row.low <= row.level <= row.high
            assert 0.0 <= row.strength <= 1.0
            assert 2.999 < (row.leverage_tier or 0.0) < 100.001
            assert row.notional_usd >= 1e5
        ids = [row.provider_id for row in rows]
        assert len(ids) == len(set(ids))
    explained = sum(row.notional_usd for row in extractor.extract(book, book.closed_at))

    assert 0.3 < explained / (2.0 * book.oi * book.close * book.coverage) < 1.5
    assert np.isfinite(book.cells).all()
