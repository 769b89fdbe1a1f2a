"""Bybit's private stream, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from bot.clock import LoopClock, run_virtual
from bot.gateway.client import Client
from bot.model.events import Event, OrderFilled, OrderUpdated
from bot.model.order import OrderStatus
from bot.model.primitives import ClientOrderId, Side
from bot.venue.bybit_stream import UserStream
from bot.venue.decode.bybit_rows import PositionRow
from tests.fakes.live_bybit import BTC, NOW, execution_row, order_row, position_row
from tests.fakes.live_bybit_stream import FOLLOWED, LET_IN, Script, Signer, Silence, signature

WAKE = "the user stream is connected"


class Heard:
    """What came out, and the script it came from."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.events: list[Event] = []
        self.wakes: list[str] = []


def follow(
    *connections: list[Any],
    for_s: float = 60.0,
    is_changed: Callable[[PositionRow], bool] = lambda _: False,
) -> Heard:
    """Follow for so long, and be canceled then."""

    async def run() -> Heard:
        clock = LoopClock(start_at=NOW)
        heard = Heard(Script(clock, *connections))
        stream = UserStream(
            cast("Client", Signer()),
            symbols={"BTCUSDT": BTC},
            stop_of=lambda _, side: ClientOrderId("stop1") if side is Side.SELL else None,
            is_changed=is_changed,
            clock=clock,
            connect=heard.script.connect,
        )
        try:
            async with asyncio.timeout(for_s):
                await stream.run(heard.events.append, heard.wakes.append)
        except TimeoutError:
            pass
        return heard

    return run_virtual(run())


def said(topic: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"id": "1", "topic": topic, "creationTime": NOW, "data": list(rows)}


def playing(*words: Any) -> list[Any]:
    return [LET_IN, FOLLOWED, *words, Silence(3600.0)]


def test_it_logs_in_and_then_listens() -> None:
    heard = follow(playing(), for_s=1.0)
    login, listening = heard.script.sent

    assert ["wss://stream.bybit.com/v5/private"] == heard.script.urls
    assert {"op": "auth", "args": ["key", NOW + 10_000, signature(NOW + 10_000)]} == login
    assert {"op": "subscribe", "args": ["order", "execution", "position"]} == listening
    assert [WAKE] == heard.wakes


def test_the_secret_itself_never_leaves() -> None:
    heard = follow(playing(), for_s=1.0)

    assert "secret" not in str(heard.script.sent)


def test_orders_and_fills_of_ours_are_told() -> None:
    heard = follow(
        playing(
            said("order", order_row(orderStatus="Filled", cumExecQty="0.01", avgPrice="90000")),
            said("execution", execution_row(), execution_row(execId="exec-2")),
        ),
        for_s=1.0,
    )

    order, first, second = heard.events
    assert isinstance(order, OrderUpdated)
    assert OrderStatus.FILLED is order.report.status
    assert isinstance(first, OrderFilled)
    assert isinstance(second, OrderFilled)
    assert ["exec-1", "exec-2"] == [first.fill.id, second.fill.id]
    assert [WAKE] == heard.wakes


def test_what_is_not_ours_asks_for_a_reading() -> None:
    heard = follow(
        playing(
            said("order", order_row(orderLinkId="")),
            said("execution", execution_row(orderLinkId="", execType="BustTrade")),
        ),
        for_s=1.0,
    )

    assert [] == heard.events
    assert [
        WAKE,
        f"an order that is not ours on {BTC}",
        f"a fill that is not ours on {BTC}",
    ] == heard.wakes


def test_a_fill_of_the_carried_stop_is_told_under_ours() -> None:
    row = execution_row(orderLinkId="", side="Sell", createType="CreateByStopLoss")
    (event,) = follow(playing(said("execution", row)), for_s=1.0).events

    assert isinstance(event, OrderFilled)
    assert ClientOrderId("stop1") == event.fill.client_id


def test_the_stop_of_a_position_and_other_contracts_say_nothing() -> None:
    heard = follow(
        playing(
            said("order", order_row(orderLinkId="", stopOrderType="StopLoss")),
            said("order", order_row(symbol="DOGEUSDT"), order_row(category="spot")),
            said("execution", execution_row(execType="Funding")),
            said("wallet", {"coin": []}),
            {"op": "pong", "success": True},
            [],
        ),
        for_s=1.0,
    )

    assert [] == heard.events
    assert [WAKE] == heard.wakes


def test_e26_settings_that_have_changed_ask_for_a_reading() -> None:
    heard = follow(
        playing(said("position", position_row(leverage="20"), position_row(leverage="5"))),
        for_s=1.0,
        is_changed=lambda row: row.leverage == "20",
    )

    assert [WAKE, "the settings of BTCUSDT have changed"] == heard.wakes


def test_it_is_heard_every_twenty_seconds() -> None:
    heard = follow(playing(), for_s=65.0)

    assert 3 == heard.script.sent.count({"op": "ping"})


def test_it_is_heard_also_while_much_is_said() -> None:
    chatter = [word for _ in range(50) for word in (Silence(1.0), {"op": "pong"})]
    heard = follow(playing(*chatter), for_s=45.0)

    assert 2 == heard.script.sent.count({"op": "ping"})


def test_after_a_break_it_connects_anew_and_asks_for_a_reading() -> None:
    heard = follow([LET_IN, FOLLOWED], [LET_IN, FOLLOWED], playing(), for_s=5.0)

    assert [WAKE, WAKE, WAKE] == heard.wakes
    assert [NOW, NOW + 100, NOW + 200] == heard.script.opened_at


def test_what_does_not_answer_is_asked_less_and_less() -> None:
    heard = follow(for_s=120.0)
    waits = [
        later - earlier
        for earlier, later in zip(heard.script.opened_at, heard.script.opened_at[1:], strict=False)
    ]

    assert [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] == waits
    assert [] == heard.wakes


@pytest.mark.parametrize(
    "words",
    [
        [{"success": False, "op": "auth", "ret_msg": "no"}],
        [LET_IN, {"success": False, "op": "subscribe", "ret_msg": "no"}],
        [LET_IN, FOLLOWED, said("order", {"symbol": "BTCUSDT"})],
        [LET_IN, FOLLOWED, {"topic": "execution", "data": "cut"}],
        [Silence(11.0), LET_IN],
    ],
)
def test_what_is_refused_or_cannot_be_read_ends_the_connection(words: list[Any]) -> None:
    heard = follow([*words, Silence(3600.0)], playing(), for_s=30.0)

    assert 2 == len(heard.script.opened_at)
    assert WAKE == heard.wakes[-1]
