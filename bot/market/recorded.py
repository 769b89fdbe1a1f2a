"""Recorded files as a market: candles, open interest and funding, played back in their order.

Each bar is told twice: its open as a price of its own, and at its end the close with the whole
range, so that whoever judges orders must be pessimistic within it. Nothing is told before it
was known: open interest five minutes after its stamp, a funding rate at its settlement; until
then the last rate stands for the next one.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bot.market import recording
from bot.market.recording import OI_DELAY_MS, Recording
from bot.model.events import (
    CandleClosed,
    Event,
    FundingRead,
    OpenInterestRead,
    PriceMoved,
)
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import RecordedSettings
from bot.ports import Clock, Emit

# What happens at one instant, in this order: the rate that a settlement uses, the end of a bar,
# what became known, and only then the next bar.
SETTLED, CLOSED, INTEREST, CANDLE, FORECAST, OPENED = range(6)


class RecordedHistory:
    """What the files know of one symbol up to the start: the History port."""

    def __init__(self, source: Recording, *, since: int, until: int) -> None:
        step = source.timeframe_ms
        bars = source.candles.between(since, until - step + 1)
        self.candles: Sequence[Candle] = [
            source.candle(bars, row) for row in range(len(bars.stamps))
        ]
        self.open_interest: Sequence[tuple[Millis, float]] = ()
        if source.interest is not None:
            known = source.interest.between(since, until - OI_DELAY_MS + 1)
            values = zip(known.stamps.tolist(), known.columns[0].tolist(), strict=True)
            self.open_interest = [(Millis(at + OI_DELAY_MS), oi) for at, oi in values]
        self.funding: Funding | None = source.funding_at(until)


class RecordedMarket:
    """The Market port over files; finite: `run` returns when they end."""

    def __init__(
        self,
        *,
        settings: RecordedSettings,
        symbols: tuple[Symbol, ...],
        folder: Path,
        taker_fee_bps: float,
        maker_fee_bps: float,
    ) -> None:
        """`folder` is where the patterns of the settings begin; fees go into the instruments."""
        self._settings = settings
        self._symbols = symbols
        self._folder = folder
        self._fees_bps = (taker_fee_bps, maker_fee_bps)
        self._clock: Clock | None = None
        self._recordings: dict[Symbol, Recording] = {}
        self._period = (0, 0)

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Contracts whose grid is read off the data; known once `prepare` has returned."""
        return {symbol: row.instrument for symbol, row in self._recordings.items()}

    def keep_time(self, clock: Clock) -> None:
        """Play by this clock; it can only be made once `start_at` is known."""
        self._clock = clock

    async def prepare(self, resume_at: Millis | None, report: Callable[[float, str], None]) -> None:
        """Read and check every file; raises DataError naming file, line and remedy."""
        loop = asyncio.get_running_loop()
        for index, symbol in enumerate(self._symbols):
            report(index / len(self._symbols), f"reading {symbol}")
            self._recordings[symbol] = await loop.run_in_executor(None, self._read, symbol)
        report(1.0, "recorded data read")
        start, end = recording.period(self._settings, list(self._recordings.values()))
        self._period = (max(start, resume_at or 0), end)

    def _read(self, symbol: Symbol) -> Recording:
        return recording.read(self._folder, self._settings, symbol, self._fees_bps)

    def start_at(self) -> Millis:
        """The first instant of the period, or where the last run left off."""
        return Millis(self._period[0])

    def end_at(self) -> Millis:
        """The instant at which the recording ends: for progress."""
        return Millis(self._period[1])

    def history(self, symbol: Symbol) -> RecordedHistory:
        """What was known at the start, as far back as the warm-up asks."""
        start = self._period[0]
        since = start - self._settings.warm_up_days * 86_400_000
        return RecordedHistory(self._recordings[symbol], since=since, until=start)

    async def run(self, emit: Emit) -> None:
        """Play the period; everything of one instant is told before the clock moves on."""
        clock = self._clock
        assert clock is not None, "keep_time comes before run"
        for event in self._events():
            wait_ms = event.at - clock.now()
            if wait_ms > 0:
                await clock.sleep(wait_ms / 1000.0)
            emit(event)

    def _events(self) -> Iterator[Event]:
        """All events of the period, by time, then by rank, then by symbol."""
        start, end = self._period
        players = [Player(row, self._settings, start, end) for row in self._recordings.values()]
        for player in players:
            yield from player.opening()
        plans = [player.plan() for player in players]
        at = np.concatenate([plan[0] for plan in plans])
        rank = np.concatenate([plan[1] for plan in plans])
        row = np.concatenate([plan[2] for plan in plans])
        who = np.concatenate([np.full(len(plan[0]), i) for i, plan in enumerate(plans)])
        order = np.lexsort((who, rank, at))
        columns = (column[order].tolist() for column in (who, rank, row))
        for index, kind, line in zip(*columns, strict=True):
            yield players[index].event(kind, line)


Plan = tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", ...]
"""Instants, ranks and rows."""


class Player:
    """One symbol's events within a period, made when they are due."""

    def __init__(self, source: Recording, settings: RecordedSettings, start: int, end: int) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._half_spread = settings.spread_bps / 2 / 10_000
        self._ticks = float(1 / source.instrument.tick_size)
        self._depth_usd = settings.depth_usd
        step = source.timeframe_ms
        self._bars = source.candles.between(start - step + 1, end)
        self._open_at: list[int] = self._bars.stamps.tolist()
        self._columns = [column.tolist() for column in self._bars.columns]
        self._step = step

    def opening(self) -> list[Event]:
        """What is known at the start without having happened since."""
        funding = self._source.funding_at(self._start)
        return [] if funding is None else [FundingRead(at=Millis(self._start), funding=funding)]

    def plan(self) -> Plan:
        """When what happens: instants, ranks and rows, unsorted."""
        parts: list[tuple[int, np.ndarray[tuple[int], np.dtype[np.int64]]]] = [
            (OPENED, self._bars.stamps),
            (CLOSED, self._bars.stamps + self._step),
            (CANDLE, self._bars.stamps + self._step),
        ]
        source = self._source
        if source.interest is not None:
            parts.append((INTEREST, source.interest.stamps + OI_DELAY_MS))
        if source.funding is not None:
            parts += [(SETTLED, source.funding.stamps), (FORECAST, source.funding.stamps)]
        at: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        rank: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        row: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        for kind, stamps in parts:
            # The start itself belongs to the past, but for the first bar, which opens then.
            first = self._start if kind == OPENED else self._start + 1
            rows = np.flatnonzero((stamps >= first) & (stamps <= self._end))
            at.append(stamps[rows])
            rank.append(np.full(len(rows), kind))
            row.append(rows)
        return np.concatenate(at), np.concatenate(rank), np.concatenate(row)

    def event(self, kind: int, row: int) -> Event:
        """The event of a rank and row."""
        source = self._source
        if kind == OPENED:
            return self._opened(row)
        if kind == CLOSED:
            return self._closed(row)
        if kind == CANDLE:
            return CandleClosed(
                at=Millis(self._open_at[row] + self._step), candle=source.candle(self._bars, row)
            )
        if kind == INTEREST and source.interest is not None:
            stamped_at = Millis(int(source.interest.stamps[row]))
            return OpenInterestRead(
                at=Millis(stamped_at + OI_DELAY_MS),
                symbol=source.symbol,
                oi=float(source.interest.columns[0][row]),
                stamped_at=stamped_at,
            )
        settled_at, funding = source.funding_of(row, is_forecast=kind == FORECAST)
        return FundingRead(at=settled_at, funding=funding)

    def _opened(self, row: int) -> PriceMoved:
        at = self._open_at[row]
        before = self._open_at[row - 1] + self._step if row else at
        price = self._columns[0][row]
        return self._moved(at, price, price, price, since=before, is_complete=before == at)

    def _closed(self, row: int) -> PriceMoved:
        opened_at = self._open_at[row]
        _, high, low, close, _ = self._columns
        return self._moved(opened_at + self._step, close[row], high[row], low[row], since=opened_at)

    def _moved(
        self,
        at: int,
        price: float,
        high: float,
        low: float,
        *,
        since: int,
        is_complete: bool = True,
    ) -> PriceMoved:
        return PriceMoved(
            at=Millis(at),
            symbol=self._source.symbol,
            mark=price,
            bid=math.floor(price * (1 - self._half_spread) * self._ticks) / self._ticks,
            ask=math.ceil(price * (1 + self._half_spread) * self._ticks) / self._ticks,
            last=price,
            high=high,
            low=low,
            since_at=Millis(since),
            depth_usd=self._depth_usd,
            is_complete=is_complete,
        )
