"""Contracts: exact steps, and sentences for what cannot be traded."""

from decimal import Decimal
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.market.instruments import Terms, instrument_of, is_trading, nearest
from bot.model.instrument import LeverageTier
from bot.model.primitives import Symbol
from tests.fakes.market_line import a_market

BTC = Symbol("BTC/USDT:USDT")
TERMS = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))
PAPER = Terms(taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2), can_convert=True)


def test_steps_and_limits_are_the_exchanges_own_digits() -> None:
    found = instrument_of(BTC, {BTC: a_market()}, TERMS)

    assert Decimal("0.10") == found.tick_size
    assert Decimal("0.001") == found.lot_size
    assert Decimal("0.001") == found.qty_min
    assert Decimal(100) == found.notional_min_usd
    assert (Decimal(5), Decimal(2)) == (found.taker_fee_bps, found.maker_fee_bps)


def test_the_largest_order_is_what_a_market_order_may_be() -> None:
    found = instrument_of(BTC, {BTC: a_market()}, TERMS)

    assert Decimal(120) == found.qty_max


def test_the_leverage_is_the_contracts_own_or_that_of_its_tiers() -> None:
    tier = LeverageTier(floor_usd=0.0, maintenance_rate=0.004, cum_usd=0.0, leverage_max=125.0)
    limits = a_market()["limits"] | {"leverage": {"min": "1", "max": "75"}}

    assert Decimal(20) == instrument_of(BTC, {BTC: a_market()}, TERMS).leverage_max
    assert Decimal("125.0") == instrument_of(BTC, {BTC: a_market()}, TERMS, (tier,)).leverage_max
    assert (
        Decimal(75)
        == instrument_of(BTC, {BTC: a_market(limits=limits)}, TERMS, (tier,)).leverage_max
    )


def test_limits_that_are_missing_are_assumed() -> None:
    found = instrument_of(BTC, {BTC: a_market(limits={"cost": None})}, TERMS)

    assert Decimal("0.001") == found.qty_min
    assert Decimal(5) == found.notional_min_usd
    assert Decimal(10_000) == found.qty_max


def test_c13_a_symbol_that_is_not_listed_is_refused_with_the_nearest_names() -> None:
    listed = {
        Symbol("1000PEPE/USDT:USDT"): a_market("1000PEPEUSDT", "1000PEPE/USDT:USDT"),
        BTC: a_market(),
    }

    with pytest.raises(ConfigError, match="PEPEUSDT is not a perpetual") as caught:
        instrument_of(Symbol("PEPE/USDT:USDT"), listed, TERMS)

    assert "Did you mean 1000PEPEUSDT" in caught.value.remedy


@pytest.mark.parametrize("change", [{"swap": False}, {"linear": False}, {"settle": "USDC"}])
def test_c13_what_is_no_perpetual_in_usdt_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not a perpetual settled in USDT"):
        instrument_of(BTC, {BTC: a_market(**change)}, TERMS)


def test_contracts_that_are_not_one_coin_are_refused_where_orders_are_sent() -> None:
    with pytest.raises(ConfigError, match=r"is 0\.01 coins"):
        instrument_of(BTC, {BTC: a_market(size="0.01")}, TERMS)
    with pytest.raises(ConfigError, match="unknown number of coins"):
        instrument_of(BTC, {BTC: a_market(size=None)}, PAPER)


def test_on_paper_contracts_are_counted_in_coins() -> None:
    found = instrument_of(BTC, {BTC: a_market(size="0.01", lot="0.1")}, PAPER)

    assert Decimal("0.001") == found.lot_size
    assert Decimal("1.20") == found.qty_max


def test_a_step_that_is_no_number_is_refused() -> None:
    for tick in (None, "0", "NaN", "none"):
        with pytest.raises(ConfigError, match="no price step"):
            instrument_of(BTC, {BTC: a_market(precision={"price": tick, "amount": "1"})}, TERMS)


def test_e30_a_contract_is_traded_while_it_is_listed_and_not_closed() -> None:
    assert is_trading(a_market())
    assert is_trading(a_market(active=None))
    assert not is_trading(a_market(active=False))
    assert not is_trading(None)


def test_nothing_is_near_to_nonsense() -> None:
    assert "" == nearest(Symbol("QQQQQ/USDT:USDT"), {BTC: a_market()})
