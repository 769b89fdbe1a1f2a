"""What a market needs to know of the past before it starts, fetched side by side.

Bars of one minute for volatility and for the gap since the last run; of five minutes, with open
interest, where the bot's own heatmap has to warm up. In the gap the bars are those of the mark,
for it is the mark that breaks clusters.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from bot.market.attempts import Attempts, side_by_side
from bot.market.publicdata import DAY_MS, HOUR_MS, MINUTE_MS, OI_DELAY_MS, PublicApi
from bot.model.instrument import LeverageTier, display_symbol
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock

BAR_MS: Final = 300_000
FINE_FOR_MS: Final = 600 * MINUTE_MS
"""Bars of one minute reach back so far."""
GAP_MAX_MS: Final = 30 * DAY_MS
"""A longer pause is not fetched: nothing of before it counts any more."""
OI_FOR_MS: Final = 20 * DAY_MS
"""Open interest once an hour, without a heatmap: what size compares with."""
WHOLE_SHARE: Final = 0.9
"""So many of the minutes that there should be make a whole."""
CALLS_AT_ONCE: Final = 12
TRIES: Final = 2
PAUSE_S: Final = 1.0

T = TypeVar("T")
Report = Callable[[float, str], None]


class Past(msgspec.Struct, kw_only=True):
    """One symbol's past: the History port."""

    candles: Sequence[Candle] = ()
    open_interest: Sequence[tuple[Millis, float]] = ()
    funding: Funding | None = None
    tiers: tuple[LeverageTier, ...] = ()


class Spans(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when which bars are fetched; all on the grid of their bars."""

    coarse_from: Millis
    fine_from: Millis
    until: Millis
    gap_from: Millis | None
    """From here on the mark's bars count; None: there is no gap."""
    oi_from: Millis
    oi_step_ms: int


def spans(*, now: Millis, resume_at: Millis | None, heatmap_days: int) -> Spans:
    """Decide what to fetch; `heatmap_days` 0: no heatmap has to warm up."""
    until = now - now % MINUTE_MS
    fine_from = until - FINE_FOR_MS
    fine_from += -fine_from % BAR_MS
    coarse_from = fine_from
    if heatmap_days:
        coarse_from = min(coarse_from, until - heatmap_days * DAY_MS)
    gap_from = None
    if resume_at is not None and resume_at < until:
        gap_from = Millis(max(resume_at, until - GAP_MAX_MS))
        coarse_from = min(coarse_from, gap_from)
    coarse_from -= coarse_from % BAR_MS
    oi_step_ms = BAR_MS if heatmap_days else HOUR_MS
    oi_from = until - (heatmap_days * DAY_MS if heatmap_days else OI_FOR_MS)
    return Spans(
        coarse_from=Millis(coarse_from),
        fine_from=Millis(fine_from),
        until=Millis(until),
        gap_from=gap_from,
        oi_from=Millis(oi_from - oi_from % oi_step_ms),
        oi_step_ms=oi_step_ms,
    )


_Kind = Callable[[Symbol, Past, Spans], Awaitable[None]]
_Fetch = Callable[[Symbol, int, Millis, Millis], Awaitable[Sequence[Candle]]]


class Loading:
    """Fetches the pasts of all symbols; what cannot be had is left out and told."""

    def __init__(self, api: PublicApi, clock: Clock, attempts: Attempts) -> None:
        self._api = api
        self._clock = clock
        self._attempts = attempts

    async def load(
        self, symbols: Sequence[Symbol], wanted: Spans, report: Report
    ) -> dict[Symbol, Past]:
        """Give each symbol's past; `report(share_done, what)`."""
        pasts = {symbol: Past() for symbol in symbols}
        kinds = (self._candles, self._open_interest, self._tiers)
        total, done = len(symbols) * len(kinds), 0

        def work(kind: _Kind, symbol: Symbol) -> Callable[[], Awaitable[None]]:
            async def fetch() -> None:
                nonlocal done
                await kind(symbol, pasts[symbol], wanted)
                done += 1
                report(done / total, f"the past of {display_symbol(symbol)}")

            return fetch

        works = [work(kind, symbol) for kind in kinds for symbol in symbols]
        await side_by_side(works, most=CALLS_AT_ONCE)
        return pasts

    async def _candles(self, symbol: Symbol, past: Past, wanted: Spans) -> None:
        fine = await self._part(symbol, MINUTE_MS, wanted.fine_from, wanted)
        # Minutes may not reach back so far, or not be had: bars of five stand in for them.
        join = joint(fine, wanted.fine_from, wanted.until)
        coarse: Sequence[Candle] = ()
        if wanted.coarse_from < join:
            coarse = await self._part(symbol, BAR_MS, wanted.coarse_from, wanted, until=join)
        past.candles = [*coarse, *(bar for bar in fine if bar.open_at >= join)]

    async def _part(
        self,
        symbol: Symbol,
        step_ms: int,
        since: Millis,
        wanted: Spans,
        *,
        until: Millis | None = None,
    ) -> Sequence[Candle]:
        """Bars of one length; where they lie in the gap, with the prices of the mark."""
        end = wanted.until if until is None else until
        bars = await self._bars(self._api.candles, "candles", symbol, step_ms, since, end)
        begin = wanted.gap_from
        if begin is None or begin >= end:
            return bars
        begin = Millis(max(begin - begin % step_ms, since))
        fetch = self._api.mark_candles
        return marked(bars, await self._bars(fetch, "mark candles", symbol, step_ms, begin, end))

    async def _bars(
        self, fetch: _Fetch, what: str, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        found = await self._try(what, symbol, lambda: fetch(symbol, step_ms, since, until))
        return [bar for bar in found or () if is_sound(bar)]

    async def _open_interest(self, symbol: Symbol, past: Past, wanted: Spans) -> None:
        found = await self._try(
            "past open interest",
            symbol,
            lambda: self._api.open_interest_past(
                symbol, wanted.oi_step_ms, wanted.oi_from, wanted.until
            ),
        )
        known = [(Millis(at + OI_DELAY_MS), oi) for at, oi in found or () if oi > 0]
        past.open_interest = [row for row in known if row[0] <= wanted.until]

    async def _tiers(self, symbol: Symbol, past: Past, wanted: Spans) -> None:
        del wanted
        past.tiers = await self._try("tiers", symbol, lambda: self._api.tiers(symbol)) or ()

    async def _try(self, what: str, symbol: Symbol, call: Callable[[], Awaitable[T]]) -> T | None:
        for left in reversed(range(TRIES)):
            found = await self._attempts.run(what, call(), display_symbol(symbol))
            if found is not None or not left:
                return found
            await self._clock.sleep(PAUSE_S)
        return None


def joint(fine: Sequence[Candle], since: Millis, until: Millis) -> Millis:
    """Where bars of five minutes end and those of one begin: a whole five minutes.

    Minutes without a trade may be missing on small exchanges, and are no reason to do without
    the others; where many are, only those count that follow each other up to the end.
    """
    expected = (until - since) // MINUTE_MS
    if len(fine) >= expected * WHOLE_SHARE:
        return since
    begin = Millis(until)
    for bar in reversed(fine):
        if bar.close_at != begin:
            break
        begin = bar.open_at
    return Millis(min(begin + -begin % BAR_MS, until - until % BAR_MS))


def is_sound(bar: Candle) -> bool:
    """A bar that can have been: prices above zero, in their order."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    return min(prices) > 0 and bar.low == min(prices) and bar.high == max(prices)


def marked(bars: Sequence[Candle], marks: Sequence[Candle]) -> Sequence[Candle]:
    """The bars with the mark's prices where those are known; volume stays that of the trades."""
    by_open: Mapping[Millis, Candle] = {row.open_at: row for row in marks}
    return [
        replace(bar, open=mark.open, high=mark.high, low=mark.low, close=mark.close)
        if (mark := by_open.get(bar.open_at)) is not None
        else bar
        for bar in bars
    ]
