"""Prices as events: polled for all symbols at once, streamed where there are streams.

The poll is the truth and the fallback. While every symbol's stream is fresh it only looks now and
then; once one falls silent it is back at its own pace.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.market.attempts import Attempts
from bot.market.publicdata import HOUR_MS, PublicApi, Tick
from bot.market.quotes import Quotes
from bot.model.account import HoldCause
from bot.model.events import FundingRead, TroubleSeen
from bot.model.instrument import display_symbol
from bot.model.market import Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit

STREAM_FRESH_MS: Final = 3_000
POLL_BESIDE_STREAM_S: Final = 10.0
BACK_OFF_MAX: Final = 5.0
"""An outage slows the polls down to this many periods at most."""
STALE_MS: Final = 10_000
FAST_FRESH_S: Final = 0.5
FAST_STALE_S: Final = 1.0
"""On a clock that runs faster than the wall: seconds of the wall, for a line keeps its latency."""
BOOK_EVERY_MS: Final = 200
"""A book that moves alone is told at most this often."""
SAME_EVERY_MS: Final = 1_000
"""A mark that stands still is told at most this often by a stream."""
FUNDING_EVERY_MS: Final = 60_000
"""A forecast rate moves all the time; it is told at most this often."""


class Prices:
    """All prices of one market."""

    def __init__(
        self,
        api: PublicApi,
        quotes: Quotes,
        symbols: Sequence[Symbol],
        *,
        clock: Clock,
        poll_s: float,
        attempts: Attempts,
    ) -> None:
        self._api = api
        self._quotes = quotes
        self._symbols = tuple(symbols)
        self._clock = clock
        self._poll_s = poll_s
        self._attempts = attempts
        self._emit: Emit = lambda _event: None
        self._fresh_ms = max(STREAM_FRESH_MS, round(FAST_FRESH_S * clock.speed * 1000))
        self._stale_ms = max(STALE_MS, round(FAST_STALE_S * clock.speed * 1000))
        self._begun_at = clock.now()
        self._stale: set[Symbol] = set()
        self._streamed_at: dict[Symbol, Millis] = {}
        """When a stream last brought a believed mark."""
        self._fundings: dict[Symbol, tuple[Millis, Funding]] = {}
        """What was told of funding, and when."""

    def begin(self, emit: Emit) -> None:
        """Tell events from now on."""
        self._emit = emit
        self._begun_at = self._clock.now()

    def on_polled(self, ticks: Iterable[Tick]) -> None:
        """Take what a poll has brought: every symbol with a believed mark is told."""
        at = self._clock.now()
        told = [tick.symbol for tick in ticks if self._take(tick, at)]
        for symbol in dict.fromkeys(told):
            self.tell(symbol)

    def on_streamed(self, ticks: Iterable[Tick]) -> None:
        """Take what a stream has brought: a mark that moved is told at once."""
        at = self._clock.now()
        for tick in ticks:
            if self._take(tick, at):
                self._streamed_at[tick.symbol] = at
                pause_ms = 0 if self._quotes.has_moved(tick.symbol) else SAME_EVERY_MS
            elif tick.mark is None:
                pause_ms = BOOK_EVERY_MS
            else:
                continue
            told_at = self._quotes.told_at(tick.symbol)
            if told_at is None or at - told_at >= pause_ms:
                self.tell(tick.symbol)

    def tell(self, symbol: Symbol) -> None:
        """Tell a price as it stands; one whose mark has not been heard of lately is not told."""
        at = self._clock.now()
        if not self._quotes.is_fresh(symbol, at, self._fresh_ms):
            return
        event = self._quotes.tell(symbol, at)
        if event is None:
            return
        self._emit(event)
        if symbol in self._stale:
            self._stale.discard(symbol)
            self._tell_stale(symbol, at, at, is_over=True)

    async def poll(self) -> None:
        """Poll until canceled."""
        failures, polled_at = 0, None
        while True:
            begun_at = self._clock.now()
            pace_s = max(self._poll_s, POLL_BESIDE_STREAM_S) if self._is_streamed(begun_at) else 0.0
            if polled_at is None or begun_at - polled_at >= pace_s * 1000:
                polled_at = begun_at
                ticks = await self._attempts.run("prices", self._api.ticks(self._symbols))
                failures = 0 if ticks is not None else failures + 1
                self.on_polled(ticks or ())
            pause_s = self._poll_s * min(2.0**failures, BACK_OFF_MAX)
            taken_s = (self._clock.now() - begun_at) / 1000
            await self._clock.sleep(max(pause_s - taken_s, self._poll_s / 10))

    async def watch_silence(self) -> None:
        """Tell of every symbol that has no price any more, until canceled."""
        while True:
            await self._clock.sleep(1.0)
            at = self._clock.now()
            for symbol in self._symbols:
                since = max(self._quotes.told_at(symbol) or 0, self._begun_at)
                if at - since > self._stale_ms and symbol not in self._stale:
                    self._stale.add(symbol)
                    self._tell_stale(symbol, at, Millis(since), is_over=False)

    def _is_streamed(self, at: Millis) -> bool:
        """Every symbol has heard of its mark by stream just now."""
        return all(
            at - self._streamed_at.get(symbol, 0) <= self._fresh_ms for symbol in self._symbols
        )

    def _take(self, tick: Tick, at: Millis) -> bool:
        if tick.symbol not in self._symbols:
            return False
        if tick.funding is not None:
            self._take_funding(tick.funding, at)
        return self._quotes.take(tick, at)

    def _take_funding(self, funding: Funding, at: Millis) -> None:
        told_at, told = self._fundings.get(funding.symbol, (None, None))
        if told_at is not None and told is not None and funding.next_at == told.next_at:
            every_ms = HOUR_MS if funding == told else FUNDING_EVERY_MS
            if at - told_at < every_ms:
                return
        self._fundings[funding.symbol] = (at, funding)
        self._emit(FundingRead(at=at, funding=funding))

    def _tell_stale(self, symbol: Symbol, at: Millis, since: Millis, *, is_over: bool) -> None:
        name = display_symbol(symbol)
        silent_s = (at - since) / 1000
        detail = (
            f"{name} has a price again"
            if is_over
            else f"no price of {name} for {silent_s:.0f} s, and entries wait for one"
        )
        self._emit(
            TroubleSeen(
                at=at, cause=HoldCause.PRICE_STALE, detail=detail, is_over=is_over, symbol=symbol
            )
        )
