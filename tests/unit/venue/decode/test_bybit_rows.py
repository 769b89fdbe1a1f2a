"""Reading Bybit's replies: what is not there is not taken for empty."""

from typing import Any

import msgspec
import pytest

from bot.gateway.failures import NoAnswerError
from bot.venue.decode.bybit_rows import (
    ExecutionRow,
    OrderRow,
    instant,
    number,
    page_of,
    price_or_none,
    result_of,
    rows_of,
    word,
)
from tests.fakes.live_bybit import execution_row, order_row


def reply(result: Any) -> dict[str, Any]:
    return {"retCode": 0, "result": result}


def test_a_page_has_rows_and_says_where_it_goes_on() -> None:
    rows, cursor = page_of(
        reply({"list": [order_row()], "nextPageCursor": "a%3A1"}), OrderRow, "orders"
    )

    assert ["ours1"] == [row.order_link_id for row in rows]
    assert "a%3A1" == cursor


def test_an_empty_list_is_empty_and_is_the_last_page() -> None:
    assert ([], "") == page_of(reply({"list": [], "nextPageCursor": ""}), OrderRow, "orders")


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        None,
        "OK",
        reply(None),
        reply({}),
        reply([]),
        reply({"list": None}),
        reply({"list": {}}),
        reply({"list": [{}]}),
        reply({"list": [None]}),
    ],
)
def test_e8_what_has_no_list_is_not_an_empty_list(broken: Any) -> None:
    with pytest.raises(NoAnswerError, match="orders"):
        page_of(broken, OrderRow, "orders")


def test_e8_a_message_without_rows_cannot_be_read() -> None:
    with pytest.raises(NoAnswerError):
        rows_of({"not": "a list"}, OrderRow, "the stream")


def test_a_row_without_its_quantity_cannot_be_read() -> None:
    row = order_row()
    del row["cumExecQty"]

    with pytest.raises(NoAnswerError):
        rows_of([row], OrderRow, "orders")


def test_a_result_is_of_its_kind() -> None:
    assert {"reasons": []} == result_of(reply({"reasons": []}), dict, "a setting")
    with pytest.raises(NoAnswerError, match="a setting"):
        result_of(reply([]), dict, "a setting")


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "-Infinity", "1e", "1,5"])
def test_a_number_is_finite(text: str) -> None:
    with pytest.raises(NoAnswerError):
        number(text)


@pytest.mark.parametrize("value", ["", None, "12.5", -1, "now", True, "١٢"])
def test_an_instant_is_whole(value: Any) -> None:
    with pytest.raises(NoAnswerError):
        instant(value)


def test_zero_and_nothing_stand_for_no_price() -> None:
    assert price_or_none("") is None
    assert price_or_none("0.0000") is None
    assert number("1.5") == price_or_none("1.5")


def test_a_word_means_something_or_the_reply_nothing() -> None:
    assert 1 == word({"Buy": 1}, "Buy")
    with pytest.raises(NoAnswerError, match="buy"):
        word({"Buy": 1}, "buy")


@pytest.mark.parametrize(
    ("fields", "belongs"),
    [
        ({"orderLinkId": "", "stopOrderType": "StopLoss"}, True),
        ({"orderLinkId": "", "stopOrderType": "TakeProfit"}, True),
        ({"orderLinkId": "", "stopOrderType": "Stop"}, False),
        ({"orderLinkId": "stop1", "stopOrderType": "StopLoss"}, False),
        ({"orderLinkId": ""}, False),
    ],
)
def test_a_stop_of_the_position_is_no_order(*, fields: dict[str, Any], belongs: bool) -> None:
    row = msgspec.convert(order_row(**fields), OrderRow)

    assert belongs is row.belongs_to_position


@pytest.mark.parametrize(
    ("fields", "is_stop"),
    [
        ({"orderLinkId": "", "createType": "CreateByStopLoss"}, True),
        ({"orderLinkId": "", "createType": "", "stopOrderType": "StopLoss"}, True),
        ({"orderLinkId": "", "createType": "CreateByTakeProfit"}, False),
        ({"orderLinkId": "x", "createType": "CreateByStopLoss"}, False),
    ],
)
def test_an_execution_says_what_has_sent_it(*, fields: dict[str, Any], is_stop: bool) -> None:
    row = msgspec.convert(execution_row(**fields), ExecutionRow)

    assert is_stop is row.is_by_position_stop
