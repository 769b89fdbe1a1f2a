"""The local engine as a feed: the same events as a provider's polls give, without the network."""

import asyncio
from collections.abc import Sequence

from bot.model.events import CandleClosed, Event, HeatmapFailed, HeatmapRead, StatsRead
from bot.model.heatmap import ReadingFailure
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from bot.ports import Clock, Emit, ReadingSource


class LocalFeed:
    """A `ports.Feed` over a reading source.

    It polls at the provider's pace, or, where `is_per_bar`, once for every closed bar: between
    two bars of a recording nothing can change, and a recording is played faster than any poll.
    """

    def __init__(
        self,
        source: ReadingSource,
        symbols: Sequence[Symbol],
        clock: Clock,
        settings: HeatmapSettings,
        *,
        is_per_bar: bool = False,
    ) -> None:
        self._source = source
        self._clock = clock
        self._period_s = settings.period_s
        self._stats_period_ms = round(settings.stats_period_s * 1000.0)
        self._is_per_bar = is_per_bar
        self._sequences = dict.fromkeys(symbols, 0)
        self._emit: Emit | None = None
        self._stats_due_at: Millis | None = None

    async def run(self, emit: Emit) -> None:
        """Emit readings and statistics until canceled."""
        self._emit = emit
        if self._is_per_bar:
            await asyncio.Event().wait()
        while True:
            at = self._clock.now()
            for symbol in self._sequences:
                self._poll(emit, symbol, at)
            self._poll_stats(emit, at)
            await self._clock.sleep(self._period_s)

    def on_market(self, event: Event) -> None:
        """Call it with each market event once the engine has seen it."""
        if self._emit is None or not self._is_per_bar or not isinstance(event, CandleClosed):
            return
        if event.candle.symbol in self._sequences:
            self._poll(self._emit, event.candle.symbol, event.at)
            self._poll_stats(self._emit, event.at)

    def _poll(self, emit: Emit, symbol: Symbol, at: Millis) -> None:
        self._sequences[symbol] += 1
        sequence = self._sequences[symbol]
        reading = self._source.reading(symbol)
        if reading is not None:
            emit(HeatmapRead(at=at, reading=reading, asked_at=at, sequence=sequence))
            return
        reason = f"The local heatmap has no closed bar of {display_symbol(symbol)} yet."
        failure = ReadingFailure(kind="unreachable", reason=reason)
        emit(HeatmapFailed(at=at, symbol=symbol, failure=failure, sequence=sequence))

    def _poll_stats(self, emit: Emit, at: Millis) -> None:
        if self._stats_due_at is None or at >= self._stats_due_at:
            self._stats_due_at = Millis(at + self._stats_period_ms)
            emit(StatsRead(at=at, stats=self._source.stats()))
