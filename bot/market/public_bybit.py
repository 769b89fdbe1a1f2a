"""Bybit's public data of linear perpetuals: one call tells the prices of all symbols.

V5 reference, "Market"; every call counts as one against the address, 600 in five seconds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.gateway.connection import Route
from bot.gateway.failures import NoAnswerError
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
    levels_needed,
    number,
    part,
    price_or_none,
    readable,
)
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol

CATEGORY: Final = "linear"
KLINES_PAGE: Final = 1_000
OI_PAGE: Final = 200
OI_INTERVALS: Final = {300_000: "5min", 900_000: "15min", HOUR_MS: "1h"}
FUNDING_INTERVAL_MS: Final = 8 * HOUR_MS
DEPTHS: Final = (50, 200, 500)
"""Levels of the book that are asked for; the exchange gives up to 500."""
TOPICS_PER_MESSAGE: Final = 10
PERCENT_FROM: Final = 10.0
"""Initial margin times the highest leverage is 1 where rates are shares, 100 where they are
percent: the exchange has written both."""


def _route(name: str, *params: str) -> Route:
    return Route(name=name, costs={"ip": 1}, params=frozenset(("category", *params)))


TICKERS: Final = _route("publicGetV5MarketTickers", "symbol")
KLINE: Final = _route("publicGetV5MarketKline", "symbol", "interval", "start", "end", "limit")
MARK_KLINE: Final = _route(
    "publicGetV5MarketMarkPriceKline", "symbol", "interval", "start", "end", "limit"
)
OPEN_INTEREST: Final = _route(
    "publicGetV5MarketOpenInterest", "symbol", "intervalTime", "startTime", "endTime", "limit"
)
ORDERBOOK: Final = _route("publicGetV5MarketOrderbook", "symbol", "limit")
RISK_LIMIT: Final = _route("publicGetV5MarketRiskLimit", "symbol")
ROUTES: Final = (TICKERS, KLINE, MARK_KLINE, OPEN_INTEREST, ORDERBOOK, RISK_LIMIT)


class BybitPublic:
    """A PublicApi."""

    def __init__(self, client: PublicLine) -> None:
        self._client = client
        self._ids: dict[Symbol, str] = {}
        self._symbols: dict[str, Symbol] = {}
        self._grid: dict[Symbol, float] = {}
        self._prices: dict[Symbol, float] = {}

    async def listed(self, *, is_fresh: bool) -> Listed:
        """Every contract."""
        markets = await self._client.load_markets(is_reload=is_fresh)
        found = {Symbol(name): row for name, row in markets.items()}
        self._ids = {symbol: str(row["id"]) for symbol, row in found.items() if row.get("swap")}
        self._symbols = {row: symbol for symbol, row in self._ids.items()}
        steps = {s: (row.get("precision") or {}).get("price") for s, row in found.items()}
        self._grid = {symbol: float(step) for symbol, step in steps.items() if step is not None}
        return found

    async def tiers(self, symbol: Symbol) -> tuple[LeverageTier, ...]:
        """Risk limits, which are public; the amounts follow from continuity."""
        rows = await self._ask(RISK_LIMIT, "list", symbol=self._ids[symbol])
        return _tiers(readable(rows, _risk_limit, "risk limits"))

    async def ticks(self, symbols: Sequence[Symbol]) -> Sequence[Tick]:
        """Mark, book, last price and funding of all symbols."""
        reply = await self._client.call(TICKERS, {"category": CATEGORY})
        at = Millis(int(part(reply, "time")))
        wanted = set(symbols)
        rows = readable(
            part(reply, "result", "list"), lambda row: self.read_ticker(row, at), "prices"
        )
        return [tick for tick in rows if tick.symbol in wanted]

    async def candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of trades."""
        return await self._bars(KLINE, symbol, timeframe_ms, since, until)

    async def mark_candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of the mark."""
        return await self._bars(MARK_KLINE, symbol, timeframe_ms, since, until)

    async def open_interest(self, symbol: Symbol) -> tuple[Millis, float] | None:
        """Open interest at this moment, from the ticker: the history has it every five minutes."""
        asked = {"category": CATEGORY, "symbol": self._ids[symbol]}
        reply = await self._client.call(TICKERS, asked)
        rows = part(reply, "result", "list")
        found = readable(rows, lambda row: number(row["openInterest"]), "open interest")
        return (Millis(int(part(reply, "time"))), found[0]) if found else None

    async def open_interest_past(
        self, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[tuple[Millis, float]]:
        """Samples, a page of 200 at a time."""
        found: dict[Millis, float] = {}
        begin = int(since)
        while begin <= until:
            end = min(begin + (OI_PAGE - 1) * step_ms, until)
            rows = await self._ask(
                OPEN_INTEREST,
                "list",
                symbol=self._ids[symbol],
                intervalTime=OI_INTERVALS[step_ms],
                startTime=begin,
                endTime=end,
                limit=OI_PAGE,
            )
            found.update(readable(rows, _past_interest, "open interest"))
            begin = end + 1
        return sorted((at, oi) for at, oi in found.items() if since <= at <= until)

    async def depth_usd(self, symbol: Symbol) -> float | None:
        """What rests within 10 bps, as far as the page of the book reaches."""
        limit = levels_needed(self._prices.get(symbol), self._grid.get(symbol), DEPTHS)
        asked = {"category": CATEGORY, "symbol": self._ids[symbol], "limit": limit}
        reply = await self._client.call(ORDERBOOK, asked)
        return depth_within(part(reply, "result", "b"), part(reply, "result", "a"))

    def streams(self, symbols: Sequence[Symbol]) -> Sequence[StreamPlan]:
        """One websocket with a ticker of each symbol."""
        exchange = self._client.exchange
        url = str(exchange.urls["api"]["ws"]["public"][CATEGORY])
        url = url.replace("{hostname}", str(exchange.hostname))
        return [_Stream(url, [self._ids[symbol] for symbol in symbols], self)]

    async def _ask(self, route: Route, key: str, **params: Any) -> Any:
        reply = await self._client.call(route, {"category": CATEGORY, **params})
        return part(reply, "result", key)

    async def _bars(
        self, route: Route, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> list[Candle]:
        found: list[Candle] = []
        begin = int(since)
        while begin < until:
            end = min(begin + KLINES_PAGE * timeframe_ms, until)
            rows = await self._ask(
                route,
                "list",
                symbol=self._ids[symbol],
                interval=str(timeframe_ms // MINUTE_MS),
                start=begin,
                end=end - 1,
                limit=KLINES_PAGE,
            )
            found += readable(rows, lambda row: bar_of(symbol, timeframe_ms, row), "candles")
            begin = end
        return ascending(found, since, until)

    def read_ticker(self, row: Mapping[str, Any], at: Millis) -> Tick | None:
        """The tick of a ticker's row, of the list or put together from a stream."""
        symbol = self._symbols.get(str(row["symbol"]))
        if symbol is None:
            return None
        mark = price_or_none(row.get("markPrice"))
        if mark is not None:
            self._prices[symbol] = mark
        return Tick(
            symbol=symbol,
            stamped_at=at,
            mark=mark,
            bid=price_or_none(row.get("bid1Price")),
            ask=price_or_none(row.get("ask1Price")),
            last=price_or_none(row.get("lastPrice")),
            funding=_funding(symbol, row),
        )


class _Stream:
    """Tickers: a snapshot first, then what has changed."""

    name = "tickers"
    ping: Mapping[str, Any] | None = {"op": "ping"}

    def __init__(self, url: str, ids: Sequence[str], api: BybitPublic) -> None:
        self.url = url
        self._api = api
        topics = [f"tickers.{name}" for name in ids]
        self.hello: Sequence[Mapping[str, Any]] = [
            {"op": "subscribe", "args": topics[first : first + TOPICS_PER_MESSAGE]}
            for first in range(0, len(topics), TOPICS_PER_MESSAGE)
        ]
        self._rows: dict[str, dict[str, Any]] = {}

    def begin(self) -> None:
        """A new connection starts with new snapshots."""
        self._rows.clear()

    def decode(self, message: Any) -> Sequence[Tick]:
        """The symbol's row as it is now; nothing before its snapshot.

        Raises NoAnswerError where a subscription was refused: nothing would ever come.
        """
        if not isinstance(message, Mapping):
            return []
        if message.get("op") == "subscribe" and message.get("success") is False:
            raise NoAnswerError("the subscription was refused")
        if not str(message.get("topic", "")).startswith("tickers."):
            return []
        return readable([message], self._tick, self.name)

    def _tick(self, message: Mapping[str, Any]) -> Tick | None:
        topic = message["topic"]
        if message["type"] == "snapshot":
            self._rows[topic] = dict(message["data"])
        elif topic in self._rows:
            self._rows[topic].update(message["data"])
        else:
            return None
        return self._api.read_ticker(self._rows[topic], Millis(int(message["ts"])))


def _funding(symbol: Symbol, row: Mapping[str, Any]) -> Funding | None:
    rate, next_at = row.get("fundingRate"), row.get("nextFundingTime")
    if rate in {None, ""} or not int(next_at or 0):
        return None
    hours = row.get("fundingIntervalHour")
    return Funding(
        symbol=symbol,
        rate=number(rate),
        next_at=Millis(int(next_at or 0)),
        interval_ms=int(number(hours) * HOUR_MS) if hours else FUNDING_INTERVAL_MS,
    )


def _risk_limit(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Notional up to which it holds, maintenance rate, highest leverage."""
    leverage = number(row["maxLeverage"])
    is_percent = number(row["initialMargin"]) * leverage > PERCENT_FROM
    rate = number(row["maintenanceMargin"]) / (100.0 if is_percent else 1.0)
    return number(row["riskLimitValue"]), rate, leverage


def _tiers(limits: Sequence[tuple[float, float, float]]) -> tuple[LeverageTier, ...]:
    found: list[LeverageTier] = []
    floor, cum, before = 0.0, 0.0, None
    for top, rate, leverage in sorted(limits):
        if before is not None:
            cum += floor * (rate - before)
        tier = LeverageTier(
            floor_usd=floor, maintenance_rate=rate, cum_usd=cum, leverage_max=leverage
        )
        found.append(tier)
        floor, before = top, rate
    return tuple(found)


def _past_interest(row: Mapping[str, Any]) -> tuple[Millis, float]:
    return Millis(int(row["timestamp"])), number(row["openInterest"])
