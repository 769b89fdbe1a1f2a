"""Bybit's orders over the real client, against a desk that remembers them."""

import asyncio
from decimal import Decimal

import pytest

from bot.gateway.connection import CANCEL, ENTRY, QUERY
from bot.gateway.failures import NoAnswerError, RefusedError, Verdict
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.time import ExchangeClock
from bot.model.order import OrderReport, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import ClientOrderId, Price, Side, VenueOrderId
from bot.venue.bybit import BybitApi
from tests.fakes.live_bybit import (
    BTC,
    Desk,
    order_row,
    request,
    stop_request,
    use,
)

OURS = ClientOrderId("ours1")


class SlowDesk(Desk):
    """An exchange that takes four seconds for a question."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        if request.method == "GET":
            await asyncio.sleep(4.0)
        return await super().send(request, timeout_s=timeout_s)


def place(
    desk: Desk, asked: OrderRequest | None = None, stop_loss_price: Price | None = None
) -> OrderReport:
    async def work(api: BybitApi, _: ExchangeClock) -> OrderReport:
        return await api.place(
            asked or request(), stop_loss_price=stop_loss_price, lane=ENTRY, window_ms=3_000
        )

    report: OrderReport = use(desk, work)
    return report


def query(desk: Desk) -> OrderReport | None:
    async def work(api: BybitApi, _: ExchangeClock) -> OrderReport | None:
        return await api.query(BTC, OURS, is_trigger=False, lane=QUERY)

    report: OrderReport | None = use(desk, work)
    return report


def cancel(desk: Desk) -> OrderReport | None:
    async def work(api: BybitApi, _: ExchangeClock) -> OrderReport | None:
        return await api.cancel(BTC, OURS, is_trigger=False, lane=CANCEL)

    report: OrderReport | None = use(desk, work)
    return report


# --- placing


def test_an_immediate_order_is_asked_once_what_it_filled() -> None:
    desk = Desk()
    desk.state = "Filled"
    report = place(desk)

    assert ["order/create", "order/realtime"] == desk.paths()
    assert OrderStatus.FILLED is report.status
    assert Decimal("0.01") == report.filled_qty
    assert Decimal("90000.5") == report.average_price


@pytest.mark.parametrize("trouble", ["silent", "refused", "garbled"])
def test_a_failure_of_the_second_question_is_none_of_the_order(trouble: str) -> None:
    desk = Desk()
    path = "/v5/order/realtime"
    if trouble == "silent":
        desk.silent.add(path)
    elif trouble == "refused":
        desk.refusals[path] = [(10016, "System error")]
    else:
        desk.raw[path] = b"<html>"
    report = place(desk)

    assert OrderStatus.OPEN is report.status
    assert Decimal(0) == report.filled_qty
    assert VenueOrderId("venue-1") == report.venue_id
    assert OURS == report.client_id


def test_i13_the_second_question_keeps_a_new_order_waiting_for_a_second_at_most() -> None:
    desk = SlowDesk()

    async def work(api: BybitApi, clock: ExchangeClock) -> int:
        placed_at = clock.now()
        report = await api.place(request(), stop_loss_price=None, lane=ENTRY, window_ms=3_000)

        assert OrderStatus.OPEN is report.status
        return clock.now() - placed_at

    assert 1_000 == use(desk, work)


def test_e10_an_order_that_is_not_found_at_once_is_open() -> None:
    desk = Desk()
    desk.is_shown = False

    assert OrderStatus.OPEN is place(desk).status
    assert ["order/create", "order/realtime", "order/history"] == desk.paths()


@pytest.mark.parametrize(
    "asked",
    [
        stop_request(),
        request(time_in_force=TimeInForce.POST_ONLY),
        request(time_in_force=TimeInForce.GTC, is_reduce_only=True, side=Side.SELL),
    ],
)
def test_an_order_that_rests_is_not_asked_about(asked: OrderRequest) -> None:
    desk = Desk()
    report = place(desk, asked)

    assert ["order/create"] == desk.paths()
    assert asked.kind is report.kind
    assert asked.trigger_price == report.trigger_price


def test_the_window_of_the_request_is_the_callers() -> None:
    desk = Desk()
    place(desk)

    assert "3000" == desk.sent[0].headers["X-BAPI-RECV-WINDOW"]


def test_e7_a_duplicate_id_is_told_as_such() -> None:
    desk = Desk()
    desk.orders.append(order_row())
    with pytest.raises(RefusedError) as caught:
        place(desk)

    assert Verdict.DUPLICATE is caught.value.verdict


@pytest.mark.parametrize("code", [110092, 110093])
def test_e14_a_stop_on_the_wrong_side_comes_with_the_exchanges_code(code: int) -> None:
    desk = Desk()
    desk.refusals["/v5/order/create"] = [(code, "expect Falling, but trigger_price >= current")]
    with pytest.raises(RefusedError) as caught:
        place(desk, stop_request())

    assert Verdict.REJECTED is caught.value.verdict
    assert str(code) == caught.value.code


@pytest.mark.parametrize("code", [10000, 10016, 10019, 131200, 424242])
def test_e4_trouble_of_its_servers_leaves_the_order_unknown(code: int) -> None:
    desk = Desk()
    desk.refusals["/v5/order/create"] = [(code, "Server Timeout")]
    with pytest.raises(RefusedError) as caught:
        place(desk)

    assert Verdict.UNKNOWN is caught.value.verdict


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b'{"retCode":0,"result":{"or'])
def test_e8_a_reply_that_cannot_be_read_accepts_nothing(body: bytes) -> None:
    desk = Desk()
    desk.raw["/v5/order/create"] = body
    with pytest.raises(NoAnswerError):
        place(desk)


# --- asking


def test_an_order_that_is_over_is_found_in_the_history() -> None:
    desk = Desk()
    desk.is_remembered = False
    desk.orders.append(order_row(orderStatus="Filled", cumExecQty="0.01", avgPrice="90001"))
    report = query(desk)

    assert ["order/realtime", "order/history"] == desk.paths()
    assert report is not None
    assert OrderStatus.FILLED is report.status


def test_no_such_order_is_an_answer_of_both_lists() -> None:
    desk = Desk()

    assert query(desk) is None
    assert ["order/realtime", "order/history"] == desk.paths()


@pytest.mark.parametrize("path", ["/v5/order/realtime", "/v5/order/history"])
@pytest.mark.parametrize("body", [None, b"{}", b"<html>", b'{"retCode":0,"result":{}}'])
def test_e8_one_list_that_does_not_answer_is_not_no_order(path: str, body: bytes | None) -> None:
    desk = Desk()
    if body is None:
        desk.silent.add(path)
    else:
        desk.raw[path] = body
    with pytest.raises(NoAnswerError):
        query(desk)


def test_a_row_of_another_order_is_not_the_answer() -> None:
    """Asked under a name that the exchange does not know, it gives the newest orders of all."""
    desk = Desk()
    body = b'{"retCode":0,"result":{"list":[%s]},"time":1}'
    row = (
        b'{"symbol":"BTCUSDT","orderId":"x","orderLinkId":"other","side":"Buy","qty":"1",'
        b'"orderType":"Limit","orderStatus":"New","cumExecQty":"0","updatedTime":"1"}'
    )
    desk.raw["/v5/order/realtime"] = body % row

    assert query(desk) is None


# --- canceling


def test_a_cancel_tells_what_became_of_the_order() -> None:
    desk = Desk()
    desk.orders.append(
        order_row(orderStatus="PartiallyFilled", cumExecQty="0.004", avgPrice="90000")
    )
    report = cancel(desk)

    assert ["order/cancel", "order/realtime"] == desk.paths()
    assert report is not None
    assert OrderStatus.CANCELED is report.status
    assert Decimal("0.004") == report.filled_qty


def test_e13_a_cancel_of_what_is_not_open_is_none() -> None:
    desk = Desk()

    assert cancel(desk) is None
    assert ["order/cancel"] == desk.paths()


def test_a_cancel_whose_question_fails_proves_nothing() -> None:
    desk = Desk()
    desk.orders.append(order_row())
    desk.silent.add("/v5/order/realtime")
    with pytest.raises(NoAnswerError):
        cancel(desk)


def test_a_foreign_order_is_canceled_by_the_exchanges_id() -> None:
    desk = Desk()
    desk.orders.append(order_row(orderId="venue-9", orderLinkId=""))

    async def work(api: BybitApi, _: ExchangeClock) -> OrderReport | None:
        return await api.cancel_foreign(BTC, VenueOrderId("venue-9"), is_trigger=False, lane=CANCEL)

    report = use(desk, work)

    assert report is not None
    assert OrderStatus.CANCELED is report.status


def test_an_order_asked_for_by_the_exchanges_id_is_that_one() -> None:
    """Others without a name of ours may come with it."""
    desk = Desk()
    body = b'{"retCode":0,"result":{"orderId":"venue-9","orderLinkId":""},"time":1}'
    desk.raw["/v5/order/cancel"] = body
    row = (
        b'{"symbol":"BTCUSDT","orderId":"other","orderLinkId":"","side":"Buy","qty":"1",'
        b'"orderType":"Limit","orderStatus":"New","cumExecQty":"0","updatedTime":"1"}'
    )
    desk.raw["/v5/order/realtime"] = b'{"retCode":0,"result":{"list":[%s]},"time":1}' % row

    async def work(api: BybitApi, _: ExchangeClock) -> OrderReport | None:
        return await api.cancel_foreign(BTC, VenueOrderId("venue-9"), is_trigger=False, lane=CANCEL)

    assert use(desk, work) is None
