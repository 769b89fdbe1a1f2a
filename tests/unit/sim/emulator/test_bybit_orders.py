"""Orders at Bybit: acknowledged first, shown later, two services in one list."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.primitives import Side
from bot.sim.emulator.state import Why
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_bybit import Client
from tests.fakes.emu_market import price_event


def holding_one() -> Client:
    client = Client()
    assert 0 == client.order("Buy", "1", orderLinkId="in").code
    return client


def test_creating_answers_two_names_and_nothing_else() -> None:
    answer = Client().order("Buy", "1", orderLinkId="in")

    assert {"orderId", "orderLinkId"} == set(answer.result)
    assert "in" == answer.result["orderLinkId"]


def test_e7_a_name_is_used_up_while_its_order_is_open() -> None:
    client = Client()
    client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="same")

    assert 110072 == client.order("Sell", "1", orderLinkId="same").code
    assert 1 == len(client.core.orders)


@pytest.mark.parametrize("ending", ["filled", "canceled", "triggered"])
def test_e7_a_name_stays_used_up_after_its_order_has_ended(ending: str) -> None:
    client = holding_one()
    if ending == "canceled":
        client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="same")
        client.cancel(orderLinkId="same")
    elif ending == "triggered":
        client.stop("Sell", "1", "95", orderLinkId="same")
        client.core.on_market(price_event(94.0, NOON + 1000))
    else:
        client.order("Sell", "1", orderLinkId="same", reduceOnly=True)
    traded = len(client.core.trades)

    assert 110072 == client.order("Buy", "1", orderLinkId="same").code
    assert traded == len(client.core.trades)


def test_e7_a_name_is_used_up_before_its_order_shows() -> None:
    client = Client()
    client.core.shows_after_ms = 500
    client.order("Buy", "1", orderLinkId="same")

    assert client.find("same") is None
    assert 110072 == client.order("Buy", "1", orderLinkId="same").code


def test_a_refused_order_leaves_its_name_free() -> None:
    client = Client()
    client.order("Buy", "0.001", orderLinkId="same")

    assert 0 == client.order("Buy", "1", orderLinkId="same").code


def test_e10_an_order_is_found_listed_and_canceled_only_once_it_shows() -> None:
    client = Client()
    client.core.shows_after_ms = 500
    client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="slow")

    assert client.find("slow") is None
    assert [] == client.open()
    assert 110001 == client.cancel(orderLinkId="slow").code
    client.now += 500
    assert ["slow"] == [row["orderLinkId"] for row in client.open()]
    assert 0 == client.cancel(orderLinkId="slow").code


def test_e13_canceling_what_has_ended_says_that_it_is_gone() -> None:
    client = holding_one()

    assert 110001 == client.cancel(orderLinkId="in").code
    assert 110001 == client.cancel(orderLinkId="never").code
    assert 110001 == client.cancel(orderId="None").code
    assert 10001 == client.cancel().code


def test_canceling_by_id_looks_at_the_symbol_too() -> None:
    client = Client()
    made = client.order("Buy", "1", orderType="Limit", price="99").result
    name = {"orderId": made["orderId"]}
    other = client.post("/v5/order/cancel", category="linear", symbol="ETHUSDT", **name)

    assert 110001 == other.code
    assert made == client.cancel(**name).result


@pytest.mark.parametrize(
    ("side", "trigger", "direction", "code"),
    [
        ("Sell", "100", 2, 110093),
        ("Sell", "101", 2, 110093),
        ("Buy", "100", 1, 110092),
        ("Buy", "99", 1, 110092),
    ],
)
def test_e14_a_stop_that_would_fire_at_once_is_refused(
    side: str, trigger: str, direction: int, code: int
) -> None:
    client = Client()
    client.order("Buy" if side == "Sell" else "Sell", "1")

    assert code == client.stop(side, "1", trigger, triggerDirection=direction).code


def test_a_take_profit_is_a_conditional_order_in_the_other_direction() -> None:
    client = holding_one()
    client.stop("Sell", "1", "110", triggerDirection=1, orderLinkId="tp")
    client.core.on_market(price_event(110.5, NOON + 1000))
    row = client.find("tp")

    assert row is not None
    assert ("Filled", 1) == (row["orderStatus"], row["triggerDirection"])


def test_a_stop_looks_at_the_last_price_unless_told_otherwise() -> None:
    client = holding_one()
    asked = {"triggerPrice": "95", "triggerDirection": 2, "reduceOnly": True}
    client.order("Sell", "1", orderLinkId="sl", **asked)
    row = client.find("sl")

    assert row is not None
    assert "LastPrice" == row["triggerBy"]
    assert not client.core.find(client_id="sl", conditional=True, at=NOON).asked.is_by_mark  # type: ignore[union-attr]


def test_a_post_only_order_that_would_take_is_taken_and_then_canceled() -> None:
    client = Client()
    fields = {"orderType": "Limit", "price": "101", "timeInForce": "PostOnly"}
    answer = client.order("Buy", "1", orderLinkId="po", **fields)
    row = client.find("po")

    assert 0 == answer.code
    assert row is not None
    assert ("Cancelled", "EC_PostOnlyWillTakeLiquidity", "0") == (
        row["orderStatus"],
        row["rejectReason"],
        row["cumExecQty"],
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"qty": "0.0001"}, 10001),
        ({"qty": "0.001"}, 110094),
        ({"qty": "0"}, 10001),
        ({"symbol": "NOPEUSDT"}, 10001),
        ({"category": "spot"}, 10001),
        ({"orderType": "Limit"}, 10001),
        ({"orderType": "Limit", "price": "100.01"}, 110003),
        ({"orderType": "Limit", "price": "150"}, 110003),
        ({"side": "buy"}, 10001),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"orderLinkId": "a b"}, 10001),
        ({"reduceOnly": True}, 110017),
        ({"takeProfit": "120"}, 10001),
        ({"clientOrderId": "x"}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"stopLoss": "101", "slTriggerBy": "MarkPrice"}, 10001),
        ({"stopLoss": "95", "tpslMode": "Partial"}, 10001),
        ({"triggerPrice": "95"}, 10001),
        ({"triggerPrice": "95", "triggerDirection": 2, "stopLoss": "90"}, 10001),
        ({"stopLoss": "95", "reduceOnly": True}, 10001),
        ({"stopLoss": "0"}, 10001),
        ({"qty": "0", "reduceOnly": True, "closeOnTrigger": True}, 110017),
    ],
)
def test_what_bybit_would_not_take_is_refused(fields: dict[str, Any], code: int) -> None:
    client = Client()

    assert code == client.order(**{"side": "Buy", "qty": "1", **fields}).code
    assert {} == client.core.orders


def test_too_much_for_the_margin_is_110007() -> None:
    client = Client()
    client.core.leverages[BTC] = 1

    assert 110007 == client.order("Buy", "101").code


def test_faults_of_the_core_have_their_codes() -> None:
    client = holding_one()
    client.core.refuse_next(Why.TOO_MANY_STOPS, conditional=True)

    assert 110009 == client.stop("Sell", "1", "95").code


def test_ten_conditional_orders_are_all_that_a_symbol_may_have() -> None:
    client = holding_one()
    codes = []
    for i in range(11):
        client.now += 200
        codes.append(client.stop("Sell", "0.1", str(80 + i)).code)

    assert [0] * 10 + [110009] == codes


def test_stops_go_with_the_position_that_they_closed() -> None:
    client = holding_one()
    client.stop("Sell", "1", "95", orderLinkId="sl")
    client.order("Sell", "1", reduceOnly=True)
    row = client.find("sl")

    assert row is not None
    assert ("Deactivated", "CancelByReduceOnly") == (row["orderStatus"], row["cancelType"])


def test_e29_stops_go_with_a_position_that_others_closed() -> None:
    client = holding_one()
    client.stop("Sell", "1", "95", orderLinkId="sl")
    client.core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON)

    assert [] == client.open()


def test_a_reduce_only_stop_needs_a_position() -> None:
    assert 110017 == Client().stop("Sell", "1", "95").code


def test_the_whole_position_is_closed_by_a_quantity_of_zero() -> None:
    client = holding_one()
    client.order("Sell", "0", reduceOnly=True, closeOnTrigger=True)

    assert {} == client.core.holdings


def test_all_orders_of_a_coin_or_of_one_kind_are_canceled_at_once() -> None:
    client = holding_one()
    client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="low")
    client.stop("Sell", "1", "95", orderLinkId="sl")
    stops = client.post(
        "/v5/order/cancel-all", category="linear", settleCoin="USDT", orderFilter="StopOrder"
    )
    left = client.open()
    rest = client.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT")

    assert ["sl"] == [row["orderLinkId"] for row in stops.rows]
    assert ["low"] == [row["orderLinkId"] for row in left]
    assert ["low"] == [row["orderLinkId"] for row in rest.rows]
    assert 10001 == client.post("/v5/order/cancel-all", category="linear").code


def test_amending_is_refused() -> None:
    answer = Client().post("/v5/order/amend", category="linear", symbol="BTCUSDT", qty="2")

    assert 10001 == answer.code


def test_the_stop_of_a_position_is_set_moved_and_canceled() -> None:
    client = holding_one()

    def set_stop(price: str) -> int:
        fields = {"tpslMode": "Full", "positionIdx": 0, "slTriggerBy": "MarkPrice"}
        return client.post(
            "/v5/position/trading-stop",
            category="linear",
            symbol="BTCUSDT",
            stopLoss=price,
            **fields,
        ).code

    assert [0, 34040, 10001, 0] == [set_stop(price) for price in ("95", "95", "101", "96")]
    assert 10001 == set_stop("95.55")
    assert ["96"] == [row["triggerPrice"] for row in client.open()]
    assert [0, 34040] == [set_stop("0"), set_stop("0")]
    assert [] == client.open()


def test_a_stop_of_a_position_needs_a_position() -> None:
    fields = {"tpslMode": "Full", "positionIdx": 0, "stopLoss": "95"}
    answer = Client().post(
        "/v5/position/trading-stop", category="linear", symbol="BTCUSDT", **fields
    )

    assert (10001, "can not set tp/sl/ts for zero position") == (answer.code, answer.text)
