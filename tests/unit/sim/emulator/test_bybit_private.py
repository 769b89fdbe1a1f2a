"""Bybit's private routes: settings, positions, the wallet and what moved it."""

from decimal import Decimal
from typing import Any

from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.primitives import Millis, Side
from bot.sim.emulator.state import Origin
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_bybit import Answer, Client
from tests.fakes.emu_market import price_event

DAY = 86_400_000


def executions(client: Client, **params: Any) -> list[dict[str, Any]]:
    return client.linear("/v5/execution/list", **params).rows


def resting(client: Client, count: int) -> None:
    for i in range(count):
        client.now += 200
        link = f"o{i}"
        client.order("Buy", "0.1", orderType="Limit", price="99", orderLinkId=link)


def test_open_orders_come_newest_first_and_in_pages() -> None:
    client = Client()
    resting(client, 3)
    first = client.linear("/v5/order/realtime", settleCoin="USDT", limit=2)
    cursor = first.result["nextPageCursor"].replace("%3A", ":")
    second = client.linear("/v5/order/realtime", settleCoin="USDT", limit=2, cursor=cursor)

    assert ["o2", "o1"] == [row["orderLinkId"] for row in first.rows]
    assert ["o0"] == [row["orderLinkId"] for row in second.rows]
    assert 10001 == client.linear("/v5/order/realtime").code
    assert 10001 == client.linear("/v5/order/realtime", symbol="BTCUSDT", limit=51).code


def test_ended_orders_are_shown_when_named_or_asked_for() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")

    def listed(**params: Any) -> Answer:
        return client.linear("/v5/order/realtime", symbol="BTCUSDT", **params)

    row = client.find("in")
    assert row is not None
    assert ("Filled", "1", "100.1") == (row["orderStatus"], row["cumExecQty"], row["avgPrice"])
    assert [] == listed().rows
    assert ["in"] == [each["orderLinkId"] for each in listed(openOnly=1).rows]
    assert ["in"] == [each["orderLinkId"] for each in listed(orderId=row["orderId"]).rows]


def test_history_knows_ended_orders_and_no_open_ones() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    client.order("Buy", "1", orderType="Limit", price="99", orderLinkId="low")
    history = "/v5/order/history"

    assert ["in"] == [row["orderLinkId"] for row in client.linear(history).rows]
    assert [] == client.linear(history, orderLinkId="low").rows
    assert ["in"] == [row["orderLinkId"] for row in client.linear(history, orderLinkId="in").rows]
    assert [] == client.linear(history, orderStatus="Cancelled").rows
    client.now += 8 * DAY
    assert [] == client.linear(history).rows


def test_a_stop_and_what_it_sent_are_one_order_with_the_fills_under_its_names() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    made = client.stop("Sell", "1", "95", orderLinkId="sl").result
    waiting = client.find("sl")
    client.core.on_market(price_event(94.0, NOON + 1000))
    client.now += 1000
    fired = client.find("sl")
    fill = executions(client, orderLinkId="sl")[0]

    assert waiting is not None
    assert fired is not None
    assert ("Untriggered", "Stop") == (waiting["orderStatus"], waiting["stopOrderType"])
    assert ("Filled", "1") == (fired["orderStatus"], fired["cumExecQty"])
    assert waiting["orderId"] == fired["orderId"] == fill["orderId"] == made["orderId"]
    assert ("sl", "Stop", "Trade", "CreateByStopOrder") == (
        fill["orderLinkId"],
        fill["stopOrderType"],
        fill["execType"],
        fill["createType"],
    )
    ended = client.linear("/v5/order/history").rows
    assert ["sl", "in"] == [row["orderLinkId"] for row in ended]


def test_an_attached_stop_has_no_name_of_ours_and_neither_has_its_fill() -> None:
    client = Client()
    client.order("Buy", "1", stopLoss="95", slTriggerBy="MarkPrice", tpslMode="Full")
    row = client.open()[0]
    client.core.on_market(price_event(94.0, NOON + 1000))
    client.now += 1000
    fill = executions(client)[0]

    assert ("StopLoss", "CreateByStopLoss", "") == (
        row["stopOrderType"],
        row["createType"],
        row["orderLinkId"],
    )
    assert ("1", "95", "MarkPrice", 2) == (
        row["qty"],
        row["triggerPrice"],
        row["triggerBy"],
        row["triggerDirection"],
    )
    assert (row["orderId"], "", "StopLoss", "CreateByStopLoss") == (
        fill["orderId"],
        fill["orderLinkId"],
        fill["stopOrderType"],
        fill["createType"],
    )


def test_a_stop_that_is_refused_when_it_fires_is_rejected() -> None:
    client = Client()
    client.core.leverages[BTC] = 1
    stop = {"triggerPrice": "105", "triggerDirection": 1, "triggerBy": "MarkPrice"}
    client.order("Buy", "900", orderLinkId="big", **stop)
    client.core.on_market(price_event(106.0, NOON + 1000))
    row = client.find("big")

    assert row is not None
    assert "Rejected" == row["orderStatus"]


def test_e29_what_the_exchange_did_by_itself_has_its_own_execution_types() -> None:
    client = Client()
    client.order("Buy", "2")
    client.core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON, origin=Origin.ADL)
    client.core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON, origin=Origin.LIQUIDATION)

    kinds = [(row["execType"], row["orderLinkId"]) for row in executions(client)]
    assert [("BustTrade", ""), ("AdlTrade", ""), ("Trade", "")] == kinds
    assert ["AdlTrade"] == [row["execType"] for row in executions(client, execType="AdlTrade")]


def test_funding_is_an_execution_with_a_fee_that_is_paid_or_received() -> None:
    client = Client()
    client.order("Buy", "2")
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1000))
    client.core.on_market(FundingRead(at=NOON, funding=funding))
    client.core.on_market(price_event(100.0, NOON + 2000))
    client.now += 2000
    row = executions(client, execType="Funding")[0]

    assert ("0.02", "2", "UNKNOWN", "") == (
        row["execFee"],
        row["execQty"],
        row["orderType"],
        row["orderLinkId"],
    )
    assert (str(NOON + 1000), "0.0001") == (row["execTime"], row["feeRate"])
    assert 1 == len(executions(client, execType="Trade"))


def test_executions_are_asked_for_by_span_symbol_and_page() -> None:
    client = Client()
    for _ in range(3):
        client.now += 1000
        client.order("Buy", "1")
    first = client.linear("/v5/execution/list", symbol="BTCUSDT", limit=2)
    times = [int(row["execTime"]) for row in first.rows]

    assert [NOON + 3000, NOON + 2000] == times
    assert first.result["nextPageCursor"]
    assert 1 == len(executions(client, startTime=NOON, endTime=NOON + 1000))
    assert [] == executions(client, symbol="ETHUSDT")
    client.now += 8 * DAY
    assert [] == executions(client)
    client.now -= 8 * DAY
    too_long = client.linear("/v5/execution/list", startTime=NOON - 8 * DAY, endTime=NOON)
    assert 10001 == too_long.code


def test_a_flat_position_has_a_row_by_symbol_and_none_by_coin() -> None:
    client = Client()
    by_symbol = client.linear("/v5/position/list", symbol="BTCUSDT").rows
    by_coin = client.linear("/v5/position/list", settleCoin="USDT").rows

    assert [("", "0", "20")] == [(row["side"], row["size"], row["leverage"]) for row in by_symbol]
    assert [] == by_coin
    assert 10001 == client.linear("/v5/position/list").code


def test_a_position_has_a_row_by_coin() -> None:
    client = Client()
    client.order("Sell", "2")
    row = client.linear("/v5/position/list", settleCoin="USDT").rows[0]

    assert ("Sell", "2", "99.9") == (row["side"], row["size"], row["avgPrice"])
    assert (0, "-0.2") == (row["positionIdx"], row["unrealisedPnl"])
    assert Decimal(row["liqPrice"]) > 100


def test_the_log_has_trades_and_funding_and_the_balance_after_each() -> None:
    client = Client()
    client.order("Buy", "2")
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1000))
    client.core.on_market(FundingRead(at=NOON, funding=funding))
    client.core.on_market(price_event(100.0, NOON + 2000))
    client.now += 2000
    path = "/v5/account/transaction-log"
    rows = client.linear(path, accountType="UNIFIED").rows

    assert [("SETTLEMENT", "-0.02", "9999.8799"), ("TRADE", "-0.1001", "9999.8999")] == [
        (row["type"], row["change"], row["cashBalance"]) for row in rows
    ]
    assert ["SETTLEMENT"] == [
        row["type"] for row in client.linear(path, type="SETTLEMENT", currency="USDT").rows
    ]


def test_a_start_alone_reaches_a_day_in_the_log_and_a_week_in_executions() -> None:
    client = Client()
    client.now += 2 * DAY
    client.order("Buy", "1")
    log = "/v5/account/transaction-log"

    assert [] == client.linear(log, startTime=NOON).rows
    assert 1 == len(client.linear(log, startTime=NOON, endTime=client.now).rows)
    assert 1 == len(executions(client, startTime=NOON))
