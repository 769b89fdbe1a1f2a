"""Sides know their opposites and signs; values cost the collector nothing."""

import gc

import pytest

from bot.model.facts import Decision
from bot.model.primitives import PositionSide, Side
from tests.fakes.rows import a_bracket, a_cluster, a_price


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


@pytest.mark.parametrize("made", [a_cluster(), a_price(), a_bracket(), Decision()], ids=type)
def test_the_collector_does_not_look_at_values(made: object) -> None:
    """A look at all of them would stop the loop for longer than a whole decision takes."""
    assert not gc.is_tracked(made)
