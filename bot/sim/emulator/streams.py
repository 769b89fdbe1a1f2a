"""Websockets of an emulated exchange: who follows what, and how much may wait for him.

A message is encoded once, whoever follows it. Nothing waits without bound: who does not read fast
enough is hung up on, as exchanges do.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import Event
from bot.model.primitives import Millis

WAITING_MAX: Final = 2_000
"""Messages that wait for one websocket; beyond it the line is dropped."""


class Line:
    """One websocket: what it follows, and what waits to be sent to it."""

    def __init__(self, number: int, *, is_combined: bool = False, is_user: bool = False) -> None:
        self.number = number
        self.is_combined = is_combined
        """Binance: messages come wrapped with the name of their stream."""
        self.is_user = is_user
        """On the address of the account's own messages."""
        self.is_authentic = False
        """Has proved whose it is."""
        self.listen_key = ""
        self.topics: set[str] = set()
        self.why_dropped = ""
        """Why it is to be closed; empty: it is not."""
        self.on_drop: Callable[[], None] = _do_nothing
        """Breaks the connection, so that nobody goes on waiting to send."""
        self._waiting: deque[str] = deque()
        self._more = asyncio.Event()

    def put(self, text: str) -> None:
        """Let a message wait for its turn; a line that has too many of them is dropped."""
        if self.why_dropped:
            return
        if len(self._waiting) >= WAITING_MAX:
            self.drop("too slow")
            return
        self._waiting.append(text)
        self._more.set()

    def say(self, answer: Mapping[str, Any]) -> None:
        """Let an answer of the exchange's wait for its turn."""
        self.put(encoded(answer))

    def drop(self, why: str) -> None:
        """Have it closed at once; what waits is lost."""
        self.why_dropped = self.why_dropped or why
        self._waiting.clear()
        self._more.set()
        self.on_drop()

    async def take(self) -> list[str]:
        """All that waits, once something does; nothing more comes after a drop."""
        await self._more.wait()
        if self.why_dropped:
            return []
        taken = list(self._waiting)
        self._waiting.clear()
        self._more.clear()
        return taken


class Hub:
    """All websockets that are open, by what they follow."""

    def __init__(self) -> None:
        self.lines: dict[int, Line] = {}
        self._followers: dict[str, dict[int, Line]] = {}
        self._count = 0

    def open(self, *, is_combined: bool = False, is_user: bool = False) -> Line:
        """A new websocket."""
        self._count += 1
        line = Line(self._count, is_combined=is_combined, is_user=is_user)
        self.lines[line.number] = line
        return line

    def close(self, line: Line) -> None:
        """It is gone."""
        self.lines.pop(line.number, None)
        self.unfollow(line, list(line.topics))

    def follow(self, line: Line, topics: Iterable[str]) -> None:
        """Send a line what is published under these names from now on."""
        for topic in topics:
            line.topics.add(topic)
            self._followers.setdefault(topic, {})[line.number] = line

    def unfollow(self, line: Line, topics: Iterable[str]) -> None:
        """Send it no more of these."""
        for topic in topics:
            line.topics.discard(topic)
            followers = self._followers.get(topic, {})
            followers.pop(line.number, None)
            if not followers:
                self._followers.pop(topic, None)

    def is_followed(self, topic: str) -> bool:
        """Whether anybody wants it: what nobody wants need not be made."""
        return topic in self._followers

    def publish(self, topic: str, make: Callable[[], Any]) -> None:
        """Send what `make` gives to all who follow a topic; it is made once, or not at all."""
        followers = self._followers.get(topic)
        if not followers:
            return
        bare = encoded(make())
        wrapped = f'{{"stream":"{topic}","data":{bare}}}'
        for line in list(followers.values()):
            line.put(wrapped if line.is_combined else bare)

    def users(self) -> list[Line]:
        """Lines that are to be told of the account."""
        return [line for line in self.lines.values() if line.is_user and line.is_authentic]


class Speech(Protocol):
    """The websockets of one exchange: its addresses, its subscriptions, its messages."""

    hub: Hub

    def open(self, path: str, query: Mapping[str, str], at: Millis) -> Line | None:
        """A websocket at this address; None where the exchange has none."""
        ...

    def hear(self, line: Line, text: str, at: Millis) -> None:
        """Answer what a client says."""
        ...

    def note(self, request: HttpRequest, reply: HttpReply, at: Millis) -> None:
        """See a request that was answered: listen keys are made and kept by requests."""
        ...

    def pass_time(self, at: Millis) -> None:
        """Let what is due happen: keys expire."""
        ...

    def market(self, event: Event) -> None:
        """Publish a market event."""
        ...

    def end_second(self, at: Millis) -> None:
        """Publish what tells of all symbols at once, after their events."""
        ...

    def user(self, message: Mapping[str, Any], *, times: int = 1) -> None:
        """Tell a message of the account to whoever may hear it."""
        ...


def _do_nothing() -> None:
    """Nothing is connected yet."""


def encoded(value: Any) -> str:
    """JSON as it is sent."""
    return msgspec.json.encode(value).decode()


def heard(text: str) -> dict[str, Any] | None:
    """What a client said; None where it is no JSON object."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return None


def decimals_of(step: Any) -> int:
    """Digits behind the point of a grid: 1 for 0.1."""
    return max(-int(step.normalize().as_tuple().exponent), 0)
