"""Binance's codes and counters, and what each of them proves."""

import pytest

from bot.gateway.failures import Verdict
from bot.gateway.library import exchange_class
from bot.venue.profiles import profile_of
from bot.venue.profiles.binanceusdm import (
    CODES,
    CONNECTION,
    PROFILE,
    refusal_of,
    time_of,
    used_of,
)
from bot.venue.requests.binanceusdm import ROUTES


def test_it_is_known_and_trades_money() -> None:
    assert PROFILE is profile_of("binanceusdm")
    assert PROFILE.is_live
    assert PROFILE.open_api is not None
    assert not PROFILE.has_attached_stop


def test_e7_a_duplicate_id_means_that_the_order_exists() -> None:
    """ccxt makes InvalidOrder of it, which reads like a rejection."""
    assert Verdict.DUPLICATE is CODES["-4116"]
    assert Verdict.DUPLICATE is CODES["-20132"]


def test_e5_a_503_means_what_its_code_says_and_nothing_without_one() -> None:
    refusal = refusal_of(503, {"code": -1008, "msg": "throttled"})

    assert refusal is not None
    assert Verdict.BUSY is CODES[refusal.code]
    assert refusal_of(503, {"message": "Service Unavailable"}) is None


@pytest.mark.parametrize("code", ["-1000", "-1001", "-1006", "-1007"])
def test_e4_execution_status_unknown_proves_nothing(code: str) -> None:
    assert Verdict.UNKNOWN is CODES[code]


def test_e31_reduce_only_orders_only_is_not_taken_for_a_bad_key() -> None:
    for code in ("-4400", "-4401", "-4192", "-4087"):
        assert Verdict.REJECTED is CODES[code]


def test_e33_a_moved_endpoint_is_a_rejection() -> None:
    assert Verdict.REJECTED is CODES["-4120"]


def test_e39_no_margin_is_a_rejection() -> None:
    assert {Verdict.REJECTED} == {CODES[code] for code in ("-2018", "-2019", "-2024")}


def test_e40_a_price_beyond_the_filter_is_a_rejection() -> None:
    assert {Verdict.REJECTED} == {CODES[code] for code in ("-4131", "-4016", "-4024")}


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("-2021", Verdict.REJECTED),
        ("-2022", Verdict.REJECTED),
        ("-4045", Verdict.REJECTED),
        ("-5022", Verdict.REJECTED),
        ("-2011", Verdict.NOT_FOUND),
        ("-2013", Verdict.NOT_FOUND),
        ("-4046", Verdict.ALREADY_SO),
        ("-4059", Verdict.ALREADY_SO),
        ("-1003", Verdict.RATE),
        ("-1015", Verdict.RATE),
        ("-1021", Verdict.CLOCK),
        ("-5028", Verdict.CLOCK),
        ("-1022", Verdict.AUTH),
        ("-2014", Verdict.AUTH),
        ("-2015", Verdict.AUTH),
    ],
)
def test_what_a_code_proves(code: str, verdict: Verdict) -> None:
    assert verdict is CODES[code]


def test_a_code_below_zero_is_a_refusal_whatever_the_status() -> None:
    assert ("-2019", "Margin is insufficient.") == refusal_of(
        200, {"code": -2019, "msg": "Margin is insufficient."}
    )
    assert ("-2011", "") == refusal_of(400, {"code": "-2011"})


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {},
        {"orderId": 1},
        {"code": "200", "msg": "success", "algoId": 1},
        {"code": 200, "msg": "success"},
        {"code": None},
        {"code": True},
    ],
)
def test_a_success_is_no_refusal(reply: object) -> None:
    assert refusal_of(200, reply) is None


def test_what_the_exchange_counts() -> None:
    headers = {
        "x-mbx-used-weight-1m": "120",
        "x-mbx-order-count-10s": "3",
        "x-mbx-order-count-1m": "17",
        "x-mbx-used-weight-5s": "9",
    }

    assert {"weight": 120, "orders_10s": 3, "orders_1m": 17} == used_of(headers)
    assert {} == used_of({"x-mbx-used-weight-1m": "many"})


def test_the_exchange_s_time() -> None:
    assert 1_770_000_000_000 == time_of({"serverTime": 1_770_000_000_000})


def test_every_cost_has_a_budget_with_room_for_it() -> None:
    capacities = {budget.name: budget.capacity for budget in CONNECTION.budgets}

    for route in ROUTES:
        for name, cost in route.costs.items():
            assert cost * 10 <= capacities[name], route.name


def test_every_route_is_one_of_ccxt_s() -> None:

    known = exchange_class("binanceusdm", has_streams=False)

    for route in ROUTES:
        assert hasattr(known, route.name), route.name
