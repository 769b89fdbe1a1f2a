"""The HTTP feed: every symbol at its own pace, in single flight, whatever the provider does.

Each symbol has one task and one schedule; the starts are spread over the period, and at most
`CONCURRENT_MAX` requests are under way. Periods and pauses are market time; the time limit of a
request and what a host asks for in Retry-After are the machine's, `pace` market seconds each.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias

import structlog

from bot.heatmap.client import HeatmapClient
from bot.heatmap.failure import REMEDIES, ReadingError
from bot.heatmap.listing import Listing
from bot.heatmap.schedule import Schedule, Uniform
from bot.heatmap.transport import Transport
from bot.model.events import HeatmapFailed, HeatmapRead, StatsRead
from bot.model.heatmap import ReadingFailure
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from bot.ports import Clock, Emit

CONCURRENT_MAX: Final = 8
"""Requests under way at once, all symbols together."""

Record: TypeAlias = Callable[[Symbol, Millis, bytes], None]
"""Keep the body of an accepted poll; must not block."""
OpenTransport: TypeAlias = Callable[[], AbstractAsyncContextManager[Transport]]

log = structlog.get_logger()


class HttpFeed:
    """A Feed over HTTP."""

    def __init__(
        self,
        settings: HeatmapSettings,
        listings: Sequence[Listing],
        *,
        clock: Clock,
        uniform: Uniform,
        open_transport: OpenTransport,
        record: Record | None = None,
        pace: float = 1.0,
    ) -> None:
        self._settings = settings
        self._listings = tuple(listings)
        self._by_name = {listing.name: listing for listing in listings}
        self._clock = clock
        self._uniform = uniform
        self._open_transport = open_transport
        self._record = record
        self._pace = pace
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._failing: set[Symbol] = set()

    async def run(self, emit: Emit) -> None:
        """Poll until canceled."""
        async with self._open_transport() as transport:
            client = HeatmapClient(
                transport, rows_max=self._settings.rows_max, wall=self._clock.wall
            )
            start_at, period_s = self._clock.now(), self._settings.period_s
            spread_ms = period_s * 1000.0 / max(len(self._listings), 1)
            async with asyncio.TaskGroup() as tasks:
                for number, listing in enumerate(self._listings):
                    first_at = Millis(start_at + round(number * spread_ms))
                    schedule = Schedule(first_at, period_s, self._uniform)
                    tasks.create_task(self._follow(listing, client, schedule, emit))
                schedule = Schedule(start_at, self._settings.stats_period_s, self._uniform)
                tasks.create_task(self._follow_stats(client, schedule, emit))

    async def _follow(
        self, listing: Listing, client: HeatmapClient, schedule: Schedule, emit: Emit
    ) -> None:
        sequence = 0
        while True:
            await self._until(schedule.due_at)
            async with self._slots:
                asked_at = self._clock.now()
                # Milliseconds make it rise over restarts too, whoever remembers the last one.
                sequence = max(sequence + 1, asked_at)
                try:
                    polled = await client.heatmap(listing)
                except ReadingError as error:
                    self._fail(listing, error, sequence, emit)
                    self._postpone(schedule, error)
                    continue
            at = self._clock.now()
            self._note_success(listing.symbol)
            if self._record is not None:
                self._record(listing.symbol, at, polled.body)
            reading = polled.reading
            emit(HeatmapRead(at=at, reading=reading, asked_at=asked_at, sequence=sequence))
            schedule.went_well(at)

    async def _follow_stats(self, client: HeatmapClient, schedule: Schedule, emit: Emit) -> None:
        """Statistics are neutral when absent, so a failure is not an event."""
        while True:
            await self._until(schedule.due_at)
            async with self._slots:
                try:
                    stats = await client.stats(self._by_name)
                except ReadingError as error:
                    log.debug(
                        "heatmap.rejected", route="stats", kind=str(error.kind), reason=error.what
                    )
                    self._postpone(schedule, error)
                    continue
            at = self._clock.now()
            emit(StatsRead(at=at, stats=stats))
            schedule.went_well(at)

    async def _until(self, at: Millis) -> None:
        if (wait_ms := at - self._clock.now()) > 0:
            await self._clock.sleep(wait_ms / 1000.0)

    def _fail(self, listing: Listing, error: ReadingError, sequence: int, emit: Emit) -> None:
        now = self._clock.now()
        self._note_failure(listing.symbol, error)
        retry_at = None
        if error.retry_after_s is not None:
            retry_at = Millis(now + round(error.retry_after_s * self._pace * 1000))
        failure = ReadingFailure(kind=error.kind, reason=error.what, retry_at=retry_at)
        emit(HeatmapFailed(at=now, symbol=listing.symbol, failure=failure, sequence=sequence))

    def _postpone(self, schedule: Schedule, error: ReadingError) -> None:
        now = self._clock.now()
        if error.retry_after_s is not None:
            schedule.was_put_off(now, error.retry_after_s * self._pace)
        elif error.is_host_trouble:
            schedule.went_wrong(now)
        else:
            schedule.went_well(now)

    def _note_failure(self, symbol: Symbol, error: ReadingError) -> None:
        """One line an episode: a host that is down is down for every symbol."""
        fields = {"symbol": symbol, "kind": str(error.kind), "reason": error.what}
        if self._failing:
            log.debug("heatmap.rejected", **fields)
        else:
            where = error.where or self._settings.base_url
            remedy = error.remedy or REMEDIES[error.kind]
            log.warning(
                "heatmap.rejected",
                at=self._clock.now(),
                text=f"no heatmap from {where}: {error.what}. {remedy}",
                where=where,
                remedy=remedy,
                **fields,
            )
        self._failing.add(symbol)

    def _note_success(self, symbol: Symbol) -> None:
        if symbol in self._failing:
            self._failing.discard(symbol)
            if not self._failing:
                log.info(
                    "heatmap.recovered",
                    at=self._clock.now(),
                    text="the heatmap answers again",
                    symbol=symbol,
                )
