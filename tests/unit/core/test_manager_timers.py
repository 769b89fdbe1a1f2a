"""The order manager's clocks: what a restart and time alone lead to, and when something is due."""

from decimal import Decimal

from msgspec.structs import replace

from bot.core import manager
from bot.model.account import HoldCause
from bot.model.bracket import ClosedBy
from bot.model.events import InstrumentsChanged
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis
from tests.fakes.answers import account, filled, lost
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, a_bot, in_position, settings, signal

MIDNIGHT = Millis(NOON + 12 * 3_600_000)


def test_p1_a_restart_leaves_what_rests_at_the_venue() -> None:
    """Stop and target outlive the run; the venue is read before anything is decided."""
    again = in_position().restarts().starts()

    assert ["fetch"] == again.does()


def test_a_cancel_is_sent_once_more_with_a_restart_and_then_has_its_time_again() -> None:
    """Not twice at once, although the last question is an hour old."""
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    bot.at = Millis(bot.at + 3_600_000)
    again = bot.restarts().starts()
    at_once = again.does()
    again.waits(1_999)
    before = again.does()
    again.waits(1)

    assert ["cancel stop#1", "fetch"] == at_once
    assert [] == before
    assert ["cancel stop#1", "query stop#1"] == again.does()


def test_i12_an_entry_that_was_being_sent_holds_its_symbol_from_the_start() -> None:
    bot = a_bot()
    bot.gets(signal())
    again = bot.restarts().starts()

    assert HoldCause.ORDER_UNKNOWN in again.holds()


def test_i12_an_entry_without_any_answer_holds_its_symbol_when_its_window_is_over() -> None:
    """5 s to arrive and 1 s of skew: from then on it is in doubt."""
    bot = a_bot()
    bot.gets(signal())
    bot.waits(5_999)
    before = bot.holds()
    bot.waits(1)

    assert [] == before
    assert [HoldCause.ORDER_UNKNOWN] == bot.holds()


def test_the_new_day_is_due_at_midnight() -> None:
    bot = a_bot()
    bot.at = Millis(MIDNIGHT - 10_000)
    bot.waits(0)
    bot.sees(account(bot.at))
    due = manager.next_due_at(bot.state)
    bot.waits(10_000)
    assert bot.state.account is not None

    assert due == MIDNIGHT
    assert bot.state.account.day == "2026-02-03"
    assert manager.next_due_at(bot.state) != MIDNIGHT


def test_before_the_start_nothing_is_due() -> None:
    bot = Bot(settings(), Ledger(), NOON)

    assert manager.next_due_at(bot.state) is None


def test_a_deadline_that_has_passed_does_not_hold_the_clock() -> None:
    """The entry has run out of time and stays unknown: time goes on all the same."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.waits(0)
    seen = []
    for _ in range(20):
        due = manager.next_due_at(bot.state)
        assert due is not None
        assert due > bot.at
        seen.append(due - NOON)
        bot.waits(due - bot.at)

    assert 6_000 in seen
    assert OrderStatus.UNKNOWN is bot.order(Leg.ENTRY).status


def test_what_is_too_small_to_be_closed_is_written_off_and_its_orders_swept_at_once() -> None:
    """The exchange has raised its minimum above what is held."""
    bot = in_position()
    bot.state.instruments = dict(INSTRUMENTS)
    raised = replace(INSTRUMENTS[BTC], qty_min=Decimal(5))
    bot.sees(InstrumentsChanged(at=bot.at, instruments=(raised,)))
    name = bot.bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.TIME))

    assert ["cancel stop#1", "cancel target#1"] == bot.does()
    assert {} != (bot.state.account.foreign if bot.state.account else {})
