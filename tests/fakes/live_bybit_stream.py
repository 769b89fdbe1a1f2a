"""Bybit's private stream as a script: each connection says what it was given, then breaks."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bot.clock import LoopClock
from bot.gateway.failures import NoAnswerError

LET_IN: dict[str, Any] = {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"}
FOLLOWED: dict[str, Any] = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"}


class Silence(msgspec.Struct, frozen=True):
    """Nothing is said for so long."""

    seconds: float


class Script:
    """Connections to come, and what has been sent over those that were."""

    def __init__(self, clock: LoopClock, *connections: list[Any]) -> None:
        self.clock = clock
        self.connections = list(connections)
        """Of each: documents, or Silence; after the last it breaks. An empty list: refused."""
        self.urls: list[str] = []
        self.opened_at: list[int] = []
        self.sent: list[dict[str, Any]] = []

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator["Playing"]:
        """What `open_stream` is at the real exchange."""
        self.urls.append(url)
        self.opened_at.append(self.clock.now())
        words = self.connections.pop(0) if self.connections else []
        if not words:
            raise NoAnswerError("no stream")
        yield Playing(self, words)


class Playing:
    """One connection."""

    def __init__(self, script: Script, words: list[Any]) -> None:
        self._script = script
        self._words = list(words)

    async def send(self, message: dict[str, Any]) -> None:
        self._script.sent.append(message)

    async def receive(self, timeout_s: float | None = None) -> Any:
        if not self._words:
            raise NoAnswerError("the stream was closed")
        word = self._words[0]
        if not isinstance(word, Silence):
            return self._words.pop(0)
        left_s = word.seconds
        if timeout_s is not None and timeout_s < left_s:
            await self._script.clock.sleep(timeout_s)
            self._words[0] = Silence(left_s - timeout_s)
            return None
        await self._script.clock.sleep(left_s)
        self._words.pop(0)
        return await self.receive(None if timeout_s is None else timeout_s - left_s)


class Signer:
    """ccxt's object as far as the stream reads it, and the client that holds it."""

    apiKey = "key"  # noqa: N815  (ccxt's name)
    secret = "secret"

    def __init__(self) -> None:
        private = {"contract": "wss://stream.{hostname}/v5/private"}
        self.urls = {"api": {"ws": {"private": private}}}

    @property
    def exchange(self) -> "Signer":
        return self

    def implode_hostname(self, url: str) -> str:
        return url.replace("{hostname}", "bybit.com")


def signature(expires: int) -> str:
    """What the exchange expects of a login."""
    text = f"GET/realtime{expires}".encode()
    return hmac.new(b"secret", text, hashlib.sha256).hexdigest()
