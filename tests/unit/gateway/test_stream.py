"""A websocket to an exchange, against a server on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gateway.failures import NoAnswerError
from bot.gateway.stream import MESSAGE_MAX_BYTES, Stream, open_stream

Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        await socket.send_str(message.data)


def with_server(serve: Serve, use: Callable[[Stream], Awaitable[Any]]) -> Any:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await serve(socket)
        return socket

    async def run() -> Any:
        app = web.Application()
        app.router.add_get("/v5/private", handle)
        async with (
            TestServer(app) as server,
            open_stream(f"ws://127.0.0.1:{server.port}/v5/private") as stream,
        ):
            return await use(stream)

    return asyncio.run(run())


def test_documents_go_and_come() -> None:
    async def use(stream: Stream) -> Any:
        await stream.send({"op": "ping", "n": 1})
        return await stream.receive(5.0)

    assert {"op": "ping", "n": 1} == with_server(echo, use)


def test_silence_is_none_and_the_stream_goes_on() -> None:
    async def use(stream: Stream) -> Any:
        silence = await stream.receive(0.05)
        await stream.send({"op": "ping"})
        return silence, await stream.receive(5.0)

    assert (None, {"op": "ping"}) == with_server(echo, use)


def test_the_end_of_a_stream_is_an_error() -> None:
    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.close()

    async def use(stream: Stream) -> None:
        await stream.receive(5.0)

    with pytest.raises(NoAnswerError, match="closed"):
        with_server(leave, use)


@pytest.mark.parametrize("text", ["<html>", "", '{"a":1,"a":2}', '{"a":NaN}', '{"cut":'])
def test_what_is_no_whole_document_ends_the_stream(text: str) -> None:
    async def say(socket: web.WebSocketResponse) -> None:
        await socket.send_str(text)
        await socket.receive()

    async def use(stream: Stream) -> None:
        await stream.receive(5.0)

    with pytest.raises(NoAnswerError, match="message of the stream"):
        with_server(say, use)


def test_a_message_without_end_is_cut() -> None:
    async def flood(socket: web.WebSocketResponse) -> None:
        await socket.send_str('"' + "x" * MESSAGE_MAX_BYTES + '"')
        await socket.receive()

    async def use(stream: Stream) -> None:
        await stream.receive(10.0)

    with pytest.raises(NoAnswerError, match="closed"):
        with_server(flood, use)


def test_nothing_listens_there() -> None:
    async def run() -> None:
        async with open_stream("ws://127.0.0.1:1/v5/private"):
            pass

    with pytest.raises(NoAnswerError, match="no stream"):
        asyncio.run(run())


@pytest.mark.parametrize("url", ["ws://stream.bybit.com/v5/private", "http://127.0.0.1/"])
def test_a_line_that_others_can_read_is_refused(url: str) -> None:
    async def run() -> None:
        async with open_stream(url):
            pass

    with pytest.raises(ValueError, match="encrypted"):
        asyncio.run(run())
