"""A failure on the line says whether the request had begun to leave; nothing else is certain."""

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from pathlib import Path

import pytest

from bot.gateway.failures import GatewayError, NoAnswerError, NotSentError
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.transport import AiohttpTransport
from tests.fakes.certificate import a_certificate
from tests.fakes.live_wire import DROP, HANG, Wire, as_json, packed, raw, with_wire

SIGNED = "/fapi/v1/order?symbol=BTCUSDT&note=a%20b%2Fc&signature=deadbeef"
LIMIT = 100_000


def sent(
    *answers: bytes, method: str = "POST", times: int = 1, timeout_s: float = 5.0
) -> tuple[list[HttpReply | GatewayError], Wire]:
    """Send the same request some times over one transport; what came of each."""

    async def act(wire: Wire) -> tuple[list[HttpReply | GatewayError], Wire]:
        transport = AiohttpTransport(body_max_bytes=LIMIT)
        found: list[HttpReply | GatewayError] = []
        request = HttpRequest(
            method=method, url=wire.url + SIGNED, headers={"X-Key": "k"}, body="a=1&b=%20"
        )
        for _ in range(times):
            try:
                found.append(await transport.send(request, timeout_s=timeout_s))
            except GatewayError as error:
                found.append(error)
        await transport.close()
        return found, wire

    return with_wire(act, *answers)


def failed(*answers: bytes, method: str = "POST", timeout_s: float = 5.0) -> GatewayError:
    (found,), _ = sent(*answers, method=method, timeout_s=timeout_s)

    assert isinstance(found, GatewayError)
    return found


def failed_at(url: str, *, timeout_s: float = 5.0) -> GatewayError:
    """What comes of asking an address."""

    async def act() -> GatewayError:
        transport = AiohttpTransport()
        try:
            with pytest.raises(GatewayError) as caught:
                await transport.send(
                    HttpRequest(method="POST", url=url + SIGNED, body="a=1"), timeout_s=timeout_s
                )
        finally:
            await transport.close()
        return caught.value

    return asyncio.run(act())


def test_a_request_arrives_as_it_was_signed_and_its_reply_is_whole() -> None:
    (reply,), wire = sent(as_json({"a": 1}, status=201, headers={"X-Used": "7"}))

    assert isinstance(reply, HttpReply)
    assert (201, b'{"a":1}') == (reply.status, reply.body)
    assert "7" == reply.headers["x-used"]
    assert SIGNED == wire.arrived[0].target
    assert "a=1&b=%20" == wire.arrived[0].body
    assert "k" == wire.arrived[0].headers["x-key"]


def test_a_connection_is_kept_for_the_next_request() -> None:
    _, wire = sent(as_json({}), times=3)

    assert (3, 1) == (len(wire.arrived), wire.connections)


def test_a_packed_reply_is_unpacked() -> None:
    (reply,), _ = sent(packed(b"[1]" * 1000))

    assert isinstance(reply, HttpReply)
    assert b"[1]" * 1000 == reply.body


def test_a_redirect_is_a_reply_and_is_not_followed() -> None:
    (reply,), wire = sent(raw(b"", status=302, headers={"Location": "/elsewhere"}), method="GET")

    assert isinstance(reply, HttpReply)
    assert 302 == reply.status
    assert 1 == len(wire.arrived)


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    (reply,), _ = sent(as_json({}))

    assert isinstance(reply, HttpReply)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (DROP, "closed before a reply came"),
        (raw(b'{"orderId":', length=100), "broke off"),
        (raw(b"x" * (LIMIT + 1)), "larger than"),
        (raw(b"", length=LIMIT + 1), "larger than"),
        (packed(b"0" * 50_000_000), "larger than"),
        (
            raw(
                packed(b"[1]" * 100).partition(b"\r\n\r\n")[2][:-9],
                headers={"Content-Encoding": "gzip"},
            ),
            "too early",
        ),
        (raw(b"[]", headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (raw(b"[]", headers={"Content-Encoding": "br"}), "not asked for"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the connection broke"),
    ],
)
def test_what_goes_wrong_after_it_left_proves_nothing(answer: bytes, why: str) -> None:
    error = failed(answer)

    assert isinstance(error, NoAnswerError)
    assert why in error.reason


def test_a_reply_that_does_not_come_proves_nothing() -> None:
    error = failed(HANG, timeout_s=0.1)

    assert isinstance(error, NoAnswerError)
    assert "no whole reply within 0.1 s" == error.reason


def test_a_reply_that_stops_half_way_is_not_waited_for_either() -> None:
    async def act(wire: Wire) -> None:
        wire.answers = [raw(b"x" * 10, length=20)]
        transport = AiohttpTransport()
        with pytest.raises(NoAnswerError):
            await transport.send(HttpRequest(method="GET", url=wire.url), timeout_s=0.2)
        await transport.close()

    with_wire(act, HANG)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_changes_something_is_not_repeated_on_a_dead_connection(method: str) -> None:
    found, wire = sent(as_json({}), DROP, as_json({}), method=method, times=2)

    assert isinstance(found[1], NoAnswerError)
    assert "closed before a reply came" in found[1].reason
    assert 2 == len(wire.arrived)


def test_a_question_is_repeated_once_on_a_dead_connection() -> None:
    found, wire = sent(as_json({}), DROP, as_json({}), method="GET", times=2)

    assert [HttpReply, HttpReply] == [type(row) for row in found]
    assert 3 == len(wire.arrived)


def test_where_nothing_listens_nothing_was_sent() -> None:
    async def act(wire: Wire) -> str:
        return wire.url

    url = with_wire(act, DROP)
    error = failed_at(url)

    assert isinstance(error, NotSentError)
    assert "nothing answers at 127.0.0.1:" in error.reason


def test_where_the_name_is_not_known_nothing_was_sent() -> None:
    assert isinstance(failed_at("https://nowhere.invalid"), NotSentError)


def test_where_the_handshake_does_not_end_nothing_was_sent() -> None:
    async def act(wire: Wire) -> GatewayError:
        transport = AiohttpTransport()
        url = wire.url.replace("http", "https") + SIGNED
        with pytest.raises(GatewayError) as caught:
            await transport.send(HttpRequest(method="POST", url=url), timeout_s=0.2)
        await transport.close()
        return caught.value

    error = with_wire(act, HANG)

    assert isinstance(error, NotSentError)
    assert "no connection" == error.reason


def test_where_the_certificate_is_not_trusted_nothing_was_sent(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(a_certificate(tmp_path, names=["localhost"], valid_days=(-1, 1)))
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            heard.append(await reader.read(1000))
        writer.close()

    async def act() -> GatewayError:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        transport = AiohttpTransport()
        with pytest.raises(GatewayError) as caught:
            await transport.send(
                HttpRequest(method="POST", url=f"https://localhost:{port}/x"), timeout_s=5
            )
        await transport.close()
        server.close()
        await server.wait_closed()
        return caught.value

    error = asyncio.run(act())

    assert isinstance(error, NotSentError)
    assert "cannot be trusted" in error.reason
    assert b"" == b"".join(heard)


@pytest.mark.parametrize(
    "url",
    [
        "http://fapi.binance.com",
        "http://10.0.0.1:80",
        "ftp://e.com",
        "https://",
        "https://[",
        "//x",
        "[",
        "",
    ],
)
def test_what_would_not_be_encrypted_is_not_asked(url: str) -> None:
    assert isinstance(failed_at(url), NotSentError)


@pytest.mark.parametrize("answer", [DROP, HANG, raw(b"{", length=9)])
def test_no_failure_shows_what_was_signed(answer: bytes) -> None:
    error = failed(answer, timeout_s=0.2)

    assert "signature" not in error.reason
    assert error.__suppress_context__ or error.__context__ is None


def test_one_who_is_canceled_is_canceled() -> None:
    async def act(wire: Wire) -> None:
        transport = AiohttpTransport()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(
                transport.send(HttpRequest(method="POST", url=wire.url), timeout_s=9)
            )
            await wire.has_arrived.wait()
            task.cancel()
        await transport.close()

        assert task.cancelled()

    with_wire(act, HANG)


def test_when_it_is_closed_nothing_is_sent() -> None:
    async def act(wire: Wire) -> None:
        transport = AiohttpTransport()
        await transport.close()
        with pytest.raises(NotSentError, match="closed"):
            await transport.send(HttpRequest(method="GET", url=wire.url), timeout_s=1)

        assert [] == wire.arrived

    with_wire(act, as_json({}))


def test_p28_where_the_first_address_leads_nowhere_the_next_one_is_taken() -> None:
    """A name with an IPv6 address on a machine without IPv6."""

    async def act(wire: Wire) -> tuple[HttpReply, float]:
        loop = asyncio.get_running_loop()
        port = int(wire.url.rsplit(":", 1)[1])

        async def names(*_: object, **__: object) -> list[object]:
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("100::1", port, 0, 0)),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            ]

        loop.getaddrinfo = names  # type: ignore[method-assign, assignment]
        transport = AiohttpTransport()
        began = loop.time()
        url = f"http://localhost:{port}{SIGNED}"
        try:
            reply = await transport.send(HttpRequest(method="POST", url=url), timeout_s=5.0)
        finally:
            await transport.close()
        return reply, loop.time() - began

    reply, took_s = with_wire(act, as_json({}))

    assert 200 == reply.status
    assert took_s < 2.0


def test_p25_without_a_free_descriptor_nothing_is_sent_and_later_it_goes_on() -> None:
    async def act(wire: Wire) -> tuple[GatewayError, HttpReply]:
        transport = AiohttpTransport()
        request = HttpRequest(method="POST", url=wire.url + SIGNED)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.ExitStack() as files:
            files.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
            with contextlib.suppress(OSError):
                while True:
                    files.callback(os.close, os.dup(0))  # Until none is free.
            with pytest.raises(NotSentError) as caught:
                await transport.send(request, timeout_s=5.0)
        reply = await transport.send(request, timeout_s=5.0)
        await transport.close()
        return caught.value, reply

    error, reply = with_wire(act, as_json({}))

    assert "no connection" in str(error) or "nothing answers" in str(error)
    assert 200 == reply.status
