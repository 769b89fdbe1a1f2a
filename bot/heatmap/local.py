"""The local engine: feeds each symbol's book from market data and answers with its clusters."""

import hashlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from bot.heatmap import saved
from bot.heatmap.book import Book, is_sane
from bot.heatmap.extract import Extractor, facing
from bot.heatmap.shape import shape_of
from bot.model.events import CandleClosed, Event, OpenInterestRead, PriceMoved
from bot.model.heatmap import OpenInterest, Reading, Row, Stats
from bot.model.instrument import Instrument, display_symbol
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import EngineSettings
from bot.ports import History

BLOCK_MS: Final = 300_000
"""Shorter bars are put together to this length, so that the cost of a book is bounded."""
OI_AGE_MAX_MS: Final = 1_800_000
"""Open interest older than this at a bar's close counts as unknown."""
SAMPLE_EVERY_BARS: Final = 24
"""While warming up, clusters are compared for their strength this often: two hours."""
SAMPLE_FOR_MS: Final = 7 * 86_400_000
REPORT_EVERY: Final = 2_000
"""Bars between two words on progress."""


class LocalEngine:
    """Clusters of open interest for each symbol; a `ports.ReadingSource`."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], settings: EngineSettings) -> None:
        """Raises ConfigError when the settings leave a symbol without a leverage tier."""
        self._settings = settings
        self._symbols = {
            symbol: _Symbol(instrument, settings) for symbol, instrument in instruments.items()
        }

    def on_market(self, event: Event) -> None:
        """Follow the market; events of other kinds and other symbols change nothing."""
        match event:
            case PriceMoved():
                if found := self._symbols.get(event.symbol):
                    found.on_price(event.mark)
            case CandleClosed():
                if found := self._symbols.get(event.candle.symbol):
                    found.on_candle(event.candle)
            case OpenInterestRead():
                if found := self._symbols.get(event.symbol):
                    found.on_open_interest(event.at, event.oi)
            case _:
                pass

    def warm_up(
        self,
        symbol: Symbol,
        history: History,
        report: Callable[[float, str], None] = lambda _share, _what: None,
    ) -> None:
        """Read a symbol's past; `report(share done, what)`.

        A book that was loaded goes on where it ended when history reaches back that far, and is
        given up when it knows of a time that history does not: nobody sees the future.
        """
        self._symbols[symbol].warm_up(history, report)

    def reading(self, symbol: Symbol) -> Reading | None:
        """The newest clusters; None where the symbol is not carried or has had no bar yet."""
        found = self._symbols.get(symbol)
        return found.reading() if found else None

    def stats(self) -> Stats:
        """Totals over all symbols."""
        readings = [item.reading() for item in self._symbols.values()]
        return Stats(
            symbols_total=len(readings),
            symbols_active=sum(reading is not None for reading in readings),
            clusters_total=sum(len(reading.rows) for reading in readings if reading),
            open_interest={
                symbol: OpenInterest(total_oi_usd=item.book.oi * item.last_price)
                for symbol, item in self._symbols.items()
                if item.book and item.book.known_oi > 0.0
            },
        )

    def save(self, path: Path) -> None:
        """Write the books to a file in one step; raises OSError."""
        saved.write(path, [item.freeze() for item in self._symbols.values() if item.book])

    def load(self, path: Path) -> int:
        """Take over what `save` wrote, where it still fits; returns how many books.

        Call it before `warm_up`, which brings the books up to date.
        """
        fits = 0
        for kept in saved.read(path):
            found = self._symbols.get(kept.symbol)
            fits += bool(found and found.thaw(kept))
        return fits


class _Symbol:
    """One symbol's book, and the reading made of it."""

    def __init__(self, instrument: Instrument, settings: EngineSettings) -> None:
        self.instrument = instrument
        self.settings = settings
        self.price: float | None = None
        """The newest mark; None before the first."""
        self.oi: tuple[Millis, float] | None = None
        """The newest open interest, and when it was known."""
        self.book: Book | None = None
        self.extractor = Extractor(settings)
        self.shape_price = 0.0
        self.block: list[Candle] = []
        """Short bars that wait for their block to end."""
        self.seen_at = Millis(0)
        self._rows: list[Row] | None = None
        self._facing: tuple[Row, ...] = ()
        self._digest = ""
        self._reading: Reading | None = None
        shape_of(instrument, settings, price=1.0)  # Settings that cannot work are refused now.

    @property
    def last_price(self) -> float:
        """The newest mark, else the last close."""
        if self.price is not None:
            return self.price
        return self.block[-1].close if self.block else self.book.close if self.book else 0.0

    # --- what goes in

    def on_price(self, mark: float) -> None:
        if 0.0 < mark < math.inf:
            self.price = mark

    def on_open_interest(self, at: Millis, oi: float) -> None:
        if self.oi is None or at >= self.oi[0]:
            self.oi = (at, oi)

    def on_candle(self, candle: Candle) -> None:
        """Take a closed bar; a part of a block sweeps at once what it traded through."""
        if not self._take(candle):
            return
        if self.book and self.block and self.block[-1] is candle:
            self.book.sweep(candle.high, candle.low)
        self._rows = None

    def _take(self, candle: Candle) -> bool:
        if candle.open_at < self.seen_at or not is_sane(candle):
            return False
        if self.block and self.block[0].open_at // BLOCK_MS != candle.open_at // BLOCK_MS:
            self._end_block()
        self.seen_at = candle.close_at
        if candle.timeframe_ms >= BLOCK_MS:
            self._step(candle)
            return True
        self.block.append(candle)
        if self.seen_at % BLOCK_MS == 0:
            self._end_block()
        return True

    def _end_block(self) -> None:
        bars, self.block = self.block, []
        self._step(_merge(bars))

    def _step(self, bar: Candle) -> None:
        if self.book is None:
            self.shape_price = bar.close
            self.book = Book(shape_of(self.instrument, self.settings, bar.close))
        oi = self.oi
        is_known = oi is not None and bar.close_at - oi[0] <= OI_AGE_MAX_MS
        self.book.step(bar, oi[1] if oi is not None and is_known else None)

    def warm_up(self, history: History, report: Callable[[float, str], None]) -> None:
        candles, readings = history.candles, history.open_interest
        if not candles:
            return
        if self.book and not candles[0].open_at <= self.book.closed_at <= candles[-1].close_at:
            self.book, self.extractor = None, Extractor(self.settings)
            self.seen_at, self.block, self.oi = Millis(0), [], None
        name, count, read = display_symbol(self.instrument.symbol), len(candles), 0
        sample_from = candles[-1].close_at - SAMPLE_FOR_MS
        sampled = self.book.bars if self.book else 0
        for index, candle in enumerate(candles):
            closed_at = candle.close_at
            while read < len(readings) and readings[read][0] <= closed_at:
                self.oi = readings[read]
                read += 1
            self._take(candle)
            book = self.book
            if book and closed_at >= sample_from and book.bars >= sampled + SAMPLE_EVERY_BARS:
                sampled = book.bars
                self.extractor.extract(book, book.closed_at)
            if index % REPORT_EVERY == 0:
                report(index / count, f"reading the open interest of {name}")
        for at, oi in readings[read:]:
            self.on_open_interest(at, oi)
        self._rows = None
        report(1.0, f"reading the open interest of {name}")

    # --- what comes out

    def reading(self) -> Reading | None:
        book, price = self.book, self.last_price
        if book is None or not book.bars:
            return None
        if self._rows is None:
            self._rows = self.extractor.extract(book, self.seen_at)
            self._reading = None
        elif self._reading and self._reading.price == price:
            return self._reading
        rows = facing(self._rows, price)
        if self._reading is None or rows != self._facing:
            self._facing, self._digest = rows, _digest(rows)
        coverage = book.coverage
        self._reading = Reading(
            symbol=self.instrument.symbol,
            price=price,
            rows=self._facing,
            content_key=f"{self._digest}:{price!r}",
            coverage=coverage,
            is_warming=coverage < self.settings.coverage_min,
            input_at=self.seen_at,
        )
        return self._reading

    # --- the file

    def freeze(self) -> saved.SavedSymbol:
        assert self.book is not None, "only books are saved"
        return saved.freeze(self.instrument.symbol, self.book, self.extractor, self.shape_price)

    def thaw(self, kept: saved.SavedSymbol) -> bool:
        thawed = saved.thaw(kept, self.instrument, self.settings)
        if thawed is None:
            return False
        self.book, self.extractor = thawed
        self.shape_price, self.seen_at = kept.shape_price, self.book.closed_at
        self.block, self._rows = [], None
        return True


def _merge(bars: list[Candle]) -> Candle:
    """Put consecutive bars together; a missing bar inside them leaves no trace but its volume."""
    if len(bars) == 1:
        return bars[0]
    first, last = bars[0], bars[-1]
    buys = [bar.taker_buy_volume for bar in bars if bar.taker_buy_volume is not None]
    return Candle(
        symbol=first.symbol,
        open_at=first.open_at,
        timeframe_ms=last.close_at - first.open_at,
        open=first.open,
        high=max([bar.high for bar in bars]),
        low=min([bar.low for bar in bars]),
        close=last.close,
        volume=sum([bar.volume for bar in bars]),
        taker_buy_volume=sum(buys) if len(buys) == len(bars) else None,
    )


def _digest(rows: tuple[Row, ...]) -> str:
    """Equal for equal rows, ids aside."""
    figures = [
        (row.level, row.notional_usd, row.strength, row.side.sign * row.high) for row in rows
    ]
    return hashlib.blake2b(np.array(figures).tobytes(), digest_size=8).hexdigest()
