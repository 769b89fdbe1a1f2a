"""Bybit's account over the real client: snapshots, settings, funding."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.connection import PROTECT
from bot.gateway.failures import GatewayError, NoAnswerError, RefusedError
from bot.gateway.time import ExchangeClock
from bot.model.account import VenueSnapshot
from bot.model.order import OrderKind
from bot.model.primitives import ClientOrderId, Millis, PositionSide
from bot.venue.api import Modes
from bot.venue.bybit import HISTORY_MS, BybitApi
from tests.fakes.live_bybit import (
    BTC,
    ETH,
    IDS,
    NOW,
    Desk,
    execution_row,
    order_row,
    position_row,
    stop_request,
    use,
)

DAY_MS = 86_400_000


def account(desk: Desk, since: int = NOW - 60_000) -> tuple[VenueSnapshot, Modes]:
    async def work(api: BybitApi, _: ExchangeClock) -> tuple[VenueSnapshot, Modes]:
        return await api.account(asked_at=NOW, fills_since=Millis(since), touched=[])

    found: tuple[VenueSnapshot, Modes] = use(desk, work)
    return found


# --- the account


def test_everything_is_read_with_six_requests() -> None:
    desk = Desk()
    desk.positions.append(position_row())
    desk.orders += [
        order_row(orderId="a", orderLinkId="entry1"),
        order_row(
            orderId="b",
            orderLinkId="stop1",
            stopOrderType="Stop",
            triggerPrice="88000",
            orderStatus="Untriggered",
            orderType="Market",
            reduceOnly=True,
        ),
        order_row(orderId="c", orderLinkId=""),
    ]
    desk.executions.append(execution_row())
    snapshot, modes = account(desk)

    assert 6 == len(desk.sent)
    assert NOW == snapshot.at
    assert (BTC, ETH) == snapshot.symbols
    assert [PositionSide.LONG] == [row.position_side for row in snapshot.positions]
    assert ["entry1", "stop1", None] == [row.client_id for row in snapshot.orders]
    assert OrderKind.STOP_MARKET is snapshot.orders[1].kind
    assert ["exec-1"] == [row.id for row in snapshot.fills]
    assert Decimal("1000.5") == snapshot.balance_usd
    assert modes.is_one_way
    assert {BTC: "isolated", ETH: "isolated"} == modes.margin_modes
    assert 5.0 == modes.leverages[BTC]


def test_the_stop_that_came_with_an_entry_is_no_foreign_order() -> None:
    desk = Desk()
    desk.orders.append(
        order_row(orderLinkId="", stopOrderType="StopLoss", orderStatus="Untriggered")
    )

    assert () == account(desk)[0].orders


def test_every_page_is_read() -> None:
    desk = Desk()
    desk.page = 2
    desk.orders += [order_row(orderId=f"o{n}", orderLinkId=f"l{n}") for n in range(5)]
    desk.executions += [execution_row(execId=f"e{n}") for n in range(5)]
    snapshot, _ = account(desk)

    assert 5 == len(snapshot.orders)
    assert 5 == len(snapshot.fills)


@pytest.mark.parametrize(
    "path",
    [
        "/v5/position/list",
        "/v5/order/realtime",
        "/v5/execution/list",
        "/v5/account/wallet-balance",
        "/v5/account/info",
    ],
)
@pytest.mark.parametrize("body", [None, b"{}", b"<html>", b"", b'{"retCode":0,"result":{}}'])
def test_e8_an_account_that_is_not_whole_is_no_account(path: str, body: bytes | None) -> None:
    """Never flat, never without orders, because a reply was bad."""
    desk = Desk()
    desk.positions.append(position_row())
    if body is None:
        desk.silent.add(path)
    else:
        desk.raw[path] = body
    with pytest.raises(NoAnswerError):
        account(desk)


def test_a_page_that_fails_fails_the_list() -> None:
    desk = Desk()
    desk.page = 1
    desk.orders += [order_row(orderId=f"o{n}", orderLinkId=f"l{n}") for n in range(3)]
    desk.refusals["/v5/execution/list"] = [(10016, "System error")]
    with pytest.raises(GatewayError):
        account(desk)


def test_e44_a_long_absence_is_read_week_by_week_and_each_fill_once() -> None:
    desk = Desk()
    border = NOW - 15 * DAY_MS + 7 * DAY_MS
    desk.executions += [
        execution_row(execId="old", execTime=str(NOW - 14 * DAY_MS)),
        execution_row(execId="border", execTime=str(border)),
        execution_row(execId="new", execTime=str(NOW - 1)),
    ]
    snapshot, _ = account(desk, NOW - 15 * DAY_MS)

    assert ["old", "border", "new"] == [row.id for row in snapshot.fills]
    assert 3 == desk.paths().count("execution/list")


def test_executions_are_asked_for_as_far_back_as_there_are_any() -> None:
    desk = Desk()
    account(desk, 0)
    starts = [int(row.params["startTime"]) for row in desk.sent if "startTime" in row.params]

    assert NOW - HISTORY_MS == min(starts)


def test_a_fill_of_the_carried_stop_is_booked_under_ours() -> None:
    desk = Desk()
    desk.executions.append(
        execution_row(
            execId="sl",
            orderLinkId="",
            orderId="hidden",
            side="Sell",
            createType="CreateByStopLoss",
        )
    )

    async def work(api: BybitApi, _: ExchangeClock) -> VenueSnapshot:
        await api.place(stop_request(), stop_loss_price=None, lane=PROTECT, window_ms=3_000)
        return (await api.account(asked_at=NOW, fills_since=Millis(NOW - 1), touched=[]))[0]

    snapshot = use(desk, work)

    assert [ClientOrderId("stop1")] == [row.client_id for row in snapshot.fills]


def test_a_fill_of_the_carried_stop_is_not_booked_under_one_that_was_refused() -> None:
    """The carried stop has fired, so there was nothing left for ours to reduce."""
    desk = Desk()
    desk.refusals["/v5/order/create"] = [(110017, "current position is zero")]
    desk.executions.append(
        execution_row(orderLinkId="", side="Sell", createType="CreateByStopLoss")
    )

    async def work(api: BybitApi, _: ExchangeClock) -> VenueSnapshot:
        with pytest.raises(RefusedError):
            await api.place(stop_request(), stop_loss_price=None, lane=PROTECT, window_ms=3_000)
        return (await api.account(asked_at=NOW, fills_since=Millis(NOW - 1), touched=[]))[0]

    assert [None] == [row.client_id for row in use(desk, work).fills]


def test_after_a_restart_it_is_booked_under_the_stop_that_is_open() -> None:
    desk = Desk()
    desk.orders.append(
        order_row(
            orderLinkId="old1",
            side="Sell",
            stopOrderType="Stop",
            orderStatus="Untriggered",
            reduceOnly=True,
        )
    )
    desk.executions.append(
        execution_row(orderLinkId="", side="Sell", createType="CreateByStopLoss")
    )

    assert ["old1"] == [row.client_id for row in account(desk)[0].fills]


# --- settings


def modes(desk: Desk) -> Any:
    async def work(api: BybitApi, _: ExchangeClock) -> Modes:
        return await api.modes()

    return use(desk, work)


def test_modes_are_of_every_symbol_also_where_nothing_is_held() -> None:
    desk = Desk()
    desk.settings = {"BTCUSDT": {"leverage": "5"}, "ETHUSDT": {"leverage": "25"}}
    desk.margin_mode = "REGULAR_MARGIN"
    found = modes(desk)

    assert {BTC: 5.0, ETH: 25.0} == found.leverages
    assert {BTC: "cross", ETH: "cross"} == found.margin_modes
    assert found.is_one_way


def test_e28_a_row_of_one_side_means_hedge_mode() -> None:
    desk = Desk()
    desk.settings = {"ETHUSDT": {"positionIdx": 2}}

    assert not modes(desk).is_one_way


def test_e28_hedge_mode_of_a_flat_symbol_is_seen_within_a_round() -> None:
    desk = Desk()

    async def work(api: BybitApi, _: ExchangeClock) -> list[bool]:
        found = []
        for _turn in range(2):
            desk.settings = {"BTCUSDT": {"positionIdx": 1}}
            read = await api.account(asked_at=NOW, fills_since=NOW, touched=[])
            found.append(read[1].is_one_way)
        return found

    assert use(desk, work)[-1] is False


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("position/switch-mode", 110025),
        ("account/set-margin-mode", 110026),
        ("position/set-leverage", 110043),
    ],
)
def test_what_is_so_already_counts_as_done(path: str, code: int) -> None:
    desk = Desk()
    desk.refusals[f"/v5/{path}"] = [(code, "not modified")]

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        if path.endswith("switch-mode"):
            await api.set_one_way()
        elif path.endswith("margin-mode"):
            await api.set_margin_mode(BTC, "isolated")
        else:
            await api.set_leverage(BTC, 5)

    use(desk, work)

    assert path == desk.paths()[-1]


def test_a_setting_that_is_refused_is_told() -> None:
    desk = Desk()
    desk.refusals["/v5/position/switch-mode"] = [(110024, "You have an existing position")]

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        await api.set_one_way()

    with pytest.raises(RefusedError) as caught:
        use(desk, work)
    assert "110024" == caught.value.code


def test_e8_a_setting_without_an_answer_is_not_done() -> None:
    desk = Desk()
    desk.raw["/v5/position/set-leverage"] = b"{}"

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        await api.set_leverage(BTC, 5)

    with pytest.raises(NoAnswerError):
        use(desk, work)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT"])
def test_e27_the_margin_mode_is_left_alone_while_anything_is_held(symbol: str) -> None:
    """It is the whole account's: also of symbols that the bot does not trade."""
    desk = Desk()
    desk.positions.append(position_row(symbol=symbol))

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        await api.set_margin_mode(BTC, "isolated")

    with pytest.raises(RefusedError, match=symbol):
        use(desk, work)
    assert ["position/list"] == desk.paths()


class DelistedDesk(Desk):
    """An exchange that knows nothing of ETH any more."""

    def _answer(self, path: str, params: dict[str, Any]) -> tuple[int, str, Any]:
        if params.get("symbol") == "ETHUSDT":
            return 10001, "params error: symbol invalid", {}
        return super()._answer(path, params)


def test_e30_a_symbol_that_is_gone_hides_nothing_of_the_others() -> None:
    desk = DelistedDesk()
    desk.positions.append(position_row())

    async def work(api: BybitApi, _: ExchangeClock) -> list[VenueSnapshot]:
        turns = [await api.account(asked_at=NOW, fills_since=NOW, touched=[]) for _ in IDS]
        return [snapshot for snapshot, _ in turns]

    assert [[BTC], [BTC]] == [[row.symbol for row in read.positions] for read in use(desk, work)]


def test_e28_both_sides_of_a_symbol_are_one_position() -> None:
    desk = Desk()
    desk.positions += [
        position_row(positionIdx=1, size="0.03"),
        position_row(positionIdx=2, side="Sell", size="0.01"),
        position_row(symbol="ETHUSDT", positionIdx=1, size="2"),
        position_row(symbol="ETHUSDT", positionIdx=2, side="Sell", size="2"),
    ]
    (position,) = account(desk)[0].positions

    assert (BTC, PositionSide.LONG, Decimal("0.02")) == (
        position.symbol,
        position.position_side,
        position.qty,
    )


def test_funding_is_read_once_in_order_of_time() -> None:
    desk = Desk()
    base = {"symbol": "BTCUSDT", "type": "SETTLEMENT", "tradePrice": "90000"}
    late, early = str(NOW - 1), str(NOW - 2)
    desk.logs += [
        {**base, "id": "b", "change": "0.2", "transactionTime": late},
        {**base, "id": "a", "change": "-0.1", "transactionTime": early},
        {**base, "id": "a", "change": "-0.1", "transactionTime": early},
    ]

    async def work(api: BybitApi, _: ExchangeClock) -> Any:
        return await api.funding_paid(Millis(NOW - 3_600_000))

    paid = use(desk, work)

    assert [("a", Decimal("-0.1")), ("b", Decimal("0.2"))] == [(row.id, row.usd) for row in paid]


def test_whose_key_it_is() -> None:
    async def work(api: BybitApi, _: ExchangeClock) -> Any:
        return await api.identity(), await api.fees(BTC)

    identity, fees = use(Desk(), work)

    assert "24617703" == identity.account_id
    assert 5.5 == fees.taker_bps
