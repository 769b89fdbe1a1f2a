"""Every fill is booked once, wherever it belongs."""

from decimal import Decimal

from bot.core.booking import adopt, assume
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import PositionSide, Price, Qty, Side
from tests.fakes.answers import accepted, filled, outside, rejected, reported
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position, signal


def foreign(bot: Bot) -> Decimal:
    assert bot.state.account is not None
    return bot.state.account.foreign.get(BTC, Decimal(0))


def test_i6_a_fill_that_comes_twice_is_booked_once() -> None:
    """I6, E43."""
    bot = a_bot()
    bot.gets(signal())
    event = filled(bot, Leg.ENTRY, "1")
    bot.sees(event, event)

    assert (bot.bracket.entered_qty, bot.order(Leg.ENTRY).booked_qty) == (Decimal(1), Decimal(1))


def test_i5_a_late_fill_of_a_canceled_order_is_booked_and_alarms() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "2"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED, filled_qty="2"))
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "1", name="late"))

    assert bot.bracket.entered_qty == 3
    assert "place stop#2 3 @990" in bot.does()
    assert "order.filled" in bot.told()


def test_i5_a_late_fill_of_a_trade_that_ended_is_adopted_and_protected() -> None:
    bot = a_bot()
    bot.gets(signal())
    late = filled(bot, Leg.ENTRY, "1", name="late")
    bot.sees(rejected(bot, Leg.ENTRY))
    bot.takes()
    bot.sees(late)

    assert (bot.bracket.signal, bot.bracket.open_qty) == (None, Decimal(1))
    assert [said for said in bot.does() if said.startswith("place stop#1 1")]
    assert bot.order(Leg.ENTRY).status is OrderStatus.REJECTED
    assert bot.order(Leg.ENTRY).filled_qty == 1


def test_a_fill_beyond_its_order_is_not_counted_and_the_account_is_read() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.ENTRY, "1", name="too much"))

    assert bot.bracket.entered_qty == Decimal("4.545")
    assert bot.state.desk.fetch_due_at is not None or "fetch" in bot.does()


def test_a_fill_beyond_its_exit_is_a_position_that_is_gone() -> None:
    """Bybit's stop of a position closes all of it in one trade, whatever our stop is for."""
    bot = in_position()
    bot.sees(outside(bot, Side.BUY, "1"), filled(bot, Leg.STOP, "5.545", at_price="990"))

    assert (Decimal(0), Decimal(990)) == (bot.bracket.open_qty, bot.bracket.exit_price)
    assert foreign(bot) == 0
    assert not [said for said in bot.does() if said.startswith("place")]


def test_a_late_fill_of_an_exit_opens_nothing() -> None:
    """E18: the stop of a position that a person holds goes by the name of our last stop there."""
    bot = in_position()
    late = filled(bot, Leg.STOP, "1", name="late")
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1030"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(outside(bot, Side.BUY, "1"))
    bot.takes()
    bot.sees(late)

    assert ({}, Decimal(0)) == (bot.state.brackets, foreign(bot))
    assert not [said for said in bot.does() if said.startswith("place")]


def test_e17_a_position_closed_by_hand_is_booked_and_swept() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.SELL, "4.545", at_price="1010"))
    swept = [said for said in bot.does() if said.startswith("cancel")]
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    assert bot.state.account is not None

    assert ["cancel stop#1", "cancel target#1"] == sorted(swept)
    assert (BracketStatus.CLOSED, ClosedBy.EXTERNAL) == (bot.bracket.status, bot.bracket.closed_by)
    assert bot.state.account.cool_downs[BTC] > bot.at


def test_e29_a_part_taken_by_the_venue_leaves_the_rest_managed() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.SELL, "1"))

    assert (bot.bracket.status, bot.bracket.open_qty) == (BracketStatus.OPEN, Decimal("3.545"))


def test_e18_what_the_user_adds_is_never_touched() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.BUY, "2"))
    added = bot.does()
    bot.sees(outside(bot, Side.SELL, "2", name="back"))

    assert not [said for said in added if said.startswith(("place", "cancel"))]
    assert (foreign(bot), bot.bracket.open_qty) == (Decimal(0), Decimal("4.545"))


def test_e18_the_foreign_part_is_closed_before_ours() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.BUY, "1", name="in"), outside(bot, Side.SELL, "2", name="out"))

    assert (foreign(bot), bot.bracket.open_qty) == (Decimal(0), Decimal("3.545"))


def test_a_liquidation_takes_ours() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.SELL, "4.545", at_price="700", is_liquidation=True))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert ClosedBy.LIQUIDATION is bot.bracket.closed_by


def test_e44_a_report_whose_fills_never_come_is_booked_from_the_report() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.decides(lambda s, d: assume(s, d, bot.order(Leg.ENTRY)))
    booked = bot.bracket.entered_qty
    bot.sees(filled(bot, Leg.ENTRY, "3"), filled(bot, Leg.ENTRY, "1.545"))

    assert booked == Decimal("4.545")
    assert bot.bracket.entered_qty == Decimal("4.545")
    assert bot.order(Leg.ENTRY).assumed_qty == 0


def test_e44_assuming_twice_books_once() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    bot.decides(lambda s, d: assume(s, d, bot.order(Leg.ENTRY)))
    bot.decides(lambda s, d: assume(s, d, bot.order(Leg.ENTRY)))

    assert bot.bracket.entered_qty == Decimal("4.545")


def test_an_outside_trade_that_took_more_than_ours_is_given_back() -> None:
    """Our own fills come to light after somebody else's had been booked as ours."""
    bot = in_position()
    bot.sees(outside(bot, Side.SELL, "1"))
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="990"))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert (bot.bracket.status, bot.bracket.open_qty) == (BracketStatus.CLOSED, Decimal(0))
    assert foreign(bot) == -1


def test_two_positions_adopted_in_one_instant_are_two() -> None:
    bot = a_bot()
    for name in ("one", "two"):
        bot.decides(
            lambda s, d, why=name: adopt(  # type: ignore[misc]  # a default binds the loop's value
                s,
                d,
                BTC,
                PositionSide.LONG,
                qty=Qty(Decimal(1)),
                price=Price(Decimal(1000)),
                why=why,
            )
        )

    assert 2 == len(bot.state.brackets)
