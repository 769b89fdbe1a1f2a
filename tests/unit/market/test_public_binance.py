"""Binance's replies, as its documentation of USDⓈ-M Futures shows them."""

import asyncio
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.market.public_binance import ROUTES, BinancePublic
from bot.market.publicdata import HOUR_MS, MINUTE_MS, Tick, both
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from tests.fakes.market_line import MarketLine, a_market

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
AT = Millis(1_767_225_600_000)
PREMIUM = {
    "symbol": "BTCUSDT",
    "markPrice": "87900.12345678",
    "indexPrice": "87910.00000000",
    "estimatedSettlePrice": "87900.0",
    "lastFundingRate": "0.00010000",
    "interestRate": "0.00010000",
    "nextFundingTime": AT + HOUR_MS,
    "time": AT,
}
BOOK = {
    "symbol": "BTCUSDT",
    "bidPrice": "87899.90",
    "bidQty": "4.2",
    "askPrice": "87900.00",
    "askQty": "1.0",
    "time": AT - 20,
    "lastUpdateId": 1027024,
}


def a_row(at: int, close: str = "101") -> list[Any]:
    return [at, "100", "102", "99", close, "12.5", at + 59_999, "1250", 308, "5.5", "550", "0"]


def opened(**exchange: Any) -> tuple[MarketLine, BinancePublic]:
    line = MarketLine([a_market(), a_market("ETHUSDT", "ETH/USDT:USDT", tick="0.01")], **exchange)
    line.answers["fapiPublicGetFundingInfo"] = [
        {"symbol": "ETHUSDT", "adjustedFundingRateCap": "0.02", "fundingIntervalHours": 4}
    ]
    public = BinancePublic(line)
    asyncio.run(public.listed(is_fresh=False))
    return line, public


def test_two_calls_tell_all_prices() -> None:
    line, public = opened()
    line.answers["fapiPublicGetPremiumIndex"] = [PREMIUM, PREMIUM | {"symbol": "XRPUSDT"}]
    line.answers["fapiPublicGetTickerBookTicker"] = [BOOK]
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(AT + HOUR_MS))

    assert [
        Tick(symbol=BTC, stamped_at=AT, mark=87900.12345678, funding=funding),
        Tick(symbol=BTC, stamped_at=Millis(AT - 20), bid=87899.9, ask=87900.0),
    ] == asyncio.run(public.ticks([BTC, ETH]))


def test_a_row_without_a_price_leaves_the_others() -> None:
    line, public = opened()
    eth = PREMIUM | {"symbol": "ETHUSDT", "markPrice": "3000"}
    line.answers["fapiPublicGetPremiumIndex"] = [{"symbol": "BTCUSDT"}, eth]
    line.answers["fapiPublicGetTickerBookTicker"] = []

    assert [ETH] == [tick.symbol for tick in asyncio.run(public.ticks([BTC, ETH]))]


def test_funding_that_is_not_every_eight_hours_is_known() -> None:
    line, public = opened()
    line.answers["fapiPublicGetPremiumIndex"] = [PREMIUM | {"symbol": "ETHUSDT"}]
    line.answers["fapiPublicGetTickerBookTicker"] = []
    funding = asyncio.run(public.ticks([ETH]))[0].funding

    assert funding is not None
    assert 4 * HOUR_MS == funding.interval_ms


def test_contracts_are_known_without_the_list_of_funding_spans() -> None:
    line = MarketLine()
    line.answers["fapiPublicGetFundingInfo"] = NoAnswerError("the stream of replies has dried up")

    assert BTC in asyncio.run(BinancePublic(line).listed(is_fresh=False))


def test_bars_have_the_takers_part() -> None:
    line, public = opened()
    line.answers["fapiPublicGetKlines"] = [a_row(AT), a_row(AT + MINUTE_MS)]
    found = asyncio.run(public.candles(BTC, MINUTE_MS, AT, Millis(AT + MINUTE_MS)))

    assert [
        Candle(
            symbol=BTC,
            open_at=AT,
            timeframe_ms=MINUTE_MS,
            open=100.0,
            high=102.0,
            low=99.0,
            close=101.0,
            volume=12.5,
            taker_buy_volume=5.5,
        )
    ] == found
    assert {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "startTime": AT,
        "endTime": AT + MINUTE_MS - 1,
        "limit": 99,
    } == line.asked[-1][1]


def test_many_bars_come_in_pages() -> None:
    line, public = opened()
    line.answers["fapiPublicGetMarkPriceKlines"] = lambda asked: [
        a_row(at) for at in range(asked["startTime"], asked["endTime"], MINUTE_MS)
    ]
    until = Millis(AT + 2_500 * MINUTE_MS)
    found = asyncio.run(public.mark_candles(BTC, MINUTE_MS, AT, until))

    assert [AT + index * MINUTE_MS for index in range(2_500)] == [bar.open_at for bar in found]
    assert [1_000, 1_000, 1_000] == [asked["limit"] for _, asked in line.asked[1:]]


def test_open_interest_is_that_of_now() -> None:
    line, public = opened()
    line.answers["fapiPublicGetOpenInterest"] = {
        "openInterest": "10659.509",
        "symbol": "BTCUSDT",
        "time": AT,
    }

    assert (AT, 10659.509) == asyncio.run(public.open_interest(BTC))


def test_past_open_interest_is_asked_for_no_further_back_than_it_is_kept() -> None:
    line, public = opened()
    line.answers["fapiDataGetOpenInterestHist"] = lambda asked: [
        {
            "symbol": "BTCUSDT",
            "sumOpenInterest": "20403.63",
            "sumOpenInterestValue": "1",
            "timestamp": at,
        }
        for at in range(-(-asked["startTime"] // HOUR_MS) * HOUR_MS, asked["endTime"] + 1, HOUR_MS)
    ]
    since = Millis(AT - 60 * 24 * HOUR_MS)
    found = asyncio.run(public.open_interest_past(BTC, HOUR_MS, since, AT))

    assert 30 * 24 == len(found)
    assert (AT, 20403.63) == found[-1]
    assert [("1h", 500)] * 2 == [(a["period"], a["limit"]) for _, a in line.asked[1:]]


def test_depth_is_that_of_the_thinner_side() -> None:
    line, public = opened()
    line.answers["fapiPublicGetDepth"] = {
        "lastUpdateId": 1,
        "E": AT,
        "T": AT,
        "bids": [["100.0", "3"]],
        "asks": [["100.1", "2"]],
    }

    assert 200.2 == asyncio.run(public.depth_usd(BTC))
    assert 50 == line.asked[-1][1]["limit"]


def test_a_fine_grid_is_asked_for_more_levels() -> None:
    line, public = opened()
    line.answers["fapiPublicGetPremiumIndex"] = [PREMIUM]
    line.answers["fapiPublicGetTickerBookTicker"] = []
    line.answers["fapiPublicGetDepth"] = {"bids": [], "asks": []}
    asyncio.run(public.ticks([BTC]))

    assert asyncio.run(public.depth_usd(BTC)) is None
    assert 500 == line.asked[-1][1]["limit"]


def test_brackets_need_a_key() -> None:
    line, public = opened()

    assert () == asyncio.run(public.tiers(BTC))

    keyed = BinancePublic(line, has_key=True)
    line.answers["fapiPrivateGetLeverageBracket"] = [
        {
            "symbol": "BTCUSDT",
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": 125,
                    "notionalCap": 50000,
                    "notionalFloor": 0,
                    "maintMarginRatio": "0.004",
                    "cum": "0.0",
                }
            ],
        }
    ]
    asyncio.run(keyed.listed(is_fresh=False))

    tier = LeverageTier(floor_usd=0.0, maintenance_rate=0.004, cum_usd=0.0, leverage_max=125.0)

    assert ((tier,), ()) == asyncio.run(both(keyed.tiers(BTC), keyed.tiers(ETH)))
    assert 1 == [name for name, _ in line.asked].count("fapiPrivateGetLeverageBracket")


def test_streams_are_routed_by_kind() -> None:
    urls = {"api": {"ws": {"linear": "wss://fstream.binance.com/ws"}}}
    _, public = opened(urls=urls)

    assert [
        "wss://fstream.binance.com/market/stream?streams=btcusdt@markPrice@1s/ethusdt@markPrice@1s",
        "wss://fstream.binance.com/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker",
    ] == [plan.url for plan in public.streams([BTC, ETH])]


def test_a_stream_tells_marks_and_books() -> None:
    _, public = opened(urls={"api": {"ws": {"linear": "wss://fstream.binance.com/ws"}}})
    plan = public.streams([BTC])[0]
    mark = {
        "e": "markPriceUpdate",
        "E": AT,
        "s": "BTCUSDT",
        "p": "87900.1",
        "i": "87910",
        "P": "87900",
        "r": "0.0001",
        "T": AT + HOUR_MS,
    }
    book = {
        "e": "bookTicker",
        "u": 400900217,
        "E": AT,
        "T": AT - 3,
        "s": "BTCUSDT",
        "b": "87899.9",
        "B": "31.2",
        "a": "87900.0",
        "A": "40.6",
    }
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(AT + HOUR_MS))

    assert [Tick(symbol=BTC, stamped_at=AT, mark=87900.1, funding=funding)] == plan.decode(
        {"stream": "btcusdt@markPrice@1s", "data": mark}
    )
    assert [Tick(symbol=BTC, stamped_at=Millis(AT - 3), bid=87899.9, ask=87900.0)] == plan.decode(
        {"stream": "btcusdt@bookTicker", "data": book}
    )
    assert [] == plan.decode({"result": None, "id": 1})
    with pytest.raises(NoAnswerError):
        plan.decode(
            {"stream": "btcusdt@markPrice@1s", "data": {"e": "markPriceUpdate", "s": "BTCUSDT"}}
        )


def test_no_route_takes_more_than_the_market_datas_share() -> None:
    assert all(cost <= 20 for route in ROUTES for cost in route.costs.values())
