"""Orders of both services at Binance, from placing to their end."""

from typing import Any

import pytest

from bot.model.primitives import Millis
from bot.sim.emulator.state import Why
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_binance import ALGO, BUY_ONE, ORDER, STOP, Wire
from tests.fakes.emu_market import price_event

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "1",
    "price": "90",
    "timeInForce": "GTC",
    "newClientOrderId": "rest",
}
RESULT = {"newOrderRespType": "RESULT"}
DAY = 86_400_000


def named(name: str) -> dict[str, str]:
    return {"symbol": "BTCUSDT", "origClientOrderId": name}


# --- ordinary orders


def test_a_placement_tells_neither_price_nor_cost_of_what_it_filled() -> None:
    wire = Wire()

    row = wire.send("POST", ORDER, {**BUY_ONE, **RESULT})

    assert (row["status"], row["executedQty"]) == ("FILLED", "1.000")
    assert not {"avgPrice", "cumQuote"} & set(row)
    told = wire.send("GET", ORDER, {"symbol": "BTCUSDT", "orderId": row["orderId"]})
    assert (told["avgPrice"], told["cumQuote"]) == ("100.10000000", "100.10000000")


def test_an_acknowledgement_says_new_whatever_has_filled() -> None:
    wire = Wire()

    row = wire.send("POST", ORDER, BUY_ONE)

    assert (row["status"], row["executedQty"]) == ("NEW", "0.000")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOUSDT"}, -1121),
        ({"symbol": None}, -1102),
        ({"side": "LONG"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET", "stopPrice": "80"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"timeInForce": "FOO"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"price": None}, -1102),
        ({"price": "90.05"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.01"}, -4164),
        ({"quantity": "1000.5"}, -4005),
        ({"type": "MARKET"}, -1106),
        ({"type": "MARKET", "price": None}, -1106),
        ({"stopPrice": "80"}, -1106),
        ({"timeInForce": "GTX", "price": "101"}, -5022),
        ({"price": "106"}, -4016),
        ({"reduceOnly": "true"}, -2022),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"newClientOrderId": "a b"}, -1100),
        ({"newOrderRespType": "FULL"}, -1102),
        ({"positionSide": "BOTH", "reduceOnly": "false"}, 0),
    ],
)
def test_what_is_wrong_with_an_order_is_said(change: dict[str, Any], code: int) -> None:
    wire = Wire()

    assert wire.code("POST", ORDER, {**LIMIT, **change}) == code
    assert len(wire.core.orders) == (0 if code else 1)


def test_e39_what_cannot_be_margined_is_refused() -> None:
    wire = Wire()
    wire.core.set_leverage(BTC, 1, NOON)

    assert wire.code("POST", ORDER, {**LIMIT, "quantity": "112"}) == -2019
    assert wire.code("POST", ORDER, {**LIMIT, "quantity": "111"}) == 0


def test_e7_a_client_id_is_refused_while_its_order_is_open_and_no_longer() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)
    assert wire.code("POST", ORDER, LIMIT) == -4116

    wire.send("DELETE", ORDER, named("rest"))

    assert wire.code("POST", ORDER, LIMIT) == 0


def test_e1_the_id_of_a_filled_order_can_be_used_again() -> None:
    wire = Wire()
    twice = {**BUY_ONE, "newClientOrderId": "entry"}
    wire.send("POST", ORDER, twice)

    assert wire.code("POST", ORDER, twice) == 0
    assert wire.core.holdings[BTC].qty == 2


def test_e28_in_hedge_mode_every_order_names_a_side() -> None:
    wire = Wire()
    wire.core.set_hedge(is_hedge=True)

    assert wire.code("POST", ORDER, BUY_ONE) == -4061
    assert wire.code("POST", ALGO, STOP) == -4061


def test_e13_what_is_not_open_cannot_be_canceled() -> None:
    wire = Wire()
    wire.send("POST", ORDER, {**BUY_ONE, "newClientOrderId": "entry"})

    assert wire.code("DELETE", ORDER, named("entry")) == -2011
    assert wire.code("DELETE", ORDER, named("other")) == -2011
    assert wire.code("GET", ORDER, named("other")) == -2013
    assert wire.code("GET", "/fapi/v1/openOrder", named("entry")) == -2013
    assert wire.code("DELETE", ORDER, {"symbol": "BTCUSDT"}) == -1102
    assert wire.code("GET", ORDER, {"symbol": "ETHUSDT", "origClientOrderId": "entry"}) == -2013


def test_a_cancel_tells_the_order_as_it_ended() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)

    row = wire.send("DELETE", ORDER, named("rest"))

    assert (row["status"], row["clientOrderId"], row["price"]) == ("CANCELED", "rest", "90.0")


def test_an_order_that_ended_without_a_trade_is_forgotten_after_three_days() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)
    wire.send("POST", ORDER, {**BUY_ONE, "newClientOrderId": "entry"})
    wire.send("DELETE", ORDER, named("rest"))

    wire.now = Millis(NOON + 3 * DAY)
    assert wire.code("GET", ORDER, named("rest")) == 0
    wire.now = Millis(NOON + 3 * DAY + 1)

    assert wire.code("GET", ORDER, named("rest")) == -2013
    assert wire.code("GET", ORDER, named("entry")) == 0


def test_open_orders_are_cheap_for_one_symbol_only() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)
    wire.send("POST", ALGO, STOP)

    (row,) = wire.send("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"})
    assert wire.reply.headers["x-mbx-used-weight-1m"] == "1"
    assert row["clientOrderId"] == "rest"

    wire.send("GET", "/fapi/v1/openOrders")

    assert wire.reply.headers["x-mbx-used-weight-1m"] == "41"


def test_all_orders_are_listed_within_a_week() -> None:
    wire = Wire()
    for name in ("a", "b", "c"):
        wire.send("POST", ORDER, {**BUY_ONE, "newClientOrderId": name})
        wire.now = Millis(wire.now + 1000)
    path = "/fapi/v1/allOrders"

    def names(**params: Any) -> list[str]:
        rows = wire.send("GET", path, {"symbol": "BTCUSDT", **params})
        return [row["clientOrderId"] for row in rows]

    assert names() == ["a", "b", "c"]
    assert names(limit=2) == ["b", "c"]
    assert names(startTime=NOON + 1000) == ["b", "c"]
    assert names(endTime=NOON) == ["a"]
    second = next(row for row in wire.core.orders.values() if row.client_id == "b")
    assert names(orderId=second.id, limit=1) == ["b"]
    week = {"symbol": "BTCUSDT", "startTime": NOON - 8 * DAY, "endTime": NOON}
    assert wire.code("GET", path, week) == -4165


def test_canceling_all_leaves_the_stops() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)
    wire.send("POST", ALGO, STOP)

    assert wire.code("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "BTCUSDT"}) == 200
    assert [row.client_id for row in wire.core.open_orders(BTC, conditional=None, at=NOON)] == [
        "stop"
    ]

    wire.send("DELETE", "/fapi/v1/algoOpenOrders", {"symbol": "BTCUSDT"})

    assert wire.core.open_orders(BTC, conditional=None, at=NOON) == []


# --- conditional orders


def test_a_stop_lives_in_a_service_of_its_own() -> None:
    wire = Wire()

    row = wire.send("POST", ALGO, STOP)

    assert (row["algoStatus"], row["clientAlgoId"], row["orderType"]) == (
        "NEW",
        "stop",
        "STOP_MARKET",
    )
    assert (row["triggerPrice"], row["workingType"], row["reduceOnly"]) == (
        "95.0",
        "MARK_PRICE",
        True,
    )
    assert wire.send("GET", "/fapi/v1/openOrders") == []
    assert wire.code("GET", ORDER, named("stop")) == -2013
    assert wire.send("GET", ALGO, {"clientAlgoId": "stop"})["algoId"] == row["algoId"]
    assert [r["algoId"] for r in wire.send("GET", "/fapi/v1/openAlgoOrders")] == [row["algoId"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"algoType": "VP"}, -1102),
        ({"type": "MARKET"}, -1116),
        ({"triggerPrice": None}, -1102),
        ({"triggerPrice": "101"}, -2021),
        ({"price": "94"}, -1106),
        ({"closePosition": "true"}, -4137),
        ({"closePosition": "true", "quantity": None}, -1106),
        ({"closePosition": "true", "quantity": None, "reduceOnly": None}, 0),
        ({"quantity": None}, -1102),
        ({"workingType": "INDEX"}, -1102),
        ({"workingType": None, "triggerPrice": "101"}, -2021),
        ({"callbackRate": "1"}, -1106),
        ({"type": "TAKE_PROFIT_MARKET", "triggerPrice": "105"}, 0),
        ({"type": "STOP", "price": "94", "timeInForce": "GTC"}, 0),
        ({"type": "STOP", "timeInForce": "GTC"}, -1102),
        ({"newClientOrderId": "a"}, -1104),
    ],
)
def test_what_is_wrong_with_a_stop_is_said(change: dict[str, Any], code: int) -> None:
    wire = Wire()

    assert wire.code("POST", ALGO, {**STOP, **change}) == code


def test_e15_a_refused_stop_brings_its_code() -> None:
    wire = Wire()
    for why, code in (
        (Why.TOO_MANY_STOPS, -4045),
        (Why.REDUCE_ONLY_BLOCKED, -4118),
        (Why.DUPLICATE_ID, -4116),
    ):
        wire.core.refuse_next(why, conditional=True)
        assert wire.code("POST", ALGO, STOP) == code


def test_a_fired_stop_names_what_it_sent() -> None:
    wire = Wire()
    wire.send("POST", ORDER, BUY_ONE)
    wire.send("POST", ALGO, STOP)

    wire.core.on_market(price_event(94.5, NOON + 1000))
    row = wire.send("GET", ALGO, {"clientAlgoId": "stop"})
    child = wire.send("GET", ORDER, {"symbol": "BTCUSDT", "orderId": row["actualOrderId"]})

    assert (row["algoStatus"], row["actualQty"], row["actualPrice"]) == (
        "FINISHED",
        "1.000",
        "94.40000000",
    )
    assert int(row["actualOrderId"]) != row["algoId"]
    assert child["clientOrderId"] != "stop"
    assert (child["type"], child["origType"], child["status"]) == (
        "MARKET",
        "STOP_MARKET",
        "FILLED",
    )
    assert wire.code("DELETE", ALGO, {"clientAlgoId": "stop"}) == -2011


def test_finished_does_not_mean_filled() -> None:
    wire = Wire()
    wire.send("POST", ALGO, STOP)

    wire.core.on_market(price_event(94.5, NOON + 1000))
    row = wire.send("GET", ALGO, {"clientAlgoId": "stop"})
    child = wire.send("GET", ORDER, {"symbol": "BTCUSDT", "orderId": row["actualOrderId"]})

    assert (row["algoStatus"], row["actualQty"]) == ("FINISHED", "0.000")
    assert child["status"] == "EXPIRED"


def test_e10_a_new_stop_is_not_found_at_once() -> None:
    wire = Wire()
    wire.core.shows_after_ms = 2000
    wire.send("POST", ALGO, STOP)

    assert wire.code("GET", ALGO, {"clientAlgoId": "stop"}) == -2013
    assert wire.code("DELETE", ALGO, {"clientAlgoId": "stop"}) == -2011
    assert wire.send("GET", "/fapi/v1/openAlgoOrders") == []
    assert wire.send("GET", "/fapi/v1/allAlgoOrders", {"symbol": "BTCUSDT"}) == []

    wire.now = Millis(NOON + 2000)

    assert wire.code("GET", ALGO, {"clientAlgoId": "stop"}) == 0
    assert len(wire.send("GET", "/fapi/v1/allAlgoOrders", {"symbol": "BTCUSDT"})) == 1


def test_the_answer_to_a_cancel_tells_no_state() -> None:
    wire = Wire()
    placed = wire.send("POST", ALGO, STOP)

    answer = wire.send("DELETE", ALGO, {"algoId": placed["algoId"]})

    assert answer == {
        "algoId": placed["algoId"],
        "clientAlgoId": "stop",
        "code": "200",
        "msg": "success",
    }
    row = wire.send("GET", ALGO, {"clientAlgoId": "stop"})
    assert (row["algoStatus"], row["actualOrderId"]) == ("CANCELED", "")


def test_a_countdown_can_be_called_off() -> None:
    wire = Wire()
    wire.send("POST", ORDER, LIMIT)
    path = "/fapi/v1/countdownCancelAll"
    wire.send("POST", path, {"symbol": "BTCUSDT", "countdownTime": "1000"})
    wire.send("POST", path, {"symbol": "BTCUSDT", "countdownTime": "0"})

    wire.dialect.pass_time(Millis(NOON + 5000))

    assert len(wire.core.open_orders(BTC, conditional=False, at=NOON)) == 1
