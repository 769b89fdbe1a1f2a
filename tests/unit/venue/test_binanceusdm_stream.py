"""Binance's user stream: what it tells, and how it is kept up."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.gateway.time import ExchangeClock
from bot.model.order import OrderKind, OrderStatus
from bot.model.primitives import Side, VenueOrderId
from bot.venue.binanceusdm import BinanceApi
from bot.venue.binanceusdm_account import READINGS, AccountReader
from bot.venue.binanceusdm_memory import Memory
from bot.venue.binanceusdm_stream import RENEW_S, SILENCE_S
from bot.venue.decode.binanceusdm import Owner
from tests.fakes.contracts import BTC
from tests.fakes.live_binance import (
    Desk,
    Sent,
    answering,
    failing,
    id_of,
    place,
    read,
    refusing,
    request,
    stop_request,
)
from tests.fakes.live_binance_rows import OURS, STOP, algo_message, order_message
from tests.fakes.live_binance_stream import KEEP_KEY, OPEN_KEY, Said, Waits, broken, heard

CONNECTED = "the user stream is connected"
CHILD = {"c": "x-child", "i": 99, "S": "SELL", "o": "MARKET", "R": True, "t": 7}


def kept_up(every_s: float) -> list[Said]:
    """A message now and then."""
    return [item for _ in range(10) for item in (Waits(every_s), order_message())]


# --- what it tells


def test_a_fill_is_told_with_its_order() -> None:
    found = heard(Desk(), [order_message()])
    (report,), (fill,) = found.reports, found.fills

    assert (OURS, OrderStatus.FILLED, Decimal("0.5")) == (
        report.client_id,
        report.status,
        report.filled_qty,
    )
    assert ("698759", OURS, "1917641", Decimal("100.15")) == (
        fill.id,
        fill.client_id,
        fill.venue_order_id,
        fill.price,
    )
    assert [CONNECTED] == found.wakes


def test_an_update_without_a_trade_is_no_fill() -> None:
    found = heard(Desk(), [order_message(x="NEW", X="NEW", z="0", l="0")])

    assert [OrderStatus.OPEN] == [row.status for row in found.reports]
    assert [] == found.fills


def test_what_a_stop_s_child_trades_is_told_under_the_stop_s_name() -> None:
    found = heard(
        Desk(),
        [
            algo_message(),
            algo_message(X="TRIGGERED", ai="99"),
            order_message(**CHILD, x="TRADE", X="PARTIALLY_FILLED", z="0.2", l="0.2"),
        ],
    )
    waiting, fired = found.reports

    assert (STOP, OrderStatus.OPEN, Decimal(0)) == (
        waiting.client_id,
        waiting.status,
        waiting.filled_qty,
    )
    assert (STOP, OrderKind.STOP_MARKET, Decimal("0.2"), Decimal("95.5")) == (
        fired.client_id,
        fired.kind,
        fired.filled_qty,
        fired.trigger_price,
    )
    assert waiting.venue_id == fired.venue_id
    assert [(STOP, "99", Side.SELL)] == [
        (row.client_id, row.venue_order_id, row.side) for row in found.fills
    ]


def test_a_fill_that_comes_before_its_stop_has_told_is_left_to_a_reading() -> None:
    """Told without a name it would be booked as a stranger's."""
    found = heard(Desk(), [order_message(**CHILD), algo_message(X="FINISHED", ai="99")])

    assert [] == found.events
    assert [CONNECTED, f"an order that is not known here on {BTC}"] == found.wakes[:2]
    assert 3 == len(found.wakes)


def test_a_stop_that_finished_claims_no_fill_of_its_own() -> None:
    found = heard(Desk(), [algo_message(X="FINISHED", ai="99", aq="0.500", ap="95.4")])

    assert [] == found.events
    assert f"a conditional order on {BTC} has changed" == found.wakes[-1]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", OrderStatus.OPEN),
        ("CANCELED", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
    ],
)
def test_a_stop_that_has_not_fired_is_told(word: str, status: OrderStatus) -> None:
    found = heard(Desk(), [algo_message(X=word)])

    assert [(STOP, status)] == [(row.client_id, row.status) for row in found.reports]


def test_a_stop_that_was_refused_when_it_fired_wakes_with_the_reason() -> None:
    found = heard(Desk(), [algo_message(X="REJECTED", rm="Reduce Only reject")])

    assert "Reduce Only reject" in found.wakes[-1]


def test_what_others_do_wakes_and_is_not_told() -> None:
    found = heard(
        Desk(),
        [
            order_message(c="web_1"),
            order_message(c="autoclose-12", i=5),
            algo_message(caid="web_2"),
            {"e": "ACCOUNT_UPDATE", "a": {"m": "FUNDING_FEE"}},
            {"e": "ACCOUNT_CONFIG_UPDATE"},
        ],
    )

    assert [] == found.events
    assert 6 == len(found.wakes)


def test_what_tells_nothing_new_does_not_wake() -> None:
    found = heard(
        Desk(),
        [
            {"e": "ACCOUNT_UPDATE", "a": {"m": "ORDER"}},
            {"e": "TRADE_LITE"},
            order_message(s="DOGEUSDT"),
        ],
    )

    assert ([], [CONNECTED]) == (found.events, found.wakes)


@pytest.mark.parametrize("message", [order_message(c="web_1"), algo_message(X="TRIGGERED", ai="9")])
def test_a_symbol_that_the_stream_has_spoken_of_is_read_by_the_next_reading(message: Any) -> None:
    readers: list[AccountReader] = []

    async def before(api: BinanceApi, _: ExchangeClock) -> None:
        readers.append(api._reader)

    heard(Desk(), [message], before=before)

    assert {BTC: READINGS} == readers[0]._wanted


def test_a_stop_that_this_process_has_read_is_known_to_the_stream() -> None:
    desk = Desk()
    message = order_message(**CHILD)

    async def before(api: BinanceApi, clock: ExchangeClock) -> None:
        await place(api, request())
        await place(api, stop_request())
        desk.move(95.0)
        await read(api, clock)
        message["o"]["i"] = max(desk.core.orders)

    found = heard(desk, [message], before=before)

    assert [id_of("stop")] == [row.client_id for row in found.fills]


def test_an_order_that_the_stream_has_told_of_is_known_to_readings() -> None:
    memories: list[Memory] = []

    async def before(api: BinanceApi, _: ExchangeClock) -> None:
        memories.append(api._memory)

    heard(Desk(), [order_message()], before=before)

    assert Owner(OURS) == memories[0].owner(BTC, VenueOrderId("1917641"))


# --- the line


def test_it_listens_where_user_streams_are() -> None:
    found = heard(Desk(), [])

    assert ["wss://fstream.binance.com/private/ws/akey"] == found.urls


def test_i10_a_reading_is_asked_for_after_every_connection_and_not_before() -> None:
    desk = Desk()
    seen: list[list[str]] = []
    found = heard(desk, broken(), [lambda: seen.append(list(desk.names())), broken()], [])

    assert [CONNECTED, CONNECTED] == found.wakes
    assert 3 == len(found.urls)
    assert [[OPEN_KEY, OPEN_KEY]] == seen


def test_every_connection_has_a_key_of_its_own() -> None:
    desk = Desk()
    keys = iter("abc")

    def give(sent: Sent) -> Any:
        return answering({"listenKey": next(keys)})(sent)

    desk.answers[OPEN_KEY] = give
    found = heard(desk, [{"e": "listenKeyExpired"}], [broken()], [])

    assert ["a", "b", "c"] == [url[-1] for url in found.urls]


@pytest.mark.parametrize(
    "end", [broken(), {"e": "listenKeyExpired"}, order_message(X="ODD"), {"e": "ALGO_UPDATE"}]
)
def test_whatever_ends_it_begins_a_new_one(end: Any) -> None:
    found = heard(Desk(), [end], [order_message()])

    assert [CONNECTED, CONNECTED] == found.wakes
    assert 1 == len(found.fills)


def test_a_key_that_is_not_given_is_asked_for_again_later_each_time() -> None:
    desk = Desk()
    desk.answers[OPEN_KEY] = failing(NoAnswerError("no reply"))
    found = heard(desk, for_s=100.0)

    assert [] == found.urls
    assert 5 <= desk.count(OPEN_KEY) <= 8


def test_a_stream_that_breaks_after_it_was_connected_is_back_at_once() -> None:
    ends: list[list[Said] | Exception] = [[broken()] for _ in range(9)]
    found = heard(Desk(), *ends, for_s=12.0)

    assert 10 == len(found.urls)


def test_a_key_that_cannot_be_read_is_none() -> None:
    desk = Desk()
    desk.answers[OPEN_KEY] = answering({"listenKey": ""})

    assert [] == heard(desk, for_s=3.0).urls


def test_a_key_is_renewed_as_long_as_its_stream_lasts() -> None:
    """ccxt renews it once and then never again; the stream dies without a word."""
    desk = Desk()
    heard(desk, kept_up(RENEW_S - 60), for_s=4 * RENEW_S + 10)

    assert (1, 4) == (desk.count(OPEN_KEY), desk.count(KEEP_KEY))


def test_a_silent_stream_is_opened_anew() -> None:
    """A quiet account's stream is silent too: nobody could tell a dead one from it."""
    found = heard(Desk(), for_s=2 * SILENCE_S + 60)

    assert 3 == len(found.urls)


def test_a_key_that_is_no_more_begins_a_new_stream() -> None:
    desk = Desk()
    desk.answers[KEEP_KEY] = refusing(-1125)
    messages = kept_up(600.0)
    found = heard(desk, list(messages), list(messages), for_s=RENEW_S + 10)

    assert 2 == len(found.urls)


@pytest.mark.parametrize("answer", [failing(NoAnswerError("no reply")), refusing(-1001)])
def test_a_renewal_that_fails_is_tried_again_and_ends_nothing(answer: Any) -> None:
    desk = Desk()
    desk.answers[KEEP_KEY] = answer
    messages = kept_up(600.0)
    found = heard(desk, messages, for_s=RENEW_S + 150)

    assert 3 == desk.count(KEEP_KEY)
    assert 1 == len(found.urls)
