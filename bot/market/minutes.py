"""What a minute looked like once it is over: its bar, and the mark's extremes between two looks.

Each bar is told once, in order, whatever the exchange repeats or holds back. The mark's bar is the
judge of what polls and streams have missed: a wick that nobody saw is told as a range then.
"""

from collections.abc import Sequence
from typing import Final

from bot.market.attempts import Attempts, side_by_side
from bot.market.loading import is_sound
from bot.market.pricing import Prices
from bot.market.publicdata import MINUTE_MS, PublicApi
from bot.market.quotes import Quotes
from bot.model.events import CandleClosed
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit

DELAY_S: Final = 1.0
"""After the end of a minute its bar takes a moment to be final."""
TRIES: Final = 3
PAUSE_S: Final = 2.0
CALLS_AT_ONCE: Final = 8
BEHIND_MAX_MS: Final = 900 * MINUTE_MS
"""After a longer outage what is older is left out."""
MARKS_KEPT_MS: Final = 60 * MINUTE_MS
"""A range that became known later than this tells nothing that can be acted on."""


class Minutes:
    """The bars of all symbols of one market."""

    def __init__(
        self,
        api: PublicApi,
        quotes: Quotes,
        prices: Prices,
        symbols: Sequence[Symbol],
        *,
        clock: Clock,
        attempts: Attempts,
    ) -> None:
        self._api = api
        self._quotes = quotes
        self._prices = prices
        self._clock = clock
        self._attempts = attempts
        self._symbols = tuple(symbols)
        self._bar_due: dict[Symbol, Millis] = {}
        """Open time of the next bar to be told."""
        self._mark_due: dict[Symbol, Millis] = {}
        self._seen_from = Millis(0)

    def begin(self, *, bars_from: Millis, known_from: Millis, seen_from: Millis) -> None:
        """Tell bars that open at or after `bars_from`; marks of minutes not before `known_from`.

        A minute that began before we knew anything may have had its extreme before as well; in
        one that began before `seen_from`, when the bot was away, what happened is doubtful.
        """
        self._seen_from = seen_from
        self._bar_due = dict.fromkeys(self._symbols, bars_from)
        self._mark_due = dict.fromkeys(self._symbols, Millis(known_from + -known_from % MINUTE_MS))

    async def run(self, emit: Emit) -> None:
        """Look back at each minute after its end, until canceled."""
        while True:
            now = self._clock.now()
            end = Millis(now - now % MINUTE_MS + MINUTE_MS)
            await self._clock.sleep((end - now) / 1000 + DELAY_S)
            await self.look_back(end, emit)

    async def look_back(self, end: Millis, emit: Emit) -> None:
        """Tell all that ended by `end`, for all symbols side by side."""
        works = [lambda s=symbol: self._symbol(s, end, emit) for symbol in self._symbols]
        await side_by_side(works, most=CALLS_AT_ONCE)

    async def _symbol(self, symbol: Symbol, end: Millis, emit: Emit) -> None:
        for left in reversed(range(TRIES)):
            await self._tell_bars(symbol, end, emit)
            if self._bar_due[symbol] >= end or not left:
                break
            await self._clock.sleep(PAUSE_S)
        await self._compare_marks(symbol, end)

    async def _tell_bars(self, symbol: Symbol, end: Millis, emit: Emit) -> None:
        since = Millis(max(self._bar_due[symbol], end - BEHIND_MAX_MS))
        call = self._api.candles(symbol, MINUTE_MS, since, end)
        bars = await self._attempts.run("candles", call, display_symbol(symbol))
        for bar in sorted(bars or (), key=lambda row: row.open_at):
            if bar.open_at < self._bar_due[symbol] or bar.close_at > end:
                continue
            self._bar_due[symbol] = bar.close_at
            if is_sound(bar):
                emit(CandleClosed(at=self._clock.now(), candle=bar))

    async def _compare_marks(self, symbol: Symbol, end: Millis) -> None:
        since = Millis(max(self._mark_due[symbol], end - MARKS_KEPT_MS))
        if since >= end:
            return
        call = self._api.mark_candles(symbol, MINUTE_MS, since, end)
        bars = await self._attempts.run("mark candles", call, display_symbol(symbol))
        is_wider = False
        for bar in bars or ():
            if bar.open_at < self._mark_due[symbol] or bar.close_at > end or not is_sound(bar):
                continue
            self._mark_due[symbol] = bar.close_at
            seen = self._quotes.seen_in(symbol, bar.open_at)
            if seen is None or bar.high > seen[0] or bar.low < seen[1]:
                is_doubtful = bar.open_at < self._seen_from
                self._quotes.widen(symbol, bar.high, bar.low, bar.open_at, is_doubtful=is_doubtful)
                is_wider = True
        if is_wider:
            self._prices.tell(symbol)
