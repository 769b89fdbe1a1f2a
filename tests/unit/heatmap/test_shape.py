"""Liquidation prices against worked figures, and the tiers a contract allows."""

import math

import msgspec
import pytest

from bot.errors import ConfigError
from bot.heatmap.shape import liquidation_price, shape_of
from bot.model.primitives import PositionSide
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import a_tier, an_instrument

FIRST = a_tier(0.0, 0.005, 100.0)


def percent_away(leverage: float, side: PositionSide) -> float:
    price = liquidation_price(entry=100.0, leverage=leverage, side=side, tier=FIRST, qty=1.0)
    return round(price - 100.0, 2)


@pytest.mark.parametrize(("leverage", "long"), [(100.0, -0.50), (50.0, -1.51), (25.0, -3.52)])
def test_longs_are_liquidated_well_before_the_naive_price(leverage: float, long: float) -> None:
    assert long == percent_away(leverage, PositionSide.LONG)


def test_shorts_are_liquidated_above_their_entry() -> None:
    assert 0.5 == percent_away(100.0, PositionSide.SHORT)


def test_the_maintenance_amount_moves_both_prices_away_from_the_entry() -> None:
    tier = a_tier(0.0, 0.01, 50.0, cum=300.0)
    long = liquidation_price(
        entry=100.0, leverage=20.0, side=PositionSide.LONG, tier=tier, qty=1000.0
    )
    short = liquidation_price(
        entry=100.0, leverage=20.0, side=PositionSide.SHORT, tier=tier, qty=1000.0
    )

    assert (95.0 - 0.3) / 0.99 == long
    assert (105.0 + 0.3) / 1.01 == short


def test_offsets_are_the_exact_formula_in_log_price() -> None:
    shape = shape_of(an_instrument(tiers=(FIRST,)), EngineSettings(), 50_000.0)

    assert math.log(0.99 / 0.995) == pytest.approx(shape.long_offsets[-1])
    assert math.log(1.01 / 1.005) == pytest.approx(shape.short_offsets[-1])
    assert 1200 == shape.buckets


def test_a_bracket_is_chosen_by_notional_at_the_liquidation_price() -> None:
    """20,000 USD at 3x: 13,333 of it left for a long, 26,667 for a short: two brackets."""
    tiers = (a_tier(0.0, 0.01, 50.0), a_tier(20_000.0, 0.02, 25.0, cum=200.0))
    settings = EngineSettings(tiers=(3.0,), weights=(1.0,), half_lives_h=(24.0,))
    shape = shape_of(an_instrument(tiers=tiers), settings, 50_000.0)

    assert math.log((2.0 / 3.0) / 0.99) == pytest.approx(shape.long_offsets[0])
    assert math.log((4.0 / 3.0 + 0.01) / 1.02) == pytest.approx(shape.short_offsets[0])


def test_a_bracket_that_the_exact_price_leads_into_is_the_one_that_counts() -> None:
    """Naively 13,333 USD are left at 3x; at a rate of 10 % it is 14,815, a bracket further."""
    tiers = (a_tier(0.0, 0.1, 50.0), a_tier(14_000.0, 0.2, 25.0, cum=1_400.0))
    settings = EngineSettings(tiers=(3.0,), weights=(1.0,), half_lives_h=(24.0,))
    shape = shape_of(an_instrument(tiers=tiers), settings, 50_000.0)

    assert math.log((2.0 / 3.0 - 0.07) / 0.8) == pytest.approx(shape.long_offsets[0])


def test_tiers_that_the_contract_does_not_allow_are_dropped_and_the_rest_weigh_one() -> None:
    shape = shape_of(an_instrument(tiers=(a_tier(0.0, 0.01, 75.0),)), EngineSettings(), 1.0)

    assert (3.0, 5.0, 10.0, 25.0, 50.0) == shape.leverages
    assert 1.0 == pytest.approx(sum(shape.weights))
    assert 0.25 / 0.95 == pytest.approx(shape.weights[2])


def test_a_tier_whose_liquidation_would_equal_its_entry_is_dropped() -> None:
    """At a maintenance rate of 1 % a position at 100x is liquidated where it was entered."""
    shape = shape_of(an_instrument(tiers=(a_tier(0.0, 0.01, 125.0),)), EngineSettings(), 1.0)

    assert 100.0 not in shape.leverages


def test_a_position_that_its_margin_covers_whole_has_no_long_level() -> None:
    """Close to 1x and with a large maintenance amount a long is never liquidated."""
    tiers = (a_tier(0.0, 0.01, 50.0, cum=5_000.0),)
    settings = EngineSettings(tiers=(1.1, 5.0), weights=(0.5, 0.5), half_lives_h=(24.0, 24.0))

    assert (5.0,) == shape_of(an_instrument(tiers=tiers), settings, 1.0).leverages


def test_buckets_are_at_least_two_ticks_wide() -> None:
    shape = shape_of(an_instrument(tick="0.01"), EngineSettings(), 10.0)

    assert 0.002 == shape.width
    assert 300 == shape.buckets


def test_a_window_never_has_fewer_than_sixteen_buckets() -> None:
    assert 16 == shape_of(an_instrument(tick="1"), EngineSettings(), 1.0).buckets


def test_lists_of_different_length_are_refused() -> None:
    settings = msgspec.structs.replace(EngineSettings(), weights=(1.0,))

    with pytest.raises(ConfigError, match="one entry for each tier"):
        shape_of(an_instrument(), settings, 1.0)


def test_settings_that_leave_no_tier_are_refused_with_the_symbol() -> None:
    settings = EngineSettings(tiers=(100.0,), weights=(1.0,), half_lives_h=(6.0,))

    with pytest.raises(ConfigError, match="BTC/USDT:USDT, which allows 20x"):
        shape_of(an_instrument(tiers=(a_tier(0.0, 0.01, 20.0),)), settings, 1.0)
