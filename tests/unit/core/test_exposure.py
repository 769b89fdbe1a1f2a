"""What is held, by books and reports."""

from decimal import Decimal

from bot.core import exposure
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Side
from tests.fakes.answers import filled, outside, position, reported
from tests.fakes.contracts import BTC, ETH
from tests.fakes.playbook import a_bot, in_position, signal


def test_a_report_counts_before_its_fills_and_only_once() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.OPEN, filled_qty="2"))
    by_report = exposure.held_qty(bot.state, bot.bracket)
    bot.sees(filled(bot, Leg.ENTRY, "2"))

    assert (Decimal(2), Decimal(2)) == (by_report, exposure.held_qty(bot.state, bot.bracket))


def test_a_reported_exit_counts_too() -> None:
    bot = in_position()
    bot.sees(reported(bot, Leg.STOP, OrderStatus.FILLED, filled_qty="4.545"))

    assert exposure.held_qty(bot.state, bot.bracket) == 0


def test_the_books_expect_ours_and_what_is_foreign() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.BUY, "1"))

    assert Decimal("5.545") == exposure.books_qty(bot.state, BTC)
    assert exposure.books_qty(bot.state, ETH) == 0


def test_the_venue_says_nothing_or_a_signed_quantity() -> None:
    bot = a_bot()
    nothing = exposure.venue_qty(bot.state, BTC)
    bot.state.positions[BTC] = position("-2")

    assert (Decimal(0), Decimal(-2)) == (nothing, exposure.venue_qty(bot.state, BTC))


def test_live_orders_of_a_leg() -> None:
    bot = in_position()
    name = bot.bracket.id

    assert 3 == len(exposure.orders_of(bot.state, name))
    assert [bot.order(Leg.STOP)] == exposure.live_of(bot.state, name, Leg.STOP)
    assert [] == exposure.live_of(bot.state, name, Leg.ENTRY)


def test_without_a_price_there_is_no_mark() -> None:
    bot = a_bot()
    bot.state.symbols[BTC].price = None

    assert exposure.mark_of(bot.state, BTC) is None
    assert Decimal("1000.0") == exposure.mark_of(bot.state, ETH)
