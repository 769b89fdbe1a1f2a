"""The pure half of the paper venue: books, ranges and margin."""

from decimal import Decimal

import pytest

from bot.model.primitives import PositionSide, Price, Qty, Side
from bot.venue.matching import (
    DEPTH_ASSUMED_USD,
    Line,
    Taken,
    bankruptcy_price,
    is_through,
    is_triggered,
    leverage_at,
    liquidation_price,
    quote_of,
    resting_qty,
    slope_of,
    stop_price,
    touch_at,
    would_take,
)
from tests.fakes.paper import instrument, price

D = Decimal


def a_fill(qty: Decimal, price: Decimal) -> Taken:
    return Taken(qty=Qty(qty), price=Price(price))


def line(side: Side, *, depth: str = "1000000", impact: str = "1", taken: str = "0") -> Line:
    return Line(
        instrument=instrument(),
        side=side,
        touch=D(100_000),
        slope=slope_of(D(depth), D(impact)),
        taken_usd=D(taken),
    )


def test_slippage_at_full_depth_is_ten_bps_at_the_margin_and_five_on_average() -> None:
    assert a_fill(D("10"), D("100050.0")) == line(Side.BUY).take(D(10))
    assert a_fill(D("10"), D("99950.0")) == line(Side.SELL).take(D(10))


def test_an_order_within_the_best_level_pays_the_best_price() -> None:
    assert a_fill(D("0.010"), D(100_000)) == line(Side.BUY).take(D("0.010"))
    assert a_fill(D("0.011"), D("100000.1")) == line(Side.BUY).take(D("0.011"))


def test_a_thinner_book_costs_more() -> None:
    thick, thin = line(Side.BUY).take(D(1)), line(Side.BUY, depth="100000").take(D(1))

    assert thick is not None
    assert thin is not None
    assert thick.price < thin.price


def test_no_impact_means_the_whole_order_at_the_best_price() -> None:
    assert a_fill(D(50), D(100_000)) == line(Side.BUY, impact="0").take(D(50), D(100_000))


def test_a_cap_lets_only_the_depth_within_it_fill() -> None:
    """2.5 bps of a million-dollar book over 10 bps, and one tick: a quarter of a million."""
    taken = line(Side.BUY).take(D(10), D("100025"))

    assert taken is not None
    assert D("2.51") == taken.qty
    assert taken.price <= D("100025")


def test_a_cap_beyond_the_best_price_takes_nothing() -> None:
    assert line(Side.BUY).take(D(1), D("99999.9")) is None
    assert line(Side.SELL).take(D(1), D("100000.1")) is None


def test_what_was_taken_is_not_there_twice() -> None:
    first = line(Side.BUY).take(D(1))
    second = line(Side.BUY, taken="100000").take(D(1))

    assert first is not None
    assert second is not None
    assert second.price > first.price


def test_the_best_level_alone_holds_one_tick() -> None:
    taken = line(Side.BUY).take(D(10), D(100_000))

    assert a_fill(D("0.010"), D(100_000)) == taken


def test_less_than_a_lot_is_nothing() -> None:
    assert line(Side.BUY).take(D("0.0009")) is None


@pytest.mark.parametrize(
    ("side", "mark", "expected"),
    [
        (Side.BUY, 100.0, False),
        (Side.BUY, 99.9, True),
        (Side.SELL, 100.0, False),
        (Side.SELL, 100.1, True),
    ],
)
def test_a_resting_order_needs_the_price_a_tick_beyond(
    side: Side, mark: float, *, expected: bool
) -> None:
    """The place in the queue is unknown, so a touch fills nobody."""
    assert expected is is_through(side, D(100), quote_of(price(mark)), D("0.1"))


def test_a_resting_order_gets_one_depth_at_most_and_a_lot_at_least() -> None:
    thin = quote_of(price(100.0, depth_usd=50.0))
    empty = quote_of(price(100_000.0, depth_usd=1.0))

    assert D("0.5") == resting_qty(instrument(), D(100), D(2), thin)
    assert D("0.001") == resting_qty(instrument(), D(100_000), D(2), empty)


def test_post_only_meets_the_other_side_at_its_price() -> None:
    quote = quote_of(price(100.0, spread=0.2))

    assert would_take(Side.BUY, D("100.1"), quote)
    assert not would_take(Side.BUY, D("100.0"), quote)
    assert would_take(Side.SELL, D("99.9"), quote)


def test_a_stop_fires_at_its_trigger_and_not_before() -> None:
    assert is_triggered(Side.SELL, D(98), low=D(98), high=D(99))
    assert not is_triggered(Side.SELL, D(98), low=D("98.1"), high=D(99))
    assert is_triggered(Side.BUY, D(102), low=D(101), high=D(102))


@pytest.mark.parametrize(
    ("side", "trigger", "mark", "high", "low", "expected"),
    [
        (Side.SELL, "98", 97.5, 99.0, 97.0, "98"),
        (Side.SELL, "98", 95.0, 95.0, 95.0, "95.0"),
        (Side.SELL, "98", 96.0, 97.0, 95.0, "96.0"),
        (Side.BUY, "102", 102.5, 103.0, 101.0, "102"),
        (Side.BUY, "102", 105.0, 105.0, 105.0, "105.0"),
        (Side.BUY, "102", 104.0, 105.0, 103.0, "104.0"),
    ],
)
def test_a_gap_fills_behind_the_gap(
    side: Side, trigger: str, mark: float, high: float, low: float, expected: str
) -> None:
    quote = quote_of(price(mark, high=high, low=low))

    assert D(expected) == stop_price(side, D(trigger), quote)


def test_a_stop_pays_half_the_spread_of_the_moment() -> None:
    quote = quote_of(price(97.0, spread=0.2))

    assert D("97.9") == touch_at(Side.SELL, D(98), quote)
    assert D("102.1") == touch_at(Side.BUY, D(102), quote)


def test_unknown_depth_is_assumed() -> None:
    assert quote_of(price(100.0, depth_usd=None)).depth_usd == DEPTH_ASSUMED_USD


@pytest.mark.parametrize(
    ("leverage", "distance_pct"), [("100", -0.602), ("50", -1.606), ("25", -3.614)]
)
def test_liquidation_lies_nearer_than_the_naive_formula_says(
    leverage: str, distance_pct: float
) -> None:
    """At m = 0.4 %; the guide's -1.00, -2.00 and -4.00 % are the bankruptcy prices."""
    found = liquidation_price(
        instrument(), PositionSide.LONG, entry=D(100), qty=D(1), leverage=D(leverage)
    )

    assert found is not None
    assert distance_pct == pytest.approx(float(found) - 100, abs=1e-3)
    assert found > bankruptcy_price(PositionSide.LONG, D(100), D(leverage))


def test_liquidation_uses_the_bracket_of_the_notional_at_that_price() -> None:
    """10 BTC at 100,000 is bracket 3 at the entry and bracket 3 at 91,000 as well; 3.2 is not."""
    found = liquidation_price(
        instrument(), PositionSide.LONG, entry=D(100_000), qty=D("3.2"), leverage=D(10)
    )
    expected = D(90_000) / D("0.996")

    assert found is not None
    assert float(found * D("3.2")) < 300_000
    assert float(expected) == pytest.approx(float(found))


def test_short_liquidation_lies_above_the_entry() -> None:
    found = liquidation_price(
        instrument(), PositionSide.SHORT, entry=D(100), qty=D(1), leverage=D(10)
    )

    assert found is not None
    assert float(found) == pytest.approx(110 / 1.004)


def test_an_unlevered_long_has_no_liquidation_price() -> None:
    assert (
        liquidation_price(instrument(), PositionSide.LONG, entry=D(100), qty=D(1), leverage=D(1))
        is None
    )


def test_a_large_position_is_held_with_less_leverage() -> None:
    assert D("75.0") == leverage_at(instrument(), D(900_000), D(125))
    assert D(10) == leverage_at(instrument(), D(900_000), D(10))
