"""Orders, executions and positions as rows of Bybit."""

from decimal import Decimal

from bot.model.primitives import Millis
from bot.sim.emulator.bybit_rows import BybitRows
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_bybit import Client
from tests.fakes.emu_market import price_event


def test_the_price_of_a_market_order_is_not_what_it_filled_at() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    row = client.find("in")

    assert row is not None
    assert ("105.1", "100.1", "IOC") == (row["price"], row["avgPrice"], row["timeInForce"])
    assert ({"USDT": "0.05005"}, "0.05005") == (row["cumFeeDetail"], row["cumExecFee"])


def test_an_order_that_found_less_than_it_wanted_is_canceled_with_what_it_got() -> None:
    client = Client()
    client.core.partial_usd = Decimal(40)
    client.order("Buy", "1", orderLinkId="in")
    row = client.find("in")

    assert row is not None
    assert ("Cancelled", "0.399", "0") == (row["orderStatus"], row["cumExecQty"], row["leavesQty"])
    assert "EC_NoImmediateQtyToFill" == row["rejectReason"]


def test_a_resting_order_in_part_filled_tells_what_is_left() -> None:
    client = Client()
    client.core.partial_usd = Decimal(40)
    client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="low")
    client.core.on_market(price_event(98.0, NOON + 1000))
    row = client.find("low")

    assert row is not None
    assert ("PartiallyFilled", "0.404", "0.596") == (
        row["orderStatus"],
        row["cumExecQty"],
        row["leavesQty"],
    )


def test_fees_are_counted_once_however_often_they_are_asked_for() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    rows = BybitRows(client.core)
    order = client.core.find(client_id="in", conditional=False, at=NOON)
    assert order is not None

    assert {"0.05005"} == {rows.order(order)["cumExecFee"] for _ in range(3)}


def test_a_trade_that_reduces_tells_what_it_closed_and_earned() -> None:
    client = Client()
    client.order("Buy", "1")
    client.now += 1000
    client.core.on_market(price_event(110.0, client.now))
    client.order("Sell", "1", reduceOnly=True)
    closing, opening = (BybitRows(client.core).trade(row) for row in client.core.trades[::-1])

    assert ("1", "9.8") == (closing["closedSize"], closing["execPnl"])
    assert ("0", "0.0005") == (opening["closedSize"], opening["feeRate"])


def test_the_stop_of_a_position_is_in_its_row() -> None:
    client = Client()
    client.order("Buy", "1", stopLoss="95", slTriggerBy="MarkPrice")
    row = BybitRows(client.core).positions(BTC)[0]

    assert ("95", "Full") == (row["stopLoss"], row["tpslMode"])


def test_the_newest_change_of_an_order_is_that_of_what_it_sent() -> None:
    client = Client()
    client.order("Buy", "1")
    client.stop("Sell", "1", "95", orderLinkId="sl")
    client.core.on_market(price_event(94.0, Millis(NOON + 7000)))
    row = client.find("sl")

    assert row is not None
    assert (str(NOON), str(NOON + 7000)) == (row["createdTime"], row["updatedTime"])
