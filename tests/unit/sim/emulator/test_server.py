"""The served emulator over real sockets of this machine: REST, faults, websockets, addresses."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import pytest

from bot.errors import UsageError
from bot.model.primitives import Millis
from bot.sim.emulator.faults import FaultSettings, Kind, Ordered, spread
from bot.sim.emulator.server import loopback
from bot.sim.emulator.streams import WAITING_MAX
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.emu_dialect import QUICK, Served, moved, served

T = TypeVar("T")


def told(story: Callable[[Served], Awaitable[T]], settings: FaultSettings = QUICK, **how: Any) -> T:
    """What a story with a served emulator gives, within ten seconds."""

    async def whole() -> T:
        async with asyncio.timeout(10), served(settings, **how) as emulator:
            return await story(emulator)

    return asyncio.run(whole())


def struck(kind: Kind, *, is_done: bool | None = None) -> tuple[Any, int]:
    """What the client sees of an order that meets a fault, and how many trades there were."""

    async def story(emulator: Served) -> tuple[Any, int]:
        emulator.faults.ordered.append(Ordered(kind=kind, is_done=is_done))
        seen: Any
        try:
            seen = await emulator.ask("/order", "POST")
        except aiohttp.ClientError as error:
            seen = type(error)
        return seen, len(emulator.core.trades)

    return told(story)


def test_a_request_reaches_the_dialect_as_it_was_sent_and_its_reply_comes_back_whole() -> None:
    async def story(emulator: Served) -> tuple[int, Any, Any]:
        path = "/fapi/v1/order?symbol=BTCUSDT&a=%2B1%20x&signature=ab"
        async with emulator.session.post(
            emulator.url + path, data="b=2", headers={"X-MBX-APIKEY": "k"}
        ) as response:
            return response.status, response.headers["x-weight"], emulator.dialect.handled[0]

    status, weight, request = told(story)

    assert (200, "1") == (status, weight)
    assert ("POST", "b=2", "k") == (request.method, request.body, request.headers["X-MBX-APIKEY"])
    assert request.url.startswith("http://127.0.0.1:")
    assert request.url.endswith("/fapi/v1/order?symbol=BTCUSDT&a=%2B1%20x&signature=ab")


def test_time_is_market_time() -> None:
    async def story(emulator: Served) -> tuple[int, int]:
        first = json.loads((await emulator.ask("/time"))[1])["at"]
        await emulator.clock.sleep(60.0)
        return first, json.loads((await emulator.ask("/time"))[1])["at"]

    first, second = told(story, speed=1_000.0)

    assert NOON <= first
    assert 60_000 <= second - first


def test_latency_is_market_time_too_and_half_of_it_lies_before_the_exchange_acts() -> None:
    async def story(emulator: Served) -> tuple[int, int, int]:
        sent_at = emulator.clock.now()
        acted_at = json.loads((await emulator.ask("/x"))[1])["at"]
        return sent_at, acted_at, emulator.clock.now()

    slow = FaultSettings(latency_ms=20_000, jitter_ms=0)
    sent_at, acted_at, back_at = told(story, slow, speed=100.0)

    assert 10_000 <= acted_at - sent_at < 20_000
    assert 20_000 <= back_at - sent_at < 40_000


def test_a_lost_reply_breaks_the_connection_and_the_work_is_done() -> None:
    assert (aiohttp.ServerDisconnectedError, 1) == struck(Kind.LOST_REPLY)


def test_a_lost_request_is_met_with_silence_and_nothing_is_done() -> None:
    async def story(emulator: Served) -> int:
        emulator.faults.ordered.append(Ordered(kind=Kind.LOST_REQUEST))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await emulator.ask("/order", "POST")
        return len(emulator.core.trades)

    assert 0 == told(story)


def test_what_has_arrived_is_done_although_the_client_has_gone() -> None:
    async def story(emulator: Served) -> tuple[int, int]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await emulator.ask("/order", "POST")
        before = len(emulator.core.trades)
        await emulator.ask("/x")  # It arrives after the order, whose way is as long.
        return before, len(emulator.core.trades)

    assert (0, 1) == told(story, FaultSettings(latency_ms=400, jitter_ms=0))


def test_what_is_late_is_done_late() -> None:
    async def story(emulator: Served) -> int:
        emulator.faults.ordered.append(Ordered(kind=Kind.LATE))
        await emulator.ask("/order", "POST")
        return emulator.core.trades[0].at

    slow = FaultSettings(latency_ms=0, jitter_ms=0, late_ms=(9_000, 9_000))

    assert 9_000 <= told(story, slow, speed=100.0) - NOON


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [(Kind.HTML, 200, "<html>"), (Kind.EMPTY, 200, "")],
)
def test_a_reply_that_says_nothing_comes_with_200_and_the_work_is_done(
    kind: Kind, status: int, text: str
) -> None:
    seen, trades = struck(kind)

    assert (status, 1) == (seen[0], trades)
    assert seen[1].startswith(text)
    assert len(seen[1]) == 0 or "<" in seen[1]


def test_a_reply_that_is_cut_off_is_told_apart_by_its_length_and_the_work_is_done() -> None:
    assert (aiohttp.ClientPayloadError, 1) == struck(Kind.TRUNCATED)


@pytest.mark.parametrize("is_done", [True, False])
def test_a_timeout_of_the_exchange_tells_nothing_of_the_work(*, is_done: bool) -> None:
    seen, trades = struck(Kind.TIMEOUT, is_done=is_done)

    assert (503, -1007) == (seen[0], json.loads(seen[1])["code"])
    assert is_done == bool(trades)


@pytest.mark.parametrize(("kind", "status"), [(Kind.BUSY, 503), (Kind.RATE, 429), (Kind.BAN, 418)])
def test_what_is_turned_away_is_not_done(kind: Kind, status: int) -> None:
    seen, trades = struck(kind)

    assert (status, 0) == (seen[0], trades)


def test_a_share_of_faults_strikes_about_as_often_and_the_rest_is_answered() -> None:
    async def story(emulator: Served) -> tuple[int, int]:
        bad = 0
        for _ in range(300):
            try:
                status, text = await emulator.ask("/x")
                bad += status != 200 or not text.startswith("{")
            except aiohttp.ClientError:
                bad += 1
        return bad, sum(emulator.faults.counts.values())

    shares = {**spread(0.2), Kind.LOST_REQUEST: 0.0, Kind.BAN: 0.0}
    settings = FaultSettings(latency_ms=0, jitter_ms=0, late_ms=(0.0, 0.0), shares=shares)
    seen, counted = told(story, settings)

    assert 15 <= counted <= 100
    assert 0 < seen <= counted


def test_a_websocket_hears_the_market() -> None:
    async def story(emulator: Served) -> Any:
        async with emulator.listen("/ws/btcusdt@bookTicker") as line:
            emulator.server.on_market(moved(BTC, 101.0, at=NOON + 1_000))
            return await line.receive_json()

    assert ("BTCUSDT", "100.9") == tuple(told(story)[key] for key in ("s", "b"))


def test_marks_of_all_symbols_come_when_each_has_moved() -> None:
    async def story(emulator: Served) -> Any:
        async with emulator.listen("/ws/!markPrice@arr@1s") as line:
            emulator.server.on_market(moved(BTC, 101.0, at=NOON + 1_000))
            emulator.server.on_market(moved(ETH, 51.0, at=NOON + 1_000))
            return await line.receive_json()

    assert ["101.00000000", "51.00000000"] == [row["p"] for row in told(story)]


def test_subscriptions_go_over_the_wire() -> None:
    async def story(emulator: Served) -> Any:
        async with emulator.listen("/ws") as line:
            await line.send_json({"method": "SUBSCRIBE", "params": ["!bookTicker"], "id": 1})
            answer = await line.receive_json()
            emulator.server.on_market(moved())
            return answer, (await line.receive_json())["s"]

    assert ({"result": None, "id": 1}, "BTCUSDT") == told(story)


def test_the_account_is_told_of_its_orders_and_so_is_the_story() -> None:
    async def story(emulator: Served) -> tuple[Any, int]:
        key = json.loads((await emulator.ask("/fapi/v1/listenKey", "POST"))[1])["listenKey"]
        async with emulator.listen(f"/ws/{key}") as line:
            await emulator.ask("/order", "POST")
            return await line.receive_json(), len(emulator.heard)

    message, heard = told(story)

    assert "ORDER" == message["e"]
    assert 0 < heard


def test_messages_of_the_account_can_come_twice() -> None:
    async def story(emulator: Served) -> list[Any]:
        await emulator.ask("/fapi/v1/listenKey", "POST")
        async with emulator.listen("/ws/a-key") as line:
            await emulator.ask("/order", "POST")
            return [await line.receive_json() for _ in range(2)]

    first, second = told(story, FaultSettings(latency_ms=0, jitter_ms=0, stream_repeat=1.0))

    assert first == second


def test_a_stream_can_break() -> None:
    async def story(emulator: Served) -> Any:
        async with emulator.listen("/ws/btcusdt@bookTicker") as line:
            for symbol in (BTC, ETH):
                emulator.server.on_market(moved(symbol, at=NOON + 1_000))
            while True:
                message = await line.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return message.type

    ends = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)

    assert told(story, FaultSettings(latency_ms=0, jitter_ms=0, stream_drop=1.0)) in ends


def test_whoever_does_not_read_is_hung_up_on_and_forgotten() -> None:
    async def story(emulator: Served) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(*emulator.url[7:].split(":"))
        writer.write(
            b"GET /ws/!bookTicker HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        lines = emulator.speech.hub.lines
        [line] = lines.values()
        for _ in range(200):
            for _ in range(WAITING_MAX // 10):
                emulator.server.on_market(moved())
            await asyncio.sleep(0)
            if not lines:
                break
        await asyncio.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            writer.close()
        return len(lines), line.why_dropped

    assert (0, "too slow") == told(story)


def test_an_address_without_a_stream_is_404() -> None:
    async def story(emulator: Served) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with emulator.listen("/elsewhere"):
                pass
        return caught.value.status

    assert 404 == told(story)


def test_to_stop_hangs_up_on_every_stream() -> None:
    async def story(emulator: Served) -> Any:
        async with emulator.listen("/ws") as line:
            await emulator.server.stop()
            return (await line.receive()).type

    ends = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)

    assert told(story) in ends


def test_a_listen_key_expires_by_market_time() -> None:
    async def story(emulator: Served) -> Any:
        await emulator.ask("/fapi/v1/listenKey", "POST")
        async with emulator.listen("/ws/a-key") as line:
            for symbol in (BTC, ETH):
                emulator.server.on_market(moved(symbol, at=NOON + 3_700_000))
            return await line.receive_json()

    assert "listenKeyExpired" == told(story)["e"]


@pytest.mark.parametrize(
    "address", ["0.0.0.0:8791", "192.168.1.5:8791", "example.org:8791", ":8791", "8791"]
)
def test_only_loopback_is_listened_on(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        loopback(address)

    assert "is not a loopback address" in caught.value.what
    assert "--listen" == caught.value.where


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost:x", "[::1]:70000", "127.0.0.1:-1"])
def test_a_port_is_needed(address: str) -> None:
    with pytest.raises(UsageError):
        loopback(address)


def test_loopback_has_several_names() -> None:
    assert [("127.0.0.1", 1), ("localhost", 0), ("::1", 65535)] == [
        loopback(text) for text in ("127.0.0.1:1", "localhost:0", "[::1]:65535")
    ]


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    async def story(emulator: Served) -> str:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            with pytest.raises(UsageError) as caught:
                await emulator.server.start(address)
        return str(caught.value)

    assert "Stop what listens there" in told(story)


def test_requests_are_counted_and_times_are_instants() -> None:
    async def story(emulator: Served) -> tuple[int, Millis]:
        await emulator.ask("/a")
        await emulator.ask("/b")
        return emulator.server.requests, emulator.clock.now()

    requests, now = told(story)

    assert 2 == requests
    assert NOON <= now
