"""A user stream whose messages are the test's, connection by connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from bot.gateway.failures import NoAnswerError
from bot.gateway.time import ExchangeClock
from bot.model.events import Event, OrderFilled, OrderUpdated
from bot.venue.binanceusdm import BinanceApi
from tests.fakes.live_binance import Desk, answering, use

OPEN_KEY = "POST /fapi/v1/listenKey"
KEEP_KEY = "PUT /fapi/v1/listenKey"


class Waits(NamedTuple):
    """Before the next message so many seconds pass."""

    seconds: float


Said = dict[str, Any] | Exception | Waits | Callable[[], None]
"""A message, an end, a pause, or something that happens meanwhile."""


class Lines:
    """Connections, each with what is said on it; after that it is silent."""

    def __init__(self, *connections: list[Said] | Exception) -> None:
        self.connections = list(connections)
        self.urls: list[str] = []
        self.clock: ExchangeClock | None = None

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator["Lines.Line"]:
        """Open the next one; there is always one more, on which nothing is said."""
        self.urls.append(url)
        said = self.connections.pop(0) if self.connections else []
        if isinstance(said, Exception):
            raise said
        assert self.clock is not None, "the lines are used"
        yield Lines.Line(said, self.clock)

    class Line:
        """One connection."""

        def __init__(self, said: list[Said], clock: ExchangeClock) -> None:
            self._said = list(said)
            self._clock = clock

        async def receive(self, timeout_s: float | None = None) -> Any:
            """The next message; None after `timeout_s` of silence."""
            while self._said:
                item = self._said.pop(0)
                if isinstance(item, Waits):
                    await self._clock.sleep(item.seconds)
                elif isinstance(item, Exception):
                    raise item
                elif callable(item):
                    item()
                else:
                    return item
            await asyncio.sleep(timeout_s if timeout_s is not None else 1e9)
            return None


class Heard(NamedTuple):
    """What a stream told within a time."""

    events: list[Event]
    wakes: list[str]
    urls: list[str]

    @property
    def reports(self) -> list[Any]:
        """Of the orders that changed."""
        return [row.report for row in self.events if isinstance(row, OrderUpdated)]

    @property
    def fills(self) -> list[Any]:
        """What traded."""
        return [row.fill for row in self.events if isinstance(row, OrderFilled)]


def heard(
    desk: Desk, *connections: list[Said] | Exception, for_s: float = 10.0, before: Any = None
) -> Heard:
    """Follow the stream for some market seconds; `before` is done with the interface first."""
    lines = Lines(*connections)
    found = Heard([], [], lines.urls)
    desk.answers.setdefault(OPEN_KEY, answering({"listenKey": "akey"}))
    desk.answers.setdefault(KEEP_KEY, answering({"listenKey": "akey"}))

    async def work(api: BinanceApi, clock: ExchangeClock) -> None:
        lines.clock = clock
        if before is not None:
            await before(api, clock)
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await api.watch(found.events.append, found.wakes.append)

    use(desk, work, connect=lines.connect)
    return found


def broken() -> NoAnswerError:
    """The end of a line."""
    return NoAnswerError("the stream was closed")
