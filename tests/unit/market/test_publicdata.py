"""Reading replies: a bad row costs itself, a bad reply is no reply."""

import asyncio
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.market.publicdata import (
    ascending,
    both,
    depth_within,
    levels_needed,
    number,
    part,
    price_or_none,
    readable,
)
from tests.fakes.engine_market import a_bar


def test_numbers_are_finite() -> None:
    assert 1.5 == number("1.5")
    for raw in ("NaN", "inf", "", "x"):
        with pytest.raises(ValueError, match=r"."):
            number(raw)


def test_a_price_is_above_zero_or_none() -> None:
    assert [None, None, None, 2.0] == [price_or_none(raw) for raw in (None, "", "0", "2")]


def test_a_row_that_cannot_be_read_costs_itself() -> None:
    rows = [{"a": "1"}, {"b": "2"}, None, {"a": "x"}, {"a": "3"}]

    assert [1.0, 3.0] == readable(rows, lambda row: number(row["a"]), "rows")


def test_rows_for_others_are_left_out() -> None:
    assert [] == readable([1, 2], lambda _row: None, "rows")


@pytest.mark.parametrize("rows", [None, {}, "text", [{"b": 1}]])
def test_a_reply_without_a_readable_row_is_no_answer(rows: Any) -> None:
    with pytest.raises(NoAnswerError):
        readable(rows, lambda row: number(row["a"]), "rows")


def test_a_missing_part_is_no_answer() -> None:
    assert 1 == part({"a": {"b": 1}}, "a", "b")
    replies: list[Any] = [{}, {"a": None}, {"a": []}, []]
    for reply in replies:
        with pytest.raises(NoAnswerError):
            part(reply, "a", "b")


def test_bars_ascend_without_doubles() -> None:
    bars = [a_bar(index, (1.0, 2.0, 1.0, 1.5)) for index in (3, 1, 2, 1, 0)]
    since, until = bars[1].open_at, bars[0].open_at

    assert [bars[1], bars[2]] == ascending(bars, since, until)


def test_depth_is_what_the_thinner_side_has_within_ten_bps() -> None:
    bids = [["99.95", "10"], ["99.91", "20"], ["99.80", "1000"]]
    asks = [["100.05", "5"], ["100.20", "1000"]]

    assert 100.05 * 5 == depth_within(bids, asks)


def test_an_empty_side_has_no_depth() -> None:
    assert depth_within([], [["100", "1"]]) is None


def test_a_book_is_asked_for_as_deep_as_ten_bps_are() -> None:
    sizes = (50, 100, 500)

    assert 50 == levels_needed(None, None, sizes)
    assert 50 == levels_needed(1.0, 0.0001, sizes)
    assert 100 == levels_needed(100.0, 0.001, sizes)
    assert 500 == levels_needed(90_000.0, 0.1, sizes)


def test_the_failure_of_one_of_two_calls_is_raised_as_it_came() -> None:
    async def good() -> int:
        return 1

    async def bad() -> int:
        raise NoAnswerError("gone")

    assert (1, 1) == asyncio.run(both(good(), good()))
    with pytest.raises(NoAnswerError, match="gone"):
        asyncio.run(both(good(), bad()))
