"""The client over real connections: a server that behaves as none should, markets, streams."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from bot.gateway.client import Client
from bot.gateway.failures import GatewayError, NoAnswerError, NotSentError, RefusedError
from bot.gateway.transport import AiohttpTransport
from tests.fakes.live_connection import (
    ASKED,
    ORDER,
    TIME,
    Scripted,
    a_client,
    a_connection,
    a_reply,
    bybit_connection,
)
from tests.fakes.live_wire import DROP, HANG, Wire, as_json, packed, raw, with_wire

OPTIONS = {"fetchMarkets": {"types": ["linear"]}}
CONTRACT = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "underlyingType": "COIN",
    "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}],
}
MARKETS = as_json({"symbols": [CONTRACT]})


def came_of(answer: bytes, *, times: int = 1) -> tuple[Any, Wire]:
    """Send an order to a server that answers so; the result or the failure of the last time."""

    async def act(wire: Wire) -> tuple[Any, Wire]:
        client = a_client(AiohttpTransport(), base_url=wire.url, timeout_s=0.5)
        found: Any = None
        for _ in range(times):
            try:
                found = await client.call(ORDER, ASKED, window_ms=5_000)
            except GatewayError as error:
                found = error
        await client.close()
        return found, wire

    return with_wire(act, answer)


def test_an_order_arrives_once_and_its_answer_is_read() -> None:
    found, wire = came_of(packed(b'{"orderId": 7, "price": 64250.10}'))

    assert {"orderId": 7, "price": "64250.10"} == found
    assert ["POST /fapi/v1/order HTTP/1.1"] == [row.line for row in wire.arrived]


@pytest.mark.parametrize(
    "answer",
    [
        DROP,
        HANG,
        raw(b""),
        raw(b"null"),
        raw(b"<html>maintenance</html>"),
        raw(b'{"orderId": 7', length=13),
        raw(b'{"orderId": 7', length=99),
        raw(b"<html>", status=502),
        raw(b"", status=524),
        raw(b"{}", status=599),
        raw(b"", status=307, headers={"Location": "/fapi/v1/order"}),
        as_json({"code": -1007, "msg": "Timeout"}, status=408),
        packed(b"0" * 50_000_000),
        packed(b"[" * 1_000_000),
    ],
)
def test_e5_e8_whatever_proves_nothing_is_no_answer_and_is_sent_once(answer: bytes) -> None:
    found, wire = came_of(answer)

    assert isinstance(found, NoAnswerError)
    assert 1 == len(wire.arrived)


def test_e34_after_a_429_nothing_arrives_any_more() -> None:
    answer = as_json({"code": -1003, "msg": "slow"}, status=429, headers={"Retry-After": "30"})
    found, wire = came_of(answer, times=3)

    assert isinstance(found, RefusedError)
    assert "limiter" == found.code
    assert 1 == len(wire.arrived)


def test_where_nothing_listens_nothing_was_sent() -> None:
    async def act(wire: Wire) -> str:
        return wire.url

    async def run() -> None:
        client = a_client(AiohttpTransport(), base_url=url)
        with pytest.raises(NotSentError, match="nothing answers"):
            await client.call(ORDER, ASKED)
        await client.close()

    url = with_wire(act, DROP)
    asyncio.run(run())


def with_markets(act: Callable[[Client, Wire], Awaitable[None]], *answers: bytes) -> None:
    async def run(wire: Wire) -> None:
        client = a_client(
            AiohttpTransport(), a_connection(options=OPTIONS), base_url=wire.url, keys=None
        )
        try:
            await act(client, wire)
        finally:
            await client.close()

    with_wire(run, *answers)


def test_markets_are_read_once_and_again_when_asked() -> None:
    async def act(client: Client, wire: Wire) -> None:
        markets = await client.load_markets()
        await client.load_markets()

        assert ["BTC/USDT:USDT"] == list(markets)
        assert 0.1 == markets["BTC/USDT:USDT"]["precision"]["price"]
        assert ["/fapi/v1/exchangeInfo"] == [row.target for row in wire.arrived]
        assert {"weight": 0.05} == client.limiter.used()
        await client.load_markets(is_reload=True)
        assert 2 == len(wire.arrived)

    with_markets(act, MARKETS)


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"<html>"),
        raw(b""),
        raw(b"{}"),
        raw(b"[]"),
        as_json({"symbols": []}),
        as_json({"symbols": [{}]}),
        as_json({"symbols": 5}),
        raw(b'{"symbols": [', length=99),
        raw(b"", status=503),
    ],
)
def test_e8_markets_that_cannot_be_read_are_none_and_those_of_before_remain(answer: bytes) -> None:
    async def act(client: Client, wire: Wire) -> None:
        wire.answers = [answer, MARKETS, answer]
        with pytest.raises(NoAnswerError):
            await client.load_markets()
        await client.load_markets()
        with pytest.raises(NoAnswerError):
            await client.load_markets(is_reload=True)

        assert "BTC/USDT:USDT" in client.exchange.markets

    with_markets(act, MARKETS)


def test_e35_markets_are_not_asked_for_during_a_ban() -> None:
    async def act(client: Client, wire: Wire) -> None:
        with pytest.raises(RefusedError):
            await client.call(TIME)
        with pytest.raises(RefusedError) as caught:
            await client.load_markets()

        assert "limiter" == caught.value.code
        assert 1 == len(wire.arrived)

    with_markets(
        act, as_json({"code": -1003, "msg": "banned"}, status=418, headers={"Retry-After": "900"})
    )


class Streams:
    """Websockets on loopback that are accepted and then told nothing, or closed."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.is_to_close = asyncio.Event()
        self._runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
        self._runner.app.router.add_get("/ws", self._serve)
        self.url = ""

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.is_to_close.set()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened.set()
        await self.is_to_close.wait()
        await socket.close()
        return socket


def watched(act: Callable[[Client, Streams], Awaitable[None]]) -> NoAnswerError:
    """What one who watches a stream is told after `act`."""

    async def run() -> NoAnswerError:
        streams = Streams()
        await streams.start()
        client = a_client(
            Scripted(a_reply({})), bybit_connection(), base_url=streams.url, has_streams=True
        )
        url = client.exchange.urls["api"]["ws"]["public"]["linear"].replace(
            "/v5/public/linear", "/ws"
        )
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            watch = group.create_task(told(client, url))
            await streams.opened.wait()
            await act(client, streams)
        await client.close()
        await streams.stop()
        return watch.result()

    async def told(client: Client, url: str) -> NoAnswerError:
        with pytest.raises(NoAnswerError) as caught:
            await client.watch("watch", url, "trades")
        return caught.value

    return asyncio.run(run())


def test_closing_tells_whoever_watches_and_cancels_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ws_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")

    async def act(client: Client, streams: Streams) -> None:
        del streams
        await client.close()

    assert "the stream was closed" == watched(act).reason


def test_a_stream_that_ccxt_cancels_is_an_error_and_no_cancellation() -> None:
    async def act(client: Client, streams: Streams) -> None:
        del streams
        await client.exchange.close()

    assert "the stream of watch was closed" == watched(act).reason


def test_a_stream_that_the_server_closes_is_an_error_to_whoever_watches() -> None:
    async def act(client: Client, streams: Streams) -> None:
        del client
        streams.is_to_close.set()

    assert "watch: NetworkError" in watched(act).reason


def test_one_who_is_canceled_while_watching_is_canceled() -> None:
    async def run() -> None:
        client = a_client(Scripted(a_reply({})), bybit_connection(), has_streams=True)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.watch("sleep", 60_000))
            await asyncio.sleep(0)
            task.cancel()
        await client.close()

        assert task.cancelled()

    asyncio.run(run())


def test_closing_what_was_never_used_is_quick_and_closes_the_line() -> None:
    async def run() -> None:
        transport = Scripted(a_reply({}))
        client = a_client(transport, bybit_connection(), has_streams=True)
        async with asyncio.timeout(0.1):
            await client.close()

        assert transport.is_closed

    asyncio.run(run())
