"""An account at Bybit: margins, balances, leverage."""

from decimal import Decimal

from bot.sim.emulator.bybit_account import MODES
from tests.fakes.contracts import BTC
from tests.fakes.emu_bybit import Answer, Client


def leverage(client: Client, buy: str, sell: str | None = None) -> Answer:
    return client.post(
        "/v5/position/set-leverage",
        category="linear",
        symbol="BTCUSDT",
        buyLeverage=buy,
        sellLeverage=sell or buy,
    )


def mode(client: Client, number: int) -> Answer:
    return client.post("/v5/position/switch-mode", category="linear", coin="USDT", mode=number)


def margin(client: Client, name: str) -> Answer:
    return client.post("/v5/account/set-margin-mode", setMarginMode=name)


def test_leverage_is_set_once_and_refused_where_it_is_no_change() -> None:
    client = Client()

    assert [0, 110043] == [leverage(client, "5").code, leverage(client, "5").code]
    assert 5 == client.core.leverages[BTC]


def test_leverage_must_be_possible_and_the_same_on_both_sides() -> None:
    client = Client()

    assert 110013 == leverage(client, "51").code
    assert 10001 == leverage(client, "5", "6").code
    assert 10001 == leverage(client, "2.5").code
    assert 10001 == leverage(client, "0").code


def test_leverage_is_lowered_under_a_position_where_there_is_margin_for_it() -> None:
    client = Client()
    margin(client, "ISOLATED_MARGIN")
    client.order("Buy", "500")

    assert 0 == leverage(client, "10").code
    assert 110044 == leverage(client, "2").code
    assert 10 == client.core.leverages[BTC]


def test_e28_a_change_to_hedge_mode_is_seen_and_refuses_orders() -> None:
    client = Client()
    codes = [mode(client, number).code for number in (0, 3, 3)]
    rows = client.linear("/v5/position/list", symbol="BTCUSDT").rows

    assert [110025, 0, 110025] == codes
    assert [1, 2] == [row["positionIdx"] for row in rows]
    assert (10001, "position idx not match position mode") == client.order("Buy", "1")[2:4]
    assert {"0", "3"} == set(MODES)


def test_e28_the_mode_stays_while_something_is_held_or_open() -> None:
    resting, held = Client(), Client()
    resting.order("Buy", "1", orderType="Limit", price="99")
    held.order("Buy", "1")

    assert (110028, 110024) == (mode(resting, 3).code, mode(held, 3).code)
    assert not resting.core.is_hedge


def test_margin_mode_is_the_accounts_and_stays_while_something_is_held() -> None:
    client = Client()

    assert [0, 0] == [margin(client, "ISOLATED_MARGIN").code for _ in range(2)]
    assert {"isolated"} == set(client.core.margin_modes.values())
    assert "ISOLATED_MARGIN" == client.get("/v5/account/info").result["marginMode"]
    client.order("Buy", "1")
    assert 3400045 == margin(client, "REGULAR_MARGIN").code
    assert 100028 == client.post("/v5/position/switch-isolated", symbol="BTCUSDT").code


def test_the_wallet_tells_what_is_bound_and_with_isolated_margin_no_totals() -> None:
    client = Client()
    client.order("Buy", "2")
    client.order("Buy", "1", orderType="Limit", price="90")
    wallet = client.get("/v5/account/wallet-balance", accountType="UNIFIED").rows[0]
    coin = wallet["coin"][0]
    lone = Client()
    margin(lone, "ISOLATED_MARGIN")
    bare = lone.get("/v5/account/wallet-balance", accountType="UNIFIED").rows[0]

    assert ("9999.8999", "10.01", "4.5", "-0.2") == (
        coin["walletBalance"],
        coin["totalPositionIM"],
        coin["totalOrderIM"],
        coin["unrealisedPnl"],
    )
    assert Decimal("9999.8999") - Decimal("0.2") == Decimal(wallet["totalEquity"])
    assert Decimal("9985.1899") == Decimal(wallet["totalAvailableBalance"])
    assert ("", "10000") == (bare["totalAvailableBalance"], bare["totalEquity"])
    assert 10001 == client.get("/v5/account/wallet-balance", accountType="CONTRACT").code


def test_fees_are_those_of_the_instruments() -> None:
    client = Client()
    rows = client.linear("/v5/account/fee-rate", symbol="BTCUSDT").rows

    assert [("BTCUSDT", "0.0005", "0.0002")] == [
        (row["symbol"], row["takerFeeRate"], row["makerFeeRate"]) for row in rows
    ]
    assert 2 == len(client.linear("/v5/account/fee-rate").rows)


def test_the_key_tells_whose_it_is_and_what_it_may_do() -> None:
    client = Client()
    plain = client.get("/v5/user/query-api").result
    client.dialect.door.key.can_withdraw = True
    client.dialect.door.key.is_read_only = True
    rich = client.get("/v5/user/query-api").result

    assert (2001, 0, 1) == (plain["userID"], plain["readOnly"], plain["uta"])
    assert ["AccountTransfer"] == plain["permissions"]["Wallet"]
    assert (1, ["AccountTransfer", "Withdraw"]) == (rich["readOnly"], rich["permissions"]["Wallet"])


def test_there_is_one_coin() -> None:
    client = Client()

    assert ["USDT"] == [
        row["coin"] for row in client.get("/v5/asset/coin/query-info").result["rows"]
    ]
    assert 10001 == client.get("/v5/asset/coin/query-info", coin="BTC").code
