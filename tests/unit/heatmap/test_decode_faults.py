"""The numbered faults that a decoder meets: refused, dropped or read, and never a crash."""

import json
from typing import Any

import pytest

from bot.heatmap.failure import FailureKind, ReadingError
from tests.fakes.heatmap_faults import FAULTS
from tests.fakes.heatmap_replies import a_document, a_row, after, read, refusal, some_rows
from tests.fakes.heatmap_scene import a_scene


def test_h06_a_web_page_is_not_json() -> None:
    assert "web page" in refusal(after("h06_html")).what


def test_h07_a_reply_that_was_cut_is_not_json() -> None:
    assert FailureKind.MALFORMED is refusal(after("h07_truncated")).kind


@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("h08")])
def test_h08_a_reply_without_its_frame_is_malformed(fault: str) -> None:
    assert FailureKind.MALFORMED is refusal(after(fault)).kind


@pytest.mark.parametrize("fault", ["h11_nested", "h11_nested_inside"])
def test_h11_a_nested_bomb_is_malformed_and_not_a_recursion_error(fault: str) -> None:
    assert FailureKind.MALFORMED is refusal(after(fault)).kind


def test_h12_a_byte_order_mark_and_a_bogus_charset_are_read_and_latin_1_is_not() -> None:
    assert 6 == len(read(after("h12_byte_order_mark")).rows)
    assert 6 == len(read(after("h12_bogus_charset")).rows)
    assert "UTF-8" in refusal(after("h12_latin_1")).what


@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("h13")])
def test_h13_what_is_not_a_number_refuses_the_reply(fault: str) -> None:
    assert FailureKind.MALFORMED is refusal(after(fault)).kind


def test_h13_an_integer_of_four_hundred_digits_is_a_bad_row() -> None:
    """It is JSON and it is no price: the row goes, the reply stays."""
    assert 1 == read(a_document(a_row(price_level=10**400), *some_rows(9))).rows_dropped
    with pytest.raises(ReadingError):
        read(a_document(a_row(), current_price=10**400))


@pytest.mark.parametrize(
    "body",
    [
        after("h14_duplicate_keys"),
        b'{"success":true,"success":true}',
        b'{"a":{"b":[{"c":1,"c":1}]}}',
        b'{"a":1,"\\u0061":2}',
    ],
)
def test_h14_a_key_named_twice_refuses_the_reply(body: bytes) -> None:
    assert "names a key twice" in refusal(body).what


@pytest.mark.parametrize("fault", ["below", "above", "text", "null"])
def test_h15_a_strength_that_is_none_drops_the_row(fault: str) -> None:
    reading = read(after(f"h15_strength_{fault}"))

    assert (5, 1) == (len(reading.rows), reading.rows_dropped)


@pytest.mark.parametrize("fault", ["h15_half_are_bad", "h15_all_are_bad"])
def test_h15_too_many_bad_strengths_refuse_the_reply(fault: str) -> None:
    assert FailureKind.REFUSED is refusal(after(fault)).kind


@pytest.mark.parametrize("fault", ["h16_price_zero", "h16_price_negative"])
def test_h16_a_price_that_cannot_be_one_refuses_the_reply(fault: str) -> None:
    assert FailureKind.REFUSED is refusal(after(fault)).kind


def test_h16_a_null_price_says_that_the_symbol_is_not_carried() -> None:
    """Ten minutes of them end the symbol's clusters, as ten minutes of 400 do."""
    assert FailureKind.UNSUPPORTED is refusal(after("h16_price_null")).kind


def test_h17_a_reply_for_another_symbol_or_for_none_is_refused() -> None:
    error = refusal(after("h17_wrong_symbol"))

    assert FailureKind.REFUSED is error.kind
    assert "'ETHUSDT'" in error.what
    assert FailureKind.MALFORMED is refusal(after("h17_no_symbol")).kind


@pytest.mark.parametrize("fault", ["h20_stamps_old", "h21_stamps_absent", "h21_stamps_elsewhere"])
def test_h20_h21_stamps_in_the_body_change_nothing_wherever_they_are(fault: str) -> None:
    assert read(a_scene().heatmap("BTCUSDT")) == read(after(fault))


@pytest.mark.parametrize("fault", ["h22_stamps_future", "h22_stamps_broken"])
def test_h22_stamps_of_any_kind_are_not_used(fault: str) -> None:
    assert read(a_scene().heatmap("BTCUSDT")) == read(after(fault))


@pytest.mark.parametrize("side", ["LONG", "Long", "buy", " long", "", 1, None, ["long"]])
def test_h24_a_side_that_is_not_exactly_one_is_dropped_and_not_guessed(side: Any) -> None:
    assert 1 == read(a_document(a_row(price_level=1.0, side=side), *some_rows(9))).rows_dropped


def test_h25_five_thousand_rows_are_cut_to_the_largest() -> None:
    reading = read(after("h25_5000_rows"))

    assert (100, 4900, 0) == (len(reading.rows), reading.rows_cut, reading.rows_dropped)
    assert 5900.0 == min(row.notional_usd for row in reading.rows)


def test_h26_ids_that_move_to_other_clusters_leave_the_content_as_it_was() -> None:
    document = a_scene().heatmap("BTCUSDT")
    keys = {
        read(FAULTS["h26_ids_renumbered"](document, number).body).content_key for number in range(6)
    }

    assert 1 == len(keys)


def test_a_real_reply_of_a_sibling_route_is_refused_and_does_not_crash() -> None:
    body = json.dumps({"results": {"BTCUSDT": {"clusters": {"best": {"price": 1}}}}}).encode()

    assert FailureKind.MALFORMED is refusal(body).kind
