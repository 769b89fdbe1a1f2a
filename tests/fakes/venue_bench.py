"""What the contract of every venue is tried on, and the paper venue in it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from bot.clock import LoopClock
from bot.model.events import Event
from bot.model.primitives import Millis
from bot.model.wiring import PaperSettings
from bot.ports import Venue
from bot.venue.paper import PaperVenue
from tests.fakes.paper import BTC, NOW, MemoryBooks, instrument, price


class Bench(Protocol):
    """A venue under test with its world."""

    venue: Venue
    told: list[Event]
    codes: Mapping[str, tuple[str, ...]]
    """The venue's own words for Binance's, where they differ; none: it is taken, and ends then."""
    stops_are_apart: bool
    """Stops live in a service of their own."""

    def now(self) -> Millis:
        """The instant."""
        ...

    def move(self, mark: float, *, high: float | None = None, low: float | None = None) -> None:
        """Move the mark, through a range."""
        ...

    async def ready(self) -> None:
        """Wait until everything is taken that a venue may take."""
        ...

    async def settle(self) -> None:
        """Wait until what happened unasked has been told."""
        ...


class PaperBench:
    """The paper venue, without chance."""

    codes: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    stops_are_apart: bool = True

    def __init__(self) -> None:
        self.told: list[Event] = []
        self._clock = LoopClock(start_at=NOW)
        self._paper = PaperVenue(
            settings=PaperSettings(latency_ms=50.0, latency_jitter_ms=0.0, impact=20.0),
            instruments={BTC: instrument()},
            clock=self._clock,
            books=MemoryBooks(),
            chance=lambda: 0.0,
        )
        self.venue: Venue = self._paper

    def now(self) -> Millis:
        return self._clock.now()

    def move(self, mark: float, *, high: float | None = None, low: float | None = None) -> None:
        at = self._clock.now()
        self._paper.on_market(price(mark, at=at, high=high, low=low, spread=0.2))

    async def ready(self) -> None:
        return

    async def settle(self) -> None:
        return
