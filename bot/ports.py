"""What the engine needs from the world. Adapters serve these; only `app` knows which is which."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from bot.model.commands import Command
from bot.model.events import Event
from bot.model.facts import Decision
from bot.model.heatmap import Reading, Stats
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import Snapshot

Emit: TypeAlias = Callable[[Event], None]
"""Hand an event over; never blocks, never raises. Order facts are queued, market facts conflate."""


class Clock(Protocol):
    """Market time. It never goes backwards within a run."""

    @property
    def speed(self) -> float:
        """Market seconds per second of the event loop."""
        ...

    def now(self) -> Millis:
        """The instant, in market time."""
        ...

    def wall(self) -> Millis:
        """The machine's own UTC time: for people and for signatures, never for decisions."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many market seconds."""
        ...


class Market(Protocol):
    """Public market data as events."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The contracts that are traded, known once `prepare` has returned."""
        ...

    async def prepare(self, resume_at: Millis | None, report: Callable[[float, str], None]) -> None:
        """Load or build what is needed before the first event; `report(share_done, what)`.

        `resume_at` is the last market instant in the ledger: nothing older is emitted again.
        """
        ...

    def start_at(self) -> Millis:
        """The market instant at which events will begin."""
        ...

    def history(self, symbol: Symbol) -> "History":
        """Bars, open interest and funding from before `start_at`, for warm-up and for gaps."""
        ...

    async def run(self, emit: Emit) -> None:
        """Emit until canceled, or until a finite recording ends."""
        ...


class History(Protocol):
    """What a market knows of one symbol's past; times ascending, nothing after `start_at`."""

    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]]
    """(known at, base coins)"""
    funding: Funding | None


class Venue(Protocol):
    """Somewhere to trade: paper or live. Facts that come unasked go out through `emit`."""

    async def start(self, emit: Emit) -> None:
        """Connect; returns when commands may be executed."""
        ...

    async def execute(self, command: Command) -> Event:
        """Carry out one command and return the answer as an event.

        Never raises for anything the venue or the network did: what is not proved is
        OrderOutcomeUnknown or QueryFailed.
        """
        ...

    async def stop(self) -> None:
        """Finish writes in flight (bounded) and disconnect; orders stay where they are."""
        ...


class Feed(Protocol):
    """Where clusters come from: emits HeatmapRead, HeatmapFailed and StatsRead."""

    async def run(self, emit: Emit) -> None:
        """Poll until canceled."""
        ...


class ReadingSource(Protocol):
    """The local engine as seen by whoever serves or polls it."""

    def reading(self, symbol: Symbol) -> Reading | None:
        """The newest clusters of a symbol; None where the symbol is not carried."""
        ...

    def stats(self) -> Stats:
        """Totals, as the provider's statistics route gives them."""
        ...


class Store(Protocol):
    """The ledger: one writer, one transaction for each batch of decisions."""

    @property
    def can_write(self) -> bool:
        """False once a disk error has closed the ledger: only a new start may go on."""
        ...

    def load(self) -> Snapshot:
        """What the last run knew."""
        ...

    async def record(self, entries: Sequence[tuple[Event, Decision]]) -> None:
        """Write events, commands and changed rows in one synced transaction, or raise StoreError.

        When it returns, a kill or a power cut loses none of it.
        """
        ...

    def close(self) -> None:
        """Finish and release the lock."""
        ...
