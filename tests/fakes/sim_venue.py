"""Venue ports of a simulated run: the world's exchange behind a bad line, and the paper venue."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import msgspec

from bot.clock import seeded_random
from bot.model.account import VenueSnapshot
from bot.model.commands import CancelOrder, Command, FetchAccount, PlaceOrder, QueryOrder
from bot.model.events import Event, OrderOutcomeUnknown, PriceMoved, QueryFailed
from bot.model.primitives import ClientOrderId, Millis
from bot.model.wiring import PaperSettings
from bot.ports import Clock, Emit
from bot.venue.books import PaperBooks
from bot.venue.paper import PaperVenue
from tests.fakes.sim_exchange import Outside, World
from tests.fakes.sim_market import INSTRUMENTS

TIMEOUT_S = 1.0
"""How long an adapter waits for a reply."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How bad the line is: chances a command, latencies in seconds."""

    up_s: tuple[float, float] = (0.02, 0.15)
    down_s: tuple[float, float] = (0.02, 0.15)
    stream_s: tuple[float, float] = (0.01, 0.2)
    lost_request: float = 0.0
    lost_reply: float = 0.0
    late_request: float = 0.0
    late_s: tuple[float, float] = (1.0, 9.0)
    lost_query: float = 0.0
    duplicate: float = 0.0
    """Of a streamed fact."""
    until: float = float("inf")
    """Market ms from which on the line is good."""


class ExchangeVenue:
    """The Venue port over a World."""

    def __init__(self, world: World, *, clock: Clock, seed: int, line: Line) -> None:
        self.world = world
        self.before: Callable[[Command], None] = lambda _: None
        """Called with each command before it leaves."""
        self.after: Callable[[], None] = lambda: None
        """Called whenever the world may have changed."""
        self._clock = clock
        self._line = line
        self._chance = seeded_random(seed)
        self._emit: Emit | None = None

    async def start(self, emit: Emit) -> None:
        self._emit = emit
        self.world.take_facts()

    async def stop(self) -> None:
        self._emit = None

    def on_market(self, event: Event) -> None:
        if isinstance(event, PriceMoved):
            self.world.see(event)
            self._look()

    async def execute(self, command: Command) -> Event:
        self.before(command)
        self.world.note(command)
        fault = self._fault(command)
        if fault == "lost_request":
            return await self._unanswered(command)
        up_s = self._within(self._line.late_s if fault == "late_request" else self._line.up_s)
        number = self.world.send(command, Millis(self._clock.now() + int(up_s * 1000)))
        if fault:
            return await self._unanswered(command)
        await self._clock.sleep(up_s + 0.001)
        self._arrive()
        answer = self.world.answers.pop(number)
        await self._clock.sleep(self._within(self._line.down_s))
        return msgspec.structs.replace(answer, at=self._clock.now())

    async def _unanswered(self, command: Command) -> Event:
        await self._clock.sleep(TIMEOUT_S)
        self._arrive()
        at = self._clock.now()
        match command:
            case PlaceOrder(request=request):
                return OrderOutcomeUnknown(
                    at=at,
                    client_id=request.client_id,
                    reason="no reply",
                    unsettled_until=request.valid_until,
                )
            case CancelOrder(client_id=client_id) | QueryOrder(client_id=client_id):
                return QueryFailed(at=at, client_id=client_id, reason="no reply")
            case FetchAccount():
                return QueryFailed(at=at, client_id=None, reason="no reply")
            case _:
                return QueryFailed(
                    at=at, client_id=ClientOrderId(command.venue_id), reason="no reply"
                )

    def _fault(self, command: Command) -> str:
        if self._clock.now() >= self._line.until:
            return ""
        roll = self._chance.random()
        if not isinstance(command, PlaceOrder):
            return "lost_reply" if roll < self._line.lost_query else ""
        for name in ("lost_request", "lost_reply", "late_request"):
            share: float = getattr(self._line, name)
            if roll < share:
                return name
            roll -= share
        return ""

    def _arrive(self) -> None:
        self.world.pass_time(self._clock.now())
        self._look()

    def _look(self) -> None:
        """Stream what happened: each fact takes its own time, and may come twice."""
        loop = asyncio.get_running_loop()
        for fact in self.world.take_facts():
            is_bad = self._clock.now() < self._line.until
            times = 1 + (is_bad and self._chance.random() < self._line.duplicate)
            for _ in range(times):
                loop.call_later(self._within(self._line.stream_s), self._told, fact)
        self.after()

    def _told(self, fact: Event) -> None:
        if self._emit is not None:
            self._emit(msgspec.structs.replace(fact, at=self._clock.now()))

    def _within(self, span: tuple[float, float]) -> float:
        return self._chance.uniform(*span)


class NotedPaper(PaperVenue):
    """The paper venue as it is, with a note of what it was asked."""

    def __init__(self, outside: Outside, *, clock: Clock, seed: int, books: PaperBooks) -> None:
        super().__init__(
            settings=PaperSettings(balance_usd=Decimal(10_000)),
            instruments=INSTRUMENTS,
            clock=clock,
            books=books,
            chance=seeded_random(seed).random,
        )
        self.outside = outside
        self.before: Callable[[Command], None] = lambda _: None
        self.after: Callable[[], None] = lambda: None

    def on_market(self, event: Event) -> None:
        super().on_market(event)
        self.after()

    async def execute(self, command: Command) -> Event:
        self.before(command)
        self.outside.note(command)
        answer = await super().execute(command)
        self.after()
        return answer

    def seen(self, at: Millis) -> VenueSnapshot:
        """The account as the venue knows it, all of it."""
        assert self._exchange is not None
        return self._exchange.snapshot(None, fills_since=Millis(0), asked_at=at)
