"""Positions, balances, trades and income at Binance."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.primitives import Millis
from bot.sim.emulator.ledger import FIRST_TRADE_ID
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_binance import ALGO, BUY_ONE, ORDER, STOP, Wire
from tests.fakes.emu_market import price_event

V3 = "/fapi/v3/positionRisk"
TRADES = "/fapi/v1/userTrades"
INCOME = "/fapi/v1/income"
DAY = 86_400_000


def test_flat_symbols_are_not_listed_and_leverage_is_not_told() -> None:
    wire = Wire()
    assert wire.send("GET", V3) == []

    wire.send("POST", ORDER, BUY_ONE)
    (row,) = wire.send("GET", V3)

    assert (row["symbol"], row["positionAmt"], row["positionSide"]) == ("BTCUSDT", "1.000", "BOTH")
    assert not {"leverage", "marginType"} & set(row)
    assert Decimal(row["entryPrice"]) == Decimal("100.1")
    assert Decimal(row["unRealizedProfit"]) == Decimal("-0.1")


def test_a_symbol_with_an_open_order_is_listed_although_flat() -> None:
    wire = Wire()
    wire.send("POST", ALGO, STOP)

    assert [row["positionAmt"] for row in wire.send("GET", V3)] == ["0.000"]


def test_version_two_lists_every_symbol_with_its_settings() -> None:
    wire = Wire()
    wire.core.set_margin_mode(BTC, "isolated", NOON)

    rows = wire.send("GET", "/fapi/v2/positionRisk")

    assert [(row["symbol"], row["leverage"], row["marginType"]) for row in rows] == [
        ("BTCUSDT", "20", "isolated"),
        ("ETHUSDT", "20", "cross"),
    ]


def test_the_liquidation_price_of_an_isolated_position_is_told() -> None:
    wire = Wire()
    wire.core.set_margin_mode(BTC, "isolated", NOON)
    wire.send("POST", ORDER, BUY_ONE)

    (row,) = wire.send("GET", V3, {"symbol": "BTCUSDT"})

    assert Decimal(95) < Decimal(row["liquidationPrice"]) < Decimal(96)
    assert Decimal(row["isolatedWallet"]) == Decimal("5.005")


def test_wallet_and_available_balance() -> None:
    wire = Wire()
    wire.send("POST", ORDER, BUY_ONE)

    account = wire.send("GET", "/fapi/v3/account")
    (balance,) = wire.send("GET", "/fapi/v2/balance")

    assert account["totalWalletBalance"] == balance["balance"] == "9999.94995000"
    assert account["availableBalance"] == balance["availableBalance"] == "9994.94495000"
    assert account["totalUnrealizedProfit"] == "-0.10000000"
    assert [row["symbol"] for row in account["positions"]] == ["BTCUSDT"]
    assert len(wire.send("GET", "/fapi/v2/account")["positions"]) == 2


def test_trades_name_their_order_and_no_client_id() -> None:
    wire = Wire()
    wire.send("POST", ORDER, {**BUY_ONE, "newClientOrderId": "entry"})

    (row,) = wire.send("GET", TRADES, {"symbol": "BTCUSDT"})

    assert (row["id"], row["price"], row["qty"]) == (FIRST_TRADE_ID, "100.1", "1.000")
    assert (row["commission"], row["commissionAsset"]) == ("0.05005000", "USDT")
    assert (row["side"], row["buyer"], row["maker"]) == ("BUY", True, False)
    assert "entry" not in str(row)


def test_trades_are_paged_by_time_or_by_id() -> None:
    wire = Wire()
    for _ in range(3):
        wire.send("POST", ORDER, BUY_ONE)
        wire.now = Millis(wire.now + 1000)

    def numbers(**params: Any) -> list[int]:
        rows = wire.send("GET", TRADES, {"symbol": "BTCUSDT", **params})
        return [row["id"] - FIRST_TRADE_ID for row in rows]

    assert numbers(limit=2) == [1, 2]
    assert numbers(startTime=NOON, limit=2) == [0, 1]
    assert numbers(fromId=FIRST_TRADE_ID + 1, limit=1) == [1]
    assert numbers(startTime=NOON, endTime=NOON + 1000) == [0, 1]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"symbol": "BTCUSDT", "fromId": 1, "startTime": NOON}, -1128),
        ({"symbol": "BTCUSDT", "startTime": NOON - 7 * DAY - 1, "endTime": NOON}, -4165),
        ({"symbol": "BTCUSDT", "startTime": NOON + 1, "endTime": NOON}, -1023),
        ({"symbol": "BTCUSDT", "limit": 1001}, -1130),
    ],
)
def test_what_is_wrong_with_a_question_is_said(params: dict[str, Any], code: int) -> None:
    assert Wire().code("GET", TRADES, params) == code


def test_incomes_tell_funding_fees_and_profits() -> None:
    wire = Wire()
    funding = Funding(symbol=BTC, rate=0.001, next_at=Millis(NOON + 1000))
    wire.core.on_market(FundingRead(at=NOON, funding=funding))
    wire.send("POST", ORDER, BUY_ONE)
    wire.core.on_market(price_event(100.0, NOON + 1000))
    wire.now = Millis(NOON + 2000)
    wire.send("POST", ORDER, {**BUY_ONE, "side": "SELL"})

    rows = wire.send("GET", INCOME)
    paid = wire.send("GET", INCOME, {"incomeType": "FUNDING_FEE", "startTime": NOON})

    assert [row["incomeType"] for row in rows] == [
        "COMMISSION",
        "FUNDING_FEE",
        "REALIZED_PNL",
        "COMMISSION",
    ]
    assert [(row["income"], row["time"]) for row in paid] == [("-0.10000000", NOON + 1000)]
    assert len({row["tranId"] for row in rows}) == 4
    assert wire.send("GET", INCOME, {"page": "2", "limit": "3"}) == rows[3:]
    assert wire.code("GET", INCOME, {"incomeType": "LUCK"}) == -1130


def test_whose_key_it_is_and_what_it_may_do() -> None:
    wire = Wire()
    wire.dialect.key.can_withdraw = True

    assert wire.send("GET", "/api/v3/account", {"omitZeroBalances": "true"})["uid"] == 1001
    rights = wire.send("GET", "/sapi/v1/account/apiRestrictions")

    assert (rights["enableWithdrawals"], rights["enableFutures"], rights["ipRestrict"]) == (
        True,
        True,
        False,
    )
    assert wire.send("GET", "/sapi/v1/capital/config/getall") == []


def test_in_hedge_mode_positions_have_sides() -> None:
    wire = Wire()
    wire.send("POST", ORDER, {**BUY_ONE, "side": "SELL"})

    wire.core.is_hedge = True

    assert [row["positionSide"] for row in wire.send("GET", V3)] == ["SHORT"]
