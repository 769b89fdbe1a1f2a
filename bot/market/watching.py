"""Websockets of prices: followed for as long as they live, opened again ever more slowly.

A stream is a hint that makes the bot faster. What it misses the polls and the minute's bars bring.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from bot.gateway.failures import NoAnswerError
from bot.market.attempts import Attempts
from bot.market.pricing import Prices
from bot.market.publicdata import StreamPlan
from bot.ports import Clock

PING_EVERY_MS: Final = 20_000
WAIT_S: Final = 5.0
"""Loop seconds without a message after which it is looked at what is due."""
SILENCE_MAX_MS: Final = 30_000
"""A stream on which nothing at all comes for so long is dead."""
PAUSE_S: Final = 1.0
PAUSE_MAX_S: Final = 30.0
LIVED_MS: Final = 60_000
"""A stream that lived for so long is opened again without delay."""


class OpenStream(Protocol):
    """A websocket that is open: `bot.gateway.stream.Stream`."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send one document; raises NoAnswerError."""
        ...

    async def receive(self, timeout_s: float | None = None) -> Any:
        """The next document, None after `timeout_s` loop seconds; raises NoAnswerError."""
        ...


StreamOpener = Callable[[str], AbstractAsyncContextManager[OpenStream]]


class Watching:
    """One stream of prices."""

    def __init__(
        self,
        plan: StreamPlan,
        prices: Prices,
        *,
        open_stream: StreamOpener,
        clock: Clock,
        attempts: Attempts,
    ) -> None:
        self._plan = plan
        self._prices = prices
        self._open = open_stream
        self._clock = clock
        self._attempts = attempts

    async def run(self) -> None:
        """Follow the stream until canceled."""
        pause_s = PAUSE_S
        while True:
            begun_at = self._clock.now()
            await self._attempts.run(f"streamed {self._plan.name}", self._follow())
            if self._clock.now() - begun_at > LIVED_MS:
                pause_s = PAUSE_S
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _follow(self) -> None:
        """Take message after message; raises NoAnswerError when the stream breaks or is silent."""
        self._plan.begin()
        async with self._open(self._plan.url) as stream:
            for message in self._plan.hello:
                await stream.send(dict(message))
            pinged_at = heard_at = self._clock.now()
            while True:
                received = await stream.receive(WAIT_S)
                now = self._clock.now()
                if received is not None:
                    heard_at = now
                    self._take(received)
                elif now - heard_at > SILENCE_MAX_MS:
                    raise NoAnswerError(f"nothing came for {(now - heard_at) // 1000} s")
                if self._plan.ping is not None and now - pinged_at >= PING_EVERY_MS:
                    pinged_at = now
                    await stream.send(dict(self._plan.ping))

    def _take(self, received: Any) -> None:
        self._prices.on_streamed(self._plan.decode(received))
