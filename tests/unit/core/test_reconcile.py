"""The venue's account against the books: one pass, idempotent, nothing believed too early."""

from decimal import Decimal

from msgspec.structs import replace

from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus
from bot.model.events import OrderUpdated
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Symbol, Usd
from tests.fakes.answers import (
    accepted,
    account,
    fill_of,
    filled,
    lost,
    missing,
    position,
    reads,
    report_of,
    reported,
)
from tests.fakes.contracts import BTC, NOON
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, a_bot, in_position, settings, signal


def places(bot: Bot) -> list[str]:
    return [said for said in bot.does() if not said.startswith(("query", "fetch"))]


def test_the_first_reading_opens_the_books() -> None:
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts()
    asked = bot.does()
    bot.sees(account(NOON, balance=Decimal(7_777)))
    assert bot.state.account is not None

    assert ["fetch"] == asked
    assert (Decimal(7_777), "2026-02-02") == (bot.state.account.balance_usd, bot.state.account.day)


def test_fills_from_before_the_books_are_in_the_position_that_is_found() -> None:
    known = in_position()
    fills = tuple(fill_of(row, "1", NOON, name="old") for row in list(known.state.orders.values()))
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts().sees(account(NOON, fills=fills[:1]))
    assert bot.state.account is not None

    assert {} == bot.state.account.foreign
    assert [f"{BTC}|old"] == list(bot.ledger.fills)


def test_i8_a_start_protects_until_the_venue_has_been_read() -> None:
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts()
    before = bot.state.operation.state
    bot.sees(account(NOON))

    assert (OperatingState.PROTECT, OperatingState.TRADING) == (
        before,
        bot.state.operation.state,
    )


def test_i8_an_unknown_order_keeps_the_gate_shut() -> None:
    bot = a_bot()
    bot.gets(signal())
    again = bot.restarts().starts()
    again.at = Millis(again.at + 1_000)
    again.sees(reads(again))

    assert OrderStatus.UNKNOWN is again.order(Leg.ENTRY).status
    assert OperatingState.HOLD is again.state.operation.state
    assert HoldCause.NOT_RECONCILED in again.holds()


def test_e3_a_request_in_flight_across_a_restart_is_unknown_until_its_window_is_over() -> None:
    bot = a_bot()
    bot.gets(signal())
    until = bot.order(Leg.ENTRY).request.valid_until
    again = bot.restarts().starts()

    assert until + 1_000 == again.order(Leg.ENTRY).unsettled_until
    assert not [said for said in again.does() if said.startswith("place")]


def test_p1_after_a_restart_the_stop_that_is_there_is_found() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    stop = report_of(bot.order(Leg.STOP), OrderStatus.OPEN, bot.at)
    again = bot.restarts().starts()
    again.at = Millis(again.at + 500)
    again.takes()
    again.sees(account(again.at, positions=(position("4.545"),), orders=(stop,)))

    assert OrderStatus.OPEN is again.order(Leg.STOP).status
    assert again.bracket.unprotected_since is None
    assert "order.resolved" in again.told()


def test_deadlines_of_protection_start_anew_with_the_run() -> None:
    """Hours may have passed; the venue is read before anything is flattened."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.at = Millis(bot.at + 3_600_000)
    again = bot.restarts().starts()

    assert not [said for said in again.does() if said.startswith("place exit")]
    assert again.bracket.unprotected_since == again.at


def test_a_cancel_that_nobody_waits_for_any_more_is_sent_again() -> None:
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    again = bot.restarts().starts()

    assert "cancel stop#1" in again.does()


def test_fills_that_the_stream_lost_come_with_the_reading() -> None:
    bot = in_position()
    bot.waits(10_000)
    fill = fill_of(bot.order(Leg.TARGET), "4.545", bot.at, at_price="1020")
    bot.sees(account(bot.at, fills=(fill,)))

    assert bot.bracket.exited_qty == Decimal("4.545")


def test_a_second_pass_over_the_same_snapshot_changes_nothing() -> None:
    bot = in_position()
    bot.waits(10_000)
    fill = fill_of(bot.order(Leg.TARGET), "1", bot.at, at_price="1020")
    event = reads(bot, "3.545", fills=(fill,))
    bot.sees(event)
    rows = (dict(bot.ledger.orders), dict(bot.ledger.brackets), bot.state.account)
    bot.takes()
    bot.sees(event)

    assert rows == (dict(bot.ledger.orders), dict(bot.ledger.brackets), bot.state.account)
    assert [] == places(bot)


def test_e52_an_answer_to_an_older_request_is_dropped() -> None:
    bot = in_position()
    bot.waits(10_000)
    bot.sees(reads(bot, "4.545"))
    old = account(Millis(bot.at - 5_000))
    bot.sees(old)

    assert bot.state.positions[BTC].qty == Decimal("4.545")


def test_i10_a_snapshot_does_not_contradict_what_is_newer_than_its_request() -> None:
    bot = a_bot()
    asked_at = bot.at
    bot.gets(signal())
    bot.at = Millis(bot.at + 100)
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.takes()
    bot.sees(account(asked_at))

    assert {} == bot.state.desk.doubts
    assert "query stop#1" not in bot.does()


def test_e19_an_order_that_should_be_shown_and_is_not_is_asked_about() -> None:
    bot = in_position()
    bot.waits(10_000)
    bot.takes()
    target = report_of(bot.order(Leg.TARGET), OrderStatus.OPEN, bot.at)
    bot.sees(account(bot.at, positions=(position("4.545"),), orders=(target,)))

    assert "query stop#1" in bot.does()
    assert OrderStatus.OPEN is bot.order(Leg.STOP).status


def test_e49_an_empty_order_list_ends_nothing() -> None:
    """E8, E49."""
    bot = in_position()
    for _ in range(5):
        bot.waits(10_000)
        bot.sees(account(bot.at, positions=(position("4.545"),)))

    assert {OrderStatus.OPEN} == {
        bot.order(Leg.STOP).status,
        bot.order(Leg.TARGET).status,
    }


def test_e26_a_leverage_that_moved_by_itself_holds_the_symbol() -> None:
    bot = in_position()
    bot.waits(10_000)
    bot.sees(reads(bot, "4.545"))
    bot.waits(10_000)
    bot.sees(account(bot.at, positions=(position("4.545", leverage=20.0),)))
    hold = next(h for h in bot.state.operation.holds if h.cause is HoldCause.ACCOUNT_CHANGED)

    assert (BTC, True) == (hold.symbol, hold.needs_operator)
    assert "20.0" in hold.detail


def test_e44_what_was_reported_a_minute_ago_is_booked_without_its_fills() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.waits(61_000)
    stop = report_of(bot.order(Leg.STOP), OrderStatus.OPEN, bot.at)
    bot.sees(account(bot.at, positions=(position("4.545"),), orders=(stop,)))

    assert bot.bracket.entered_qty == Decimal("4.545")


def test_ended_orders_are_let_go_after_their_tombstone() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED))
    kept = len(bot.state.orders)
    bot.waits(86_401_000)
    bot.sees(account(bot.at))

    assert (1, 0) == (kept, len(bot.state.orders))


def test_a_quiet_account_writes_nothing() -> None:
    bot = a_bot()
    bot.waits(60_000)
    before = bot.state.account
    bot.sees(account(bot.at))

    assert bot.facts == 0
    assert before is bot.state.account


def test_the_cursor_moves_in_steps() -> None:
    bot = a_bot()
    bot.waits(600_000)
    bot.sees(account(bot.at))
    assert bot.state.account is not None

    assert bot.at == bot.state.account.fills_cursor


def test_the_venues_balance_is_taken_over_at_the_second_reading_that_agrees() -> None:
    bot = a_bot()
    balances = []
    for _ in range(2):
        bot.waits(60_000)
        bot.sees(account(bot.at, balance=Decimal(9_000)))
        assert bot.state.account is not None
        balances.append(bot.state.account.balance_usd)

    assert [10_000, 9_000] == balances


def test_an_unknown_order_whose_last_proof_is_the_reading_ends_with_it() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.waits(6_500)
    for _ in range(3):
        bot.sees(missing(bot, Leg.ENTRY))
        bot.waits(600)
    bot.sees(reads(bot))

    assert BracketStatus.ABANDONED is bot.bracket.status


def test_a_report_of_an_order_that_is_nobodys_is_ignored() -> None:
    bot = a_bot()
    bot.gets(signal())
    report = replace(report_of(bot.order(Leg.ENTRY), OrderStatus.OPEN, bot.at), client_id=None)
    before = bot.ledger.orders.copy()
    bot.sees(OrderUpdated(at=bot.at, report=report))

    assert before == bot.ledger.orders
    assert Usd(Decimal(10_000)) == bot.state.account.balance_usd if bot.state.account else False


def test_a_symbol_that_is_not_traded_is_not_judged() -> None:
    bot = in_position()
    bot.waits(10_000)
    other = replace(position("5"), symbol=Symbol("DOGE/USDT:USDT"))
    event = account(bot.at, positions=(position("4.545"), other))
    symbols = (Symbol("DOGE/USDT:USDT"),)
    bot.sees(replace(event, snapshot=replace(event.snapshot, symbols=symbols)))

    assert {} == bot.state.desk.doubts
    assert OrderStatus.OPEN is bot.order(Leg.STOP).status
