"""An HTTP feed over a scene, run in virtual time: what it asks and what it emits."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from bot.clock import LoopClock, run_virtual, seeded_random
from bot.heatmap.listing import Listing, listing
from bot.heatmap.poller import HttpFeed
from bot.model.events import Event, HeatmapFailed, HeatmapRead, StatsRead
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from tests.fakes.heatmap_transport import SceneTransport

START: Final = Millis(1_770_000_000_000)
At = tuple[float, Callable[[], None]]
"""At this many seconds, do that."""


class FeedRun:
    """A feed's run of some seconds; the events it emitted, in order."""

    def __init__(
        self,
        transport: SceneTransport | None = None,
        *,
        seconds: float = 30.0,
        period_s: float = 5.0,
        names: Sequence[str] = ("BTC/USDT:USDT",),
        acts: Sequence[At] = (),
        seed: int = 1,
        speed: float = 1.0,
    ) -> None:
        self.transport = transport or SceneTransport()
        self.listings: list[Listing] = [listing(Symbol(name)) for name in names]
        self.events: list[Event] = []
        self.recorded: list[tuple[Symbol, Millis, bytes]] = []
        self._settings = HeatmapSettings(base_url="http://heatmap.test", period_s=period_s)
        self._seed = seed
        self._speed = speed
        run_virtual(self._run(seconds, acts))

    @property
    def readings(self) -> list[HeatmapRead]:
        return [event for event in self.events if isinstance(event, HeatmapRead)]

    @property
    def failures(self) -> list[HeatmapFailed]:
        return [event for event in self.events if isinstance(event, HeatmapFailed)]

    @property
    def stats(self) -> list[StatsRead]:
        return [event for event in self.events if isinstance(event, StatsRead)]

    def asked(self, name: str = "BTCUSDT") -> list[float]:
        """When a symbol was asked for, in seconds of the loop since the start."""
        return self.transport.times(f"/api/heatmap/{name}")

    async def _run(self, seconds: float, acts: Sequence[At]) -> None:
        clock = LoopClock(start_at=START, speed=self._speed)
        feed = HttpFeed(
            self._settings,
            self.listings,
            clock=clock,
            uniform=seeded_random(self._seed).uniform,
            open_transport=self.transport.open,
            record=lambda *entry: self.recorded.append(entry),
            pace=self._speed,
        )
        for at_s, act in acts:
            asyncio.get_running_loop().call_later(at_s, act)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await feed.run(self.events.append)
        assert not self.transport.is_open, "a feed closes what it opened"
