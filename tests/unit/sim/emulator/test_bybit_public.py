"""Prices, bars, depth and open interest at Bybit."""

from typing import Any

from bot.model.events import CandleClosed, FundingRead, OpenInterestRead
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_bybit import Client
from tests.fakes.emu_market import price_event

MINUTE = 60_000
FIVE = 5 * MINUTE


def with_bars(count: int) -> Client:
    client = Client()
    for i in range(count):
        open_at = Millis(NOON - (count - i) * MINUTE)
        candle = Candle(
            symbol=BTC,
            open_at=open_at,
            timeframe_ms=MINUTE,
            open=100.0 + i,
            high=101.0 + i,
            low=99.0 + i,
            close=100.5 + i,
            volume=2.0,
        )
        client.core.on_market(CandleClosed(at=candle.close_at, candle=candle))
    return client


def bars(client: Client, path: str = "/v5/market/kline", **params: Any) -> list[Any]:
    return list(client.linear(path, symbol="BTCUSDT", **params).rows)


def with_interest(*values: float) -> Client:
    client = Client()
    for i, oi in enumerate(values):
        at = Millis(NOON - (len(values) - 1 - i) * FIVE)
        client.core.on_market(OpenInterestRead(at=at, symbol=BTC, oi=oi, stamped_at=at))
    return client


def test_bars_come_newest_first_and_the_newest_may_still_be_forming() -> None:
    rows = bars(with_bars(3), interval="1")

    assert [str(NOON - i * MINUTE) for i in range(4)] == [row[0] for row in rows]
    assert ["100", "100"] == [rows[0][4], rows[0][1]]
    assert ["102", "103", "101", "102.5", "2", "205"] == rows[1][1:]


def test_a_start_alone_counts_forward() -> None:
    rows = bars(with_bars(5), interval="1", limit=2, start=NOON - 5 * MINUTE)

    assert [str(NOON - 4 * MINUTE), str(NOON - 5 * MINUTE)] == [row[0] for row in rows]


def test_bars_of_the_mark_have_no_volume() -> None:
    rows = bars(with_bars(1), "/v5/market/mark-price-kline", interval="5")

    assert {5} == {len(row) for row in rows}


def test_open_interest_goes_backwards_in_pages_and_a_start_alone_says_nothing() -> None:
    client = with_interest(1.0, 2.0, 3.0)
    asked = {"symbol": "BTCUSDT", "intervalTime": "5min"}
    first = client.linear("/v5/market/open-interest", limit=2, startTime=NOON, **asked)
    cursor = first.result["nextPageCursor"].replace("%3A", ":")
    second = client.linear("/v5/market/open-interest", limit=2, cursor=cursor, **asked)
    within = client.linear(
        "/v5/market/open-interest", startTime=NOON - FIVE, endTime=NOON - FIVE, **asked
    )

    assert ["3", "2"] == [row["openInterest"] for row in first.rows]
    assert [("1", str(NOON - 2 * FIVE))] == [
        (row["openInterest"], row["timestamp"]) for row in second.rows
    ]
    assert ["2"] == [row["openInterest"] for row in within.rows]
    assert "" == second.result["nextPageCursor"]


def test_tickers_tell_prices_funding_and_open_interest() -> None:
    client = with_interest(1000.0)
    funding = Funding(symbol=BTC, rate=-0.0002, next_at=Millis(NOON + 1000))
    client.core.on_market(FundingRead(at=NOON, funding=funding))
    client.core.on_market(price_event(101.5, depth_usd=500_000.0))
    row = client.linear("/v5/market/tickers", symbol="BTCUSDT").rows[0]

    assert ("101.5", "101.4", "101.6") == (row["markPrice"], row["bid1Price"], row["ask1Price"])
    assert ("-0.0002", str(NOON + 1000)) == (row["fundingRate"], row["nextFundingTime"])
    assert ("1000", "101500") == (row["openInterest"], row["openInterestValue"])
    assert 2 == len(client.linear("/v5/market/tickers").rows)


def test_settled_fundings_are_listed_and_a_start_needs_an_end() -> None:
    client = Client()
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1000))
    client.core.on_market(FundingRead(at=NOON, funding=funding))
    client.core.on_market(price_event(100.0, NOON + 2000))
    client.now += 2000
    asked = {"symbol": "BTCUSDT"}

    assert [("0.0001", str(NOON + 1000))] == [
        (row["fundingRate"], row["fundingRateTimestamp"])
        for row in client.linear("/v5/market/funding/history", **asked).rows
    ]
    assert 10001 == client.linear("/v5/market/funding/history", startTime=1, **asked).code


def test_instruments_that_are_not_trading_are_listed_nowhere() -> None:
    client = Client()
    listed = client.linear("/v5/market/instruments-info", limit=1000).rows
    before = client.linear("/v5/market/instruments-info", limit=1000, status="PreLaunch").rows

    assert ["BTCUSDT", "ETHUSDT"] == [row["symbol"] for row in listed]
    assert [] == before
    assert 10001 == client.get("/v5/market/instruments-info", category="spot").code


def test_what_the_emulator_does_not_know_is_an_empty_list() -> None:
    assert [] == Client().linear("/v5/market/account-ratio", symbol="BTCUSDT", period="1h").rows
