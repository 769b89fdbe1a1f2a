"""Holds are entered by themselves and by command, persist, and end as they should."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core import operation
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import FlattenAsked, HoldAsked, ResumeAsked, TroubleSeen
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Usd
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, account, filled, position, reads, reported
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position, signal

S = OperatingState


def lose(bot: Bot, usd: str) -> None:
    assert bot.state.account is not None
    balance = Usd(bot.state.account.balance_usd - Decimal(usd))
    poorer = replace(bot.state.account, balance_usd=balance)
    bot.decides(lambda _, draft: draft.put_account(poorer))
    bot.decides(operation.check_limits)


def test_i19_hold_and_resume_by_command() -> None:
    bot = a_bot()
    bot.sees(HoldAsked(at=bot.at, reason="lunch"))
    held = bot.state.operation.state
    bot.sees(ResumeAsked(at=bot.at))

    assert (held, bot.state.operation.state) == (S.HOLD, S.TRADING)
    assert ["operator.held", "operator.resumed"] == bot.told()


def test_i19_a_hold_outlives_a_restart() -> None:
    bot = a_bot()
    bot.sees(HoldAsked(at=bot.at))
    again = bot.restarts().starts()
    again.at = Millis(again.at + 1)
    again.sees(account(again.at))

    assert [HoldCause.OPERATOR] == again.holds()


def test_the_strictest_cause_decides() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="clock_skew", detail="2 s"))
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="502"))
    strict = bot.state.operation.state
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="", is_over=True))
    milder = bot.state.operation.state
    bot.sees(TroubleSeen(at=bot.at, cause="clock_skew", detail="", is_over=True))

    assert [S.PROTECT, S.HOLD, S.TRADING] == [strict, milder, bot.state.operation.state]


def test_a_cause_that_goes_on_is_told_once() -> None:
    bot = a_bot()
    for detail in ("502", "503", "502"):
        bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail=detail))

    assert ["operator.held"] == bot.told()


def test_trouble_on_one_symbol_holds_that_symbol_alone() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="price_stale", detail="30 s", symbol=BTC))

    assert S.TRADING is bot.state.operation.state
    assert S.HOLD is bot.state.operation.state_of(BTC)


def test_the_days_loss_holds_until_midnight() -> None:
    bot = a_bot()
    lose(bot, "199")
    fine = bot.holds()
    lose(bot, "2")
    held = bot.holds()
    bot.sees(ResumeAsked(at=bot.at))
    stubborn = bot.holds()
    bot.waits(12 * 3_600_000)

    assert ([], [HoldCause.DAY_LOSS]) == (fine, held)
    assert [HoldCause.DAY_LOSS] == stubborn
    assert HoldCause.DAY_LOSS not in bot.holds()


def test_a_drawdown_waits_for_the_operator_and_counts_anew_from_there() -> None:
    bot = a_bot()
    lose(bot, "1001")
    bot.waits(13 * 3_600_000)
    held = bot.holds()
    bot.sees(ResumeAsked(at=bot.at))
    bot.decides(operation.check_limits)

    assert HoldCause.DRAWDOWN in held
    assert HoldCause.DRAWDOWN not in bot.holds()


def test_a_losing_streak_holds_for_its_time_and_starts_over() -> None:
    bot = a_bot()
    assert bot.state.account is not None
    losing = replace(bot.state.account, losses_in_a_row=4)
    bot.decides(lambda _, d: d.put_account(losing))
    bot.decides(operation.check_limits)
    held = bot.holds()
    bot.waits(14_400_000)
    bot.decides(operation.check_limits)

    assert [HoldCause.LOSING_STREAK] == held
    assert HoldCause.LOSING_STREAK not in bot.holds()
    assert bot.state.account.losses_in_a_row == 0


def test_e42_slippage_counts_to_the_days_loss() -> None:
    """E42: a fill far from what was expected is a loss as any other."""
    bot = in_position()
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="950"))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert HoldCause.DAY_LOSS in bot.holds()


def test_p29_a_crash_loop_starts_in_protect_until_the_operator_resumes() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="crash_loop", detail="5 in 10 min"))
    protected = bot.state.operation.state
    bot.sees(TroubleSeen(at=bot.at, cause="crash_loop", detail="", is_over=True))
    still = bot.state.operation.state
    bot.sees(ResumeAsked(at=bot.at))

    assert [S.PROTECT, S.PROTECT, S.TRADING] == [protected, still, bot.state.operation.state]


def test_p21_after_a_clock_jump_the_venue_is_read_before_any_order() -> None:
    """P21, E51."""
    bot = a_bot()
    bot.waits(1_000)
    bot.takes()
    bot.sees(TroubleSeen(at=bot.at, cause="clock_jumped", detail="8 h"))
    bot.waits(1)
    asked = bot.does()
    held = bot.holds()
    bot.sees(reads(bot))

    assert "fetch" in asked
    assert HoldCause.CLOCK_JUMPED in held
    assert HoldCause.CLOCK_JUMPED not in bot.holds()


def test_e45_access_lost_is_not_a_verdict_about_orders() -> None:
    bot = in_position()
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="-2015"))

    assert S.PROTECT is bot.state.operation.state
    assert OrderStatus.OPEN is bot.order(Leg.STOP).status


def test_e32_maintenance_protects_and_ends_by_itself() -> None:
    bot = in_position()
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="-1016"))
    bot.waits(60_000)
    bot.sees(TroubleSeen(at=bot.at, cause="venue_errors", detail="", is_over=True))

    assert HoldCause.VENUE_ERRORS not in bot.holds()


def test_flatten_closes_everything_and_then_holds() -> None:
    bot = in_position()
    bot.sees(FlattenAsked(at=bot.at))
    bot.waits(1)
    closes = [said for said in bot.does() if said.startswith("place")]
    bot.sees(filled(bot, Leg.EXIT, "4.545"))
    for leg in (Leg.STOP, Leg.TARGET):
        bot.sees(reported(bot, leg, OrderStatus.CANCELED))
    unverified = bot.state.operation.state
    bot.waits(1_000)
    bot.sees(account(bot.at))

    assert ["place exit#1 4.545"] == closes
    assert ClosedBy.OPERATOR is bot.bracket.closed_by
    assert (S.FLATTEN, S.HOLD) == (unverified, bot.state.operation.state)


def test_flatten_is_not_over_while_the_venue_still_holds_something() -> None:
    bot = a_bot()
    bot.sees(FlattenAsked(at=bot.at))
    bot.waits(1_000)
    bot.sees(account(bot.at, positions=(position("1"),)))

    assert S.FLATTEN is bot.state.operation.state


def test_flatten_cancels_entries_that_rest() -> None:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.takes()
    bot.sees(FlattenAsked(at=bot.at))
    bot.waits(1)

    assert "cancel entry#1" in bot.does()


def test_what_fills_while_flattening_is_closed() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(FlattenAsked(at=bot.at))
    bot.waits(1)
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "4.545"))

    assert "place exit#1 4.545" in bot.does()
    assert BracketStatus.CLOSING is bot.bracket.status


def test_an_unknown_cause_is_a_bug() -> None:
    with pytest.raises(ValueError, match="moon"):
        a_bot().sees(TroubleSeen(at=Millis(0), cause="moon", detail=""))


def test_when_a_hold_ends_is_known_beforehand() -> None:
    bot = a_bot()
    lose(bot, "201")

    assert operation.next_due_at(bot.state) is not None
    assert operation.next_due_at(a_bot().state) is None


def test_a_clock_jump_does_not_end_by_being_told_that_it_is_over() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="clock_jumped", detail="8 h"))
    bot.sees(TroubleSeen(at=bot.at, cause="clock_jumped", detail="", is_over=True))

    assert HoldCause.CLOCK_JUMPED in bot.holds()


@pytest.mark.parametrize("cause", ["task_failed", "store_trouble", "venue_errors"])
def test_trouble_of_a_run_that_was_killed_does_not_hold_the_next_one_for_ever(cause: str) -> None:
    """Only the adapter that told of it tells of its end, and that adapter is gone."""
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause=cause, detail="as it was killed"))
    again = bot.restarts().starts()
    again.at = Millis(again.at + 1)
    again.sees(account(again.at))

    assert [] == again.holds()


def test_p15_a_repaired_ledger_protects_until_the_operator_resumes() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="ledger_repaired", detail="from the newest backup"))
    protected = bot.state.operation.state
    again = bot.restarts().starts()
    again.at = Millis(again.at + 1)
    again.sees(account(again.at))
    still = again.state.operation.state
    again.sees(ResumeAsked(at=again.at))

    assert [S.PROTECT, S.PROTECT, S.TRADING] == [protected, still, again.state.operation.state]


def test_p16_a_ledger_in_trouble_protects_until_it_is_over() -> None:
    bot = a_bot()
    bot.sees(TroubleSeen(at=bot.at, cause="store_trouble", detail="deleted"))
    protected = bot.state.operation.state
    bot.sees(TroubleSeen(at=bot.at, cause="store_trouble", detail="", is_over=True))

    assert (S.PROTECT, S.TRADING) == (protected, bot.state.operation.state)


def test_a_hold_asked_for_while_everything_is_closed_lets_the_closing_go_on() -> None:
    bot = in_position()
    bot.sees(FlattenAsked(at=bot.at))
    bot.sees(HoldAsked(at=bot.at))

    assert S.FLATTEN is bot.state.operation.state
