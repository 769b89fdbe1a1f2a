"""A whole cycle: from the first request to the last decision on disk."""

import asyncio
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bot.clock import LoopClock, seeded_random
from bot.core.state import State
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import Entries, Loop
from bot.heatmap.client import HeatmapClient
from bot.heatmap.guard import guarded
from bot.heatmap.listing import Listing, listing
from bot.heatmap.poller import CONCURRENT_MAX
from bot.model.events import HeatmapRead, Started
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot
from bot.model.wiring import HeatmapSettings, PaperSettings
from bot.venue.paper import PaperVenue
from tests.bench.bots import START, a_price, a_state
from tests.bench.figures import Figure, median
from tests.bench.provider import provider
from tests.fakes.rows import a_ledger

PERIOD_MS = 5_000
WARM_CYCLES = 6
"""Until every cluster is active."""


def of_27() -> Iterator[Figure]:
    """27 symbols, each decision on disk."""
    taken_ms = _cycles(27, cycles=15)
    yield Figure(
        "whole cycle of 27 symbols, recorded",
        "<= 150 ms",
        f"{median(taken_ms):.0f} ms ({min(taken_ms):.0f} to {max(taken_ms):.0f})",
        median(taken_ms) <= 150,
    )


def of_500() -> Iterator[Figure]:
    """500 symbols, the bot on one core, the provider on another."""
    cores = os.sched_getaffinity(0)
    taken_ms = _cycles(500, cycles=5, core=min(cores))
    yield Figure(
        "whole cycle of 500 symbols on one core",
        "<= 1,500 ms",
        f"{median(taken_ms):,.0f} ms ({min(taken_ms):,.0f} to {max(taken_ms):,.0f})",
        median(taken_ms) <= 1_500,
    )


def _cycles(count: int, *, cycles: int, core: int | None = None) -> list[float]:
    cores = os.sched_getaffinity(0)
    if core is not None and len(cores) > 1:
        os.sched_setaffinity(0, cores - {core})
    with provider(count) as url, TemporaryDirectory(prefix="liqbot-bench-") as folder:
        if core is not None:
            os.sched_setaffinity(0, {core})
        try:
            return asyncio.run(_run(url, count, cycles, Path(folder)))
        finally:
            os.sched_setaffinity(0, cores)


class SteppedClock(LoopClock):
    """Market time that can be put forward, so that clusters age without waiting."""

    skipped_ms = 0

    def now(self) -> Millis:
        return Millis(super().now() + self.skipped_ms)


class Cycle:
    """The parts of a run, with requests sent when they are asked for."""

    def __init__(self, state: State, client: HeatmapClient, folder: Path) -> None:
        self.clock = SteppedClock(start_at=START)
        self.inbox = Inbox()
        self.ledger = a_ledger(folder)
        self.venue = PaperVenue(
            settings=PaperSettings(),
            instruments=state.instruments,
            clock=self.clock,
            books=self.ledger.paper_books,
            chance=seeded_random(1).random,
        )
        self.hands = Hands(venue=self.venue, emit=self.inbox.put)
        self.loop = Loop(
            state=state,
            inbox=self.inbox,
            store=self.ledger,
            hands=self.hands,
            clock=self.clock,
            observer=self._recorded,
            commit_delay_s=0.0,
        )
        self._listings = [listing(symbol) for symbol in state.symbols]
        self._client = client
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._waiting = 0
        self._is_recorded = asyncio.Event()

    async def turn(self) -> float:
        """Ask for every symbol; returns the ms until the last decision is on disk."""
        self.clock.skipped_ms += PERIOD_MS
        self._waiting = len(self._listings)
        self._is_recorded.clear()
        began_s = perf_counter()
        async with asyncio.TaskGroup() as group:
            for row in self._listings:
                group.create_task(self._poll(row))
        await self._is_recorded.wait()
        return (perf_counter() - began_s) * 1e3

    async def _poll(self, row: Listing) -> None:
        async with self._slots:
            polled = await self._client.heatmap(row)
        at, reading = self.clock.now(), polled.reading
        self.inbox.put(a_price(row.symbol, at, reading.price))
        self.inbox.put(HeatmapRead(at=at, reading=reading, asked_at=at, sequence=at))

    def _recorded(self, entries: Entries) -> None:
        self._waiting -= sum(isinstance(event, HeatmapRead) for event, _ in entries)
        if self._waiting <= 0:
            self._is_recorded.set()


async def _run(url: str, count: int, cycles: int, folder: Path) -> list[float]:
    settings = HeatmapSettings(base_url=url)
    state = a_state(count)
    async with guarded(settings) as transport:
        client = HeatmapClient(transport, rows_max=settings.rows_max, wall=lambda: Millis(0))
        parts = Cycle(state, client, folder)
        await parts.venue.start(parts.inbox.put)
        async with asyncio.TaskGroup() as group:
            moving = group.create_task(parts.hands.run())
            await parts.hands.ready()
            deciding = group.create_task(parts.loop.run())
            parts.inbox.put(Started(at=START, snapshot=Snapshot(at=START), settings_digest=""))
            for _ in range(WARM_CYCLES):
                await parts.turn()
            gc.collect()
            gc.freeze()
            taken_ms = [await parts.turn() for _ in range(cycles)]
            gc.unfreeze()
            parts.loop.stop()
            await deciding
            moving.cancel()
        parts.ledger.close()
    return taken_ms
