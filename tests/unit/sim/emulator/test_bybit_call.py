"""Requests in Bybit's form: fields that are missing, unknown or malformed."""

from typing import Any

import pytest

from bot.gateway.http import HttpRequest
from bot.model.primitives import Millis
from bot.sim.emulator.bybit_call import WEEK_MS, Call, get, page, post, read, span
from bot.sim.emulator.bybit_words import Refused
from tests.fakes.contracts import NOON

ROUTE = post("category qty reduceOnly positionIdx", lambda _: {})


def call(**params: Any) -> Call:
    return Call(params=params, at=NOON)


def sent(body: str) -> Call:
    url = "https://api.bybit.com/v5/order/create"
    return read(HttpRequest(method="POST", url=url, body=body), ROUTE, NOON)


def test_fields_are_read_with_their_types() -> None:
    read_call = sent('{"category":"linear","qty":"0.1","reduceOnly":true,"positionIdx":0}')

    assert ("0.1", True, 0) == (
        read_call.text("qty"),
        read_call.flag("reduceOnly"),
        read_call.whole("positionIdx", 9),
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"quantity":"1"}',
        '{"qty":1}',
        '{"reduceOnly":"true"}',
        '{"positionIdx":true}',
        "[]",
        "qty=1",
    ],
)
def test_a_body_that_bybit_would_misread_is_refused(body: str) -> None:
    with pytest.raises(Refused) as caught:
        sent(body)

    assert 10001 == caught.value.code


def test_an_unknown_parameter_of_a_query_is_refused() -> None:
    url = "https://api.bybit.com/v5/order/realtime?symbol=BTCUSDT&clientOrderId=x"

    with pytest.raises(Refused, match="clientOrderId"):
        read(HttpRequest(method="GET", url=url), get("symbol", lambda _: {}), NOON)


def test_pages_follow_each_other_until_the_last() -> None:
    rows = list(range(5))
    first, cursor = page(call(limit=2), rows, default=20, most=50)
    # The cursor is sent as it came, and decoded once by the exchange.
    second, _ = page(call(limit=2, cursor=cursor.replace("%3A", ":")), rows, default=20, most=50)
    last, end = page(call(limit=2, cursor="page:4"), rows, default=20, most=50)

    assert ([0, 1], [2, 3], [4], "") == (first, second, last, end)


@pytest.mark.parametrize("wrong", [{"cursor": "page%3A2"}, {"limit": 51}, {"limit": 0}])
def test_a_cursor_that_was_encoded_twice_and_a_limit_out_of_range_are_refused(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(Refused):
        page(call(**wrong), [1, 2, 3], default=20, most=50)


def test_one_end_of_a_span_reaches_seven_days_and_none_means_the_newest() -> None:
    assert (NOON - WEEK_MS, NOON) == span(call())
    assert (1000, 1000 + WEEK_MS) == span(call(startTime=1000))
    assert (NOON - WEEK_MS, NOON) == span(call(endTime=NOON))
    assert (1, 2) == span(call(startTime=1, endTime=2))


def test_more_than_seven_days_are_refused() -> None:
    with pytest.raises(Refused):
        span(call(startTime=0, endTime=WEEK_MS + 1))
    with pytest.raises(Refused):
        span(Call(params={"startTime": 5, "endTime": 4}, at=Millis(9)))
