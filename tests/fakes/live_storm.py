"""A line on which everything goes wrong now and then, questions included.

Resets, black holes, servers that fail before or after they have acted, pages and halves of replies
in the place of answers, and a limit now and then: each by its chance (simulation.md, G3).
"""

from collections import Counter
from typing import Final

import msgspec

from bot.gateway.failures import NoAnswerError, NotSentError
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis
from bot.ports import Clock
from tests.fakes.live_line import Chance, Outside

PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head></html>"
GARBAGE: Final = (b"", PAGE, b"{}", b"[]", b"null")
FAILED: Final = (
    (502, PAGE),
    (504, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}'),
    (500, b'{"code":-1000,"msg":"An unknown error occurred while processing the request."}'),
    (503, b"upstream connect error"),
)


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """How often what goes wrong, as a share of all requests."""

    reset: float = 0.01
    black_hole: float = 0.005
    failed: float = 0.01
    """5xx."""
    garbled: float = 0.005
    """200 and no answer in it."""
    limited: float = 0.001
    """429."""
    up_s: tuple[float, float] = (0.02, 0.15)
    down_s: tuple[float, float] = (0.02, 0.15)
    late_s: tuple[float, float] = (1.0, 9.0)
    calm: tuple[tuple[Millis, Millis], ...] = ()
    """Spans without faults."""

    def is_on(self, at: Millis) -> bool:
        return not any(since <= at < until for since, until in self.calm)


class StormyLine:
    """The Transport."""

    def __init__(self, outside: Outside, *, clock: Clock, chance: Chance, storm: Storm) -> None:
        self.outside = outside
        self.storm = storm
        self.met: Counter[str] = Counter()
        self._clock = clock
        self._chance = chance

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        fault = self._fault()
        self.met[fault or "well"] += 1
        is_first_half = self._chance.random() < 0.5
        if fault in {"reset", "black_hole", "failed"} and is_first_half:
            return await self._lost(fault, request, timeout_s)
        if fault == "limited":
            await self._clock.sleep(self._chance.uniform(*self.storm.up_s))
            body = b'{"code":-1003,"msg":"Too many requests."}'
            return HttpReply(status=429, headers={"retry-after": "2"}, body=body)
        reply = await self._answered(request, timeout_s, is_late=fault == "black_hole")
        await self._clock.sleep(self._chance.uniform(*self.storm.down_s))
        if fault == "reset":
            raise NoAnswerError("the connection was reset")
        if fault == "failed":
            return self._failure()
        if fault == "garbled":
            body = self._chance.choice([*GARBAGE, reply.body[: len(reply.body) // 2]])
            return HttpReply(status=200, headers=reply.headers, body=body)
        return reply

    async def close(self) -> None:
        self.met.clear()

    async def _answered(
        self, request: HttpRequest, timeout_s: float, *, is_late: bool
    ) -> HttpReply:
        """Let it arrive, late perhaps: then nobody waits for the reply any more."""
        up_s = self._chance.uniform(*(self.storm.late_s if is_late else self.storm.up_s))
        number = self.outside.send(request, Millis(self._clock.now() + int(up_s * 1000)))
        if is_late:
            await self._clock.sleep(timeout_s)
            self.outside.pass_time(self._clock.now())
            raise NoAnswerError("no reply within the time limit")
        await self._clock.sleep(up_s + 0.001)
        self.outside.pass_time(self._clock.now())
        return self.outside.answers.pop(number)

    async def _lost(self, fault: str, request: HttpRequest, timeout_s: float) -> HttpReply:
        """Nothing of it arrives."""
        if fault == "black_hole":
            await self._clock.sleep(timeout_s)
            raise NoAnswerError("no reply within the time limit")
        await self._clock.sleep(self._chance.uniform(*self.storm.up_s))
        if fault == "failed":
            return self._failure()
        if self._chance.random() < 0.5:
            raise NotSentError(f"no connection for {request.method}")
        raise NoAnswerError("the connection was reset")

    def _failure(self) -> HttpReply:
        status, body = FAILED[int(self._chance.random() * len(FAILED))]
        return HttpReply(status=status, headers={}, body=body)

    def _fault(self) -> str:
        roll = self._chance.random()
        if not self.storm.is_on(self._clock.now()):
            return ""
        for name in ("reset", "black_hole", "failed", "garbled", "limited"):
            share: float = getattr(self.storm, name)
            if roll < share:
                return name
            roll -= share
        return ""
