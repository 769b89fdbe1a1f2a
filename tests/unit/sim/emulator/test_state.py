"""Orders as plain data: what is left, at what average, whether it works."""

from decimal import Decimal

from bot.model.primitives import Side
from bot.sim.emulator.state import WORKING, NewOrder, Order, Status
from tests.fakes.contracts import NOON
from tests.fakes.emu_market import market, stop


def order(asked: NewOrder, *, filled: str = "0", usd: str = "0") -> Order:
    return Order(
        id=1,
        asked=asked,
        client_id="a",
        filled_qty=Decimal(filled),
        filled_usd=Decimal(usd),
        created_at=NOON,
        updated_at=NOON,
    )


def test_what_is_left_and_at_what_price_the_rest_was_had() -> None:
    part = order(market(Side.BUY, "3"), filled="2", usd="210")

    assert (part.open_qty, part.average_price) == (Decimal(1), Decimal(105))
    assert order(market(Side.BUY, "3")).average_price is None


def test_a_conditional_order_waits_for_a_trigger() -> None:
    assert order(stop(Side.SELL, "1", "95")).is_conditional
    assert not order(market(Side.SELL, "1")).is_conditional


def test_only_new_and_partly_filled_orders_work() -> None:
    assert {Status.NEW, Status.PARTIALLY_FILLED} == WORKING
    assert order(market(Side.SELL, "1")).is_working
