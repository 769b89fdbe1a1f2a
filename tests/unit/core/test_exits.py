"""Ways out: close first, cancel protection after; every exit is reduce-only."""

from decimal import Decimal

from bot.core import exits, exposure, manager
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import CancelRejected, TroubleSeen
from bot.model.order import Leg, OrderStatus
from tests.fakes.answers import accepted, filled, lost, rejected, reported
from tests.fakes.playbook import Bot, a_bot, in_position, signal


def closing(closed_by: ClosedBy = ClosedBy.TIME) -> Bot:
    bot = in_position()
    name = bot.bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, closed_by))
    return bot


def acts(bot: Bot) -> list[str]:
    return [said for said in bot.does() if not said.startswith(("query", "fetch"))]


def test_e22_the_close_goes_first_and_protection_is_canceled_after_it() -> None:
    """E22: a close that is refused must find the stop where it was."""
    bot = closing()
    first = acts(bot)
    bot.sees(accepted(bot, Leg.EXIT), filled(bot, Leg.EXIT, "4.545", at_price="1005"))

    assert ["place exit#1 4.545"] == first
    assert ["cancel stop#1", "cancel target#1"] == sorted(acts(bot))


def test_e22_a_refused_close_keeps_the_stop() -> None:
    bot = closing()
    bot.takes()
    bot.sees(rejected(bot, Leg.EXIT))

    assert "cancel stop#1" not in bot.does()
    assert bot.order(Leg.STOP).status is OrderStatus.OPEN


def test_e21_a_refused_close_takes_the_target_away_and_tries_again() -> None:
    """E21: a resting reduce-only order may hold the quantity."""
    bot = closing()
    bot.takes()
    bot.sees(rejected(bot, Leg.EXIT, code="-4118"))

    assert ["cancel target#1", "place exit#2 4.545"] == acts(bot)


def test_closing_twice_is_closing_once() -> None:
    bot = closing()
    name = bot.bracket.id
    bot.takes()
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.CLUSTER_BREAK))

    assert [] == bot.does()
    assert bot.bracket.closed_by is ClosedBy.TIME


def test_an_exit_that_is_unknown_is_not_sent_again() -> None:
    bot = closing()
    bot.sees(lost(bot, Leg.EXIT))
    bot.takes()
    bot.waits(30_000)

    assert [] == acts(bot)


def test_an_exit_that_filled_in_part_is_followed_by_the_rest() -> None:
    bot = closing()
    bot.takes()
    bot.sees(filled(bot, Leg.EXIT, "2"))
    bot.sees(reported(bot, Leg.EXIT, OrderStatus.CANCELED, filled_qty="2"))

    assert ["place exit#2 2.545"] == acts(bot)


def test_e24_a_close_is_rounded_down_to_the_lot() -> None:
    bot = closing()
    bot.takes()
    bot.sees(filled(bot, Leg.EXIT, "2.0004"))
    bot.sees(reported(bot, Leg.EXIT, OrderStatus.CANCELED, filled_qty="2.0004"))

    assert ["place exit#2 2.544"] == acts(bot)


def test_e25_a_remainder_below_the_minimum_is_written_off_as_dust() -> None:
    bot = closing()
    bot.takes()
    bot.sees(filled(bot, Leg.EXIT, "4.5446"))
    bot.sees(reported(bot, Leg.EXIT, OrderStatus.CANCELED, filled_qty="4.5446"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    assert bot.state.account is not None

    assert bot.bracket.status is BracketStatus.CLOSED
    assert [Decimal("0.0004")] == list(bot.state.account.foreign.values())


def test_e25_a_small_remainder_that_is_refused_again_and_again_becomes_dust() -> None:
    bot = closing()
    bot.sees(filled(bot, Leg.EXIT, "4.543"))
    bot.sees(reported(bot, Leg.EXIT, OrderStatus.CANCELED, filled_qty="4.543"))
    for attempt in range(2, 7):
        bot.sees(rejected(bot, Leg.EXIT, code="-4164", attempt=attempt))
        bot.waits(10_000)

    assert not exposure.held_qty(bot.state, bot.bracket)


def test_the_stop_fills_and_the_target_goes() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="990"))
    swept = acts(bot)
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert ["cancel target#1"] == swept
    assert (BracketStatus.CLOSED, ClosedBy.STOP) == (bot.bracket.status, bot.bracket.closed_by)


def test_i14_the_target_fills_and_the_stop_goes() -> None:
    """I14, E23: no position, no stop."""
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    swept = acts(bot)
    open_still = bot.bracket.status
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))

    assert ["cancel stop#1"] == swept
    assert open_still is not BracketStatus.CLOSED
    assert (BracketStatus.CLOSED, ClosedBy.TARGET) == (bot.bracket.status, bot.bracket.closed_by)


def test_e23_a_bracket_does_not_end_before_its_stop_is_gone() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    name = bot.order(Leg.STOP).request.client_id
    bot.takes()
    bot.sees(CancelRejected(at=bot.at, client_id=name, code="-2011", reason="unknown"))

    assert ["query stop#1"] == bot.does()
    assert bot.state.brackets


def test_i14_a_refused_reduce_only_order_means_look_now() -> None:
    bot = in_position()
    bot.waits(10_000)
    bot.takes()
    bot.state.desk.fetch_asked_at = None
    bot.waits(600)
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP, code="-2022", attempt=2))

    assert "fetch" in bot.does()


def test_a_target_that_is_not_resting_is_taken_at_market() -> None:
    bot = in_position()
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.REJECTED))
    bot.sees(rejected(bot, Leg.TARGET, attempt=2))
    bot.takes()
    bot.price("1020")

    assert ["place exit#1 4.545"] == acts(bot)
    assert bot.bracket.closed_by is ClosedBy.TARGET


def test_a_target_refused_is_tried_again() -> None:
    bot = in_position()
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.REJECTED))

    assert ["place target#2 4.545 @1020"] == acts(bot)


def test_in_protect_neither_targets_nor_strategy_exits_are_sent() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="502"))
    bot.sees(accepted(bot, Leg.STOP))
    name = bot.bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.TIME))
    quiet = acts(bot)
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="", is_over=True))
    bot.waits(1)

    assert not [said for said in quiet if "target" in said or "exit" in said]
    assert ["place target#1 4.545 @1020"] == acts(bot)


def test_part_of_the_target_then_the_stop_is_called_by_the_larger() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "1", at_price="1020"))
    bot.sees(filled(bot, Leg.STOP, "3.545", at_price="990"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED, filled_qty="3.545"))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED, filled_qty="1"))

    assert (BracketStatus.CLOSED, ClosedBy.STOP) == (bot.bracket.status, bot.bracket.closed_by)


def test_a_target_that_became_too_small_is_replaced() -> None:
    """A late fill of the entry: the target must be for all that is held."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "2"))
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED, filled_qty="2"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.sees(accepted(bot, Leg.TARGET))
    bot.sees(filled(bot, Leg.ENTRY, "1", name="late"))
    bot.takes()
    bot.sees(accepted(bot, Leg.STOP, attempt=2))
    grown = acts(bot)
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert ["cancel stop#1", "cancel target#1"] == grown
    assert ["place target#2 3 @1020"] == acts(bot)


def test_the_next_attempt_of_an_exit_and_of_a_target_is_known() -> None:
    bot = closing()
    for attempt in (1, 2):
        bot.sees(rejected(bot, Leg.EXIT, attempt=attempt))
    other = in_position()
    for attempt in (1, 2):
        other.sees(reported(other, Leg.TARGET, OrderStatus.REJECTED, attempt=attempt))

    assert bot.at + 500 == exits.next_due_at(bot.state, bot.bracket)
    assert other.at + 500 == exits.next_due_at(other.state, other.bracket)


def test_a_bracket_that_is_flat_is_not_closed_again() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="990"))
    name = bot.bracket.id
    bot.takes()
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.TIME))

    assert [] == acts(bot)
