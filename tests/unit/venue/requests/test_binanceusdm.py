"""What is sent to Binance, and what never is."""

from decimal import Decimal

import pytest

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Side, VenueOrderId
from bot.venue.requests import binanceusdm as requests
from tests.fakes.live_binance import (
    exit_request,
    id_of,
    request,
    stop_request,
    target_request,
)


def test_every_builder_sends_only_what_its_route_declares() -> None:
    at = Millis(1)
    asked = [
        requests.place(request(), "BTCUSDT"),
        requests.place(target_request(), "BTCUSDT"),
        requests.place(exit_request(), "BTCUSDT"),
        requests.place(stop_request(), "BTCUSDT"),
        *(requests.query(id_of("a"), "BTCUSDT", is_trigger=on) for on in (True, False)),
        *(requests.cancel(id_of("a"), "BTCUSDT", is_trigger=on) for on in (True, False)),
        *(requests.cancel_id(VenueOrderId("1"), "BTCUSDT", is_trigger=on) for on in (True, False)),
        requests.query_id(VenueOrderId("1"), "BTCUSDT"),
        requests.trades_since("BTCUSDT", at, at),
        requests.trades_from("BTCUSDT", 1),
        requests.stops_since("BTCUSDT", at, at),
        requests.funding_since(at, at),
        requests.set_margin_mode("BTCUSDT", "cross"),
    ]

    for row in asked:
        assert set() == row.params.keys() - row.route.params


def test_e20_a_stop_is_a_market_order_behind_a_mark_price_trigger() -> None:
    asked = requests.place(stop_request(), "BTCUSDT")

    assert requests.PLACE_STOP is asked.route
    assert ("CONDITIONAL", "STOP_MARKET", "MARK_PRICE") == (
        asked.params["algoType"],
        asked.params["type"],
        asked.params["workingType"],
    )
    assert "price" not in asked.params
    assert "timeInForce" not in asked.params


def test_e24_whatever_closes_may_only_reduce_whatever_its_quantity() -> None:
    for asked in (exit_request(), target_request(), stop_request()):
        assert "true" == requests.place(asked, "BTCUSDT").params["reduceOnly"]
    assert "reduceOnly" not in requests.place(request(), "BTCUSDT").params


@pytest.mark.parametrize(
    ("time_in_force", "word"),
    [(TimeInForce.GTC, "GTC"), (TimeInForce.IOC, "IOC"), (TimeInForce.POST_ONLY, "GTX")],
)
def test_how_long_a_limit_order_may_rest(time_in_force: TimeInForce, word: str) -> None:
    asked = requests.place(request(time_in_force=time_in_force), "BTCUSDT")

    assert (word, "100.2") == (asked.params["timeInForce"], asked.params["price"])


def test_a_market_order_has_neither_price_nor_time_in_force() -> None:
    asked = requests.place(request(kind=OrderKind.MARKET, side=Side.SELL), "BTCUSDT")

    assert ("MARKET", "SELL") == (asked.params["type"], asked.params["side"])
    assert "price" not in asked.params
    assert "timeInForce" not in asked.params


def test_the_reply_to_an_entry_must_tell_the_result() -> None:
    assert "RESULT" == requests.place(request(), "BTCUSDT").params["newOrderRespType"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1E+3", "1000"), ("0.10", "0.1"), ("1E-7", "0.0000001"), ("100", "100"), ("2.000", "2")],
)
def test_amounts_are_plain_digits(amount: str, text: str) -> None:
    assert text == requests.plain(Decimal(amount))


def test_conditional_orders_are_named_without_their_symbol() -> None:
    assert {"clientAlgoId": id_of("a")} == requests.query(
        id_of("a"), "BTCUSDT", is_trigger=True
    ).params
    assert {"algoId": "7"} == requests.cancel_id("7", "BTCUSDT", is_trigger=True).params


def test_orders_count_against_the_budgets_of_orders() -> None:
    for route in (requests.PLACE, requests.PLACE_STOP):
        assert {"orders_10s": 1, "orders_1m": 1} == route.costs
    assert {"weight": 40} == requests.OPEN_STOPS.costs
