"""Rounding names its direction, and only the instrument rounds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.instrument import Instrument, LeverageTier, display_symbol, unified_symbol
from bot.model.primitives import PositionSide, Side, Symbol

BTC = Instrument(
    symbol=Symbol("BTC/USDT:USDT"),
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    qty_max=Decimal(1000),
    notional_min_usd=Decimal(5),
    leverage_max=Decimal(125),
    taker_fee_bps=Decimal(5),
    maker_fee_bps=Decimal(2),
    tiers=(
        LeverageTier(floor_usd=0, maintenance_rate=0.004, cum_usd=0, leverage_max=125),
        LeverageTier(floor_usd=50_000, maintenance_rate=0.005, cum_usd=50, leverage_max=100),
    ),
)
prices = st.decimals("0.01", "1000000", places=6)


@given(prices)
def test_prices_round_onto_the_grid_in_the_named_direction(raw: Decimal) -> None:
    down, up = BTC.price_down(raw), BTC.price_up(raw)

    assert down <= raw <= up
    assert up - down in {Decimal(0), BTC.tick_size}
    assert down % BTC.tick_size == 0
    assert up % BTC.tick_size == 0


@given(prices)
def test_a_passive_buy_never_pays_more_and_an_aggressive_one_never_less(raw: Decimal) -> None:
    assert BTC.price_passive(raw, Side.BUY) <= raw <= BTC.price_aggressive(raw, Side.BUY)
    assert BTC.price_aggressive(raw, Side.SELL) <= raw <= BTC.price_passive(raw, Side.SELL)


@given(prices)
def test_a_stop_rounds_away_from_the_entry(raw: Decimal) -> None:
    assert BTC.stop_away(raw, PositionSide.LONG) <= raw <= BTC.stop_away(raw, PositionSide.SHORT)


@given(st.decimals("-5", "5000", places=6))
def test_quantities_round_down_and_are_never_negative(raw: Decimal) -> None:
    qty = BTC.qty_down(raw)

    assert 0 <= qty <= max(raw, Decimal(0))
    assert qty % BTC.lot_size == 0


def test_the_maintenance_tier_is_found_by_notional() -> None:
    assert BTC.tier_at(49_999).maintenance_rate == 0.004
    assert BTC.tier_at(50_000).cum_usd == 50


def test_without_tiers_half_a_percent_is_assumed() -> None:
    bare = Instrument(
        symbol=BTC.symbol,
        tick_size=BTC.tick_size,
        lot_size=BTC.lot_size,
        qty_min=BTC.qty_min,
        qty_max=BTC.qty_max,
        notional_min_usd=BTC.notional_min_usd,
        leverage_max=Decimal(50),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
    )

    assert bare.tier_at(1e9).maintenance_rate == 0.005
    assert bare.tier_at(1e9).leverage_max == 50
    assert bare.notional(Decimal("0.5"), Decimal(100)) == 50


@pytest.mark.parametrize("text", ["btc", "BTCUSDT", "BTC/USDT", "BTC/USDT:USDT", " btcusdt "])
def test_people_may_write_a_symbol_as_they_like(text: str) -> None:
    assert Symbol("BTC/USDT:USDT") == unified_symbol(text)


def test_scaled_symbols_keep_their_number() -> None:
    assert Symbol("1000PEPE/USDT:USDT") == unified_symbol("1000PEPEUSDT")
    assert display_symbol(Symbol("1000PEPE/USDT:USDT")) == "1000PEPEUSDT"


@pytest.mark.parametrize("text", ["", "USDT", "B$C", "/", "\u0412\u0422\u0421USDT"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a symbol"):
        unified_symbol(text)
