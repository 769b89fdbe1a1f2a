"""Replies are decoded strictly: good ones whole, doubtful ones not at all, bad rows one by one."""

from typing import Any

import pytest

from bot.heatmap import decode
from bot.heatmap.failure import ReadingError
from bot.model.heatmap import OpenInterest, Row
from bot.model.primitives import PositionSide
from tests.fakes.heatmap_faults import as_json
from tests.fakes.heatmap_replies import BTC, PEPE, ROW, a_document, a_row, read, refusal, some_rows
from tests.fakes.heatmap_scene import Document


def test_a_good_reply_is_read_whole() -> None:
    reading = read(a_document(a_row()))

    assert BTC.symbol == reading.symbol
    assert 89175.1 == reading.price
    assert 0 == reading.rows_dropped
    assert (
        Row(
            level=89365.0,
            side=PositionSide.SHORT,
            notional_usd=3500000.0,
            strength=0.85,
            low=89365.0,
            high=89365.0,
            leverage_tier=50.0,
            liquidation_count=1248,
            provider_id=5,
        ),
    ) == reading.rows


def test_no_rows_at_all_is_a_good_reply() -> None:
    assert () == read(a_document()).rows


def test_optional_fields_may_be_missing_or_null() -> None:
    optional = ("leverage_tier", "liquidation_count", "cluster_id", "last_updated")
    for absent in (..., None):
        (row,) = read(a_document(a_row(**dict.fromkeys(optional, absent)))).rows

        assert (None, None, None) == (row.leverage_tier, row.liquidation_count, row.provider_id)


def test_open_interest_is_the_notional_where_total_notional_is_missing() -> None:
    rows = [
        a_row(total_notional=..., open_interest=7.0),
        a_row(price_level=89366.0, total_notional=None, open_interest=8.0),
        a_row(price_level=89367.0, total_notional=9.0, open_interest=1.0),
    ]

    assert [7.0, 8.0, 9.0] == [row.notional_usd for row in read(a_document(*rows)).rows]


def test_unknown_fields_are_ignored() -> None:
    row = a_row(active=True, firstSeen="x", lastSeen=None, more={"deep": [1, {"er": 2}]})

    assert 1 == len(read(a_document(row, news=[1, 2])).rows)


def test_inactive_rows_are_left_out_and_are_not_bad() -> None:
    rows = [a_row(price_level=89365.0 + i, active=False) for i in range(5)]
    reading = read(a_document(a_row(), *rows[1:]))

    assert 1 == len(reading.rows)
    assert 0 == reading.rows_dropped


def test_a_local_provider_adds_bands_and_coverage() -> None:
    row = a_row(zone_low=89300.0, zone_high=89400.0)
    reading = read(a_document(row, coverage=0.31, warming=True))

    assert (89300.0, 89400.0) == (reading.rows[0].low, reading.rows[0].high)
    assert 0.31 == reading.coverage
    assert reading.is_warming


def test_a_band_that_does_not_hold_its_level_makes_the_row_bad() -> None:
    rows = [a_row(zone_low=89366.0), a_row(zone_high=89364.0), *some_rows(20)]

    assert 2 == read(a_document(*rows)).rows_dropped


def test_name_and_factor_map_the_providers_scale_to_the_exchanges() -> None:
    row = a_row(price_level=0.0125, zone_low=0.0124, zone_high=0.0126)
    reading = read(a_document(row, symbol="PEPEUSDT", current_price=0.0122), PEPE)

    assert PEPE.symbol == reading.symbol
    assert 12.2 == pytest.approx(reading.price)
    assert [12.5, 12.4, 12.6] == pytest.approx(
        [reading.rows[0].level, reading.rows[0].low, reading.rows[0].high]
    )
    assert 3500000.0 == reading.rows[0].notional_usd


@pytest.mark.parametrize(
    "bad",
    [
        {"price_level": 0},
        {"price_level": -1.0},
        {"price_level": None},
        {"price_level": "89365"},
        {"price_level": True},
        {"price_level": 1e300},
        {"price_level": ...},
        {"total_notional": 0},
        {"total_notional": -5.0},
        {"total_notional": ...},
        {"total_notional": "many"},
        {"strength": ...},
        {"leverage_tier": 0},
        {"leverage_tier": "50x"},
        {"liquidation_count": -1},
        {"side": None},
        {"side": ...},
        {"active": "yes"},
    ],
)
def test_one_bad_row_is_dropped_and_counted_and_the_rest_is_read(bad: Document) -> None:
    row = a_row(**{"price_level": 89000.0, **bad})
    reading = read(a_document(row, *some_rows(9)))

    assert 9 == len(reading.rows)
    assert 1 == reading.rows_dropped


@pytest.mark.parametrize("row", [None, 1, "row", [], {}])
def test_a_row_that_is_not_a_cluster_is_dropped(row: Any) -> None:
    assert 1 == read(a_document(row, *some_rows(9))).rows_dropped


def test_bad_rows_refuse_the_reply_from_three_and_above_a_fifth() -> None:
    bad = a_row(strength=2)

    assert 2 == read(a_document(bad, bad, a_row())).rows_dropped
    assert 3 == read(a_document(bad, bad, bad, *some_rows(12))).rows_dropped
    assert "3 of 14 rows" in refusal(a_document(bad, bad, bad, *some_rows(11))).what
    assert "1 of 1 rows" in refusal(a_document(bad)).what


def test_strength_a_hair_above_one_is_one() -> None:
    rows = [a_row(strength=1.01), a_row(price_level=89366.0, strength=1)]

    assert [1.0, 1.0] == [row.strength for row in read(a_document(*rows)).rows]


def test_of_duplicates_the_larger_notional_stays() -> None:
    rows = [a_row(total_notional=2.0), a_row(total_notional=3.0), a_row(total_notional=1.0)]
    other = a_row(leverage_tier=25.0)
    reading = read(a_document(*rows, other))

    assert [3500000.0, 3.0] == [row.notional_usd for row in reading.rows]
    assert 2 == reading.rows_dropped


def test_the_largest_fifty_of_each_side_stay() -> None:
    rows = [a_row(price_level=89400.0 + i, total_notional=1000.0 + i) for i in range(80)]
    rows += [a_row(price_level=89000.0 - i, side="long") for i in range(10)]
    reading = read(a_document(*rows))
    shorts = [row for row in reading.rows if row.side is PositionSide.SHORT]

    assert (50, 60, 30, 0) == (
        len(shorts),
        len(reading.rows),
        reading.rows_cut,
        reading.rows_dropped,
    )
    assert 1030.0 == min(row.notional_usd for row in shorts)


def test_beyond_the_limit_of_rows_the_largest_are_read_and_a_flood_is_refused() -> None:
    rows = [a_row(price_level=89400.0 + i, total_notional=1 + i) for i in range(30)]
    reading = read(a_document(*rows, None, {}), rows_max=10)

    assert [21.0 + i for i in range(10)] == [row.notional_usd for row in reading.rows]
    assert 22 == reading.rows_cut
    with pytest.raises(ReadingError, match="has 32 rows"):
        read(a_document(*rows, None, {}), rows_max=3)


def test_the_order_of_rows_carries_no_meaning() -> None:
    rows = [
        a_row(price_level=89365.0 + i, side=side) for i in range(5) for side in ("long", "short")
    ]

    assert read(a_document(*rows)) == read(a_document(*reversed(rows)))


def test_content_is_what_counts_and_stamps_ids_and_distances_are_not() -> None:
    key = read(a_document(a_row())).content_key
    same = a_row(cluster_id=9, last_updated="2027", distance_from_price=1.0)

    assert 16 == len(key)
    assert key == read(a_document(same, timestamp="2027")).content_key
    for fields in (
        {"price_level": 89365.1},
        {"total_notional": 3500000.1},
        {"strength": 0.86},
        {"side": "long"},
        {"leverage_tier": 49.0},
    ):
        assert key != read(a_document(a_row(**fields))).content_key
    assert key != read(a_document(a_row(), current_price=89175.2)).content_key
    assert key != read(a_document()).content_key


def test_best_is_one_bare_cluster() -> None:
    row = decode.best(as_json(ROW), BTC)

    assert 89365.0 == row.level
    for bad in (b"{}", b"[]", b"null", as_json({**ROW, "side": "up"})):
        with pytest.raises(ReadingError):
            decode.best(bad, BTC)


@pytest.mark.parametrize("place", ["stats", "debug"])
def test_open_interest_is_found_in_either_place_and_only_for_our_symbols(place: str) -> None:
    summary = {
        "BTCUSDT": {"total_oi_usd": 5e9, "long_short_ratio": 1.3},
        "PEPEUSDT": {"total_oi_usd": 1e8, "long_short_ratio": None},
        "XRPUSDT": {"total_oi_usd": 1e9},
    }
    stats: Document = {"total_symbols": 27, "active_symbols": 26, "total_clusters": 1189}
    holder = {"open_interest_summary": summary}
    stats |= holder if place == "stats" else {"debug": holder}
    found = decode.stats(
        as_json({"success": True, "stats": stats}), {"BTCUSDT": BTC, "PEPEUSDT": PEPE}
    )

    assert (27, 26, 1189) == (found.symbols_total, found.symbols_active, found.clusters_total)
    assert {
        BTC.symbol: OpenInterest(total_oi_usd=5e9, long_short_ratio=1.3),
        PEPE.symbol: OpenInterest(total_oi_usd=1e8),
    } == found.open_interest


@pytest.mark.parametrize(
    "summary", [None, [], 5, {"BTCUSDT": {"total_oi_usd": -1}}, {"BTCUSDT": 1}]
)
def test_statistics_that_are_absent_or_odd_are_neutral(summary: Any) -> None:
    body = as_json({"success": True, "stats": {"debug": {"open_interest_summary": summary}}})

    assert {} == decode.stats(body, {"BTCUSDT": BTC}).open_interest


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"success":true}', b'{"success":true,"stats":3}'])
def test_statistics_without_their_frame_are_an_error(body: bytes) -> None:
    with pytest.raises(ReadingError):
        decode.stats(body, {})


def test_symbols_are_the_providers_names() -> None:
    body = as_json({"success": True, "symbols": ["BTCUSDT", "ETHUSDT"], "count": 2})

    assert ("BTCUSDT", "ETHUSDT") == decode.symbols(body)
    with pytest.raises(ReadingError):
        decode.symbols(as_json({"success": True, "symbols": [1]}))


def test_what_an_error_says_is_short_and_printable() -> None:
    assert "Not Found" == decode.detail(b'{"detail":"Not Found"}')
    assert "a b" == decode.detail(b'{"detail":"a\\u001bb"}')
    assert 120 == len(decode.detail(as_json({"detail": "x" * 5000})))
    assert "a web page" == decode.detail(b" <html>")
    for body in (b"", b"[]", b'{"detail":5}', b"[" * 99_999):
        assert "" == decode.detail(body)
