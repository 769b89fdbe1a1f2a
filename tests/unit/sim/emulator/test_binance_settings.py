"""Leverage, margin and position modes at Binance."""

import msgspec

from bot.model.instrument import LeverageTier
from bot.model.primitives import Millis
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.emu_binance import BUY_ONE, ORDER, Wire

LEVERAGE = "/fapi/v1/leverage"
MARGIN = "/fapi/v1/marginType"
MODE = "/fapi/v1/positionSide/dual"
KEY = "/fapi/v1/listenKey"
TIERS = (
    LeverageTier(floor_usd=0, maintenance_rate=0.01, cum_usd=0, leverage_max=50),
    LeverageTier(floor_usd=50_000, maintenance_rate=0.02, cum_usd=500, leverage_max=10),
)


def with_leverage(number: int) -> dict[str, object]:
    return {"symbol": "BTCUSDT", "leverage": number}


def test_leverage_is_set_and_read_back() -> None:
    wire = Wire()

    answer = wire.send("POST", LEVERAGE, with_leverage(7))

    assert (answer["leverage"], answer["symbol"]) == (7, "BTCUSDT")
    (row,) = wire.send("GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"})
    assert (row["leverage"], row["marginType"]) == (7, "CROSSED")
    assert wire.code("POST", LEVERAGE, with_leverage(51)) == -4028
    assert wire.code("POST", LEVERAGE, with_leverage(0)) == -4028


def test_margin_mode_says_when_there_is_nothing_to_change() -> None:
    wire = Wire()
    isolated = {"symbol": "BTCUSDT", "marginType": "ISOLATED"}

    assert wire.code("POST", MARGIN, isolated) == 200
    assert wire.code("POST", MARGIN, isolated) == -4046
    assert wire.code("POST", MARGIN, {**isolated, "marginType": "cross"}) == -4049
    assert len(wire.send("GET", "/fapi/v1/symbolConfig")) == 2


def test_e27_settings_do_not_change_under_orders_and_positions() -> None:
    wire = Wire()
    limit = {**BUY_ONE, "type": "LIMIT", "price": "90", "timeInForce": "GTC"}
    isolated = {"symbol": "BTCUSDT", "marginType": "ISOLATED"}
    wire.send("POST", ORDER, limit)
    assert wire.code("POST", MARGIN, isolated) == -4047
    assert wire.code("POST", MODE, {"dualSidePosition": "true"}) == -4067

    wire.send("POST", ORDER, BUY_ONE)

    assert wire.code("POST", MARGIN, isolated) == -4048
    assert wire.code("POST", MODE, {"dualSidePosition": "true"}) == -4068


def test_e26_isolated_leverage_is_not_lowered_under_a_position() -> None:
    wire = Wire()
    wire.send("POST", MARGIN, {"symbol": "BTCUSDT", "marginType": "ISOLATED"})
    wire.send("POST", ORDER, BUY_ONE)

    assert wire.code("POST", LEVERAGE, with_leverage(10)) == -4161
    assert wire.code("POST", LEVERAGE, with_leverage(30)) == 0


def test_position_mode_says_when_there_is_nothing_to_change() -> None:
    wire = Wire()

    assert wire.code("POST", MODE, {"dualSidePosition": "false"}) == -4059
    assert wire.code("POST", MODE, {"dualSidePosition": "true"}) == 200
    assert wire.send("GET", MODE) == {"dualSidePosition": True}
    assert wire.send("GET", "/fapi/v1/accountConfig")["dualSidePosition"] is True
    assert wire.code("POST", MODE) == -1102


def test_fees_are_shares() -> None:
    answer = Wire().send("GET", "/fapi/v1/commissionRate", {"symbol": "BTCUSDT"})

    assert answer == {
        "symbol": "BTCUSDT",
        "makerCommissionRate": "0.0002",
        "takerCommissionRate": "0.0005",
    }


def test_brackets_join_without_gaps() -> None:
    wire = Wire()
    wire.core.instruments[BTC] = msgspec.structs.replace(INSTRUMENTS[BTC], tiers=TIERS)

    (row,) = wire.send("GET", "/fapi/v1/leverageBracket", {"symbol": "BTCUSDT"})

    assert [(r["notionalFloor"], r["initialLeverage"], r["cum"]) for r in row["brackets"]] == [
        (0, 50, 0.0),
        (50_000, 10, 500.0),
    ]
    assert row["brackets"][0]["notionalCap"] == 50_000
    assert len(wire.send("GET", "/fapi/v1/leverageBracket")) == 2
    wire.send("POST", LEVERAGE, with_leverage(20))
    (config,) = wire.send("GET", "/fapi/v1/symbolConfig", {"symbol": "BTCUSDT"})
    assert config["maxNotionalValue"] == "50000"


def test_a_listen_key_lives_an_hour_from_its_last_keeping() -> None:
    wire = Wire()
    first = wire.carry("POST", KEY, "")["listenKey"]
    assert wire.carry("POST", KEY, "")["listenKey"] == first

    wire.now = Millis(NOON + 3_599_999)
    assert wire.carry("PUT", KEY, "") == {"listenKey": first}
    wire.now = Millis(NOON + 2 * 3_600_000)

    assert wire.carry("PUT", KEY, "")["code"] == -1125
    assert wire.carry("POST", KEY, "")["listenKey"] != first
    assert wire.carry("DELETE", KEY, "") == {}
    assert wire.carry("PUT", KEY, "")["code"] == -1125
    assert wire.carry("POST", KEY, "", key="other")["code"] == -2015


def test_multi_assets_mode_is_off() -> None:
    assert Wire().send("GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": False}
