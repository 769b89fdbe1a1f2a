"""Public data of any other exchange, through ccxt's unified calls: for data and paper alone.

Nothing is sent here, so what ccxt makes of a reply is good enough. What an exchange does not have
is named once, and the market goes on without it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog

from bot.gateway.failures import GatewayError, NoAnswerError
from bot.market.publicdata import (
    HOUR_MS,
    MINUTE_MS,
    Listed,
    PublicLine,
    StreamPlan,
    Tick,
    ascending,
    bar_of,
    depth_within,
    number,
    price_or_none,
    readable,
)
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock

PAGE: Final = 200
"""Bars or samples asked for at once; every exchange gives that many, or says how many it gave."""
PAGES_MAX: Final = 100
LEVELS: Final = 100
FUNDING_EVERY_MS: Final = MINUTE_MS
TIMEFRAMES: Final = {MINUTE_MS: "1m", 300_000: "5m", 900_000: "15m", HOUR_MS: "1h"}
WITHOUT: Final = {
    "fetchTickers": "prices of all symbols at once, so nothing can be read",
    "fetchMarkOHLCV": "bars of the mark: what happens between two looks may be missed",
    "fetchOpenInterest": "open interest: the bot's own heatmap cannot warm up, size ignores it",
    "fetchOpenInterestHistory": "past open interest: the bot's own heatmap warms up slowly",
    "fetchFundingRates": "funding of all symbols at once: it is left out of account",
    "fetchOrderBook": "an order book: its depth is unknown",
}

log = structlog.get_logger()
T = TypeVar("T")


class UnifiedPublic:
    """A PublicApi."""

    def __init__(self, client: PublicLine, clock: Clock) -> None:
        self._exchange = client.exchange
        self._client = client
        self._clock = clock
        self._sizes: dict[Symbol, float] = {}
        """Coins of one contract."""
        self._fundings: dict[Symbol, Funding] = {}
        self._marks: dict[Symbol, float] = {}
        self._funding_at = Millis(0)
        self._is_named = False

    def has(self, name: str) -> bool:
        """The exchange really has it; what ccxt emulates by many calls does not count."""
        return self._exchange.has.get(name) is True

    async def listed(self, *, is_fresh: bool) -> Listed:
        """Every contract; the first time it is also said what the exchange lacks."""
        markets = await self._client.load_markets(is_reload=is_fresh)
        self._sizes = {
            Symbol(name): float(row.get("contractSize") or 1.0)
            for name, row in markets.items()
            if row.get("swap")
        }
        if not self._is_named:
            self._is_named = True
            for what in self.lacking():
                log.warning("market.lacking", text=what)
        return {Symbol(name): row for name, row in markets.items()}

    def lacking(self) -> list[str]:
        """Each thing the exchange does not offer, as a sentence."""
        title = getattr(self._exchange, "name", "the exchange")
        found = [
            f"{title} gives no {what}." for name, what in WITHOUT.items() if not self.has(name)
        ]
        if not self.has("fetchMarkPrices") and not self.has("fetchFundingRates"):
            found.append(f"{title} gives no marks of all symbols: the last price stands for them.")
        return found

    async def tiers(self, symbol: Symbol) -> tuple[LeverageTier, ...]:
        """None: exchanges state them in units of their own, and on paper 0.5 % is assumed."""
        del symbol
        return ()

    async def ticks(self, symbols: Sequence[Symbol]) -> Sequence[Tick]:
        """Books and last prices from the tickers; marks from wherever the exchange has them."""
        asked_at = self._clock.now()
        names = list(symbols)
        rows = await self._ask(self._exchange.fetch_tickers(names))
        marks: Mapping[str, Any] = {}
        if self.has("fetchMarkPrices"):
            marks = await self._ask(self._exchange.fetch_mark_prices(names))
        if self.has("fetchFundingRates") and (
            not self.has("fetchMarkPrices") or asked_at - self._funding_at >= FUNDING_EVERY_MS
        ):
            rates = await self._ask(self._exchange.fetch_funding_rates(names))
            self._funding_at = asked_at
            self._fundings = {row.symbol: row for row in _fundings(rates)}
            marks = marks or rates
        found = [_tick(rows[name], marks.get(name), asked_at) for name in names if name in rows]
        ticks = [tick for tick in found if tick is not None]
        self._marks.update({tick.symbol: tick.mark for tick in ticks if tick.mark is not None})
        return [_with_funding(tick, self._fundings.get(tick.symbol)) for tick in ticks]

    async def candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of trades."""
        fetch = self._exchange.fetch_ohlcv
        return await self._bars(fetch, symbol, timeframe_ms, since, until)

    async def mark_candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of the mark, where there are any."""
        if not self.has("fetchMarkOHLCV"):
            return []
        fetch = self._exchange.fetch_mark_ohlcv
        return await self._bars(fetch, symbol, timeframe_ms, since, until)

    async def open_interest(self, symbol: Symbol) -> tuple[Millis, float] | None:
        """Open interest now, where it can be told in coins."""
        if not self.has("fetchOpenInterest"):
            return None
        row = await self._ask(self._exchange.fetch_open_interest(symbol))
        oi = self._coins(row, symbol)
        at = row.get("timestamp")
        return None if oi is None else (Millis(int(at or self._clock.now())), oi)

    async def open_interest_past(
        self, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[tuple[Millis, float]]:
        """Samples, as far back as the exchange gives them."""
        if not self.has("fetchOpenInterestHistory"):
            return []

        async def page(begin: int) -> dict[int, float]:
            rows = await self._ask(
                self._exchange.fetch_open_interest_history(symbol, TIMEFRAMES[step_ms], begin, PAGE)
            )
            told = [(int(row["timestamp"]), self._coins(row, symbol)) for row in rows]
            return {at: oi for at, oi in told if oi is not None}

        found = await _pages(page, since, until, step_ms)
        return sorted((Millis(at), oi) for at, oi in found.items() if since <= at <= until)

    async def depth_usd(self, symbol: Symbol) -> float | None:
        """What rests within 10 bps, counted in coins."""
        if not self.has("fetchOrderBook"):
            return None
        book = await self._ask(self._exchange.fetch_order_book(symbol, LEVELS))
        depth = depth_within(book["bids"], book["asks"])
        return None if depth is None else depth * self._sizes.get(symbol, 1.0)

    def streams(self, symbols: Sequence[Symbol]) -> Sequence[StreamPlan]:
        """None: polls are enough for paper."""
        del symbols
        return []

    async def _ask(self, call: Awaitable[Any]) -> Any:
        """Await a unified call; whatever ccxt makes of a failure is NoAnswerError."""
        try:
            found = await call
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001  (ccxt raises whatever it meets)
            raise NoAnswerError(f"ccxt could not read it: {type(error).__name__}") from None
        if found is None:
            raise NoAnswerError("there is no reply")
        return found

    async def _bars(
        self,
        fetch: Callable[..., Awaitable[Any]],
        symbol: Symbol,
        timeframe_ms: int,
        since: Millis,
        until: Millis,
    ) -> list[Candle]:
        async def page(begin: int) -> dict[int, Candle]:
            rows = await self._ask(fetch(symbol, TIMEFRAMES[timeframe_ms], begin, PAGE))
            bars = readable(rows, lambda row: bar_of(symbol, timeframe_ms, row), "candles")
            return {bar.open_at: bar for bar in bars}

        found = await _pages(page, since, until - 1, timeframe_ms)
        return ascending(found.values(), since, until)

    def _coins(self, row: Mapping[str, Any], symbol: Symbol) -> float | None:
        amount, value = row.get("openInterestAmount"), row.get("openInterestValue")
        mark = self._marks.get(symbol)
        if amount not in {None, ""}:
            return number(amount)
        return number(value) / mark if value not in {None, ""} and mark is not None else None


async def _pages(
    page: Callable[[int], Awaitable[dict[int, T]]], since: int, until: int, step_ms: int
) -> dict[int, T]:
    """Ask for page after page until the end, or until nothing new comes."""
    found: dict[int, T] = {}
    begin = since
    for _ in range(PAGES_MAX):
        if begin > until:
            break
        rows = {at: row for at, row in (await page(begin)).items() if at >= begin}
        if not rows:
            break
        found |= rows
        begin = max(rows) + step_ms
    return found


def _tick(row: Mapping[str, Any], marked: Mapping[str, Any] | None, at: Millis) -> Tick | None:
    try:
        last = price_or_none(row.get("last"))
        mark = price_or_none((marked or {}).get("markPrice")) or price_or_none(row.get("markPrice"))
        return Tick(
            symbol=Symbol(row["symbol"]),
            stamped_at=at,
            mark=mark or last,
            bid=price_or_none(row.get("bid")) or last,
            ask=price_or_none(row.get("ask")) or last,
            last=last,
        )
    except (LookupError, TypeError, ValueError):
        return None


def _with_funding(tick: Tick, funding: Funding | None) -> Tick:
    return Tick(
        symbol=tick.symbol,
        stamped_at=tick.stamped_at,
        mark=tick.mark,
        bid=tick.bid,
        ask=tick.ask,
        last=tick.last,
        funding=funding,
    )


def _fundings(rates: Mapping[str, Any]) -> list[Funding]:
    def decode(row: Mapping[str, Any]) -> Funding | None:
        next_at = row.get("nextFundingTimestamp") or row.get("fundingTimestamp")
        if not next_at or row.get("fundingRate") is None:
            return None
        hours = str(row.get("interval") or "8h").removesuffix("h")
        return Funding(
            symbol=Symbol(row["symbol"]),
            rate=number(row["fundingRate"]),
            next_at=Millis(int(next_at)),
            interval_ms=int(number(hours) * HOUR_MS),
        )

    return readable(list(rates.values()), decode, "funding")
