"""Everything that happens waits here: order facts in a queue, market facts conflated.

A fill is never dropped and never overtaken by another fact. Of prices, readings, open interest
and statistics only the newest of a symbol waits; a price that replaces another takes over its
range, so that no extreme is lost.
"""

import asyncio
from collections import OrderedDict

from msgspec.structs import replace

from bot.model.events import (
    Event,
    FundingRead,
    HeatmapRead,
    OpenInterestRead,
    PriceMoved,
    StatsRead,
    Ticked,
)

EVENTS_MAX = 100_000
"""More than this waiting means that the loop has stopped: a bug, not a load."""


class Inbox:
    """One consumer, any number of producers on the same event loop."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Event] = OrderedDict()
        self._sequence = 0
        self._arrived = asyncio.Event()
        self.conflated = 0
        """Events that were replaced by a newer one before anybody looked."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Event) -> None:
        """Hand an event over; never blocks."""
        key = _conflation_key(event)
        if key is None:
            self._sequence += 1
            key = f"#{self._sequence}"
        elif (older := self._waiting.get(key)) is not None:
            self.conflated += 1
            event = _merged(older, event)  # in the older one's place: prices before readings
        assert len(self._waiting) < EVENTS_MAX, "the loop no longer takes its events"
        self._waiting[key] = event
        self._arrived.set()

    async def take(self, most: int) -> list[Event]:
        """Wait until something is there, then take up to `most` events in order."""
        await self._arrived.wait()
        taken = [self._waiting.popitem(last=False)[1] for _ in range(min(most, len(self)))]
        if not self._waiting:
            self._arrived.clear()
        return taken


def _conflation_key(event: Event) -> str | None:
    """The name under which a newer event replaces this one; None: it is never replaced."""
    match event:
        case PriceMoved(symbol=symbol) | OpenInterestRead(symbol=symbol):
            subject: str = symbol
        case HeatmapRead(reading=reading):
            subject = reading.symbol
        case FundingRead(funding=funding):
            subject = funding.symbol
        case StatsRead() | Ticked():
            subject = ""
        case _:
            return None
    return f"{type(event).__name__} {subject}"


def _merged(older: Event, newer: Event) -> Event:
    """The newer event, with what must not be lost of the older."""
    if isinstance(older, PriceMoved) and isinstance(newer, PriceMoved):
        return replace(
            newer,
            high=max(older.high, newer.high),
            low=min(older.low, newer.low),
            since_at=min(older.since_at, newer.since_at),
            is_recovery=older.is_recovery or newer.is_recovery,
            is_complete=older.is_complete and newer.is_complete,
        )
    return newer
