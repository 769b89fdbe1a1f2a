"""Unmodified ccxt trades against the emulated Bybit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import pytest

from bot.model.events import CandleClosed, FundingRead, OpenInterestRead
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from tests.fakes.contracts import BALANCE, BTC, ETH, NOON
from tests.fakes.emu_bybit import BybitOnAWire
from tests.fakes.emu_market import exchange_at, price_event

MINUTE = 60_000
HOUR = 3_600_000


def run(story: Callable[[BybitOnAWire], Awaitable[None]]) -> None:
    async def tell() -> None:
        ex = BybitOnAWire(exchange_at())
        try:
            await ex.load_markets()
            await story(ex)
        finally:
            await ex.close()

    asyncio.run(tell())


def move(ex: BybitOnAWire, price: float, *, seconds: int = 1, **more: Any) -> None:
    """Time passes and the price is another one."""
    ex.now += seconds * 1000
    ex.dialect.core.on_market(price_event(price, ex.now, **more))


def test_markets_are_parsed_with_their_grid() -> None:
    async def story(ex: BybitOnAWire) -> None:
        market = ex.market(BTC)

        assert (market["id"], market["linear"], market["active"]) == ("BTCUSDT", True, True)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
        assert (market["limits"]["amount"]["max"], market["limits"]["cost"]["min"]) == (1000, 5)
        assert market["limits"]["leverage"]["max"] == 50
        assert await ex.fetch_time() == NOON

    run(story)


def test_a_round_trip_with_its_balance_position_and_trades() -> None:
    async def story(ex: BybitOnAWire) -> None:
        await ex.set_leverage(5, BTC)
        entry = await ex.create_order(BTC, "market", "buy", 1, params={"clientOrderId": "in"})
        held = (await ex.fetch_positions([BTC]))[0]
        balance = await ex.fetch_balance()
        trades = await ex.fetch_my_trades(BTC)
        params = {"clientOrderId": "out", "reduceOnly": True}
        await ex.create_order(BTC, "market", "sell", 1, params=params)

        assert (entry["status"], entry["filled"], entry["clientOrderId"]) == (None, None, "in")
        assert (held["contracts"], held["side"], held["leverage"]) == (1.0, "long", 5.0)
        assert held["entryPrice"] == 100.1
        assert held["initialMargin"] == pytest.approx(20.02)
        assert balance["total"]["USDT"] == pytest.approx(float(BALANCE) - 0.05005)
        assert balance["free"]["USDT"] == pytest.approx(float(BALANCE) - 0.05005 - 20.02)
        assert [(row["order"], row["price"], row["takerOrMaker"]) for row in trades] == [
            (entry["id"], 100.1, "taker")
        ]
        assert trades[0]["fee"]["cost"] == pytest.approx(0.05005)
        assert await ex.fetch_positions() == []

    run(story)


def test_a_limit_order_rests_and_is_canceled_by_its_client_id() -> None:
    async def story(ex: BybitOnAWire) -> None:
        await ex.create_order(BTC, "limit", "buy", 1, 99.5, {"clientOrderId": "low"})
        resting = await ex.fetch_open_orders(BTC)
        await ex.cancel_order(None, BTC, {"orderLinkId": "low"})

        assert [(row["clientOrderId"], row["status"], row["price"]) for row in resting] == [
            ("low", "open", 99.5)
        ]
        assert await ex.fetch_open_orders(BTC) == []
        ended = await ex.fetch_canceled_and_closed_orders(BTC)
        assert [(row["clientOrderId"], row["status"]) for row in ended] == [("low", "canceled")]
        with pytest.raises(ccxt.OrderNotFound):
            await ex.cancel_order(None, BTC, {"orderLinkId": "low"})

    run(story)


def test_an_entry_brings_its_stop_along() -> None:
    async def story(ex: BybitOnAWire) -> None:
        stop = {"stopLoss": {"triggerPrice": 95}, "slTriggerBy": "MarkPrice", "tpslMode": "Full"}
        await ex.create_order(BTC, "market", "buy", 1, params=stop)
        attached = (await ex.fetch_open_orders(BTC))[0]
        held = (await ex.fetch_positions([BTC]))[0]

        assert (attached["triggerPrice"], attached["stopLossPrice"]) == (95.0, 95.0)
        assert (attached["side"], attached["clientOrderId"]) == ("sell", None)
        assert attached["info"]["stopOrderType"] == "StopLoss"
        assert held["stopLossPrice"] == 95.0

        move(ex, 94.9)
        fill = (await ex.fetch_my_trades(BTC))[-1]
        assert (fill["order"], fill["side"]) == (attached["id"], "sell")
        assert (await ex.fetch_positions([BTC]))[0]["contracts"] == 0.0

    run(story)


def test_a_stop_keeps_its_names_when_it_fires() -> None:
    async def story(ex: BybitOnAWire) -> None:
        await ex.create_order(BTC, "market", "buy", 1)
        params = {"stopLossPrice": 95, "triggerBy": "MarkPrice", "clientOrderId": "sl"}
        sent = await ex.create_order(BTC, "market", "sell", 1, params=params)
        waiting = (await ex.fetch_open_orders(BTC, params={"trigger": True}))[0]
        move(ex, 94.9)
        fired = (await ex.privateGetV5OrderRealtime({"category": "linear", "orderLinkId": "sl"}))[
            "result"
        ]["list"]
        parsed = ex.parse_order(fired[0])

        assert (waiting["id"], waiting["stopLossPrice"]) == (sent["id"], 95.0)
        assert waiting["info"]["orderStatus"] == "Untriggered"
        assert (parsed["id"], parsed["status"], parsed["filled"]) == (sent["id"], "closed", 1.0)
        assert parsed["average"] == pytest.approx(94.8, abs=0.1)

    run(story)


def test_refusals_are_what_ccxt_takes_them_for() -> None:
    async def story(ex: BybitOnAWire) -> None:
        core = ex.dialect.core
        await ex.set_leverage(5, BTC)
        with pytest.raises(ccxt.InsufficientFunds):
            await ex.create_order(BTC, "market", "buy", 900)
        with pytest.raises(ccxt.InvalidOrder, match="110017"):
            await ex.create_order(BTC, "market", "sell", 1, params={"reduceOnly": True})
        with pytest.raises(ccxt.InvalidOrder, match="110094"):
            await ex.create_order(BTC, "market", "buy", 0.001)
        with pytest.raises(ccxt.BadRequest, match="110043"):
            await ex.set_leverage(core.leverages[BTC], BTC)
        with pytest.raises(ccxt.NoChange):
            await ex.set_position_mode(hedged=False, symbol=BTC)
        ex.secret = "another"
        with pytest.raises(ccxt.AuthenticationError):
            await ex.fetch_balance()

    run(story)


def test_margin_mode_is_one_of_the_whole_account() -> None:
    async def story(ex: BybitOnAWire) -> None:
        await ex.set_margin_mode("isolated", BTC)
        info = await ex.privateGetV5AccountInfo()
        wallet = (await ex.fetch_balance())["info"]["result"]["list"][0]

        assert info["result"]["marginMode"] == "ISOLATED_MARGIN"
        assert set(ex.dialect.core.margin_modes.values()) == {"isolated"}
        assert (wallet["totalAvailableBalance"], wallet["totalInitialMargin"]) == ("", "")
        assert (await ex.fetch_balance())["free"]["USDT"] == float(BALANCE)

    run(story)


def test_bars_open_interest_tickers_and_books_are_read() -> None:
    async def story(ex: BybitOnAWire) -> None:
        core = ex.dialect.core
        for i in range(10):
            at = Millis(NOON - (10 - i) * MINUTE)
            bar = Candle(
                symbol=BTC,
                open_at=at,
                timeframe_ms=MINUTE,
                open=100.0,
                high=101.0,
                low=99.0,
                close=100.0,
                volume=3.0,
            )
            core.on_market(CandleClosed(at=bar.close_at, candle=bar))
        for hours, oi in ((2, 500.0), (1, 510.0)):
            at = Millis(NOON - hours * HOUR)
            core.on_market(OpenInterestRead(at=at, symbol=BTC, oi=oi, stamped_at=at))
        funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + HOUR))
        core.on_market(FundingRead(at=NOON, funding=funding))
        bars = await ex.fetch_ohlcv(BTC, "5m", since=NOON - 10 * MINUTE)
        interest = await ex.fetch_open_interest_history(BTC, "1h")
        tickers = await ex.fetch_tickers([BTC, ETH])
        book = await ex.fetch_order_book(BTC)
        tiers = await ex.fetch_market_leverage_tiers(BTC)

        assert bars[:2] == [
            [NOON - 10 * MINUTE, 100.0, 101.0, 99.0, 100.0, 15.0],
            [NOON - 5 * MINUTE, 100.0, 101.0, 99.0, 100.0, 15.0],
        ]
        assert [(row["timestamp"], row["openInterestAmount"]) for row in interest] == [
            (NOON - 2 * HOUR, 500.0),
            (NOON - HOUR, 510.0),
            (NOON, 510.0),
        ]
        assert (tickers[BTC]["bid"], tickers[BTC]["ask"], tickers[ETH]["last"]) == (
            99.9,
            100.1,
            100.0,
        )
        assert tickers[BTC]["info"]["fundingRate"] == "0.0001"
        assert (book["bids"][0][0], book["asks"][0][0]) == (99.9, 100.1)
        assert [row["maxLeverage"] for row in tiers] == [50.0]

    run(story)


def test_messages_of_the_account_are_read_by_the_same_parsers() -> None:
    async def story(ex: BybitOnAWire) -> None:
        core = ex.dialect.core
        stop = {"stopLoss": {"triggerPrice": 95}, "slTriggerBy": "MarkPrice"}
        await ex.create_order(BTC, "market", "buy", 1, params={"clientOrderId": "in", **stop})
        rows: dict[str, list[dict[str, Any]]] = {}
        for happening in core.take_happenings():
            for message in ex.dialect.user_messages(happening):
                rows.setdefault(message["topic"], []).extend(message["data"])
        filled = next(row for row in rows["order"] if row["orderStatus"] == "Filled")
        order, trade = ex.parse_order(filled), ex.parse_trade(rows["execution"][0])
        held = ex.parse_position(rows["position"][-1])

        assert (order["clientOrderId"], order["status"], order["average"]) == (
            "in",
            "closed",
            100.1,
        )
        assert (trade["order"], trade["amount"], trade["symbol"]) == (order["id"], 1.0, BTC)
        assert (held["side"], held["contracts"], held["entryPrice"]) == ("long", 1.0, 100.1)
        assert rows["wallet"][0]["accountType"] == "UNIFIED"

    run(story)


def test_settlements_are_read_as_funding_history() -> None:
    async def story(ex: BybitOnAWire) -> None:
        await ex.create_order(BTC, "market", "buy", 1)
        funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1000))
        ex.dialect.core.on_market(FundingRead(at=NOON, funding=funding))
        move(ex, 100.0, seconds=2)
        reply = await ex.privateGetV5ExecutionList({"category": "linear", "execType": "Funding"})
        income = ex.parse_income(reply["result"]["list"][0])
        rates = await ex.fetch_funding_rate_history(BTC)

        assert (income["amount"], income["timestamp"]) == (0.01, NOON + 1000)
        assert [row["fundingRate"] for row in rates] == [0.0001]

    run(story)
