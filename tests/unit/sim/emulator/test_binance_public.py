"""Prices, bars, depth and open interest at Binance."""

from typing import Any

from bot.model.events import CandleClosed, FundingRead, OpenInterestRead
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_binance import Wire
from tests.fakes.emu_market import price_event

MINUTE = 60_000
HOUR = 60 * MINUTE
BARS = {"symbol": "BTCUSDT", "interval": "1m"}
HISTORY = "/futures/data/openInterestHist"


def wire_with_bars(count: int = 10) -> Wire:
    wire = Wire()
    for minute in range(count):
        candle = Candle(
            symbol=BTC,
            open_at=Millis(NOON - (count - minute) * MINUTE),
            timeframe_ms=MINUTE,
            open=100.0,
            high=102.0,
            low=99.0,
            close=101.0,
            volume=2.0,
            taker_buy_volume=0.5,
        )
        wire.core.on_market(CandleClosed(at=candle.close_at, candle=candle))
    wire.core.on_market(price_event(100.0))
    return wire


def test_time_is_the_instant_of_the_request() -> None:
    assert Wire().read("/fapi/v1/time") == {"serverTime": NOON}
    assert Wire().read("/fapi/v1/ping") == {}


def test_prices_of_one_symbol_or_of_all() -> None:
    wire = Wire()

    one = wire.read("/fapi/v1/ticker/bookTicker", symbol="BTCUSDT")
    every = wire.read("/fapi/v1/ticker/bookTicker")

    assert (one["bidPrice"], one["askPrice"]) == ("99.9", "100.1")
    assert [row["symbol"] for row in every] == ["BTCUSDT", "ETHUSDT"]
    assert wire.read("/fapi/v1/ticker/price", symbol="BTCUSDT")["price"] == "100.0"
    assert wire.read("/fapi/v1/premiumIndex", symbol="XUSDT")["code"] == -1121


def test_the_mark_comes_with_the_next_funding() -> None:
    wire = Wire()
    funding = Funding(symbol=BTC, rate=-0.0002, next_at=Millis(NOON + HOUR))
    wire.core.on_market(FundingRead(at=NOON, funding=funding))

    row = wire.read("/fapi/v1/premiumIndex", symbol="BTCUSDT")

    assert (row["markPrice"], row["lastFundingRate"]) == ("100.00000000", "-0.00020000")
    assert row["nextFundingTime"] == NOON + HOUR


def test_bars_end_with_the_one_that_is_forming() -> None:
    wire = wire_with_bars()

    rows = wire.read("/fapi/v1/klines", **BARS, limit=3)

    assert [row[0] - NOON for row in rows] == [-2 * MINUTE, -MINUTE, 0]
    assert rows[0][:7] == [
        NOON - 2 * MINUTE,
        "100.0",
        "102.0",
        "99.0",
        "101.0",
        "2.000",
        NOON - MINUTE - 1,
    ]
    assert rows[0][9] == "0.500"
    marks = wire.read("/fapi/v1/markPriceKlines", **BARS, limit=3)
    assert [row[5] for row in marks] == ["0", "0", "0"]


def test_bars_begin_at_their_start() -> None:
    wire = wire_with_bars()

    def opened(**params: Any) -> list[int]:
        rows = wire.read("/fapi/v1/klines", **{**BARS, **params})
        return [(row[0] - NOON) // MINUTE for row in rows]

    assert opened(startTime=NOON - 5 * MINUTE, limit=2) == [-5, -4]
    assert opened(startTime=NOON - 5 * MINUTE, endTime=NOON - 4 * MINUTE) == [-5, -4]
    assert opened(endTime=NOON - 4 * MINUTE, limit=2) == [-5, -4]
    assert opened(interval="5m") == [-10, -5, 0]
    assert wire.read("/fapi/v1/klines", symbol="BTCUSDT", interval="7m")["code"] == -1120


def test_more_bars_weigh_more() -> None:
    wire = wire_with_bars()
    weights = []
    before = 0
    for limit in (99, 100, 500, 1001):
        wire.read("/fapi/v1/klines", **BARS, limit=limit)
        now = int(wire.reply.headers["x-mbx-used-weight-1m"])
        weights.append(now - before)
        before = now

    assert weights == [1, 2, 5, 10]


def test_the_book_holds_the_depth_within_ten_basis_points() -> None:
    wire = Wire()
    wire.core.on_market(price_event(100.0, depth_usd=50_000.0))

    book = wire.read("/fapi/v1/depth", symbol="BTCUSDT", limit=5)

    assert [row[0] for row in book["bids"]] == ["99.9", "99.8", "99.7", "99.6", "99.5"]
    assert book["asks"][0][0] == "100.1"
    assert float(book["asks"][0][1]) * 100.0 == 50_000.0
    assert wire.read("/fapi/v1/depth", symbol="BTCUSDT", limit=7)["code"] == -4021


def test_the_day_is_summed_up() -> None:
    row = wire_with_bars().read("/fapi/v1/ticker/24hr", symbol="BTCUSDT")

    assert (row["lastPrice"], row["openPrice"], row["highPrice"], row["lowPrice"]) == (
        "100",
        "100",
        "102",
        "99",
    )
    assert (row["volume"], row["quoteVolume"]) == ("20", "2020")


def test_open_interest_is_told_on_a_grid_of_periods() -> None:
    wire = wire_with_bars()
    for back, coins in ((10, 5.0), (6, 6.0), (0, 7.0)):
        stamped_at = Millis(NOON - back * MINUTE)
        event = OpenInterestRead(at=stamped_at, symbol=BTC, oi=coins, stamped_at=stamped_at)
        wire.core.on_market(event)

    rows = wire.read(HISTORY, symbol="BTCUSDT", period="5m", limit=3)

    assert [(row["timestamp"] - NOON, float(row["sumOpenInterest"])) for row in rows] == [
        (-600_000, 5.0),
        (-300_000, 6.0),
        (0, 7.0),
    ]
    assert float(rows[-1]["sumOpenInterestValue"]) == 707.0
    assert wire.read("/fapi/v1/openInterest", symbol="BTCUSDT")["openInterest"] == "7.000"
    assert wire.read(HISTORY, symbol="BTCUSDT", period="1m")["code"] == -1102


def test_open_interest_is_kept_for_thirty_days() -> None:
    old = NOON - 31 * 24 * HOUR

    answer = Wire().read(HISTORY, symbol="BTCUSDT", period="5m", startTime=old)

    assert answer["code"] == -1130


def test_only_unusual_fundings_have_an_information() -> None:
    wire = Wire()
    for interval_ms, told in ((8 * HOUR, []), (4 * HOUR, [4])):
        funding = Funding(
            symbol=BTC, rate=0.0001, next_at=Millis(NOON + HOUR), interval_ms=interval_ms
        )
        wire.core.on_market(FundingRead(at=NOON, funding=funding))
        rows = wire.read("/fapi/v1/fundingInfo")
        assert [row["fundingIntervalHours"] for row in rows] == told


def test_settled_rates_are_listed() -> None:
    wire = Wire()
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + HOUR), interval_ms=HOUR)
    wire.core.on_market(FundingRead(at=NOON, funding=funding))
    wire.core.on_market(price_event(100.0, NOON + 2 * HOUR))
    wire.now = Millis(NOON + 2 * HOUR)

    rows = wire.read("/fapi/v1/fundingRate", symbol="BTCUSDT")

    assert [row["fundingTime"] - NOON for row in rows] == [HOUR, 2 * HOUR]
    assert wire.read("/fapi/v1/fundingRate", limit=1) == rows[1:]
    assert wire.read("/fapi/v1/fundingRate", limit=1, startTime=NOON) == rows[:1]
