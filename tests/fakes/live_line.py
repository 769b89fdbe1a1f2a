"""A line to an exchange in virtual time: requests arrive later, replies come back later, or not.

It is a gateway Transport. What has left arrives at its time, whoever has died meanwhile: the
flights belong to the world outside, not to the bot.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from bot.gateway.failures import NoAnswerError, NotSentError
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis
from bot.ports import Clock

LOST: Final = HttpReply(status=0)
"""In the place of a reply: it never comes back."""
LATE: Final = "x-late-s"
"""Header of a reply that comes so many seconds late."""
Handle = Callable[[HttpRequest, Millis], HttpReply]
"""An emulator's dialect: a request that arrives at an instant, and its reply."""


class Chance(Protocol):
    """`bot.clock.seeded_random`, as far as it is used here."""

    def random(self) -> float: ...

    def uniform(self, a: float, b: float) -> float: ...

    def choice(self, seq: list[bytes]) -> bytes: ...


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """How bad the line is: chances a request, latencies in seconds."""

    up_s: tuple[float, float] = (0.02, 0.06)
    down_s: tuple[float, float] = (0.02, 0.06)
    refused: float = 0.0
    """Never leaves: no connection."""
    lost_request: float = 0.0
    lost_reply: float = 0.0
    late_request: float = 0.0
    late_s: tuple[float, float] = (1.0, 9.0)
    lost_query: float = 0.0
    """Of requests that change nothing; the others of these chances are not for them."""
    garbled: float = 0.0
    """The reply is HTML, empty, or cut off."""
    since: float = 0.0
    """Market ms from which on the line is bad."""
    until: float = float("inf")
    """Market ms from which on the line is good."""


class Flight(NamedTuple):
    """A request on its way."""

    arrives_at: Millis
    number: int
    request: HttpRequest


class Outside:
    """An exchange and what is on its way to it; it outlives the bot."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.flights: list[Flight] = []
        self.answers: dict[int, HttpReply] = {}
        self.received: list[HttpRequest] = []
        """Every request that arrived, in order."""
        self.version = 0
        """Rises with every request that leaves or arrives."""
        self._count = 0

    def send(self, request: HttpRequest, arrives_at: Millis) -> int:
        """Put a request on its way; gives the number its reply will have."""
        self._count += 1
        self.version += 1
        self.flights.append(Flight(arrives_at, self._count, request))
        return self._count

    def pass_time(self, at: Millis) -> None:
        """Let what is due arrive, in order."""
        due = sorted(row for row in self.flights if row.arrives_at <= at)
        self.flights = [row for row in self.flights if row.arrives_at > at]
        for flight in due:
            self.version += 1
            self.received.append(flight.request)
            self.answers[flight.number] = self.handle(flight.request, flight.arrives_at)


class Line:
    """The Transport over an Outside."""

    def __init__(self, outside: Outside, *, clock: Clock, chance: Chance, weather: Weather) -> None:
        self.outside = outside
        self.weather = weather
        self._clock = clock
        self._chance = chance

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        weather = self.weather
        roll = self._chance.random() if weather.since <= self._clock.now() < weather.until else 1.0
        if request.method == "GET":
            weather = Weather(
                up_s=weather.up_s, down_s=weather.down_s, lost_reply=weather.lost_query
            )
        if roll < weather.refused:
            raise NotSentError("connection refused")
        roll -= weather.refused
        if 0 <= roll < weather.lost_request:
            await self._clock.sleep(timeout_s)
            raise NoAnswerError("no reply within the time limit")
        roll -= weather.lost_request
        is_late = 0 <= roll < weather.late_request
        up_s = self._chance.uniform(*(weather.late_s if is_late else weather.up_s))
        roll -= weather.late_request
        is_lost = 0 <= roll < weather.lost_reply
        roll -= weather.lost_reply
        is_garbled = 0 <= roll < weather.garbled
        number = self.outside.send(request, Millis(self._clock.now() + int(up_s * 1000)))
        if is_late or is_lost:
            await self._clock.sleep(timeout_s)
            self.outside.pass_time(self._clock.now())
            self.outside.answers.pop(number, None)
            raise NoAnswerError("no reply within the time limit")
        await self._clock.sleep(up_s + 0.001)
        self.outside.pass_time(self._clock.now())
        reply = self.outside.answers.pop(number)
        if reply is LOST:
            await self._clock.sleep(timeout_s)
            raise NoAnswerError("no reply within the time limit")
        late_s = float(reply.headers.get(LATE, 0))
        await self._clock.sleep(self._chance.uniform(*weather.down_s) + late_s)
        if is_garbled:
            body = self._chance.choice([b"", b"<html>maintenance</html>", b"{}", reply.body[:-2]])
            return HttpReply(status=200, headers=reply.headers, body=body)
        return reply

    async def close(self) -> None:
        await asyncio.sleep(0)
