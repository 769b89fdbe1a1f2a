"""What an emulated exchange knows of its markets: prices, bars, open interest and funding."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from bot.model.events import (
    CandleClosed,
    Event,
    FundingRead,
    MarketHalted,
    OpenInterestRead,
    PriceMoved,
)
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import History

MINUTE_MS = 60_000


class Settled(NamedTuple):
    """A funding that was settled."""

    at: Millis
    rate: float
    mark: float


class Tape:
    """The markets by symbol, as told by events; lists ascend in time."""

    def __init__(self) -> None:
        self.prices: dict[Symbol, PriceMoved] = {}
        self.candles: dict[Symbol, list[Candle]] = {}
        """Closed bars of one minute."""
        self.forming: dict[Symbol, Candle] = {}
        """The minute that has not ended; its volume is not known."""
        self.open_interest: dict[Symbol, list[tuple[Millis, float]]] = {}
        self.fundings: dict[Symbol, Funding] = {}
        self.settled: dict[Symbol, list[Settled]] = {}
        self.halted: set[Symbol] = set()

    def load(self, history: Mapping[Symbol, History]) -> None:
        """Take over what was before the first event."""
        for symbol, past in history.items():
            self.candles[symbol] = list(past.candles)
            self.open_interest[symbol] = list(past.open_interest)
            if past.funding is not None:
                self.fundings[symbol] = past.funding

    def copy(self) -> "Tape":
        """An independent copy."""
        twin = Tape()
        twin.prices = dict(self.prices)
        twin.candles = {symbol: list(rows) for symbol, rows in self.candles.items()}
        twin.forming = dict(self.forming)
        twin.open_interest = {symbol: list(rows) for symbol, rows in self.open_interest.items()}
        twin.fundings = dict(self.fundings)
        twin.settled = {symbol: list(rows) for symbol, rows in self.settled.items()}
        twin.halted = set(self.halted)
        return twin

    def on_market(self, event: Event) -> None:
        """Write down what a market event tells."""
        match event:
            case PriceMoved():
                self.prices[event.symbol] = event
                self._form(event)
            case CandleClosed(candle=candle):
                self.candles.setdefault(candle.symbol, []).append(candle)
                forming = self.forming.get(candle.symbol)
                if forming is not None and forming.open_at < candle.close_at:
                    del self.forming[candle.symbol]
            case OpenInterestRead():
                rows = self.open_interest.setdefault(event.symbol, [])
                rows.append((event.stamped_at, event.oi))
            case FundingRead(funding=funding):
                passed = self.settled.get(funding.symbol)
                if not passed or funding.next_at > passed[-1].at:
                    self.fundings[funding.symbol] = funding
            case MarketHalted():
                change = self.halted.add if event.is_halted else self.halted.discard
                change(event.symbol)
            case _:
                pass

    def take_due_funding(self, symbol: Symbol, at: Millis) -> Settled | None:
        """The settlement that is due at `at` and has a price; it is due only once."""
        funding, price = self.fundings.get(symbol), self.prices.get(symbol)
        if funding is None or price is None or funding.next_at > at:
            return None
        due = Settled(at=funding.next_at, rate=funding.rate, mark=price.mark)
        self.settled.setdefault(symbol, []).append(due)
        self.fundings[symbol] = Funding(
            symbol=symbol,
            rate=funding.rate,
            next_at=Millis(funding.next_at + funding.interval_ms),
            interval_ms=funding.interval_ms,
        )
        return due

    def bars(self, symbol: Symbol, timeframe_ms: int, *, at: Millis, start: Millis) -> list[Candle]:
        """Bars of a timeframe from the one that has `start`, oldest first.

        The last one may still be forming, as at real exchanges.
        """
        rows = self.candles.get(symbol, [])
        rows = rows[bisect_left(rows, start - start % timeframe_ms, key=_opened_at) :]
        forming = self.forming.get(symbol)
        if forming is not None and forming.open_at <= at:
            rows = [*rows, forming]
        bars: list[Candle] = []
        for row in rows:
            open_at = Millis(row.open_at - row.open_at % timeframe_ms)
            if bars and bars[-1].open_at == open_at:
                bars[-1] = _joined(bars[-1], row)
            else:
                bars.append(_opened(row, open_at, timeframe_ms))
        return bars

    def _form(self, event: PriceMoved) -> None:
        symbol = event.symbol
        open_at = Millis(event.at - event.at % MINUTE_MS)
        known = self.forming.get(symbol)
        closed = self.candles.get(symbol)
        if closed and closed[-1].open_at >= open_at:
            return
        fresh = Candle(
            symbol=symbol,
            open_at=open_at,
            timeframe_ms=MINUTE_MS,
            open=event.last,
            high=max(event.last, event.high) if event.since_at >= open_at else event.last,
            low=min(event.last, event.low) if event.since_at >= open_at else event.last,
            close=event.last,
            volume=0.0,
        )
        is_same = known is not None and known.open_at == open_at
        self.forming[symbol] = _joined(known, fresh) if known is not None and is_same else fresh


def _opened_at(row: Candle) -> int:
    return row.open_at


def _opened(row: Candle, open_at: Millis, timeframe_ms: int) -> Candle:
    return Candle(
        symbol=row.symbol,
        open_at=open_at,
        timeframe_ms=timeframe_ms,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        taker_buy_volume=row.taker_buy_volume,
    )


def _joined(bar: Candle, row: Candle) -> Candle:
    bought = (bar.taker_buy_volume, row.taker_buy_volume)
    return Candle(
        symbol=bar.symbol,
        open_at=bar.open_at,
        timeframe_ms=bar.timeframe_ms,
        open=bar.open,
        high=max(bar.high, row.high),
        low=min(bar.low, row.low),
        close=row.close,
        volume=bar.volume + row.volume,
        taker_buy_volume=None if None in bought else sum(value or 0.0 for value in bought),
    )
