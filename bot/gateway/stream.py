"""One websocket to an exchange: whole JSON documents, of bounded size, over an encrypted line."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.gateway.failures import NoAnswerError
from bot.gateway.signer import is_loopback
from bot.gateway.strict import UnreadableError, document

MESSAGE_MAX_BYTES: Final = 4_000_000
CONNECT_S: Final = 10.0
HEARTBEAT_S: Final = 20.0
"""Between two pings of the protocol; half of it without an answer closes the line."""


class Stream:
    """An open websocket; whatever ends it is NoAnswerError, so that no end goes unseen."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: dict[str, Any]) -> None:
        """Send one JSON document.

        Raises:
            NoAnswerError: the stream is broken.

        """
        try:
            await self._socket.send_str(json.dumps(message, separators=(",", ":")))
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"the stream broke: {type(error).__name__}") from None

    async def receive(self, timeout_s: float | None = None) -> Any:
        """Wait for the next document; None where nothing came within `timeout_s` loop seconds.

        Raises:
            NoAnswerError: the stream has ended, or what came is no whole JSON document.

        """
        try:
            message = await self._socket.receive(timeout=timeout_s)
        except TimeoutError:
            return None
        if message.type is not aiohttp.WSMsgType.TEXT:
            code = f" ({self._socket.close_code})" if self._socket.close_code else ""
            raise NoAnswerError(f"the stream was closed{code}")
        try:
            return document(message.data.encode())
        except UnreadableError as error:
            raise NoAnswerError(f"a message of the stream {error}") from None


@asynccontextmanager
async def open_stream(url: str) -> AsyncIterator[Stream]:
    """Connect; the stream lasts as long as the block.

    Raises:
        ValueError: the line would be open to everybody on the way.
        NoAnswerError: no connection, or no websocket on the other side.

    """
    parts = urlsplit(url)
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_loopback(parts.hostname or "")):
        raise ValueError("a stream is encrypted (wss://), or stays on this machine")
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        try:
            socket = await session.ws_connect(
                url, heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX_BYTES
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswerError(f"no stream: {type(error).__name__}") from None
        try:
            yield Stream(socket)
        finally:
            await socket.close()
