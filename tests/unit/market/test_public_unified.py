"""ccxt's unified calls: what an exchange lacks is named, and the rest goes on."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NoAnswerError
from bot.market.public_unified import UnifiedPublic
from bot.market.publicdata import HOUR_MS, MINUTE_MS
from bot.model.primitives import Millis, Symbol
from tests.fakes.market_line import MarketLine, a_market

BTC = Symbol("BTC/USDT:USDT")
AT = Millis(1_767_225_600_000)
ALL = (
    *("fetchTickers", "fetchMarkPrices", "fetchFundingRates", "fetchMarkOHLCV"),
    *("fetchOpenInterest", "fetchOpenInterestHistory", "fetchOrderBook"),
)


class Unified:
    """A ccxt instance with the unified calls that are used, and structures as ccxt makes them."""

    name = "OKX"

    def __init__(self, *has: str) -> None:
        self.has: dict[str, Any] = dict.fromkeys(has, True)
        self.calls: list[str] = []
        self.ticker: dict[str, Any] = {"symbol": BTC, "bid": "99", "ask": "101", "last": "100"}
        self.fails = False

    async def fetch_tickers(self, symbols: list[str]) -> Any:
        self.calls.append("tickers")
        if self.fails:
            raise RuntimeError("ccxt stumbled")
        return dict.fromkeys(symbols, self.ticker)

    async def fetch_mark_prices(self, symbols: list[str]) -> Any:
        self.calls.append("marks")
        return {symbol: {"symbol": symbol, "markPrice": "100.5"} for symbol in symbols}

    async def fetch_funding_rates(self, symbols: list[str]) -> Any:
        self.calls.append("rates")
        row = {
            "markPrice": "100.7",
            "fundingRate": "0.0001",
            "fundingTimestamp": AT + HOUR_MS,
            "interval": "4h",
        }
        return {symbol: {"symbol": symbol, **row} for symbol in symbols}

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Any:
        self.calls.append(f"ohlcv {symbol} {timeframe} {limit}")
        first = since + -since % MINUTE_MS
        rows = range(first, min(first + limit * MINUTE_MS, AT + 60 * MINUTE_MS), MINUTE_MS)
        return [[at, "1", "2", "1", "2", "5"] for at in rows]

    async def fetch_mark_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Any:
        rows = await self.fetch_ohlcv(symbol, timeframe, since, limit)
        return [row[:5] for row in rows]

    async def fetch_open_interest(self, symbol: str) -> Any:
        return {"symbol": symbol, "openInterestValue": "20100", "timestamp": AT}

    async def fetch_open_interest_history(
        self, symbol: str, timeframe: str, since: int, limit: int
    ) -> Any:
        del symbol, timeframe
        rows = range(since, min(since + limit * HOUR_MS, AT + 1), HOUR_MS)
        return [{"openInterestAmount": "7", "timestamp": at} for at in rows]

    async def fetch_order_book(self, symbol: str, limit: int) -> Any:
        del symbol, limit
        return {"bids": [["100.0", "300"]], "asks": [["100.1", "200"]]}


def asked(
    exchange: Unified,
    question: Callable[[UnifiedPublic], Coroutine[Any, Any, Any]],
    size: str = "1",
) -> Any:
    async def story() -> Any:
        line = MarketLine([a_market(size=size)])
        line.exchange = exchange
        public = UnifiedPublic(line, LoopClock(start_at=AT))
        await public.listed(is_fresh=False)
        return await question(public)

    return run_virtual(story())


def test_marks_come_from_wherever_the_exchange_has_them() -> None:
    async def mark(public: UnifiedPublic) -> Any:
        return (await public.ticks([BTC]))[0].mark

    assert 100.5 == asked(Unified(*ALL), mark)
    assert 100.7 == asked(Unified("fetchTickers", "fetchFundingRates"), mark)
    assert 100.0 == asked(Unified("fetchTickers"), mark)


def test_a_ticks_stamp_is_when_it_was_asked_for() -> None:
    async def tick(public: UnifiedPublic) -> Any:
        return (await public.ticks([BTC]))[0]

    found = asked(Unified(*ALL), tick)

    assert (AT, 99.0, 101.0, 100.0) == (found.stamped_at, found.bid, found.ask, found.last)
    assert (0.0001, 4 * HOUR_MS) == (found.funding.rate, found.funding.interval_ms)


def test_funding_is_asked_for_once_a_minute_where_marks_come_without_it() -> None:
    async def twice(public: UnifiedPublic) -> Any:
        await public.ticks([BTC])
        return (await public.ticks([BTC]))[0].funding

    exchange = Unified(*ALL)

    assert asked(exchange, twice) is not None
    assert ["tickers", "marks", "rates", "tickers", "marks"] == exchange.calls


def test_a_ticker_that_cannot_be_read_is_left_out() -> None:
    exchange = Unified("fetchTickers")
    exchange.ticker = {"symbol": BTC, "last": "nonsense"}

    assert [] == asked(exchange, lambda public: public.ticks([BTC]))


def test_whatever_ccxt_raises_is_no_answer() -> None:
    exchange = Unified(*ALL)
    exchange.fails = True

    with pytest.raises(NoAnswerError, match="RuntimeError"):
        asked(exchange, lambda public: public.ticks([BTC]))


def test_bars_come_in_pages_until_nothing_new_comes() -> None:
    since, until = Millis(AT - 300 * MINUTE_MS), Millis(AT + 90 * MINUTE_MS)
    bars = asked(Unified(*ALL), lambda public: public.candles(BTC, MINUTE_MS, since, until))

    assert 360 == len(bars)
    assert since == bars[0].open_at


def test_bars_of_the_mark_have_no_volume_and_may_be_missing() -> None:
    until = Millis(AT + MINUTE_MS)

    async def bars(public: UnifiedPublic) -> Any:
        return [bar.volume for bar in await public.mark_candles(BTC, MINUTE_MS, AT, until)]

    assert [0.0] == asked(Unified(*ALL), bars)
    assert [] == asked(Unified(), bars)


def test_open_interest_in_quote_currency_is_told_in_coins() -> None:
    async def interest(public: UnifiedPublic) -> Any:
        await public.ticks([BTC])
        return await public.open_interest(BTC)

    assert (AT, 200.0) == asked(Unified(*ALL), interest)
    assert asked(Unified("fetchTickers"), interest) is None


def test_past_open_interest_may_be_missing() -> None:
    since = Millis(AT - 2 * HOUR_MS)

    async def past(public: UnifiedPublic) -> Any:
        return await public.open_interest_past(BTC, HOUR_MS, since, AT)

    assert [(AT - 2 * HOUR_MS, 7.0), (AT - HOUR_MS, 7.0), (AT, 7.0)] == asked(Unified(*ALL), past)
    assert [] == asked(Unified(), past)


def test_depth_is_counted_in_coins() -> None:
    async def depth(public: UnifiedPublic) -> Any:
        return await public.depth_usd(BTC)

    assert pytest.approx(200.2) == asked(Unified(*ALL), depth, size="0.01")
    assert asked(Unified(), depth) is None


def test_there_are_neither_tiers_nor_streams() -> None:
    async def both(public: UnifiedPublic) -> Any:
        return await public.tiers(BTC), list(public.streams([BTC]))

    assert ((), []) == asked(Unified(*ALL), both)


def test_what_an_exchange_lacks_is_said_once() -> None:
    async def lists(public: UnifiedPublic) -> None:
        await public.listed(is_fresh=True)

    exchange = Unified("fetchTickers", "fetchFundingRates", "fetchMarkOHLCV", "fetchOrderBook")
    exchange.has["fetchOpenInterest"] = "emulated"
    with structlog.testing.capture_logs() as lines:
        asked(exchange, lists)

    assert [
        "OKX gives no open interest: the bot's own heatmap cannot warm up, size ignores it.",
        "OKX gives no past open interest: the bot's own heatmap warms up slowly.",
    ] == [line["text"] for line in lines]
