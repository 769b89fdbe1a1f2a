"""Bybit's replies, as its V5 reference shows them."""

import asyncio
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.market.public_bybit import ROUTES, BybitPublic
from bot.market.publicdata import HOUR_MS, MINUTE_MS, Tick
from bot.model.instrument import LeverageTier
from bot.model.market import Funding
from bot.model.primitives import Millis, Symbol
from tests.fakes.market_line import MarketLine, a_market

BTC = Symbol("BTC/USDT:USDT")
AT = Millis(1_767_225_600_000)
URLS = {"api": {"ws": {"public": {"linear": "wss://stream.{hostname}/v5/public/linear"}}}}
TICKER = {
    "symbol": "BTCUSDT",
    "lastPrice": "87900.50",
    "indexPrice": "87910.00",
    "markPrice": "87900.10",
    "openInterest": "52000.5",
    "fundingRate": "-0.000212",
    "nextFundingTime": str(AT + HOUR_MS),
    "fundingIntervalHour": "4",
    "bid1Price": "87900.00",
    "bid1Size": "1.2",
    "ask1Price": "87900.10",
    "ask1Size": "9.1",
}


def replied(**result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": AT}


def opened() -> tuple[MarketLine, BybitPublic]:
    line = MarketLine(
        [a_market(), a_market("ETHUSDT", "ETH/USDT:USDT")], urls=URLS, hostname="bybit.com"
    )
    public = BybitPublic(line)
    asyncio.run(public.listed(is_fresh=False))
    return line, public


def test_one_call_tells_all_prices() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketTickers"] = replied(
        category="linear", list=[TICKER, TICKER | {"symbol": "XRPUSDT"}, {"symbol": "ETHUSDT"}]
    )
    tick = asyncio.run(public.ticks([BTC]))

    assert [
        Tick(
            symbol=BTC,
            stamped_at=AT,
            mark=87900.1,
            bid=87900.0,
            ask=87900.1,
            last=87900.5,
            funding=Funding(
                symbol=BTC,
                rate=-0.000212,
                next_at=Millis(AT + HOUR_MS),
                interval_ms=4 * HOUR_MS,
            ),
        )
    ] == tick


def test_a_contract_without_funding_has_none() -> None:
    line, public = opened()
    bare = TICKER | {"fundingRate": "", "nextFundingTime": "0"}
    line.answers["publicGetV5MarketTickers"] = replied(list=[bare])

    assert asyncio.run(public.ticks([BTC]))[0].funding is None


def test_bars_come_newest_first_and_are_given_oldest_first() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketKline"] = replied(
        list=[
            [str(AT + MINUTE_MS), "2", "3", "1", "2", "7", "14"],
            [str(AT), "1", "2", "1", "2", "5", "8"],
        ]
    )
    bars = asyncio.run(public.candles(BTC, MINUTE_MS, AT, Millis(AT + 2 * MINUTE_MS)))

    assert [(AT, 5.0), (AT + MINUTE_MS, 7.0)] == [(bar.open_at, bar.volume) for bar in bars]
    assert {
        "category": "linear",
        "symbol": "BTCUSDT",
        "interval": "1",
        "start": AT,
        "end": AT + 2 * MINUTE_MS - 1,
        "limit": 1000,
    } == line.asked[-1][1]


def test_bars_of_the_mark_have_no_volume() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketMarkPriceKline"] = replied(list=[[str(AT), "1", "2", "1", "2"]])
    bars = asyncio.run(public.mark_candles(BTC, MINUTE_MS, AT, Millis(AT + MINUTE_MS)))

    assert [0.0] == [bar.volume for bar in bars]


def test_open_interest_is_that_of_the_ticker() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketTickers"] = replied(list=[TICKER])

    assert (AT, 52000.5) == asyncio.run(public.open_interest(BTC))

    line.answers["publicGetV5MarketTickers"] = replied(list=[])

    assert asyncio.run(public.open_interest(BTC)) is None


def test_past_open_interest_comes_in_pages() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketOpenInterest"] = lambda asked: replied(
        list=[
            {"openInterest": "461134.1", "timestamp": str(at)}
            for at in range(asked["endTime"], asked["startTime"] - 1, -300_000)
        ]
    )
    since = Millis(AT - 299 * 300_000)
    found = asyncio.run(public.open_interest_past(BTC, 300_000, since, AT))

    assert [since, AT, 300] == [found[0][0], found[-1][0], len(found)]
    assert ["5min"] * 2 == [asked["intervalTime"] for _, asked in line.asked]


def test_depth_is_that_of_the_thinner_side() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketOrderbook"] = replied(
        s="BTCUSDT", b=[["100.0", "3"]], a=[["100.1", "2"]], ts=AT, u=1, seq=1
    )

    assert 200.2 == asyncio.run(public.depth_usd(BTC))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_risk_limits_are_continuous_tiers(scale: float) -> None:
    line, public = opened()

    def limit(top: str, rate: float, leverage: int) -> dict[str, Any]:
        return {
            "id": 1,
            "symbol": "BTCUSDT",
            "riskLimitValue": top,
            "maintenanceMargin": str(rate * scale),
            "initialMargin": str(scale / leverage),
            "isLowestRisk": 0,
            "maxLeverage": f"{leverage}.00",
            "mmDeduction": "",
        }

    line.answers["publicGetV5MarketRiskLimit"] = replied(
        category="linear", list=[limit("4000000", 0.01, 50), limit("2000000", 0.005, 100)]
    )
    first = LeverageTier(floor_usd=0.0, maintenance_rate=0.005, cum_usd=0.0, leverage_max=100.0)
    second = LeverageTier(
        floor_usd=2_000_000.0, maintenance_rate=0.01, cum_usd=10_000.0, leverage_max=50.0
    )

    assert (first, second) == asyncio.run(public.tiers(BTC))


def test_a_refusal_in_the_shape_of_a_reply_is_no_answer() -> None:
    line, public = opened()
    line.answers["publicGetV5MarketTickers"] = {"time": AT, "result": {}}

    with pytest.raises(NoAnswerError):
        asyncio.run(public.ticks([BTC]))


def test_a_stream_is_a_snapshot_and_what_changes_of_it() -> None:
    _, public = opened()
    (plan,) = public.streams([BTC])

    def message(kind: str, ts: int, **data: Any) -> dict[str, Any]:
        return {"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 1, "ts": ts}

    assert [] == plan.decode(message("delta", AT, symbol="BTCUSDT", markPrice="1"))
    (first,) = plan.decode(message("snapshot", AT, **TICKER))
    (second,) = plan.decode(message("delta", AT + 100, symbol="BTCUSDT", ask1Price="87901"))

    assert (87900.1, 87900.1) == (first.mark, first.ask)
    assert (87900.1, 87901.0, AT + 100) == (second.mark, second.ask, second.stamped_at)

    plan.begin()

    assert [] == plan.decode(message("delta", AT, symbol="BTCUSDT", markPrice="1"))


def test_a_stream_subscribes_by_tens_and_is_kept_open() -> None:
    _, public = opened()
    (plan,) = public.streams([BTC] * 25)

    assert "wss://stream.bybit.com/v5/public/linear" == plan.url
    assert [10, 10, 5] == [len(message["args"]) for message in plan.hello]
    assert {"op": "subscribe", "args": ["tickers.BTCUSDT"] * 5} == plan.hello[2]
    assert {"op": "ping"} == plan.ping


def test_other_messages_tell_nothing_and_a_refused_subscription_is_an_end() -> None:
    _, public = opened()
    (plan,) = public.streams([BTC])

    assert [] == plan.decode({"op": "pong", "success": True})
    assert [] == plan.decode({"success": True, "ret_msg": "", "op": "subscribe"})
    with pytest.raises(NoAnswerError, match="refused"):
        plan.decode({"success": False, "ret_msg": "Invalid symbol", "op": "subscribe"})


def test_every_route_counts_against_the_address() -> None:
    assert all({"ip": 1} == route.costs for route in ROUTES)
