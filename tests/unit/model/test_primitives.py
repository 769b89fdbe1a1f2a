"""Sides know their opposites and signs."""

import pytest

from bot.model.primitives import PositionSide, Side


@pytest.mark.parametrize("side", list(Side))
def test_the_opposite_of_the_opposite_is_the_side_itself(side: Side) -> None:
    assert side.opposite is not side
    assert side.opposite.opposite is side
    assert side.sign == -side.opposite.sign


def test_a_long_is_bought_to_open_and_sold_to_close() -> None:
    assert PositionSide.LONG.entry_side is Side.BUY
    assert PositionSide.LONG.exit_side is Side.SELL
    assert PositionSide.SHORT.entry_side is Side.SELL
    assert PositionSide.SHORT.opposite is PositionSide.LONG
    assert PositionSide.SHORT.sign == -1
