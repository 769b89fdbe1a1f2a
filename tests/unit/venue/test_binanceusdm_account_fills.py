"""Trades that a reading finds carry the name of whoever they belong to."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bot.gateway.connection import QUERY
from bot.gateway.time import ExchangeClock
from bot.model.account import VenueSnapshot
from bot.model.order import OrderKind, OrderStatus
from bot.model.primitives import Millis, Side
from bot.venue.binanceusdm import BinanceApi
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_market import market, placed
from tests.fakes.live_binance import (
    Desk,
    answering,
    exit_request,
    id_of,
    place,
    read,
    request,
    stop_request,
    use,
)
from tests.fakes.live_binance_rows import COMMISSION_ROW, STOP, algo_row, order_row, trade_row

TRADES = "GET /fapi/v1/userTrades"


def stopped_out(desk: Desk) -> Callable[[BinanceApi, ExchangeClock], Any]:
    async def work(api: BinanceApi, clock: ExchangeClock) -> VenueSnapshot:
        await place(api, request())
        await place(api, stop_request())
        desk.move(95.0)
        snapshot: VenueSnapshot = await read(api, clock)
        return snapshot

    return work


def test_what_a_stop_s_child_has_traded_is_the_stop_s() -> None:
    snapshot = use(desk := Desk(), stopped_out(desk))

    assert [(id_of("entry"), Side.BUY), (id_of("stop"), Side.SELL)] == [
        (row.client_id, row.side) for row in snapshot.fills
    ]
    assert not any(row.is_liquidation for row in snapshot.fills)
    assert ((), ()) == (snapshot.positions, snapshot.orders)


def test_a_process_that_has_seen_nothing_finds_the_owners_by_asking() -> None:
    desk = Desk()
    use(desk, stopped_out(desk))
    desk.sent.clear()
    snapshot = use(desk, read)

    assert [id_of("entry"), id_of("stop")] == [row.client_id for row in snapshot.fills]
    assert 2 == desk.count("GET /fapi/v1/order")
    assert 1 == desk.count("GET /fapi/v1/allAlgoOrders")


def test_a_stop_s_child_that_rests_is_told_under_the_stop_s_name() -> None:
    desk = Desk()
    child = {
        "orderId": 99,
        "clientOrderId": "x-child",
        "symbol": "BTCUSDT",
        "status": "PARTIALLY_FILLED",
        "side": "SELL",
        "type": "MARKET",
        "origQty": "0.5",
        "executedQty": "0.2",
        "price": "0",
        "avgPrice": "95",
        "reduceOnly": True,
        "updateTime": NOON + 1,
    }

    async def work(api: BinanceApi, clock: ExchangeClock) -> VenueSnapshot:
        await place(api, request())
        await place(api, stop_request())
        desk.move(95.0)
        await api.query(BTC, id_of("stop"), is_trigger=True, lane=QUERY)
        child["orderId"] = max(desk.core.orders)
        desk.answers["GET /fapi/v1/openOrders"] = answering([child])
        snapshot: VenueSnapshot = await read(api, clock)
        return snapshot

    (report,) = use(desk, work).orders

    assert (id_of("stop"), OrderStatus.OPEN, Decimal("0.2"), OrderKind.STOP_MARKET) == (
        report.client_id,
        report.status,
        report.filled_qty,
        report.kind,
    )


def test_a_liquidation_is_nobody_s_and_told_as_such() -> None:
    desk = Desk()
    desk.core.leverages[BTC] = 20
    desk.core.margin_modes[BTC] = "isolated"
    placed(desk.core, market(Side.BUY, "10"))
    desk.move(80.0)
    snapshot = use(desk, read)

    assert () == snapshot.positions
    assert (None, True) == (snapshot.fills[-1].client_id, snapshot.fills[-1].is_liquidation)


def test_a_fee_in_another_coin_is_estimated_by_the_rates_of_the_account() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/commissionRate"] = answering(COMMISSION_ROW)
    row = trade_row(commissionAsset="BNB", orderId=17, time=NOON - 1_000)
    desk.answers[TRADES] = lambda sent: answering(
        [row] if sent.params["symbol"] == "BTCUSDT" else []
    )(sent)
    desk.answers["GET /fapi/v1/order"] = answering({"clientOrderId": id_of("entry")})

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[Any]:
        first = await read(api, clock)
        await api.fees(BTC)
        return [first, await read(api, clock, touched=(BTC,))]

    by_default, by_account = (row.fills[0].fee_usd for row in use(desk, work))

    assert Decimal("50.1") * Decimal("0.0005") == by_default
    assert Decimal("50.1") * Decimal("0.00045") == by_account


def test_an_exit_is_booked_under_its_own_name() -> None:
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> VenueSnapshot:
        await place(api, request())
        await place(api, exit_request())
        snapshot: VenueSnapshot = await read(api, clock)
        return snapshot

    snapshot = use(desk, work)

    assert [id_of("entry"), id_of("exit")] == [row.client_id for row in snapshot.fills]
    assert 0 == desk.count("GET /fapi/v1/order")
    assert Millis(NOON) <= snapshot.fills[0].at


def test_a_trade_whose_owner_is_not_known_yet_is_read_until_it_is() -> None:
    desk = Desk()
    row = trade_row(orderId=99, side="SELL", time=NOON)
    desk.answers["GET /fapi/v1/userTrades"] = lambda sent: answering(
        [row] if sent.params["symbol"] == "BTCUSDT" else []
    )(sent)
    desk.answers["GET /fapi/v1/order"] = answering(
        order_row(orderId=99, clientOrderId="x-child", side="SELL")
    )
    desk.answers["GET /fapi/v1/allAlgoOrders"] = answering([algo_row(algoStatus="TRIGGERING")])

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[VenueSnapshot]:
        found = [await read(api, clock) for _ in range(5)]
        desk.answers["GET /fapi/v1/allAlgoOrders"] = answering(
            [algo_row(algoStatus="FINISHED", actualOrderId="99")]
        )
        return [*found, await read(api, clock)]

    snapshots = use(desk, work)

    assert [()] * 5 == [row.fills for row in snapshots[:5]]
    assert [STOP] == [fill.client_id for fill in snapshots[5].fills]
