"""The list of contracts in Binance's form."""

from typing import Any

from bot.sim.emulator.binance_markets import exchange_info
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS, NOON


def filters(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["filterType"]: entry for entry in row["filters"]}


def test_a_market_tells_its_grid_and_limits() -> None:
    told = exchange_info([INSTRUMENTS[BTC]], halted=(), at=NOON)
    (row,) = told["symbols"]
    rules = filters(row)

    assert told["serverTime"] == NOON
    assert (row["symbol"], row["baseAsset"], row["contractType"]) == ("BTCUSDT", "BTC", "PERPETUAL")
    assert (row["pricePrecision"], row["quantityPrecision"]) == (1, 3)
    assert rules["PRICE_FILTER"]["tickSize"] == "0.1"
    assert (rules["LOT_SIZE"]["stepSize"], rules["LOT_SIZE"]["maxQty"]) == ("0.001", "1000")
    assert rules["MIN_NOTIONAL"]["notional"] == "5"
    assert (rules["PERCENT_PRICE"]["multiplierUp"], rules["PERCENT_PRICE"]["multiplierDown"]) == (
        "1.05",
        "0.95",
    )


def test_e30_a_halted_market_is_no_longer_trading() -> None:
    told = exchange_info(list(INSTRUMENTS.values()), halted={ETH}, at=NOON)

    assert [row["status"] for row in told["symbols"]] == ["TRADING", "SETTLING"]


def test_the_limits_of_requests_are_told() -> None:
    limits = exchange_info([], halted=(), at=NOON)["rateLimits"]

    assert [(row["rateLimitType"], row["intervalNum"], row["limit"]) for row in limits] == [
        ("REQUEST_WEIGHT", 1, 2400),
        ("ORDERS", 1, 1200),
        ("ORDERS", 10, 300),
    ]
