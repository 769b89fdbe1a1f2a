"""What is built for Bybit; the golden files show it whole."""

from decimal import Decimal

import pytest

from bot.gateway.connection import Route
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Price, Qty, Side
from bot.venue.profiles.bybit import CONNECTION
from bot.venue.requests import bybit as routes
from tests.fakes.live_bybit import request, stop_request

DAY_MS = 86_400_000


def test_amounts_are_plain_decimal_text() -> None:
    params = routes.place(
        request(qty=Qty(Decimal("1E+2")), price=Price(Decimal("0.00000120"))), "BTCUSDT", None
    )

    assert "100" == params["qty"]
    assert "0.0000012" == params["price"]


def test_an_entry_with_its_stop_is_one_order() -> None:
    params = routes.place(request(), "BTCUSDT", Price(Decimal(88000)))

    assert "88000" == params["stopLoss"]
    assert "MarkPrice" == params["slTriggerBy"]
    assert "Full" == params["tpslMode"]
    assert "reduceOnly" not in params


def test_what_closes_a_position_carries_no_stop() -> None:
    with pytest.raises(AssertionError):
        routes.place(request(is_reduce_only=True), "BTCUSDT", Price(Decimal(88000)))


@pytest.mark.parametrize(("side", "direction"), [(Side.SELL, 2), (Side.BUY, 1)])
def test_a_stop_fires_against_the_position(side: Side, direction: int) -> None:
    params = routes.place(stop_request(side=side), "BTCUSDT", None)

    assert direction == params["triggerDirection"]
    assert "MarkPrice" == params["triggerBy"]
    assert params["reduceOnly"] is True
    assert "timeInForce" not in params


def test_a_stop_only_reduces() -> None:
    with pytest.raises(AssertionError):
        routes.place(stop_request(is_reduce_only=False), "BTCUSDT", None)


def test_a_market_order_has_no_price() -> None:
    params = routes.place(
        request(kind=OrderKind.MARKET, price=None, time_in_force=TimeInForce.IOC), "BTCUSDT", None
    )

    assert not params.keys() & {"price", "timeInForce", "triggerPrice"}


def test_an_order_has_one_name() -> None:
    with pytest.raises(AssertionError):
        routes.order_named("BTCUSDT")
    with pytest.raises(AssertionError):
        routes.order_named("BTCUSDT", client_id="a", venue_id="b")


def test_a_short_time_is_one_open_question() -> None:
    assert [(Millis(5), None)] == routes.windows(Millis(5), Millis(7 * DAY_MS))


def test_a_long_time_is_asked_for_week_by_week_without_gaps() -> None:
    spans = routes.windows(Millis(0), Millis(15 * DAY_MS))

    assert [(0, 7 * DAY_MS), (7 * DAY_MS, 14 * DAY_MS), (14 * DAY_MS, None)] == spans


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda route: route.name)
def test_what_a_route_costs_is_a_budget_of_the_exchange(route: Route) -> None:
    budgets = {budget.name for budget in CONNECTION.budgets}

    assert route.costs
    assert route.costs.keys() <= budgets
