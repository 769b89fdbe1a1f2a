"""Folding fills into a position."""

from decimal import Decimal

from bot.model.primitives import Millis, PositionSide, Price, Qty, Side
from bot.venue.account import Booked, Holding, book, reducible_qty
from tests.fakes.paper import BTC, NOW

D = Decimal


def filled(holding: Holding | None, side: Side, qty: str, price: str) -> Booked:
    return book(
        holding, symbol=BTC, side=side, qty=Qty(D(qty)), price=Price(D(price)), at=Millis(NOW)
    )


def test_adding_averages_the_entry() -> None:
    first = filled(None, Side.BUY, "1", "100")
    second = filled(first.holding, Side.BUY, "3", "104")

    assert second.holding is not None
    assert D(4) == second.holding.qty
    assert D(103) == second.holding.entry_price
    assert D(0) == second.realized_usd


def test_reducing_realizes_and_keeps_the_entry() -> None:
    opened = filled(None, Side.SELL, "2", "100")
    reduced = filled(opened.holding, Side.BUY, "0.5", "90")

    assert reduced.holding is not None
    assert D("1.5") == reduced.holding.qty
    assert D(100) == reduced.holding.entry_price
    assert D(5) == reduced.realized_usd
    assert D("-1.5") == reduced.holding.signed_qty


def test_closing_leaves_nothing() -> None:
    opened = filled(None, Side.BUY, "1", "100")
    closed = filled(opened.holding, Side.SELL, "1", "95")

    assert closed.holding is None
    assert D(-5) == closed.realized_usd


def test_selling_more_than_is_held_turns_the_position() -> None:
    opened = filled(None, Side.BUY, "1", "100")
    turned = filled(opened.holding, Side.SELL, "3", "110")

    assert turned.holding is not None
    assert PositionSide.SHORT == turned.holding.position_side
    assert D(2) == turned.holding.qty
    assert D(110) == turned.holding.entry_price
    assert D(10) == turned.realized_usd


def test_only_the_opposite_side_reduces() -> None:
    held = filled(None, Side.BUY, "1", "100").holding

    assert D(1) == reducible_qty(held, Side.SELL)
    assert D(0) == reducible_qty(held, Side.BUY)
    assert D(0) == reducible_qty(None, Side.SELL)
