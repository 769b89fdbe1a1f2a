"""One call: it waits for room, is signed, leaves once, and what came of it is told apart."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from bot.clock import run_virtual
from bot.errors import ConfigError
from bot.gateway.client import Client
from bot.gateway.connection import DATA, ENTRY, PROTECT, Connection, Route
from bot.gateway.failures import (
    GatewayError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Verdict,
)
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis
from tests.fakes.live_connection import (
    ASKED,
    BYBIT_ORDER,
    HANG,
    KEY,
    ORDER,
    SECRET,
    START,
    TIME,
    Scripted,
    a_client,
    a_connection,
    a_reply,
    bybit_connection,
)

BYBIT_ASKED = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Market",
    "qty": "0.001",
    "orderLinkId": "abc",
}
DONE = a_reply({"orderId": 1})


def with_client(
    act: Callable[[Client, Scripted], Coroutine[Any, Any, None]],
    *answers: HttpReply | Exception,
    connection: Connection | None = None,
    **changes: Any,
) -> None:
    """Run in virtual time with a client over a line with those answers."""

    async def run() -> None:
        transport = Scripted(*(answers or (DONE,)))
        await act(a_client(transport, connection, **changes), transport)

    run_virtual(run())


def form(request: HttpRequest) -> dict[str, str]:
    """What a Binance request carries, its signature checked and taken off."""
    signed = request.body or request.url.partition("?")[2]
    text, _, signature = signed.rpartition("&signature=")

    assert hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest() == signature
    return dict(parse_qsl(text, keep_blank_values=True))


@pytest.mark.parametrize("has_streams", [False, True])
def test_binance_gets_what_was_asked_and_a_signature(*, has_streams: bool) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        found = await client.call(ORDER, ASKED, lane=ENTRY, window_ms=3_000)
        (request,) = transport.sent

        assert {"orderId": 1} == found
        assert ("POST", "https://fapi.binance.com/fapi/v1/order") == (request.method, request.url)
        assert {**ASKED, "timestamp": str(START), "recvWindow": "3000"} == form(request)
        assert KEY == request.headers["X-MBX-APIKEY"]
        assert "gzip" == request.headers["Accept-Encoding"]
        assert request.headers["User-Agent"].startswith("liqbot/")

    with_client(act, has_streams=has_streams)


@pytest.mark.parametrize("has_streams", [False, True])
def test_bybit_gets_what_was_asked_and_a_signature(*, has_streams: bool) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        found = await client.call(BYBIT_ORDER, BYBIT_ASKED, window_ms=3_000)
        (request,) = transport.sent
        text = f"{START}{KEY}3000{request.body}"

        assert {"retCode": 0, "price": "1.50"} == found
        assert "https://api.bybit.com/v5/order/create" == request.url
        assert BYBIT_ASKED == msgspec.json.decode(request.body)
        assert "3000" == request.headers["X-BAPI-RECV-WINDOW"]
        assert str(START) == request.headers["X-BAPI-TIMESTAMP"]
        assert (
            hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
            == request.headers["X-BAPI-SIGN"]
        )

    reply = a_reply(b'{"retCode": 0, "price": 1.50}')
    with_client(act, reply, connection=bybit_connection(), has_streams=has_streams)


def test_another_address_takes_the_place_of_the_exchanges() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        await client.call(ORDER, ASKED)

        assert "http://127.0.0.1:8080/fapi/v1/order" == transport.sent[0].url

    with_client(act, base_url="http://127.0.0.1:8080")


def test_an_address_that_is_open_to_others_is_refused() -> None:
    async def act(client: Client, _: Scripted) -> None: ...

    with pytest.raises(ConfigError, match="not encrypted"):
        with_client(act, base_url="http://fapi.example.com")


def test_a_window_is_for_one_call_alone() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        async with asyncio.TaskGroup() as group:
            for window_ms in (None, 3_000, None, 900):
                group.create_task(client.call(BYBIT_ORDER, BYBIT_ASKED, window_ms=window_ms))

        assert ["5000", "3000", "5000", "900"] == [
            request.headers["X-BAPI-RECV-WINDOW"] for request in transport.sent
        ]
        assert 5_000 == client.exchange.options["recvWindow"]

    with_client(act, a_reply({"retCode": 0}), connection=bybit_connection())


def test_a_window_ends_when_it_was_to_end_however_long_it_waited() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        await client.limiter.acquire(PROTECT, {"weight": 100})
        await client.clock.sleep(58)
        await client.call(ORDER, ASKED, lane=PROTECT, window_ms=5_000)
        sent = form(transport.sent[0])

        assert START + 60_000 == int(sent["timestamp"])
        assert START + 63_000 == int(sent["timestamp"]) + int(sent["recvWindow"])

    with_client(act)


def test_a_window_that_would_be_over_is_not_waited_for() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        await client.limiter.acquire(PROTECT, {"weight": 100})
        with pytest.raises(RefusedError) as caught:
            await client.call(ORDER, ASKED, lane=PROTECT, window_ms=5_000)

        assert ("limiter", Verdict.RATE, START + 60_000) == (
            caught.value.code,
            caught.value.verdict,
            caught.value.retry_at,
        )
        assert START == client.clock.now()
        assert [] == transport.sent

    with_client(act)


def test_it_is_signed_when_it_leaves() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        await client.limiter.acquire(PROTECT, {"weight": 100})
        await client.clock.sleep(55)
        await client.call(ORDER, ASKED, lane=PROTECT)

        assert START + 60_000 == int(form(transport.sent[0])["timestamp"])

    with_client(act)


def test_e37_signatures_follow_the_exchanges_clock_both_ways() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        assert 5_000 == await client.sync_time()
        assert -3_000 == await client.sync_time()
        await client.call(ORDER, ASKED)

        assert START + 2_000 == int(form(transport.sent[-1])["timestamp"])
        assert START + 5_000 == client.clock.now()

    answers = [a_reply({"serverTime": START + ms}) for ms in (5_000, 2_000)]
    with_client(act, *answers, DONE)


@pytest.mark.parametrize("found", [{}, [], {"serverTime": "soon"}, {"serverTime": None}])
def test_e8_a_time_that_is_none_moves_nothing(found: object) -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(NoAnswerError, match="tells no time"):
            await client.sync_time()

        assert not client.clock.is_synced

    connection = a_connection(time_of=lambda found: Millis(int(found["serverTime"])))
    with_client(act, a_reply(found), connection=connection)


@pytest.mark.parametrize("name", ["stopPrice", "recvWindow", "timestamp"])
def test_what_a_route_does_not_declare_is_not_sent(name: str) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        with pytest.raises(ValueError, match=f"fapiPrivatePostOrder does not take {name}"):
            await client.call(ORDER, {**ASKED, name: "1"})

        assert [] == transport.sent
        assert {"weight": 0.0} == client.limiter.used()

    with_client(act)


def test_a_route_that_ccxt_does_not_have_is_a_mistake() -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(ValueError, match="ccxt has no fapiPrivatePostNothing"):
            await client.call(Route(name="fapiPrivatePostNothing"))

    with_client(act)


def test_what_ccxt_cannot_sign_was_not_sent() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        with pytest.raises(NotSentError, match="AuthenticationError"):
            await client.call(ORDER, ASKED, window_ms=900)

        assert [] == transport.sent
        await client.call(TIME)
        assert 1 == client.calls["fapiPublicGetTime"]

    with_client(act, keys=None)


def test_a_window_that_was_never_signed_is_nobodys() -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(NotSentError):
            await client.call(BYBIT_ORDER, BYBIT_ASKED, window_ms=900)

        assert 5_000 == client.exchange.options["recvWindow"]

    with_client(act, connection=bybit_connection(), keys=None)


@pytest.mark.parametrize("error", [NotSentError("no connection"), NoAnswerError("broke off")])
def test_what_the_line_says_comes_through_as_it_is_and_is_not_repeated(
    error: GatewayError,
) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        with pytest.raises(GatewayError) as caught:
            await client.call(ORDER, ASKED)

        assert caught.value is error
        assert 1 == len(transport.sent)
        assert client.last_answer_at is None

    with_client(act, error)


def test_whatever_else_happens_to_what_has_left_proves_nothing() -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(NoAnswerError, match="stumbled over the reply"):
            await client.call(ORDER, ASKED)

        assert 1 == client.failures["fapiPrivatePostOrder"]

    with_client(act, KeyError("x"))


@pytest.mark.parametrize("status", [200, 502])
def test_e8_a_page_of_html_is_no_answer_and_is_not_repeated(status: int) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        with pytest.raises(NoAnswerError):
            await client.call(ORDER, ASKED)

        assert 1 == len(transport.sent)

    with_client(act, a_reply(b"<html>", status=status))


def test_e31_a_refusal_means_what_the_profile_says() -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(RefusedError) as caught:
            await client.call(ORDER, ASKED)

        assert ("-4400", Verdict.REJECTED) == (caught.value.code, caught.value.verdict)

    with_client(act, a_reply({"code": -4400, "msg": "Reduce only"}, status=400))


@pytest.mark.parametrize(("status", "wait_s"), [(429, 10), (418, 120)])
def test_e34_e35_after_too_many_requests_nothing_leaves(status: int, wait_s: int) -> None:
    async def act(client: Client, transport: Scripted) -> None:
        with pytest.raises(RefusedError):
            await client.call(ORDER, ASKED, lane=PROTECT)
        with pytest.raises(RefusedError) as caught:
            await client.call(ORDER, ASKED, lane=PROTECT, window_ms=5_000)

        assert START + wait_s * 1000 == caught.value.retry_at
        assert "too many" in caught.value.reason
        assert 1 == len(transport.sent)
        await client.clock.sleep(wait_s)
        await client.call(ORDER, ASKED, lane=PROTECT, window_ms=5_000)
        assert 2 == len(transport.sent)

    refused = a_reply({"code": -1003, "msg": "too many"}, status=status)
    with_client(act, refused, DONE)


def test_e36_what_the_exchange_has_counted_counts() -> None:
    async def act(client: Client, _: Scripted) -> None:
        await client.call(TIME)

        assert {"weight": 0.65} == client.limiter.used()

    reply = a_reply({}, headers={"x-mbx-used-weight-1m": "65"})
    with_client(act, reply)


def test_e36_a_counter_that_cannot_be_read_is_none() -> None:
    async def act(client: Client, _: Scripted) -> None:
        await client.call(TIME)

        assert {"weight": 0.01} == client.limiter.used()

    with_client(act, a_reply({}, headers={"x-mbx-used-weight-1m": "many"}))


def test_calls_and_failures_are_counted_by_route() -> None:
    async def act(client: Client, _: Scripted) -> None:
        await client.call(TIME)
        for kind in (NoAnswerError, NoAnswerError):
            with pytest.raises(kind):
                await client.call(ORDER, ASKED)

        assert {"fapiPublicGetTime": 1, "fapiPrivatePostOrder": 2} == client.calls
        assert {"fapiPrivatePostOrder": 2} == client.failures
        assert START == client.last_answer_at

    with_client(act, a_reply({}), NoAnswerError("x"), a_reply(b""))


def test_one_who_is_canceled_on_the_line_is_canceled_and_leaves_nothing() -> None:
    async def act(client: Client, transport: Scripted) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.call(BYBIT_ORDER, BYBIT_ASKED, window_ms=900))
            await client.clock.sleep(1)
            task.cancel()
        await client.call(BYBIT_ORDER, BYBIT_ASKED)

        assert task.cancelled()
        assert ["900", "5000"] == [row.headers["X-BAPI-RECV-WINDOW"] for row in transport.sent]

    with_client(act, HANG, a_reply({"retCode": 0}), connection=bybit_connection())


def test_data_waits_for_room_and_protection_has_its_own() -> None:
    async def act(client: Client, _: Scripted) -> None:
        await client.limiter.acquire(DATA, {"weight": 70})
        await client.call(TIME, lane=PROTECT)
        assert START == client.clock.now()
        await client.call(TIME)
        assert START + 60_000 == client.clock.now()

    with_client(act)


def test_keys_are_in_no_message_and_in_no_picture_of_the_client() -> None:
    async def act(client: Client, _: Scripted) -> None:
        with pytest.raises(RefusedError) as caught:
            await client.call(ORDER, ASKED)

        assert KEY not in repr(caught.value)
        assert KEY not in repr(client)

    with_client(act, a_reply({"code": -2014, "msg": f"API-key {KEY} invalid"}, status=401))


def test_two_clients_do_not_share_a_clock_or_a_line() -> None:
    async def run() -> None:
        first, second = Scripted(DONE), Scripted(DONE)
        await a_client(first, clock=ExchangeClock(start_at=START)).call(ORDER, ASKED)
        later = ExchangeClock(start_at=Millis(START + 7))
        await a_client(second, clock=later).call(ORDER, ASKED)

        assert [START, START + 7] == [
            int(form(line.sent[0])["timestamp"]) for line in (first, second)
        ]

    run_virtual(run())
