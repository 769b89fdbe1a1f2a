"""Bybit's public market data over REST: pages "Market" of its v5 documentation."""

from bisect import bisect_right
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bot.model.events import PriceMoved
from bot.model.instrument import Instrument, display_symbol
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.bybit_call import Call, Route, get, market_ids, page
from bot.sim.emulator.bybit_words import bad, plain
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.tape import MINUTE_MS

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
FUNDING_MINUTES = 480
LAUNCHED_AT = "1585526400000"
DEPTH_USD = 1_000_000.0
"""Resting notional within 10 bps where the market does not say."""
INTERVALS: Mapping[str, int] = {
    **{str(minutes): minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_MS,
}
OI_INTERVALS: Mapping[str, int] = {
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}
RISK_LIMIT_LAST = "1000000000"


class BybitPublic:
    """Answers about instruments, prices, bars, open interest and funding."""

    def __init__(self, core: Emulator) -> None:
        self._core = core

    def routes(self) -> dict[str, Route]:
        """By path."""
        kline = "category symbol interval start end limit"
        return {
            "/v5/market/time": get("", self._time),
            "/v5/market/instruments-info": get(
                "category symbol symbolType status baseCoin limit cursor", self._instruments
            ),
            "/v5/market/tickers": get("category symbol", self._tickers),
            "/v5/market/kline": get(kline, self._kline),
            "/v5/market/mark-price-kline": get(kline, self._mark_kline),
            "/v5/market/open-interest": get(
                "category symbol intervalTime startTime endTime limit cursor", self._interest
            ),
            "/v5/market/orderbook": get("category symbol limit", self._book),
            "/v5/market/risk-limit": get("category symbol cursor", self._risk_limits),
            "/v5/market/funding/history": get(
                "category symbol startTime endTime limit", self._fundings
            ),
            "/v5/market/account-ratio": get(
                "category symbol period startTime endTime limit cursor", self._ratios
            ),
        }

    def _symbol(self, call: Call) -> Symbol:
        call.need_linear()
        return call.one_of("symbol", market_ids(list(self._core.instruments)))

    def _symbols(self, call: Call) -> list[Symbol]:
        if call.text("symbol"):
            return [self._symbol(call)]
        call.need_linear()
        return list(self._core.instruments)

    def _time(self, call: Call) -> dict[str, Any]:
        return {"timeSecond": str(call.at // 1000), "timeNano": str(call.at * 1_000_000)}

    def _instruments(self, call: Call) -> dict[str, Any]:
        symbols = self._symbols(call)
        if call.text("status", "Trading") != "Trading":
            symbols = []
        if coin := call.text("baseCoin"):
            symbols = [symbol for symbol in symbols if symbol.split("/")[0] == coin]
        rows, cursor = page(call, symbols, default=500, most=1000)
        listed = [self._instrument(symbol) for symbol in rows]
        return {"category": "linear", "list": listed, "nextPageCursor": cursor}

    def _instrument(self, symbol: Symbol) -> dict[str, Any]:
        instrument = self._core.instruments[symbol]
        base, quote = symbol.split(":")[0].split("/")
        funding = self._core.fundings.get(symbol)
        minutes = FUNDING_MINUTES if funding is None else funding.interval_ms // MINUTE_MS
        return {
            "symbol": display_symbol(symbol),
            "contractType": "LinearPerpetual",
            "status": "Trading",
            "baseCoin": base,
            "quoteCoin": quote,
            "settleCoin": symbol.split(":")[1],
            "symbolType": "",
            "launchTime": LAUNCHED_AT,
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceScale": str(max(-int(instrument.tick_size.normalize().as_tuple().exponent), 0)),
            "leverageFilter": {
                "minLeverage": "1",
                "maxLeverage": plain(instrument.leverage_max),
                "leverageStep": "0.01",
            },
            "priceFilter": {
                "minPrice": plain(instrument.tick_size),
                "maxPrice": plain(instrument.tick_size * 9_999_999),
                "tickSize": plain(instrument.tick_size),
            },
            "lotSizeFilter": {
                "maxOrderQty": plain(instrument.qty_max),
                "minOrderQty": plain(instrument.qty_min),
                "qtyStep": plain(instrument.lot_size),
                "postOnlyMaxOrderQty": plain(instrument.qty_max),
                "maxMktOrderQty": plain(instrument.qty_max),
                "minNotionalValue": plain(instrument.notional_min_usd),
            },
            "unifiedMarginTrade": True,
            "fundingInterval": minutes,
            "copyTrading": "none",
            "upperFundingRate": "0.005",
            "lowerFundingRate": "-0.005",
            "isPreListing": False,
            "preListingInfo": None,
            "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.1"},
        }

    # --- prices

    def _tickers(self, call: Call) -> dict[str, Any]:
        known = [symbol for symbol in self._symbols(call) if symbol in self._core.prices]
        rows = [self._ticker(symbol, call.at) for symbol in known]
        return {"category": "linear", "list": rows}

    def _ticker(self, symbol: Symbol, at: Millis) -> dict[str, str]:
        price = self._core.prices[symbol]
        funding = self._core.fundings.get(symbol)
        interest = self._core.open_interest.get(symbol)
        coins = interest[-1][1] if interest else 0.0
        size = plain(self._resting(symbol, price))
        return {
            "symbol": display_symbol(symbol),
            "lastPrice": plain(price.last),
            "indexPrice": plain(price.mark),
            "markPrice": plain(price.mark),
            **self._day(symbol, at, price.last),
            "openInterest": plain(coins),
            "openInterestValue": plain(round(coins * price.mark, 2)),
            "fundingRate": "" if funding is None else plain(funding.rate),
            "nextFundingTime": "0" if funding is None else str(funding.next_at),
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "ask1Size": size,
            "bid1Price": plain(price.bid),
            "ask1Price": plain(price.ask),
            "bid1Size": size,
            "basis": "",
        }

    def _day(self, symbol: Symbol, at: Millis, last: float) -> dict[str, str]:
        """What has happened in the last 24 hours, and the price an hour ago."""
        bars = self._core.tape.bars(symbol, HOUR_MS, at=at, start=Millis(at - DAY_MS))
        opened = bars[0].open if bars else last
        hour = bars[-2].close if len(bars) > 1 else opened
        return {
            "prevPrice24h": plain(opened),
            "price24hPcnt": f"{last / opened - 1:.6f}",
            "highPrice24h": plain(max([last, *(bar.high for bar in bars)])),
            "lowPrice24h": plain(min([last, *(bar.low for bar in bars)])),
            "prevPrice1h": plain(hour),
            "turnover24h": f"{sum(bar.volume * bar.close for bar in bars):.4f}",
            "volume24h": f"{sum(bar.volume for bar in bars):.4f}",
        }

    def _resting(self, symbol: Symbol, price: PriceMoved) -> Decimal:
        """Base coins at one level of the even book: 10 bps hold the depth."""
        instrument = self._core.instruments[symbol]
        levels = max(price.mark * 0.001 / float(instrument.tick_size), 1.0)
        coins = (price.depth_usd or DEPTH_USD) / levels / price.mark
        return max(instrument.qty_down(Decimal(repr(coins))), instrument.lot_size)

    def _book(self, call: Call) -> dict[str, Any]:
        symbol = self._symbol(call)
        depth = call.whole("limit", 25, low=1, high=500)
        price = self._core.prices.get(symbol)
        found: dict[str, Any] = {"s": display_symbol(symbol), "b": [], "a": []}
        if price is not None:
            tick = self._core.instruments[symbol].tick_size
            size = plain(self._resting(symbol, price))
            bid, ask = Decimal(repr(price.bid)), Decimal(repr(price.ask))
            found["b"] = [[plain(bid - i * tick), size] for i in range(depth) if bid > i * tick]
            found["a"] = [[plain(ask + i * tick), size] for i in range(depth)]
        number = self._core.version
        return {**found, "ts": call.at, "u": number, "seq": number, "cts": call.at}

    # --- bars

    def _kline(self, call: Call) -> dict[str, Any]:
        return self._bars(call, has_volume=True)

    def _mark_kline(self, call: Call) -> dict[str, Any]:
        return self._bars(call, has_volume=False)

    def _bars(self, call: Call, *, has_volume: bool) -> dict[str, Any]:
        """Bars, newest first; a start alone counts forward from it, and the last may be forming."""
        symbol = self._symbol(call)
        step_ms = call.one_of("interval", INTERVALS)
        limit = call.whole("limit", 200, low=1, high=1000)
        has_start, has_end = bool(call.text("start")), bool(call.text("end"))
        end = call.whole("end", call.at)
        start = call.whole("start", end - limit * step_ms)
        if has_start and not has_end:
            end = start + (limit - 1) * step_ms
        bars = [
            bar
            for bar in self._core.tape.bars(symbol, step_ms, at=call.at, start=Millis(start))
            if start <= bar.open_at <= end
        ]
        rows = [_bar_row(bar, has_volume=has_volume) for bar in reversed(bars[-limit:])]
        return {"symbol": display_symbol(symbol), "category": "linear", "list": rows}

    # --- the crowd

    def _interest(self, call: Call) -> dict[str, Any]:
        """Open interest at full intervals, newest first.

        The endpoint goes backwards from `endTime`; a `startTime` alone says nothing (a comment in
        ccxt 4.5.90, `fetch_derivatives_open_interest_history`).
        """
        symbol = self._symbol(call)
        step_ms = call.one_of("intervalTime", OI_INTERVALS)
        known = self._core.open_interest.get(symbol, [])
        first = known[0][0] if known else call.at
        end = call.whole("endTime", call.at)
        start = call.whole("startTime", first) if call.text("endTime") else first
        newest = min(end, call.at) // step_ms * step_ms
        grid = range(newest, max(start, first) - 1, -step_ms)
        stamps, cursor = page(call, grid, default=50, most=200)
        times = [at for at, _ in known]
        rows = [
            {"openInterest": plain(known[bisect_right(times, at) - 1][1]), "timestamp": str(at)}
            for at in stamps
        ]
        return {
            "symbol": display_symbol(symbol),
            "category": "linear",
            "list": rows,
            "nextPageCursor": cursor,
        }

    def _fundings(self, call: Call) -> dict[str, Any]:
        """Settled rates, newest first; a start without an end is refused."""
        symbol = self._symbol(call)
        if call.text("startTime") and not call.text("endTime"):
            raise bad("params error: startTime needs an endTime")
        start, end = call.whole("startTime", 0), call.whole("endTime", call.at)
        limit = call.whole("limit", 200, low=1, high=200)
        settled = self._core.tape.settled.get(symbol, [])
        within = [row for row in reversed(settled) if start <= row.at <= end]
        rows = [
            {
                "symbol": display_symbol(symbol),
                "fundingRate": plain(row.rate),
                "fundingRateTimestamp": str(row.at),
            }
            for row in within[:limit]
        ]
        return {"category": "linear", "list": rows}

    def _ratios(self, call: Call) -> dict[str, Any]:
        """The emulator knows nothing of who is long and who is short."""
        self._symbol(call)
        return {"list": [], "nextPageCursor": ""}

    def _risk_limits(self, call: Call) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for symbol in self._symbols(call):
            rows += _risk_rows(symbol, self._core.instruments[symbol], len(rows) + 1)
        return {"category": "linear", "list": rows, "nextPageCursor": ""}


def _bar_row(bar: Candle, *, has_volume: bool) -> list[str]:
    row = [str(bar.open_at), *(plain(x) for x in (bar.open, bar.high, bar.low, bar.close))]
    if has_volume:
        row += [plain(bar.volume), plain(round(bar.volume * bar.close, 4))]
    return row


def _risk_rows(symbol: Symbol, instrument: Instrument, first_id: int) -> list[dict[str, Any]]:
    tiers = instrument.tiers or (instrument.tier_at(0.0),)
    ceilings = [plain(tier.floor_usd) for tier in tiers[1:]] + [RISK_LIMIT_LAST]
    return [
        {
            "id": first_id + i,
            "symbol": display_symbol(symbol),
            "riskLimitValue": ceilings[i],
            "maintenanceMargin": plain(tier.maintenance_rate),
            "initialMargin": f"{1 / tier.leverage_max:.6f}",
            "isLowestRisk": 1 if i == 0 else 0,
            "maxLeverage": f"{tier.leverage_max:.2f}",
            "mmDeduction": plain(tier.cum_usd) if tier.cum_usd else "",
        }
        for i, tier in enumerate(tiers)
    ]
