"""User streams in virtual time: what happens at the emulator is told late, twice, or not at all.

A message takes its own time, so that one may overtake another and the reply to a request; a line
breaks now and then, and what happens until the bot listens again is never told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import msgspec

from bot.gateway.failures import NoAnswerError
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis
from bot.ports import Clock
from bot.sim.emulator.state import Happening
from tests.fakes.live_line import Chance

Connect = Callable[[str], Any]


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """How the streams are."""

    delay_s: tuple[float, float] = (0.01, 0.2)
    duplicate: float = 0.0
    dropped: float = 0.0
    broken: float = 0.0
    """Chance a message that the line breaks instead."""


BAD_STREAM = Streaming(delay_s=(0.01, 0.9), duplicate=0.2, dropped=0.15, broken=0.05)


class Told(Protocol):
    """The emulator in an exchange's words, as far as streams need it."""

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply: ...

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]: ...


class OpenLine:
    """One websocket; it answers the words of a login and of a subscription."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def put(self, message: dict[str, Any] | None) -> None:
        """Hand a message over; None breaks the line."""
        self._messages.put_nowait(message)

    async def send(self, message: dict[str, Any]) -> None:
        word = message.get("op")
        self.put({"op": "pong" if word == "ping" else word, "success": True})
        await asyncio.sleep(0)

    async def receive(self, timeout_s: float | None = None) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._messages.get()
        except TimeoutError:
            return None
        if message is None:
            raise NoAnswerError("the stream was closed")
        return message


class Streams:
    """The streams of one life."""

    def __init__(
        self,
        dialect: Told,
        take: Callable[[], list[Happening]],
        *,
        clock: Clock,
        chance: Chance,
        how: Streaming,
    ) -> None:
        """`take` gives what happened since it was called last."""
        self.told = 0
        self._dialect = dialect
        self._take = take
        self._clock = clock
        self._chance = chance
        self._how = how
        self._lines: list[OpenLine] = []
        take()  # Nobody has listened yet.

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[OpenLine]:
        """Open one; whoever connects is heard of later things only."""
        assert url.startswith("wss://"), url
        await self._clock.sleep(self._chance.uniform(*self._how.delay_s))
        line = OpenLine()
        self._lines.append(line)
        try:
            yield line
        finally:
            self._lines.remove(line)

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        """Answer a request; what it has caused is on its way then."""
        reply = self._dialect.handle(request, at)
        self.pump()
        return reply

    def pump(self) -> None:
        """Put on its way what has happened."""
        while happenings := self._take():
            for happening in happenings:
                for message in self._dialect.user_messages(happening):
                    self._send(message)

    def _send(self, message: dict[str, Any]) -> None:
        loop, chance, how = asyncio.get_running_loop(), self._chance, self._how
        for line in self._lines:
            if chance.random() < how.broken:
                loop.call_later(chance.uniform(*how.delay_s), line.put, None)
                continue
            if chance.random() < how.dropped:
                continue
            times = 2 if chance.random() < how.duplicate else 1
            for _ in range(times):
                self.told += 1
                loop.call_later(chance.uniform(*how.delay_s), line.put, message)
