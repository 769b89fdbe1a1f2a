"""Binance's public data: markets, prices, bars, books, open interest and funding.

Source: Binance USD-M futures "Market Data" pages.
"""

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bot.model.instrument import Instrument, display_symbol
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.binance_call import Call, Route, one_or_all, open_route, weighed
from bot.sim.emulator.binance_markets import exchange_info
from bot.sim.emulator.binance_orders import Orders
from bot.sim.emulator.binance_words import (
    Refused,
    decimals_of,
    plain,
    price_text,
    qty_text,
    usd_text,
)
from bot.sim.emulator.core import Emulator
from bot.venue.matching import DEPTH_ASSUMED_USD, DEPTH_SPAN

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TIMEFRAMES = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
OPEN_INTEREST_KEPT_MS = 30 * DAY_MS
FUNDING_DEFAULT_MS = 8 * HOUR_MS
DEPTHS = {"5": 2, "10": 2, "20": 2, "50": 2, "100": 5, "500": 10, "1000": 20}
"""Weight by number of levels."""


class Public:
    """The public endpoints over the core."""

    def __init__(self, core: Emulator, orders: Orders) -> None:
        self.core = core
        self._orders = orders
        self._symbol = orders.symbol
        self._ids = orders.ids

    def routes(self) -> dict[str, Route]:
        """By method and path."""
        bars = "symbol interval startTime endTime limit"
        spans = "symbol startTime endTime limit"
        return {
            "GET /fapi/v1/ping": open_route("", lambda _: {}),
            "GET /fapi/v1/time": open_route("", lambda call: {"serverTime": call.at}),
            "GET /fapi/v1/exchangeInfo": open_route("", self.exchange_info),
            "GET /fapi/v1/premiumIndex": weighed(
                open_route("symbol", self.premium), one_or_all(1, 10)
            ),
            "GET /fapi/v1/ticker/bookTicker": weighed(
                open_route("symbol", self.book_ticker), one_or_all(2, 5)
            ),
            "GET /fapi/v1/ticker/price": weighed(
                open_route("symbol", self.price_ticker), one_or_all(1, 2)
            ),
            "GET /fapi/v1/ticker/24hr": weighed(
                open_route("symbol", self.day_ticker), one_or_all(1, 40)
            ),
            "GET /fapi/v1/klines": weighed(open_route(bars, self.klines), _bars_weight),
            "GET /fapi/v1/markPriceKlines": weighed(
                open_route(bars, self.mark_klines), _bars_weight
            ),
            "GET /fapi/v1/depth": weighed(
                open_route("symbol limit", self.depth),
                lambda call: DEPTHS.get(call.text("limit", "500"), 20),
            ),
            "GET /fapi/v1/openInterest": open_route("symbol", self.open_interest),
            "GET /futures/data/openInterestHist": open_route(
                f"{spans} period", self.open_interest_history, 0
            ),
            "GET /fapi/v1/fundingInfo": open_route("", self.funding_info, 0),
            "GET /fapi/v1/fundingRate": open_route(spans, self.funding_rates, 0),
        }

    def exchange_info(self, call: Call) -> dict[str, Any]:
        """Exchange Information."""
        halted = self.core.tape.halted
        chosen = [self.core.instruments[symbol] for symbol in self._ids.values()]
        return exchange_info(chosen, halted=halted, at=call.at)

    # --- prices

    def premium(self, call: Call) -> Any:
        """Mark Price."""
        return self._of_one_or_all(call, self._premium)

    def book_ticker(self, call: Call) -> Any:
        """Symbol Order Book Ticker."""
        return self._of_one_or_all(call, self._book_ticker)

    def price_ticker(self, call: Call) -> Any:
        """Symbol Price Ticker."""
        return self._of_one_or_all(call, self._price_ticker)

    def day_ticker(self, call: Call) -> Any:
        """24hr Ticker Price Change Statistics."""
        return self._of_one_or_all(call, lambda symbol: self._day_ticker(symbol, call.at))

    def depth(self, call: Call) -> dict[str, Any]:
        """Order Book: as many levels of one tick as are asked for, all alike."""
        symbol = self._symbol(call)
        limit = call.text("limit", "500")
        if limit not in DEPTHS:
            raise Refused(-4021, f"{limit} is not valid depth limit.")
        event = self.core.prices[symbol]
        instrument = self.core.instruments[symbol]
        bid, ask = Decimal(repr(event.bid)), Decimal(repr(event.ask))
        tick = instrument.tick_size
        steps = range(int(limit))
        return {
            "lastUpdateId": event.at,
            "E": event.at,
            "T": event.at,
            "bids": [
                [price_text(bid - step * tick, instrument), self._level_text(symbol)]
                for step in steps
                if bid - step * tick > 0
            ],
            "asks": [
                [price_text(ask + step * tick, instrument), self._level_text(symbol)]
                for step in steps
            ],
        }

    def _premium(self, symbol: Symbol) -> dict[str, Any]:
        event, funding = self.core.prices[symbol], self.core.fundings.get(symbol)
        mark = usd_text(Decimal(repr(event.mark)))
        return {
            "symbol": display_symbol(symbol),
            "markPrice": mark,
            "indexPrice": mark,
            "estimatedSettlePrice": mark,
            "lastFundingRate": "" if funding is None else f"{funding.rate:.8f}",
            "interestRate": "0.00010000",
            "nextFundingTime": 0 if funding is None else funding.next_at,
            "time": event.at,
        }

    def _book_ticker(self, symbol: Symbol) -> dict[str, Any]:
        event, instrument = self.core.prices[symbol], self.core.instruments[symbol]
        return {
            "symbol": display_symbol(symbol),
            "bidPrice": price_text(Decimal(repr(event.bid)), instrument),
            "bidQty": self._level_text(symbol),
            "askPrice": price_text(Decimal(repr(event.ask)), instrument),
            "askQty": self._level_text(symbol),
            "time": event.at,
            "lastUpdateId": event.at,
        }

    def _price_ticker(self, symbol: Symbol) -> dict[str, Any]:
        event, instrument = self.core.prices[symbol], self.core.instruments[symbol]
        last = price_text(Decimal(repr(event.last)), instrument)
        return {"symbol": display_symbol(symbol), "price": last, "time": event.at}

    def _day_ticker(self, symbol: Symbol, at: Millis) -> dict[str, Any]:
        event = self.core.prices[symbol]
        bars = self.core.tape.bars(symbol, MINUTE_MS, at=at, start=Millis(at - DAY_MS))
        volume = sum(bar.volume for bar in bars)
        first = bars[0].open if bars else event.last
        return {
            "symbol": display_symbol(symbol),
            "priceChange": _number(event.last - first),
            "priceChangePercent": f"{(event.last / first - 1) * 100:.3f}",
            "weightedAveragePrice": _number(event.last),
            "lastPrice": _number(event.last),
            "lastQty": self._level_text(symbol),
            "openPrice": _number(first),
            "highPrice": _number(max((bar.high for bar in bars), default=event.last)),
            "lowPrice": _number(min((bar.low for bar in bars), default=event.last)),
            "volume": _number(volume),
            "quoteVolume": _number(sum(bar.volume * bar.close for bar in bars)),
            "openTime": at - DAY_MS,
            "closeTime": at,
            "firstId": 0,
            "lastId": 0,
            "count": 0,
        }

    def _level_text(self, symbol: Symbol) -> str:
        """Base coins that rest at one tick."""
        event, instrument = self.core.prices[symbol], self.core.instruments[symbol]
        depth = DEPTH_ASSUMED_USD if event.depth_usd is None else Decimal(repr(event.depth_usd))
        mark = Decimal(repr(event.mark))
        qty = depth * instrument.tick_size / (mark * DEPTH_SPAN) / mark
        return qty_text(max(qty, instrument.lot_size), instrument)

    def _of_one_or_all(self, call: Call, row: Callable[[Symbol], dict[str, Any]]) -> Any:
        if "symbol" in call.params:
            return row(self._symbol(call))
        return [row(symbol) for symbol in self._ids.values() if symbol in self.core.prices]

    # --- bars

    def klines(self, call: Call) -> list[list[Any]]:
        """Kline/Candlestick Data: the last bar has not ended."""
        return [_bar(row, instrument) for row, instrument in self._bars(call)]

    def mark_klines(self, call: Call) -> list[list[Any]]:
        """Mark Price Kline/Candlestick Data: without volumes."""
        rows = [_bar(row, instrument) for row, instrument in self._bars(call)]
        return [[*row[:5], "0", row[6], "0", 0, "0", "0", "0"] for row in rows]

    def _bars(self, call: Call) -> list[tuple[Candle, Instrument]]:
        symbol = self._symbol(call)
        span_ms = call.one_of("interval", TIMEFRAMES, no=Refused(-1120, "Invalid interval."))
        limit = call.limit(500, 1500)
        end = call.whole("endTime", call.at)
        start = call.whole("startTime", end - end % span_ms - (limit - 1) * span_ms)
        rows = self.core.tape.bars(symbol, span_ms, at=call.at, start=Millis(max(start, 0)))
        rows = [row for row in rows if start <= row.open_at <= end]
        rows = rows[:limit] if "startTime" in call.params else rows[-limit:]
        return [(row, self.core.instruments[symbol]) for row in rows]

    # --- open interest and funding

    def open_interest(self, call: Call) -> dict[str, Any]:
        """Open Interest, as of now."""
        symbol = self._symbol(call)
        rows = self.core.open_interest.get(symbol, [])
        known_at, coins = rows[-1] if rows else (call.at, 0.0)
        return {"openInterest": f"{coins:.3f}", "symbol": call.text("symbol"), "time": known_at}

    def open_interest_history(self, call: Call) -> list[dict[str, Any]]:
        """Open Interest Statistics of the last 30 days, one row a period, oldest first."""
        symbol = self._symbol(call)
        period_ms = call.one_of("period", {name: TIMEFRAMES[name] for name in PERIODS})
        limit = call.limit(30, 500)
        end = min(call.whole("endTime", call.at), call.at)
        end -= end % period_ms
        start = call.whole("startTime", end - (limit - 1) * period_ms)
        if start < call.at - OPEN_INTEREST_KEPT_MS:
            raise Refused(-1130, "parameter 'startTime' is invalid.")
        rows = self.core.open_interest.get(symbol, [])
        first = start + -start % period_ms
        # With both ends given, the newest rows are told where there are too many.
        times = list(range(first, end + 1, period_ms))[-limit:]
        return [
            {
                "symbol": call.text("symbol"),
                "sumOpenInterest": f"{coins:.8f}",
                "sumOpenInterestValue": f"{coins * self._price_at(symbol, at):.8f}",
                "timestamp": at,
            }
            for at in times
            if (coins := _newest(rows, at)) is not None
        ]

    def _price_at(self, symbol: Symbol, at: int) -> float:
        bars = self.core.candles.get(symbol, [])
        index = bisect_right(bars, at, key=lambda bar: bar.close_at)
        return bars[index - 1].close if index else self.core.prices[symbol].mark

    def funding_info(self, call: Call) -> list[dict[str, Any]]:
        """Funding Info: only symbols that differ from the usual eight hours."""
        del call
        return [
            {
                "symbol": display_symbol(symbol),
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": funding.interval_ms // HOUR_MS,
                "disclaimer": False,
            }
            for symbol, funding in self.core.fundings.items()
            if funding.interval_ms != FUNDING_DEFAULT_MS
        ]

    def funding_rates(self, call: Call) -> list[dict[str, Any]]:
        """Funding Rate History: what was settled since the emulator began, oldest first."""
        chosen = self._orders.symbols(call)
        limit = call.limit(100, 1000)
        start, end = call.whole("startTime", 0), call.whole("endTime", call.at)
        rows = sorted(
            (row.at, symbol, row)
            for symbol in chosen
            for row in self.core.tape.settled.get(symbol, [])
            if start <= row.at <= end
        )
        rows = rows[:limit] if "startTime" in call.params else rows[-limit:]
        return [
            {
                "symbol": display_symbol(symbol),
                "fundingTime": row.at,
                "fundingRate": f"{row.rate:.8f}",
                "markPrice": f"{row.mark:.8f}",
            }
            for _, symbol, row in rows
        ]


def _bars_weight(call: Call) -> int:
    limit = int(call.text("limit", "500")) if call.text("limit", "500").isdigit() else 500
    steps = ((99, 1), (499, 2), (1000, 5))
    return next((weight for most, weight in steps if limit <= most), 10)


def _newest(rows: list[tuple[Millis, float]], at: int) -> float | None:
    index = bisect_right(rows, at, key=lambda row: row[0])
    return rows[index - 1][1] if index else None


def _number(value: float) -> str:
    return plain(Decimal(repr(round(value, 8))))


def _bar(row: Candle, instrument: Instrument) -> list[Any]:
    decimals = decimals_of(instrument.tick_size)
    bought = row.volume / 2 if row.taker_buy_volume is None else row.taker_buy_volume
    return [
        row.open_at,
        f"{row.open:.{decimals}f}",
        f"{row.high:.{decimals}f}",
        f"{row.low:.{decimals}f}",
        f"{row.close:.{decimals}f}",
        f"{row.volume:.3f}",
        row.close_at - 1,
        f"{row.volume * row.close:.5f}",
        0,
        f"{bought:.3f}",
        f"{bought * row.close:.5f}",
        "0",
    ]
