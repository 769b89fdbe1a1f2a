"""What an order must be to be taken."""

from decimal import Decimal

import pytest

from bot.model.primitives import Side
from bot.sim.emulator import rules
from bot.sim.emulator.state import NewOrder, Why
from bot.venue.matching import quote_of
from tests.fakes.contracts import BTC, INSTRUMENTS
from tests.fakes.emu_market import limit, market, price_event, stop

BUY, SELL = Side.BUY, Side.SELL
QUOTE = quote_of(price_event(100.0))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (limit(BUY, "1", "105"), None),
        (limit(BUY, "1", "105.1"), Why.PRICE_TOO_FAR),
        (limit(BUY, "1", "50"), None),
        (limit(SELL, "1", "95"), None),
        (limit(SELL, "1", "94.9"), Why.PRICE_TOO_FAR),
        (limit(SELL, "1", "200"), None),
        (limit(BUY, "1", "-1"), Why.BAD_PRICE),
        (limit(BUY, "0", "90"), Why.BAD_QTY),
        (limit(BUY, "0.0005", "90"), Why.BAD_QTY),
        (market(BUY, "0.049"), Why.NOTIONAL_TOO_SMALL),
        (market(BUY, "0.05"), None),
        (market(BUY, "0.001", is_reduce_only=True), None),
        (market(BUY, "1", stop_loss=Decimal("90.05")), Why.BAD_PRICE),
        (stop(SELL, "0", "90", closes_position=True), None),
        (stop(SELL, "0", "90"), Why.BAD_QTY),
        (stop(SELL, "1", "101", is_by_mark=False), Why.WOULD_TRIGGER),
    ],
)
def test_form_grid_size_and_price(asked: NewOrder, why: Why | None) -> None:
    assert rules.refusal(asked, INSTRUMENTS[BTC], QUOTE, Decimal(100)) is why


def test_a_trigger_by_the_last_price_does_not_look_at_the_mark() -> None:
    asked = stop(SELL, "1", "101", is_by_mark=False)

    assert rules.refusal(asked, INSTRUMENTS[BTC], QUOTE, Decimal(102)) is None


@pytest.mark.parametrize(
    ("side", "is_take_profit", "above"),
    [(BUY, False, True), (SELL, False, False), (BUY, True, False), (SELL, True, True)],
)
def test_the_side_from_which_a_trigger_is_met(
    side: Side, *, is_take_profit: bool, above: bool
) -> None:
    asked = stop(side, "1", "100", is_take_profit=is_take_profit)

    assert rules.is_above(asked) is above
    assert rules.is_fired(asked, low=Decimal(101), high=Decimal(102)) is above
    assert rules.is_fired(asked, low=Decimal(98), high=Decimal(99)) is not above


def test_the_worst_price_lies_on_the_grid() -> None:
    instrument = INSTRUMENTS[BTC]

    assert rules.price_bound(instrument, BUY, Decimal("100.3")) == Decimal("105.3")
    assert rules.price_bound(instrument, SELL, Decimal("100.3")) == Decimal("95.3")
