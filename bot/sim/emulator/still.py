"""A market that stands still until it is moved: prices as a test or a rehearsal sets them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from bot.model.events import CandleClosed, Event, FundingRead, OpenInterestRead, PriceMoved
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit, History
from bot.sim.profiles import Profile, instrument_of, profile_of

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
FIVE_MS: Final = 300_000
DAY_MS: Final = 86_400_000
FINE_MS: Final = 4 * 3_600_000
PERIOD_MS: Final = 28_800_000
VOLUME: Final = 100.0


class StillPast(msgspec.Struct, kw_only=True):
    """A past in which nothing happened: the History port."""

    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]]
    funding: Funding | None


class StillMarket:
    """Prices that only `move` changes; endless, and funding is nought."""

    def __init__(
        self,
        symbols: tuple[Symbol, ...],
        *,
        start_at: Millis,
        history_days: int,
        taker_fee_bps: Decimal,
        maker_fee_bps: Decimal,
    ) -> None:
        self._profiles: dict[Symbol, Profile] = {symbol: profile_of(symbol) for symbol in symbols}
        self.instruments: dict[Symbol, Instrument] = {
            symbol: instrument_of(profile, taker_fee_bps=taker_fee_bps, maker_fee_bps=maker_fee_bps)
            for symbol, profile in self._profiles.items()
        }
        self._marks = {symbol: profile.price for symbol, profile in self._profiles.items()}
        self._ranges = {symbol: [mark, mark, mark] for symbol, mark in self._marks.items()}
        """Of the minute that has not ended: open, low, high."""
        self._at = start_at
        self._start_at = start_at
        self._history_days = history_days
        self._clock: Clock | None = None
        self._emit: Emit | None = None

    def keep_time(self, clock: Clock) -> None:
        """Play by this clock."""
        self._clock = clock

    def first(self) -> list[Event]:
        """The prices at the start; `run` goes on from there."""
        return [self._moved(symbol, self._at, mark) for symbol, mark in self._marks.items()]

    def history(self, symbol: Symbol) -> History:
        """Level bars of five minutes, in the last hours of one; a level open interest."""
        mark, oi, end = self._marks[symbol], self._oi(symbol), self._start_at
        fine_from = end - FINE_MS
        first = min(end - self._history_days * DAY_MS, fine_from)
        level = [mark] * 4
        coarse = [
            _bar(symbol, Millis(at), FIVE_MS, level) for at in range(first, fine_from, FIVE_MS)
        ]
        fine = [
            _bar(symbol, Millis(at), MINUTE_MS, level) for at in range(fine_from, end, MINUTE_MS)
        ]
        return StillPast(
            candles=coarse + fine,
            open_interest=[(Millis(at), oi) for at in range(first + FIVE_MS, end + 1, FIVE_MS)],
            funding=self._funding(symbol),
        )

    async def run(self, emit: Emit) -> None:
        """Tell every second where the prices are."""
        clock = self._clock
        assert clock is not None, "keep_time comes before run"
        self._emit = emit
        try:
            while True:
                while self._at + SECOND_MS <= clock.now():
                    self._at = Millis(self._at + SECOND_MS)
                    self._tell_second(emit)
                await clock.sleep((self._at + SECOND_MS - clock.now()) / 1_000.0)
        finally:
            self._emit = None

    def move(self, symbol: Symbol, mark: float) -> None:
        """Have the mark be somewhere else, on the tick grid, and tell it at once."""
        instrument = self.instruments[symbol]
        before = self._marks[symbol]
        after = self._marks[symbol] = float(instrument.price_down(Decimal(repr(mark))))
        opened, low, high = self._ranges[symbol]
        self._ranges[symbol] = [opened, min(low, after), max(high, after)]
        if self._emit is not None and self._clock is not None:
            self._emit(self._moved(symbol, self._clock.now(), before))

    def _tell_second(self, emit: Emit) -> None:
        at = self._at
        for symbol, mark in self._marks.items():
            emit(self._moved(symbol, at, mark))
        if at % MINUTE_MS:
            return
        for symbol, mark in self._marks.items():
            bar = _bar(symbol, Millis(at - MINUTE_MS), MINUTE_MS, [*self._ranges[symbol], mark])
            self._ranges[symbol] = [mark] * 3
            emit(CandleClosed(at=at, candle=bar))
            if at % FIVE_MS == 0:
                oi = self._oi(symbol)
                emit(OpenInterestRead(at=at, symbol=symbol, oi=oi, stamped_at=at))
                emit(FundingRead(at=at, funding=self._funding(symbol)))

    def _moved(self, symbol: Symbol, at: Millis, before: float) -> PriceMoved:
        profile, mark = self._profiles[symbol], self._marks[symbol]
        tick = float(profile.tick_size)
        bid = mark - profile.spread_ticks // 2 * tick
        return PriceMoved(
            at=at,
            symbol=symbol,
            mark=mark,
            bid=bid,
            ask=bid + profile.spread_ticks * tick,
            last=mark,
            high=max(before, mark),
            low=min(before, mark),
            since_at=Millis(at - SECOND_MS),
            depth_usd=profile.depth_usd,
        )

    def _oi(self, symbol: Symbol) -> float:
        profile = self._profiles[symbol]
        return profile.oi_usd / profile.price

    def _funding(self, symbol: Symbol) -> Funding:
        next_at = Millis(self._at - self._at % PERIOD_MS + PERIOD_MS)
        return Funding(symbol=symbol, rate=0.0, next_at=next_at)


def _bar(symbol: Symbol, open_at: Millis, timeframe_ms: int, figures: list[float]) -> Candle:
    """Figures: open, low, high, close."""
    opened, low, high, closed = figures
    return Candle(
        symbol=symbol,
        open_at=open_at,
        timeframe_ms=timeframe_ms,
        open=opened,
        high=high,
        low=low,
        close=closed,
        volume=VOLUME,
    )
