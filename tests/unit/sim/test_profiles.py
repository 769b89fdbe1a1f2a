"""What each invented contract is like."""

from decimal import Decimal
from itertools import pairwise

import pytest

from bot.model.primitives import Symbol
from bot.sim.profiles import profile_of
from tests.fakes.worlds import BTC, ETH, SOL, an_instrument

MANY = [Symbol(f"{base}/USDT:USDT") for base in ("BTC", "SOL", "DOGE", "PEPE", "FOO", "A", "ZZ9")]


def test_the_three_default_contracts_have_familiar_prices_and_grids() -> None:
    grids = [
        (profile_of(symbol).price, profile_of(symbol).tick_size, profile_of(symbol).lot_size)
        for symbol in (BTC, ETH, SOL)
    ]

    assert [
        (97_412.0, Decimal("0.1"), Decimal("0.001")),
        (3_398.2, Decimal("0.01"), Decimal("0.01")),
        (187.10, Decimal("0.01"), Decimal("0.1")),
    ] == grids


@pytest.mark.parametrize("symbol", MANY)
def test_any_name_is_a_plausible_contract(symbol: Symbol) -> None:
    profile, instrument = profile_of(symbol), an_instrument(symbol)

    assert profile == profile_of(symbol)
    assert profile.oi_usd >= 4e7
    assert 0.0005 < profile.depth_usd / profile.oi_usd < 0.003
    assert float(profile.tick_size) / profile.price < 2e-4
    assert 5 <= float(profile.lot_size) * profile.price <= 200
    assert instrument.notional_min_usd == Decimal(5)


@pytest.mark.parametrize("symbol", MANY)
def test_maintenance_amounts_make_the_brackets_continuous(symbol: Symbol) -> None:
    tiers = an_instrument(symbol).tiers

    for lower, upper in pairwise(tiers):
        at = upper.floor_usd
        below = at * lower.maintenance_rate - lower.cum_usd
        above = at * upper.maintenance_rate - upper.cum_usd
        assert below == pytest.approx(above)


def test_larger_contracts_allow_more_leverage() -> None:
    small = Symbol("FOO/USDT:USDT")

    assert [125, 100, 75] == [
        int(an_instrument(symbol).leverage_max) for symbol in (BTC, SOL, small)
    ]


def test_fees_are_those_of_the_constructor() -> None:
    assert (Decimal(5), Decimal(2)) == (
        an_instrument().taker_fee_bps,
        an_instrument().maker_fee_bps,
    )
