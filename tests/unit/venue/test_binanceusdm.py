"""Binance's orders over the real client: placed, asked for and canceled at an emulated exchange."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.connection import CANCEL, QUERY
from bot.gateway.failures import NoAnswerError, RefusedError, Verdict
from bot.gateway.time import ExchangeClock
from bot.model.order import OrderKind, OrderReport, OrderStatus, TimeInForce
from bot.model.primitives import Price, Side, VenueOrderId
from bot.sim.emulator.state import Why
from bot.venue.binanceusdm import BinanceApi
from tests.fakes.contracts import BTC
from tests.fakes.emu_market import market, placed
from tests.fakes.emu_market import stop as stop_order
from tests.fakes.live_binance import (
    Desk,
    answering,
    exit_request,
    failing,
    id_of,
    place,
    read,
    refusing,
    request,
    stop_request,
    target_request,
    use,
)
from tests.fakes.live_binance_rows import algo_row, order_row

HALF = Decimal("0.5")
LOST = NoAnswerError("no reply")


def long_position(desk: Desk) -> None:
    placed(desk.core, market(Side.BUY, "0.5"))


# --- orders


def test_an_entry_tells_what_it_filled_and_no_price_of_it() -> None:
    """Placements have no average price since 2026; the price comes with the fills."""
    desk = Desk()
    report = use(desk, lambda api, _: place(api, request()))

    assert (OrderStatus.FILLED, HALF, None) == (
        report.status,
        report.filled_qty,
        report.average_price,
    )
    assert ["POST /fapi/v1/order"] == desk.names()


def test_an_immediate_order_that_tells_no_result_is_asked_for_once() -> None:
    desk = Desk()
    row = order_row(status="NEW", type="MARKET", price="0")
    desk.answers["POST /fapi/v1/order"] = answering(row)
    desk.answers["GET /fapi/v1/order"] = answering(
        row | {"status": "FILLED", "executedQty": "0.5", "avgPrice": "100.1"}
    )
    report = use(desk, lambda api, _: place(api, request(kind=OrderKind.MARKET, price=None)))

    assert (OrderStatus.FILLED, Decimal("100.1")) == (report.status, report.average_price)
    assert ["POST /fapi/v1/order", "GET /fapi/v1/order"] == desk.names()


def test_a_second_question_that_fails_leaves_the_order_open() -> None:
    desk = Desk()
    desk.answers["POST /fapi/v1/order"] = answering(order_row(status="NEW"))
    desk.answers["GET /fapi/v1/order"] = failing(LOST)
    report = use(desk, lambda api, _: place(api, request()))

    assert (OrderStatus.OPEN, "1917641") == (report.status, report.venue_id)


def test_an_order_that_rests_is_not_asked_for() -> None:
    desk = Desk()
    asked = request(time_in_force=TimeInForce.POST_ONLY, price=Price(Decimal(99)))
    report = use(desk, lambda api, _: place(api, asked))

    assert OrderStatus.OPEN is report.status
    assert ["POST /fapi/v1/order"] == desk.names()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"null", b'{"orderId": 1'])
def test_e8_a_placement_without_a_readable_answer_is_not_known(body: bytes) -> None:
    """ccxt returns normally for most of these, with an order that has no id."""
    desk = Desk()
    desk.answers["POST /fapi/v1/order"] = answering(body)

    with pytest.raises(NoAnswerError):
        use(desk, lambda api, _: place(api, request()))


def test_e7_a_duplicate_id_is_told_as_such() -> None:
    desk = Desk()

    async def twice(api: BinanceApi, _: ExchangeClock) -> None:
        asked = request(time_in_force=TimeInForce.POST_ONLY, price=Price(Decimal(99)))
        await place(api, asked)
        await place(api, asked)

    with pytest.raises(RefusedError) as caught:
        use(desk, twice)
    assert (Verdict.DUPLICATE, "-4116") == (caught.value.verdict, caught.value.code)


@pytest.mark.parametrize(
    ("why", "code"), [(Why.NO_MARGIN, "-2019"), (Why.REDUCE_ONLY_MODE, "-4400")]
)
def test_e31_e39_a_refusal_has_the_exchange_s_code(why: Why, code: str) -> None:
    desk = Desk()
    desk.core.refuse_next(why)

    with pytest.raises(RefusedError) as caught:
        use(desk, lambda api, _: place(api, request()))
    assert (Verdict.REJECTED, code) == (caught.value.verdict, caught.value.code)


def test_e33_an_order_that_belongs_to_another_service_is_rejected() -> None:
    desk = Desk()
    desk.answers["POST /fapi/v1/algoOrder"] = refusing(-4120)

    with pytest.raises(RefusedError) as caught:
        use(desk, lambda api, _: place(api, stop_request()))
    assert Verdict.REJECTED is caught.value.verdict


def test_a_stop_is_taken_by_the_service_of_conditional_orders() -> None:
    desk = Desk()
    long_position(desk)
    report = use(desk, lambda api, _: place(api, stop_request()))

    assert (OrderStatus.OPEN, OrderKind.STOP_MARKET, id_of("stop")) == (
        report.status,
        report.kind,
        report.client_id,
    )
    assert ["POST /fapi/v1/algoOrder"] == desk.names()


def test_e24_an_exit_larger_than_the_position_closes_it_and_no_more() -> None:
    desk = Desk()
    long_position(desk)
    asked = exit_request(qty=Decimal("0.7"))
    use(desk, lambda api, _: place(api, asked))

    assert {} == desk.core.holdings


# --- queries


async def queried(
    api: BinanceApi, name: str = "stop", *, is_trigger: bool = True
) -> OrderReport | None:
    return await api.query(BTC, id_of(name), is_trigger=is_trigger, lane=QUERY)


def test_an_order_is_found_in_its_own_service_alone() -> None:
    """Freqtrade #12681: a stop that was asked for in the wrong place was placed anew for ever."""
    desk = Desk()
    long_position(desk)

    async def work(api: BinanceApi, _: ExchangeClock) -> list[OrderReport | None]:
        await place(api, stop_request())
        return [await queried(api, is_trigger=on) for on in (True, False)]

    found, elsewhere = use(desk, work)

    assert elsewhere is None
    assert found is not None
    assert OrderStatus.OPEN is found.status


def test_a_stop_that_fired_is_what_its_child_has_become() -> None:
    desk = Desk()
    long_position(desk)

    async def work(api: BinanceApi, _: ExchangeClock) -> tuple[OrderReport, OrderReport | None]:
        placed_stop = await place(api, stop_request())
        desk.move(95.0)
        return placed_stop, await queried(api)

    placed_stop, found = use(desk, work)

    assert found is not None
    assert (OrderStatus.FILLED, HALF, id_of("stop"), OrderKind.STOP_MARKET) == (
        found.status,
        found.filled_qty,
        found.client_id,
        found.kind,
    )
    assert found.average_price is not None
    assert placed_stop.venue_id == found.venue_id


def test_a_finished_stop_whose_child_was_canceled_has_not_filled() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/algoOrder"] = answering(
        algo_row(algoStatus="FINISHED", actualOrderId="99")
    )
    desk.answers["GET /fapi/v1/order"] = answering(
        order_row(orderId=99, status="CANCELED", executedQty="0.1", clientOrderId="x")
    )
    found = use(desk, lambda api, _: queried(api))

    assert found is not None
    assert (OrderStatus.CANCELED, Decimal("0.1")) == (found.status, found.filled_qty)


def test_a_stop_whose_child_is_not_shown_yet_is_still_open() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/algoOrder"] = answering(
        algo_row(algoStatus="TRIGGERED", actualOrderId="99")
    )
    found = use(desk, lambda api, _: queried(api))

    assert found is not None
    assert (OrderStatus.OPEN, Decimal(0)) == (found.status, found.filled_qty)


def test_a_child_that_cannot_be_asked_for_is_no_answer() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/algoOrder"] = answering(
        algo_row(algoStatus="FINISHED", actualOrderId="99")
    )
    desk.answers["GET /fapi/v1/order"] = failing(LOST)

    with pytest.raises(NoAnswerError):
        use(desk, lambda api, _: queried(api))


@pytest.mark.parametrize("is_trigger", [True, False])
def test_no_such_order_is_an_answer(is_trigger: Any) -> None:
    desk = Desk()

    assert use(desk, lambda api, _: queried(api, "absent", is_trigger=is_trigger)) is None


@pytest.mark.parametrize("is_trigger", [True, False])
def test_i4_no_answer_is_not_not_found(is_trigger: Any) -> None:
    desk = Desk()
    for path in ("order", "algoOrder"):
        desk.answers[f"GET /fapi/v1/{path}"] = answering({"code": -1001, "msg": "?"}, status=500)

    with pytest.raises(RefusedError) as caught:
        use(desk, lambda api, _: queried(api, is_trigger=is_trigger))
    assert Verdict.UNKNOWN is caught.value.verdict


# --- cancels


def test_a_cancel_tells_what_had_filled() -> None:
    desk = Desk()
    long_position(desk)

    async def work(api: BinanceApi, _: ExchangeClock) -> OrderReport | None:
        await place(api, target_request())
        return await api.cancel(BTC, id_of("target"), is_trigger=False, lane=CANCEL)

    report = use(desk, work)

    assert report is not None
    assert (OrderStatus.CANCELED, Decimal(0)) == (report.status, report.filled_qty)


def test_a_canceled_stop_is_canceled_though_the_reply_does_not_say_so() -> None:
    desk = Desk()
    long_position(desk)

    async def work(api: BinanceApi, _: ExchangeClock) -> tuple[OrderReport, OrderReport | None]:
        before = await place(api, stop_request())
        return before, await api.cancel(BTC, id_of("stop"), is_trigger=True, lane=CANCEL)

    before, report = use(desk, work)

    assert report is not None
    assert (OrderStatus.CANCELED, Decimal(0), HALF, Side.SELL) == (
        report.status,
        report.filled_qty,
        report.qty,
        report.side,
    )
    assert report.venue_at > before.venue_at
    assert ["POST /fapi/v1/algoOrder", "DELETE /fapi/v1/algoOrder"] == desk.names()


def test_a_stop_that_a_reading_has_told_of_is_not_looked_up_after_its_cancel() -> None:
    desk = Desk()
    long_position(desk)
    placed(desk.core, stop_order(Side.SELL, "0.5", "95", client_id=id_of("stop")))

    async def work(api: BinanceApi, clock: ExchangeClock) -> OrderReport | None:
        await read(api, clock)
        desk.sent.clear()
        return await api.cancel(BTC, id_of("stop"), is_trigger=True, lane=CANCEL)

    assert use(desk, work) is not None
    assert ["DELETE /fapi/v1/algoOrder"] == desk.names()


def test_a_stop_that_this_process_has_not_seen_is_looked_up_after_its_cancel() -> None:
    desk = Desk()
    long_position(desk)
    placed(desk.core, stop_order(Side.SELL, "0.5", "95", client_id=id_of("stop")))

    async def work(api: BinanceApi, _: ExchangeClock) -> OrderReport | None:
        return await api.cancel(BTC, id_of("stop"), is_trigger=True, lane=CANCEL)

    report = use(desk, work)

    assert report is not None
    assert (OrderStatus.CANCELED, id_of("stop")) == (report.status, report.client_id)
    assert ["DELETE /fapi/v1/algoOrder", "GET /fapi/v1/algoOrder"] == desk.names()


@pytest.mark.parametrize("is_trigger", [True, False])
def test_orders_are_canceled_by_the_exchange_s_id_too(is_trigger: Any) -> None:
    desk = Desk()
    long_position(desk)
    asked = stop_request() if is_trigger else target_request()

    async def work(api: BinanceApi, _: ExchangeClock) -> list[OrderReport | None]:
        report = await place(api, asked)
        return [
            await api.cancel_foreign(BTC, report.venue_id, is_trigger=is_trigger, lane=CANCEL)
            for _ in range(2)
        ]

    canceled, again = use(desk, work)

    assert canceled is not None
    assert (OrderStatus.CANCELED, asked.client_id) == (canceled.status, canceled.client_id)
    assert again is None


@pytest.mark.parametrize("is_trigger", [True, False])
def test_e13_a_cancel_of_what_is_not_open_is_answered_with_none(is_trigger: Any) -> None:
    desk = Desk()

    async def work(api: BinanceApi, _: ExchangeClock) -> list[OrderReport | None]:
        return [
            await api.cancel(BTC, id_of("absent"), is_trigger=is_trigger, lane=CANCEL),
            await api.cancel_foreign(BTC, VenueOrderId("1"), is_trigger=is_trigger, lane=CANCEL),
        ]

    assert [None, None] == use(desk, work)


def test_e8_a_cancel_without_a_readable_answer_is_not_known() -> None:
    desk = Desk()
    desk.answers["DELETE /fapi/v1/algoOrder"] = answering({"code": "200", "msg": "success"})

    with pytest.raises(NoAnswerError):
        use(desk, lambda api, _: api.cancel(BTC, id_of("x"), is_trigger=True, lane=CANCEL))
