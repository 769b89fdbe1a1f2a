"""Prices that cannot matter cost one comparison."""

from decimal import Decimal

from bot.model.primitives import PositionSide, Side
from bot.venue.watch import Watch, watch_of
from tests.fakes.paper import NOW, ioc, price, stop, target


def test_nothing_waits_so_nothing_is_hit() -> None:
    assert not Watch().is_hit(price(1.0))


def test_the_nearest_price_of_each_side_counts() -> None:
    watch = watch_of(
        [
            stop("s", Side.SELL, "1", "98"),
            target("t", Side.SELL, "1", "105"),
            ioc("e", Side.BUY, "1", "97"),
            stop("b", Side.BUY, "1", "110"),
        ],
        liquidation=(PositionSide.LONG, Decimal(90)),
        funding_at=None,
    )

    assert Watch(low=98.0, high=105.0) == watch
    assert watch.is_hit(price(100.0, low=98.0))
    assert watch.is_hit(price(100.0, high=105.0))
    assert not watch.is_hit(price(100.0, low=98.1, high=104.9))


def test_a_short_is_liquidated_above() -> None:
    watch = watch_of([], liquidation=(PositionSide.SHORT, Decimal(110)), funding_at=None)

    assert Watch(high=110.0) == watch


def test_a_settlement_is_hit_by_time() -> None:
    watch = watch_of([], liquidation=None, funding_at=NOW)

    assert watch.is_hit(price(100.0, at=NOW))
    assert not watch.is_hit(price(100.0, at=NOW - 1))
