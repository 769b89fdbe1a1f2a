"""Unmodified ccxt trades against the emulated Binance."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bot.model.events import CandleClosed, FundingRead, OpenInterestRead
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Why
from tests.fakes.contracts import BALANCE, BTC, ETH, NOON
from tests.fakes.emu_ccxt import BinanceOnAWire, binance_on_a_wire
from tests.fakes.emu_market import exchange_at, price_event

HOUR = 3_600_000


def run(story: Callable[[BinanceOnAWire], Awaitable[None]], **options: Any) -> None:
    async def tell() -> None:
        ex = binance_on_a_wire(exchange_at(), **options)
        try:
            await ex.load_markets()
            await story(ex)
        finally:
            await ex.close()

    asyncio.run(tell())


def test_markets_are_parsed_with_their_grid() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        market = ex.market(BTC)

        assert (market["id"], market["linear"], market["active"]) == ("BTCUSDT", True, True)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
        assert (market["limits"]["amount"]["max"], market["limits"]["cost"]["min"]) == (1000, 5)
        assert await ex.fetch_time() == NOON

    run(story)


def test_a_round_trip_with_its_balance_position_and_trades() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        await ex.set_leverage(5, BTC)
        await ex.set_margin_mode("isolated", BTC)
        entry = await ex.create_order(BTC, "market", "buy", 1, params={"clientOrderId": "in"})
        held = (await ex.fetch_positions([BTC]))[0]
        balance = await ex.fetch_balance()

        assert (entry["status"], entry["filled"], entry["average"]) == ("closed", 1.0, None)
        assert (held["contracts"], held["side"], held["marginMode"]) == (1.0, "long", "isolated")
        assert held["leverage"] is None
        assert held["liquidationPrice"] == pytest.approx(float(core.liquidation_price(BTC) or 0))
        assert balance["total"]["USDT"] == float(core.balance_usd + core.unrealized_usd(BTC))
        assert balance["free"]["USDT"] == pytest.approx(float(core.available_usd()))

        order = await ex.fetch_order(None, BTC, {"clientOrderId": "in"})
        trades = await ex.fetch_my_trades(BTC)

        assert (order["average"], order["filled"]) == (100.1, 1.0)
        assert [row["price"] for row in trades] == [100.1]
        assert trades[0]["fee"] == {"cost": 0.05005, "currency": "USDT"}
        assert trades[0]["order"] == order["id"]

        params = {"reduceOnly": True}
        await ex.create_order(BTC, "market", "sell", 1, params=params)

        assert await ex.fetch_positions([BTC]) == []
        assert core.balance_usd == BALANCE + sum((row.usd for row in core.incomes), Decimal(0))

    run(story)


def test_a_limit_order_rests_is_listed_and_canceled() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        params = {"clientOrderId": "rest", "timeInForce": "GTX"}
        order = await ex.create_order(BTC, "limit", "buy", 1, 90, params)
        listed = await ex.fetch_open_orders(BTC)

        assert [row["id"] for row in listed] == [order["id"]]
        assert (order["status"], order["postOnly"], order["price"]) == ("open", True, 90.0)

        gone = await ex.cancel_order(None, BTC, {"clientOrderId": "rest"})

        assert gone["status"] == "canceled"
        assert await ex.fetch_open_orders(BTC) == []
        with pytest.raises(ccxt.OrderNotFound):
            await ex.cancel_order(None, BTC, {"clientOrderId": "rest"})

    run(story)


def test_a_stop_lives_elsewhere_and_its_fill_has_other_names() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        await ex.create_order(BTC, "market", "buy", 1)
        params = {
            "stopLossPrice": 95,
            "reduceOnly": True,
            "workingType": "MARK_PRICE",
            "clientOrderId": "stop",
        }
        stop = await ex.create_order(BTC, "market", "sell", 1, params=params)

        assert (stop["clientOrderId"], stop["triggerPrice"], stop["status"]) == (
            "stop",
            95.0,
            "open",
        )
        assert await ex.fetch_open_orders(BTC) == []
        assert [r["id"] for r in await ex.fetch_open_orders(BTC, params={"trigger": True})] == [
            stop["id"]
        ]
        with pytest.raises(ccxt.OrderNotFound):
            await ex.fetch_order(None, BTC, {"clientOrderId": "stop"})

        ex.now = Millis(NOON + 1000)
        core.on_market(price_event(94.5, ex.now, low=94.5, high=96.0))
        named = {"trigger": True, "clientOrderId": "stop"}
        fired = await ex.fetch_order(None, BTC, named)
        child = await ex.fetch_order(fired["info"]["actualOrderId"], BTC)

        assert (fired["status"], fired["filled"], fired["average"]) == ("closed", 0.0, None)
        assert fired["info"]["algoStatus"] == "FINISHED"
        assert child["id"] != stop["id"]
        assert child["clientOrderId"] != "stop"
        assert (child["filled"], child["average"], child["reduceOnly"]) == (1.0, 94.9, True)
        assert await ex.fetch_positions([BTC]) == []

    run(story)


def test_a_stop_is_canceled_with_an_answer_that_tells_no_state() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        params = {"stopLossPrice": 95, "reduceOnly": True, "clientOrderId": "stop"}
        await ex.create_order(BTC, "market", "sell", 1, params=params)
        named = {"trigger": True, "clientOrderId": "stop"}

        answer = await ex.cancel_order(None, BTC, named)

        assert answer["status"] is None
        assert (answer["info"]["code"], answer["info"]["msg"]) == ("200", "success")
        assert core.open_orders(BTC, conditional=True, at=NOON) == []

    run(story)


@pytest.mark.parametrize(
    ("why", "error", "code"),
    [
        (Why.NO_MARGIN, ccxt.InsufficientFunds, -2019),
        (Why.DUPLICATE_ID, ccxt.BaseError, -4116),
        (Why.REDUCE_ONLY_MODE, ccxt.PermissionDenied, -4400),
        (Why.NOTHING_TO_REDUCE, ccxt.InvalidOrder, -2022),
    ],
)
def test_refusals_reach_ccxt_as_the_real_ones(why: Why, error: type[Exception], code: int) -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        core.refuse_next(why)

        with pytest.raises(error, match=str(code)):
            await ex.create_order(BTC, "market", "buy", 1)

    run(story)


def test_a_stop_that_would_trigger_at_once_is_refused() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        params = {"stopLossPrice": 105, "reduceOnly": True, "workingType": "MARK_PRICE"}

        with pytest.raises(ccxt.OrderImmediatelyFillable, match="-2021"):
            await ex.create_order(BTC, "market", "sell", 1, params=params)

    run(story)


def test_what_leaks_into_an_order_is_refused() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        params = {"stopLoss": {"triggerPrice": 95}}

        with pytest.raises(ccxt.BadRequest, match="-1104"):
            await ex.create_order(BTC, "market", "buy", 1, params=params)

        assert core.orders == {}

    run(story)


def test_e37_a_request_outside_of_its_window_is_refused() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        ex.options["recvWindow"] = 1000
        ex.dialect.handle(ex.sent[0], Millis(NOON))
        real = ex.milliseconds
        for offset in (-1001, 1000):
            ex.nonce = lambda offset=offset: real() + offset
            with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                await ex.fetch_balance()

    run(story)


def test_a_wrong_key_and_a_wrong_signature_are_told_apart() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        ex.secret = "another"
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await ex.fetch_balance()

        ex.apiKey = "another"
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await ex.fetch_balance()

    run(story)


def test_market_data_is_parsed() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        feed(core)
        ex.now = Millis(NOON + 1000)
        bars = await ex.fetch_ohlcv(BTC, "5m", limit=3)
        history = await ex.fetch_open_interest_history(BTC, "5m", limit=2)
        funding = await ex.fetch_funding_rate(BTC)
        ticker = await ex.fetch_ticker(BTC)
        book = await ex.fetch_order_book(BTC, 5)
        bests = await ex.fetch_bids_asks([BTC, ETH])
        interest = await ex.fetch_open_interest(BTC)

        assert [row[0] for row in bars] == [NOON - 600_000, NOON - 300_000, NOON]
        assert bars[0][1:] == [100.0, 102.0, 99.0, 101.0, 5.0]
        assert [row["openInterestAmount"] for row in history] == [7.0, 8.0]
        assert funding["fundingRate"] == 0.0001
        assert funding["fundingTimestamp"] == NOON + HOUR
        assert (ticker["last"], ticker["high"]) == (100.0, 102.0)
        assert (book["bids"][0][0], book["asks"][0][0]) == (99.9, 100.1)
        assert bests[ETH]["bid"] == 99.9
        assert interest["openInterestAmount"] == 8.0

    run(story)


def test_funding_is_an_income() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        core = ex.dialect.core
        feed(core)
        await ex.create_order(BTC, "market", "buy", 1)
        ex.now = Millis(NOON + HOUR)
        core.on_market(price_event(100.0, ex.now))
        paid = await ex.fetch_funding_history(BTC)
        rates = await ex.fetch_funding_rate_history(BTC)

        assert [row["amount"] for row in paid] == [-0.01]
        assert [row["fundingRate"] for row in rates] == [0.0001]

    run(story)


def test_the_markets_load_with_default_options_and_keys() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        paths = [request.url.split("?")[0] for request in ex.sent]

        assert any(path.endswith("capital/config/getall") for path in paths)

    run(story, fetchCurrencies=True, fetchMargins=True)


def test_settings_read_back() -> None:
    async def story(ex: BinanceOnAWire) -> None:
        await ex.set_leverage(7, BTC)
        mode = await ex.fetch_position_mode(BTC)
        fee = await ex.fetch_trading_fee(BTC)
        leverages = await ex.fetch_leverages([BTC])
        tiers = await ex.fetch_leverage_tiers([BTC])

        assert mode["hedged"] is False
        assert (fee["taker"], fee["maker"]) == (0.0005, 0.0002)
        assert leverages[BTC]["longLeverage"] == 7
        assert tiers[BTC][0]["maxLeverage"] == 50

    run(story)


def feed(core: Emulator) -> None:
    """Ten minutes of bars, two readings of open interest, and a funding in an hour."""
    for minute in range(10):
        open_at = Millis(NOON - (10 - minute) * 60_000)
        candle = Candle(
            symbol=BTC,
            open_at=open_at,
            timeframe_ms=60_000,
            open=100.0,
            high=102.0,
            low=99.0,
            close=101.0,
            volume=1.0,
        )
        core.on_market(CandleClosed(at=candle.close_at, candle=candle))
    core.on_market(price_event(100.0))
    for back, coins in ((300_000, 7.0), (0, 8.0)):
        stamped_at = Millis(NOON - back)
        event = OpenInterestRead(at=stamped_at, symbol=BTC, oi=coins, stamped_at=stamped_at)
        core.on_market(event)
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + HOUR), interval_ms=HOUR)
    core.on_market(FundingRead(at=NOON, funding=funding))
