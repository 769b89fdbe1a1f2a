"""What each outcome of a call proves."""

import asyncio

import pytest
from msgspec.structs import replace

from bot.clock import run_virtual
from bot.gateway.connection import ENTRY, PROTECT
from bot.gateway.failures import GatewayError, NoAnswerError, RefusedError, Verdict
from bot.model.events import (
    CancelRejected,
    OrderAccepted,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.order import Leg, OrderReport, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Qty, Side, VenueOrderId
from bot.venue import answers
from tests.fakes.live_api import no_answer, not_sent, refused
from tests.fakes.paper import BTC, NOW, request

ASKED = request("x", Side.BUY, valid_until=NOW + 5_000)
AT, LATER = Millis(NOW + 100), Millis(NOW + 900)


def report(status: OrderStatus, filled: int = 0) -> OrderReport:
    return OrderReport(
        client_id=ASKED.client_id,
        venue_id=VenueOrderId("7"),
        symbol=BTC,
        side=Side.BUY,
        kind=ASKED.kind,
        status=status,
        qty=ASKED.qty,
        filled_qty=Qty(ASKED.qty * filled),
        venue_at=AT,
    )


def test_i3_an_id_came_back_and_nothing_has_filled_yet() -> None:
    answer = answers.placed(ASKED, report(OrderStatus.OPEN), AT)

    assert (
        OrderAccepted(at=AT, client_id=ASKED.client_id, venue_id=VenueOrderId("7"), venue_at=AT)
        == answer
    )


@pytest.mark.parametrize(
    ("status", "filled"),
    [(OrderStatus.OPEN, 1), (OrderStatus.FILLED, 1), (OrderStatus.CANCELED, 0)],
)
def test_what_the_reply_already_knows_is_passed_on(status: OrderStatus, filled: int) -> None:
    known = report(status, filled)

    assert OrderUpdated(at=AT, report=known) == answers.placed(ASKED, known, AT)


@pytest.mark.parametrize("error", [refused("-2019"), refused("-2015"), refused("-4400")])
def test_a_refusal_with_a_code_of_the_table_proves_that_there_is_no_order(
    error: RefusedError,
) -> None:
    answer = answers.not_placed(ASKED, error, AT, LATER)

    assert isinstance(answer, OrderRejected)
    assert error.code == answer.code


@pytest.mark.parametrize(
    "error", [not_sent(), refused("-1008"), refused("-1003"), refused("-1021")]
)
def test_e6_what_was_turned_away_unread_may_be_sent_again(error: GatewayError) -> None:
    answer = answers.not_placed(ASKED, error, AT, LATER)

    assert isinstance(answer, OrderNotProcessed)
    assert LATER == answer.retry_at


def test_e7_a_duplicate_id_means_that_the_order_exists() -> None:
    answer = answers.not_placed(ASKED, refused("-4116"), AT, LATER)

    assert isinstance(answer, OrderOutcomeUnknown)
    assert AT == answer.unsettled_until


@pytest.mark.parametrize("error", [no_answer(), refused("-1007", Verdict.UNKNOWN)])
def test_e4_whatever_proves_nothing_is_unknown_until_it_can_no_longer_arrive(
    error: GatewayError,
) -> None:
    answer = answers.not_placed(ASKED, error, AT, LATER)

    assert isinstance(answer, OrderOutcomeUnknown)
    assert ASKED.valid_until == answer.unsettled_until


def test_e13_a_cancel_is_refused_with_a_code_or_its_outcome_is_not_known() -> None:
    name = ClientOrderId("x")
    said = answers.not_canceled(name, refused("-2011", Verdict.NOT_FOUND), AT)
    unheard = answers.not_canceled(name, no_answer(), AT)
    busy = answers.not_canceled(name, refused("-1008"), AT)

    assert isinstance(said, CancelRejected)
    assert "-2011" == said.code
    assert isinstance(unheard, QueryFailed)
    assert isinstance(busy, QueryFailed)


def test_stops_and_exits_go_before_entries_and_targets() -> None:
    lanes = {leg: answers.lane_of(replace(ASKED, leg=leg)) for leg in Leg}

    assert {Leg.STOP: PROTECT, Leg.EXIT: PROTECT, Leg.ENTRY: ENTRY, Leg.TARGET: ENTRY} == lanes


@pytest.mark.parametrize("error", [KeyError("BTC"), RecursionError(), ValueError("a number")])
def test_e8_whatever_breaks_on_our_side_proves_nothing(error: Exception) -> None:
    async def breaks() -> None:
        raise error

    with pytest.raises(NoAnswerError, match=type(error).__name__):
        run_virtual(answers.careful(breaks()))


def test_what_the_gateway_says_is_passed_on_as_it_is() -> None:
    async def says_no() -> None:
        raise refused("-2019")

    with pytest.raises(RefusedError):
        run_virtual(answers.careful(says_no()))


def test_a_cancellation_that_nobody_asked_for_proves_nothing() -> None:
    """Closing, ccxt cancels the futures that we wait for."""

    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(NoAnswerError):
        run_virtual(answers.careful(gives_up()))


def test_a_cancellation_that_was_asked_for_is_one() -> None:
    async def main() -> bool:
        task = asyncio.get_running_loop().create_task(answers.careful(asyncio.sleep(9)))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait((task,))
        return task.cancelled()

    assert run_virtual(main())
