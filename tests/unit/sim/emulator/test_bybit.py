"""The whole of a Bybit that is none: doors, routes, private messages."""

from decimal import Decimal
from typing import Any

from bot.gateway.http import HttpRequest
from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.primitives import Millis, Side
from bot.sim.emulator.bybit import BybitDialect
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_bybit import KEY, SECRET, Client
from tests.fakes.emu_market import price_event


def told(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """Topic and row of every message since the last call, in order."""
    messages: list[tuple[str, dict[str, Any]]] = []
    while happenings := client.core.take_happenings():
        for happening in happenings:
            for message in client.dialect.user_messages(happening):
                messages += [(message["topic"], row) for row in message["data"]]
    return messages


def orders_told(client: Client) -> list[tuple[str, str]]:
    rows = [row for topic, row in told(client) if topic == "order"]
    return [(row["orderLinkId"], row["orderStatus"]) for row in rows]


def test_unknown_paths_and_methods_have_no_route() -> None:
    client = Client()
    wrong = client.send(
        HttpRequest(method="POST", url="https://api.bybit.com/v5/market/time", body="{}")
    )

    assert (10017, 404) == (client.get("/v5/market/nothing").code, wrong.status)


def test_replies_carry_the_time_at_which_they_were_made() -> None:
    reply = Client().dialect.handle(
        HttpRequest(method="GET", url="https://api.bybit.com/v5/market/time"), NOON
    )

    assert str(NOON).encode() in reply.body
    assert reply.headers["content-type"].startswith("application/json")


def test_a_dialect_on_a_copy_knows_the_names_and_changes_nothing_of_the_first() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    twin = Client(client.core.fork())
    twin.dialect = BybitDialect(twin.core, api_key=KEY, secret=SECRET)

    assert 110072 == twin.order("Buy", "1", orderLinkId="in").code
    assert 0 == twin.order("Sell", "1", orderLinkId="out").code
    assert client.find("out") is None


def test_a_fill_is_told_as_execution_order_position_and_wallet() -> None:
    client = Client()
    client.order("Buy", "1", orderLinkId="in")
    messages = told(client)
    by_topic = dict(messages)

    assert ["order", "position", "wallet", "execution", "order"] == [row[0] for row in messages]
    assert ("in", "Filled") == (
        by_topic["order"]["orderLinkId"],
        by_topic["order"]["orderStatus"],
    )
    assert ("in", "Trade", "100.1") == (
        by_topic["execution"]["orderLinkId"],
        by_topic["execution"]["execType"],
        by_topic["execution"]["execPrice"],
    )
    assert ("Buy", "1", "100.1") == (
        by_topic["position"]["side"],
        by_topic["position"]["size"],
        by_topic["position"]["entryPrice"],
    )
    assert "avgPrice" not in by_topic["position"]
    assert "9999.94995" == by_topic["wallet"]["coin"][0]["walletBalance"]


def test_a_stop_that_fires_is_told_under_one_name_from_first_to_last() -> None:
    client = Client()
    client.order("Buy", "1")
    client.stop("Sell", "1", "95", orderLinkId="sl")
    told(client)
    client.core.on_market(price_event(94.0, NOON + 1000))
    messages = told(client)
    statuses = [row["orderStatus"] for topic, row in messages if topic == "order"]

    assert {"sl"} == {row["orderLinkId"] for topic, row in messages if topic == "order"}
    assert "Filled" == statuses[-1]
    assert ["sl"] == [row["orderLinkId"] for topic, row in messages if topic == "execution"]


def test_orders_that_end_with_their_position_are_told() -> None:
    client = Client()
    client.order("Buy", "1")
    client.stop("Sell", "1", "95", orderLinkId="sl")
    told(client)
    client.core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON)

    assert ("sl", "Deactivated") in orders_told(client)


def test_funding_is_told_as_an_execution() -> None:
    client = Client()
    client.order("Buy", "1")
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1000))
    client.core.on_market(FundingRead(at=NOON, funding=funding))
    told(client)
    client.core.on_market(price_event(100.0, NOON + 2000))
    messages = told(client)

    assert [("Funding", "0.01")] == [
        (row["execType"], row["execFee"]) for topic, row in messages if topic == "execution"
    ]


def test_a_change_of_settings_is_told_as_a_position_alone() -> None:
    client = Client()
    client.core.set_leverage(BTC, 5, NOON)

    assert [("position", "5")] == [(topic, row["leverage"]) for topic, row in told(client)]
