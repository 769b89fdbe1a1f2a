"""Positions that the books do not explain: doubted, then believed, then protected."""

from decimal import Decimal

from bot.model.account import HoldCause
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import PositionSide, Side
from tests.fakes.answers import account, filled, outside, position, reads, reported
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position


def read_again(bot: Bot, qty: str, times: int, wait_ms: int = 2_000) -> None:
    for _ in range(times):
        bot.waits(wait_ms)
        bot.sees(reads(bot, qty))


def test_i7_an_unexplained_position_is_adopted_and_protected_at_the_second_reading() -> None:
    bot = a_bot()
    read_again(bot, "2", 1)
    first = [said for said in bot.does() if said.startswith("place")]
    held = bot.holds()
    read_again(bot, "2", 1)

    assert [] == first
    assert HoldCause.UNEXPLAINED_POSITION in held
    # 1.2 % is the largest stop distance there is.
    assert "place stop#1 2 @988.0" in bot.does()
    assert (bot.bracket.signal, bot.bracket.open_qty) == (None, Decimal(2))


def test_i7_a_short_is_adopted_as_a_short() -> None:
    bot = a_bot()
    read_again(bot, "-2", 2)

    assert PositionSide.SHORT is bot.bracket.position_side
    assert "place stop#1 2 @1012.0" in bot.does()


def test_i7_entries_on_the_symbol_stop_until_it_is_gone() -> None:
    bot = a_bot()
    read_again(bot, "2", 2)
    hold = next(h for h in bot.state.operation.holds if h.cause is HoldCause.UNEXPLAINED_POSITION)
    bot.sees(outside(bot, Side.SELL, "2"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.REJECTED))
    read_again(bot, "0", 1)

    assert hold.symbol == BTC
    assert HoldCause.UNEXPLAINED_POSITION not in bot.holds()
    assert BracketStatus.CLOSED is bot.bracket.status


def test_a_position_seen_once_only_is_nothing() -> None:
    bot = a_bot()
    read_again(bot, "2", 1)
    read_again(bot, "0", 1)

    assert {} == bot.state.brackets
    assert HoldCause.UNEXPLAINED_POSITION not in bot.holds()


def test_a_replica_that_has_not_heard_of_our_last_fill_is_not_believed() -> None:
    """E10: adopted, what the stop has closed would be lost a second time in the books."""
    bot = in_position()
    bot.waits(5_000)
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="990"))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    read_again(bot, "4.545", 4)
    soon = list(bot.state.brackets)
    read_again(bot, "4.545", 8)

    assert [] == soon
    # Told for so long it is the venue's word, and is protected.
    assert (None, Decimal("4.545")) == (bot.bracket.signal, bot.bracket.open_qty)


def test_e9_an_empty_answer_once_closes_nothing() -> None:
    bot = in_position()
    read_again(bot, "0", 1, wait_ms=10_000)
    doubted = bot.holds()
    read_again(bot, "4.545", 1, wait_ms=10_000)

    assert BracketStatus.OPEN is bot.bracket.status
    assert HoldCause.UNEXPLAINED_POSITION in doubted
    assert HoldCause.UNEXPLAINED_POSITION not in bot.holds()
    assert OrderStatus.OPEN is bot.order(Leg.STOP).status


def test_e9_two_empty_answers_soon_after_each_other_are_not_enough_either() -> None:
    bot = in_position()
    read_again(bot, "0", 5)

    assert bot.bracket.open_qty == Decimal("4.545")


def test_e9_empty_for_a_minute_is_believed() -> None:
    bot = in_position()
    read_again(bot, "0", 8, wait_ms=10_000)
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert (BracketStatus.CLOSED, ClosedBy.EXTERNAL) == (bot.bracket.status, bot.bracket.closed_by)
    assert "reconcile.corrected" in bot.told()


def test_e9_an_empty_answer_that_a_fill_explains_is_believed_at_once() -> None:
    bot = in_position()
    bot.sees(outside(bot, Side.SELL, "4.545"))
    read_again(bot, "0", 1)

    assert bot.bracket.open_qty == 0
    assert {} == bot.state.desk.doubts


def test_part_of_it_gone_for_a_minute_shrinks_the_bracket() -> None:
    bot = in_position()
    read_again(bot, "3", 8, wait_ms=10_000)

    assert (bot.bracket.open_qty, bot.bracket.status) == (Decimal(3), BracketStatus.OPEN)


def test_a_flip_closes_ours_and_adopts_the_rest() -> None:
    bot = in_position()
    ours = bot.bracket.id
    read_again(bot, "-1", 8, wait_ms=10_000)

    assert bot.ledger.brackets[ours].open_qty == 0
    assert (PositionSide.SHORT, Decimal(1)) == (bot.bracket.position_side, bot.bracket.open_qty)


def test_e18_what_fills_explain_as_foreign_is_not_adopted() -> None:
    bot = a_bot()
    bot.sees(outside(bot, Side.BUY, "2"))
    read_again(bot, "2", 3)

    assert {} == bot.state.brackets
    assert HoldCause.UNEXPLAINED_POSITION in bot.holds()


def test_foreign_quantity_that_is_gone_is_forgotten() -> None:
    bot = a_bot()
    bot.sees(outside(bot, Side.BUY, "2"))
    read_again(bot, "2", 1)
    read_again(bot, "0", 8, wait_ms=10_000)
    assert bot.state.account is not None

    assert {} == bot.state.account.foreign
    assert HoldCause.UNEXPLAINED_POSITION not in bot.holds()


def test_a_balance_is_not_judged_while_a_position_is_open() -> None:
    bot = in_position()
    bot.waits(10_000)
    for _ in range(3):
        bot.waits(10_000)
        bot.sees(
            account(bot.at, positions=(position("4.545"),), balance=Decimal(5_000)),
        )
    assert bot.state.account is not None

    assert bot.state.account.balance_usd > 9_900
