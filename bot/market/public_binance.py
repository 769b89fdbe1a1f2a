"""Binance's public data of USDT perpetuals: prices of all symbols by two calls, and the rest.

Weights are the exchange's own ("Market Data Endpoints", USDⓈ-M Futures). Websockets are routed by
kind since 2026-04-23: marks under /market, the book under /public ("Important WebSocket Change
Notice").
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.gateway.connection import Route
from bot.gateway.failures import GatewayError
from bot.market.publicdata import (
    DAY_MS,
    HOUR_MS,
    Listed,
    PublicLine,
    StreamPlan,
    Tick,
    ascending,
    bar_of,
    both,
    depth_within,
    levels_needed,
    number,
    part,
    price_or_none,
    readable,
)
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol

WEIGHT: Final = "weight"
DATA: Final = "data"
"""What lies under /futures/data: 1,000 requests in five minutes."""
INTERVALS: Final = {60_000: "1m", 300_000: "5m", 900_000: "15m", HOUR_MS: "1h"}
KLINES_PAGE: Final = 1_000
KLINES_FEW: Final = 99
"""Up to so many bars cost one weight, up to a page five."""
OI_PAGE: Final = 500
OI_KEPT_MS: Final = 30 * DAY_MS - HOUR_MS
"""Statistics are kept for 30 days; what begins earlier is refused."""
FUNDING_INTERVAL_MS: Final = 8 * HOUR_MS
"""Of symbols that the list of adjusted ones does not name."""
DEPTHS: Final = ((50, 2), (100, 5), (500, 10))
"""Levels of the book that can be asked for, and their weight."""


def _route(name: str, weight: int, *params: str) -> Route:
    return Route(name=name, costs={WEIGHT: weight}, params=frozenset(params))


_BARS = ("symbol", "interval", "startTime", "endTime", "limit")
PREMIUM_INDEX = _route("fapiPublicGetPremiumIndex", 10)
BOOK_TICKER = _route("fapiPublicGetTickerBookTicker", 5)
FUNDING_INFO = _route("fapiPublicGetFundingInfo", 1)
KLINES = _route("fapiPublicGetKlines", 5, *_BARS)
KLINES_SHORT = _route("fapiPublicGetKlines", 1, *_BARS)
MARK_KLINES = _route("fapiPublicGetMarkPriceKlines", 5, *_BARS)
MARK_KLINES_SHORT = _route("fapiPublicGetMarkPriceKlines", 1, *_BARS)
OPEN_INTEREST = _route("fapiPublicGetOpenInterest", 1, "symbol")
OPEN_INTEREST_PAST = Route(
    name="fapiDataGetOpenInterestHist",
    costs={DATA: 1},
    params=frozenset({"symbol", "period", "startTime", "endTime", "limit"}),
)
DEPTH = {limit: _route("fapiPublicGetDepth", cost, "symbol", "limit") for limit, cost in DEPTHS}
BRACKETS = _route("fapiPrivateGetLeverageBracket", 1)
ROUTES: Final = (
    *(PREMIUM_INDEX, BOOK_TICKER, FUNDING_INFO, KLINES, KLINES_SHORT, MARK_KLINES),
    *(MARK_KLINES_SHORT, OPEN_INTEREST, OPEN_INTEREST_PAST, *DEPTH.values(), BRACKETS),
)


class BinancePublic:
    """A PublicApi."""

    def __init__(self, client: PublicLine, *, has_key: bool = False) -> None:
        """With a key the leverage brackets can be asked for as well."""
        self._client = client
        self._has_key = has_key
        self._ids: dict[Symbol, str] = {}
        self._symbols: dict[str, Symbol] = {}
        self._grid: dict[Symbol, float] = {}
        """Price steps, where known: how many levels 10 bps are."""
        self._prices: dict[Symbol, float] = {}
        self._intervals: dict[str, int] | None = None
        self._brackets: dict[str, Any] | None = None
        self._asking = asyncio.Lock()

    async def listed(self, *, is_fresh: bool) -> Listed:
        """Every contract, and the spans of funding that differ from eight hours."""
        markets = await self._client.load_markets(is_reload=is_fresh)
        found = {Symbol(name): row for name, row in markets.items()}
        self._ids = {symbol: str(row["id"]) for symbol, row in found.items() if row.get("swap")}
        self._symbols = {row: symbol for symbol, row in self._ids.items()}
        steps = {s: (row.get("precision") or {}).get("price") for s, row in found.items()}
        self._grid = {symbol: float(step) for symbol, step in steps.items() if step is not None}
        if self._intervals is None or is_fresh:
            with contextlib.suppress(GatewayError):  # Most are eight hours; asked again next time.
                rows = await self._client.call(FUNDING_INFO)
                self._intervals = dict(readable(rows, _interval, "funding intervals"))
        return found

    async def tiers(self, symbol: Symbol) -> tuple[LeverageTier, ...]:
        """Brackets of the account's key; none without a key."""
        if not self._has_key:
            return ()
        async with self._asking:  # One reply holds the brackets of all symbols.
            if self._brackets is None:
                rows = await self._client.call(BRACKETS)
                self._brackets = dict(readable(rows, _symbol_brackets, "leverage brackets"))
        return tuple(
            sorted(
                readable(self._brackets.get(self._ids[symbol], []), _tier, "leverage brackets"),
                key=lambda tier: tier.floor_usd,
            )
        )

    async def ticks(self, symbols: Sequence[Symbol]) -> Sequence[Tick]:
        """Marks and books: two calls for all symbols, side by side."""
        marks, books = await both(self._client.call(PREMIUM_INDEX), self._client.call(BOOK_TICKER))
        wanted = set(symbols)
        found = [*readable(marks, self._mark, "prices"), *readable(books, self._book, "prices")]
        return [tick for tick in found if tick.symbol in wanted]

    async def candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of trades."""
        routes = (KLINES_SHORT, KLINES)
        return await self._bars(routes, symbol, timeframe_ms, since, until)

    async def mark_candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of the mark."""
        routes = (MARK_KLINES_SHORT, MARK_KLINES)
        return await self._bars(routes, symbol, timeframe_ms, since, until)

    async def open_interest(self, symbol: Symbol) -> tuple[Millis, float] | None:
        """Open interest at this moment."""
        row = await self._client.call(OPEN_INTEREST, {"symbol": self._ids[symbol]})
        return Millis(int(part(row, "time"))), number(part(row, "openInterest"))

    async def open_interest_past(
        self, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[tuple[Millis, float]]:
        """Samples of the last 30 days, a page of 500 at a time."""
        found: dict[Millis, float] = {}
        begin = max(since, until - OI_KEPT_MS)
        while begin <= until:
            end = min(begin + (OI_PAGE - 1) * step_ms, until)
            asked = {
                "symbol": self._ids[symbol],
                "period": INTERVALS[step_ms],
                "startTime": begin,
                "endTime": end,
                "limit": OI_PAGE,
            }
            rows = await self._client.call(OPEN_INTEREST_PAST, asked)
            found.update(readable(rows, _past_interest, "open interest"))
            begin = end + 1
        return sorted((at, oi) for at, oi in found.items() if since <= at <= until)

    async def depth_usd(self, symbol: Symbol) -> float | None:
        """What rests within 10 bps, as far as a page of the book reaches."""
        limit = levels_needed(self._prices.get(symbol), self._grid.get(symbol), tuple(DEPTH))
        asked = {"symbol": self._ids[symbol], "limit": limit}
        book = await self._client.call(DEPTH[limit], asked)
        return depth_within(part(book, "bids"), part(book, "asks"))

    def streams(self, symbols: Sequence[Symbol]) -> Sequence[StreamPlan]:
        """Marks each second on one websocket, the best of the book on another."""
        root = str(self._client.exchange.urls["api"]["ws"]["linear"]).removesuffix("/ws")
        names = [self._ids[symbol].lower() for symbol in symbols]
        marks = "/".join(f"{name}@markPrice@1s" for name in names)
        books = "/".join(f"{name}@bookTicker" for name in names)
        return [
            _Stream("marks", f"{root}/market/stream?streams={marks}", self),
            _Stream("books", f"{root}/public/stream?streams={books}", self),
        ]

    async def _bars(
        self,
        routes: tuple[Route, Route],
        symbol: Symbol,
        timeframe_ms: int,
        since: Millis,
        until: Millis,
    ) -> list[Candle]:
        found: list[Candle] = []
        begin = int(since)
        while begin < until:
            end = min(begin + KLINES_PAGE * timeframe_ms, until)
            count = -(-(end - begin) // timeframe_ms)
            is_short = count <= KLINES_FEW
            asked = {
                "symbol": self._ids[symbol],
                "interval": INTERVALS[timeframe_ms],
                "startTime": begin,
                "endTime": end - 1,
                "limit": KLINES_FEW if is_short else KLINES_PAGE,
            }
            rows = await self._client.call(routes[0 if is_short else 1], asked)
            found += readable(rows, lambda row: _bar(symbol, timeframe_ms, row), "candles")
            begin = end
        return ascending(found, since, until)

    def _mark(self, row: Mapping[str, Any]) -> Tick | None:
        symbol = self._symbols.get(row["symbol"])
        mark = price_or_none(row["markPrice"])
        if symbol is None or mark is None:
            return None
        self._prices[symbol] = mark
        return Tick(
            symbol=symbol,
            stamped_at=Millis(int(row["time"])),
            mark=mark,
            funding=self._funding(symbol, row["lastFundingRate"], row["nextFundingTime"]),
        )

    def _book(self, row: Mapping[str, Any]) -> Tick | None:
        symbol = self._symbols.get(row["symbol"])
        if symbol is None:
            return None
        return Tick(
            symbol=symbol,
            stamped_at=Millis(int(row["time"])),
            bid=price_or_none(row["bidPrice"]),
            ask=price_or_none(row["askPrice"]),
        )

    def _funding(self, symbol: Symbol, rate: Any, next_at: Any) -> Funding | None:
        if rate in {None, ""} or not int(next_at or 0):
            return None
        intervals = self._intervals or {}
        return Funding(
            symbol=symbol,
            rate=number(rate),
            next_at=Millis(int(next_at)),
            interval_ms=intervals.get(self._ids[symbol], FUNDING_INTERVAL_MS),
        )

    def read_stream(self, row: Mapping[str, Any]) -> Tick | None:
        """What one event of a stream tells; None for other events and other symbols."""
        symbol = self._symbols.get(str(row.get("s")))
        if symbol is None:
            return None
        stamped_at = Millis(int(row["E"]))
        if row["e"] == "markPriceUpdate":
            funding = self._funding(symbol, row.get("r"), row.get("T"))
            mark = price_or_none(row["p"])
            return Tick(symbol=symbol, stamped_at=stamped_at, mark=mark, funding=funding)
        if row["e"] == "bookTicker":
            stamped_at = Millis(int(row["T"]))  # The book's own time, as the REST row has it.
            bid, ask = price_or_none(row["b"]), price_or_none(row["a"])
            return Tick(symbol=symbol, stamped_at=stamped_at, bid=bid, ask=ask)
        return None


class _Stream:
    """A combined stream: {"stream": name, "data": event}; the server pings, so nothing is sent."""

    hello: Sequence[Mapping[str, Any]] = ()
    ping: Mapping[str, Any] | None = None

    def __init__(self, name: str, url: str, api: BinancePublic) -> None:
        self.name = name
        self.url = url
        self._api = api

    def begin(self) -> None:
        """Every event is whole: nothing is kept between them."""

    def decode(self, message: Any) -> Sequence[Tick]:
        """The tick of an event."""
        data = message.get("data") if isinstance(message, Mapping) else message
        rows = data if isinstance(data, list) else [data]
        return readable([row for row in rows if row], self._api.read_stream, self.name)


def _interval(row: Mapping[str, Any]) -> tuple[str, int]:
    hours = int(row["fundingIntervalHours"])
    if hours <= 0:
        raise ValueError("no interval")
    return str(row["symbol"]), hours * HOUR_MS


def _symbol_brackets(row: Mapping[str, Any]) -> tuple[str, Any]:
    return str(row["symbol"]), row["brackets"]


def _tier(row: Mapping[str, Any]) -> LeverageTier:
    return LeverageTier(
        floor_usd=number(row["notionalFloor"]),
        maintenance_rate=number(row["maintMarginRatio"]),
        cum_usd=number(row["cum"]),
        leverage_max=number(row["initialLeverage"]),
    )


def _past_interest(row: Mapping[str, Any]) -> tuple[Millis, float]:
    return Millis(int(row["timestamp"])), number(row["sumOpenInterest"])


def _bar(symbol: Symbol, timeframe_ms: int, row: Sequence[Any]) -> Candle:
    """[..., volume, close time, quote volume, trades, taker buys, ...]."""
    return bar_of(symbol, timeframe_ms, row, taker_buy_volume=number(row[9]))
