"""How far a reading of the account reaches: to the millisecond of its request, and no further.

What a reading can know was there before it was asked for. What is exactly as old as a limit, or of
the very instant of the request, is in or out as each test says.
"""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core import accounting
from bot.core.rounds import OVERLAP_MS
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus
from bot.model.events import AccountRead, FlattenAsked, TroubleSeen
from bot.model.order import Fill, Leg, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Symbol, Usd
from tests.fakes.answers import (
    accepted,
    account,
    fill_of,
    filled,
    lost,
    missing,
    position,
    reads,
    rejected,
    report_of,
    reported,
)
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, a_bot, in_position, settings, signal

DOGE = Symbol("DOGE/USDT:USDT")


def cursor(bot: Bot) -> Millis:
    assert bot.state.account is not None
    return bot.state.account.fills_cursor


def foreign(bot: Bot) -> Decimal:
    assert bot.state.account is not None
    return bot.state.account.foreign.get(BTC, Decimal(0))


def doubted() -> Bot:
    """An entry in doubt, and as many "no such order" as the proof of its absence takes."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.waits(6_500)
    for _ in range(3):
        bot.sees(missing(bot, Leg.ENTRY))
    bot.takes()
    return bot


# --- which reading counts


def test_of_two_readings_of_one_instant_the_later_counts() -> None:
    """Only an older one is dropped."""
    bot = a_bot()
    bot.sees(account(bot.at), account(bot.at, positions=(position("1"),)))

    assert [BTC] == list(bot.state.positions)


@pytest.mark.parametrize("age_ms", [0, 120_000])
def test_a_reading_that_was_wanted_meanwhile_follows_the_answer_even_one_that_is_dropped(
    age_ms: int,
) -> None:
    bot = a_bot()
    bot.waits(60_000)
    bot.state.desk.want_account(bot.at)
    bot.takes()
    bot.waits(600)
    waiting = bot.does()
    bot.sees(account(Millis(bot.at - age_ms)))

    assert [] == waiting
    assert ["fetch"] == bot.does()


# --- fills


def _known(bot: Bot, at: Millis) -> Fill:
    return fill_of(bot.order(Leg.TARGET), "1", at, at_price="1020", name="late")


def _stranger(bot: Bot, at: Millis) -> Fill:
    return replace(_known(bot, at), client_id=ClientOrderId("x"))


def _nameless(bot: Bot, at: Millis) -> Fill:
    return replace(_known(bot, at), client_id=None)


def test_i5_a_fill_of_ours_is_booked_however_old_it_is() -> None:
    bot = in_position()
    bot.waits(10_000)
    old = Millis(cursor(bot) - OVERLAP_MS - 1)
    bot.sees(account(bot.at, positions=(position("3.545"),), fills=(_known(bot, old),)))

    assert Decimal(1) == bot.bracket.exited_qty


@pytest.mark.parametrize("strange", [_stranger, _nameless])
def test_e18_a_strange_fill_counts_from_the_overlap_on_and_never_before(strange: object) -> None:
    """An older one has been counted long ago: what named it is past its tombstone."""
    assert callable(strange)
    left = []
    for early_ms in (1, 0):
        bot = in_position()
        bot.waits(10_000)
        fill = strange(bot, Millis(cursor(bot) - OVERLAP_MS - early_ms))
        held = "4.545" if early_ms else "3.545"
        bot.sees(account(bot.at, positions=(position(held),), fills=(fill,)))
        left.append((bot.bracket.open_qty, f"{BTC}|late" in bot.ledger.fills))

    assert [(Decimal("4.545"), False), (Decimal("3.545"), True)] == left


def test_a_fill_on_a_symbol_that_is_not_traded_is_not_ours_to_count() -> None:
    bot = in_position()
    bot.waits(10_000)
    other = replace(_nameless(bot, bot.at), symbol=DOGE)
    bot.sees(reads(bot, "4.545", fills=(other,)))
    assert bot.state.account is not None

    assert {} == bot.state.account.foreign
    assert f"{DOGE}|late" not in bot.ledger.fills


def test_fills_from_before_the_books_ask_for_no_other_reading() -> None:
    """They explain nothing that is still open, so the regular round is soon enough."""
    fill = _nameless(in_position(), NOON)
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts().sees(account(NOON, fills=(fill,)))
    bot.takes()
    bot.waits(5_000)

    assert [] == bot.does()
    assert Decimal(0) == foreign(bot)


@pytest.mark.parametrize(("after_ms", "moves"), [(599_999, False), (600_000, True)])
def test_the_cursor_of_a_quiet_account_moves_by_ten_minutes_at_least(
    after_ms: int, *, moves: bool
) -> None:
    bot = a_bot()
    before = cursor(bot)
    bot.at = Millis(before + after_ms)
    bot.sees(account(bot.at))

    assert (bot.at if moves else before) == cursor(bot)


# --- orders


@pytest.mark.parametrize(("after_ms", "asked"), [(2_000, False), (2_001, True)])
def test_e19_an_order_may_take_two_seconds_to_be_shown(after_ms: int, *, asked: bool) -> None:
    bot = in_position()
    bot.at = Millis(bot.at + after_ms)
    bot.sees(account(bot.at, positions=(position("4.545"),)))

    assert asked == ("query stop#1" in bot.does())


def test_an_order_in_doubt_is_asked_about_by_its_own_clock_and_not_by_each_reading() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.at = Millis(bot.at + 100)
    bot.takes()
    bot.sees(account(bot.at))

    assert "query entry#1" not in bot.does()


def test_a_reading_that_shows_what_is_known_tells_nothing() -> None:
    bot = in_position()
    bot.waits(10_000)
    bot.notes.clear()
    bot.sees(reads(bot, "4.545"))

    assert [] == bot.told()


def test_i12_an_entry_that_the_reading_shows_frees_its_symbol_at_once() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    held = bot.holds()
    bot.at = Millis(bot.at + 100)
    bot.sees(account(bot.at, orders=(report_of(bot.order(Leg.ENTRY), OrderStatus.OPEN, bot.at),)))

    assert [HoldCause.ORDER_UNKNOWN] == held
    assert [] == bot.holds()


def _of(event: AccountRead, *symbols: Symbol) -> AccountRead:
    return replace(event, snapshot=replace(event.snapshot, symbols=symbols))


def test_i3_a_reading_proves_nothing_of_a_symbol_that_it_was_not_about() -> None:
    bot = doubted()
    bot.sees(_of(account(bot.at), ETH))
    other = bot.order(Leg.ENTRY).status
    bot.at = Millis(bot.at + 1)
    bot.sees(_of(account(bot.at), BTC))

    assert OrderStatus.UNKNOWN is other
    assert BracketStatus.ABANDONED is bot.bracket.status


def test_i3_a_proof_does_not_grow_old() -> None:
    """Its last answer may be minutes old: the reading completes it all the same."""
    bot = doubted()
    bot.at = Millis(bot.at + 300_000)
    bot.sees(account(bot.at))

    assert BracketStatus.ABANDONED is bot.bracket.status


@pytest.mark.parametrize(("after_ms", "booked"), [(59_999, "0"), (60_000, "4.545")])
def test_e44_a_report_waits_a_minute_for_its_fills(after_ms: int, booked: str) -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.at = Millis(bot.at + after_ms)
    bot.sees(reads(bot, "4.545"))

    assert Decimal(booked) == bot.bracket.entered_qty


def test_a_tombstone_stands_for_its_whole_time_and_then_nothing_of_it_is_left() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED))
    order, kept = bot.order(Leg.ENTRY), []
    assert order.ended_at is not None
    for after_ms in (86_400_000, 86_400_001):
        bot.at = Millis(order.ended_at + after_ms)
        bot.sees(account(bot.at))
        indexed = bot.state.desk.of_bracket(order.request.bracket_id)
        kept.append((len(bot.state.orders), len(indexed)))

    assert [(1, 1), (0, 0)] == kept


# --- the account


def test_the_peak_of_equity_counts_what_is_open_at_each_reading() -> None:
    """The drawdown counts from there on."""
    bot = in_position()
    bot.waits(10_000)
    bot.price("1015")
    bot.sees(reads(bot, "4.545"))
    assert bot.state.account is not None
    open_usd = Usd(Decimal("4.545") * 15)

    assert bot.state.account.balance_usd + open_usd == bot.state.account.equity_peak_usd
    assert accounting.equity_usd(bot.state) == bot.state.account.equity_peak_usd


def test_a_loss_that_only_the_reading_tells_of_holds_at_once() -> None:
    bot = in_position()
    bot.waits(10_000)
    fill = fill_of(bot.order(Leg.STOP), "2.5", bot.at, at_price="900")
    bot.sees(reads(bot, "2.045", fills=(fill,)))

    assert HoldCause.DAY_LOSS in bot.holds()


@pytest.mark.parametrize(("after_ms", "ended"), [(-1, False), (0, True)])
def test_p21_a_clock_jump_ends_with_a_reading_that_was_asked_for_at_it_or_later(
    after_ms: int, *, ended: bool
) -> None:
    bot = a_bot()
    bot.waits(1_000)
    bot.sees(TroubleSeen(at=bot.at, cause="clock_jumped", detail="8 h"))
    bot.sees(account(Millis(bot.at + after_ms)))

    assert ended == (HoldCause.CLOCK_JUMPED not in bot.holds())


# --- flat


def flattening() -> Bot:
    """A position that is being closed on command; its exit is on the way."""
    bot = in_position()
    bot.waits(1_000)
    bot.sees(FlattenAsked(at=bot.at)).waits(0)
    return bot


def test_flat_is_verified_by_a_reading_newer_than_the_last_write() -> None:
    """One that was asked for at its very instant may lack it; the next follows in half a second."""
    bot = flattening()
    wrote_at = bot.at
    bot.sees(reads(bot, "4.545"))
    bot.sees(accepted(bot, Leg.EXIT), filled(bot, Leg.EXIT, "4.545"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    bot.waits(700).waits(700)
    bot.takes()
    bot.sees(account(wrote_at, balance=_balance(bot)))
    states, said = [bot.state.operation.state], [bot.does()]
    bot.waits(500)
    said.append(bot.does())
    bot.sees(account(Millis(wrote_at + 1), balance=_balance(bot)))
    states.append(bot.state.operation.state)

    assert [OperatingState.FLATTEN, OperatingState.HOLD] == states
    assert [[], ["fetch"]] == said


def test_a_position_whose_every_order_was_refused_is_not_flat() -> None:
    """Books and venue agree that it is there, and no order works: nothing is over."""
    bot = flattening()
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    for leg, attempt in ((Leg.EXIT, 1), (Leg.EXIT, 2), (Leg.STOP, 2)):
        bot.sees(rejected(bot, leg, attempt=attempt))
    bot.at = Millis(bot.at + 1)
    bot.sees(reads(bot, "4.545"))

    assert [] == bot.state.desk.live()
    assert OperatingState.FLATTEN is bot.state.operation.state


def _balance(bot: Bot) -> Decimal:
    assert bot.state.account is not None
    return bot.state.account.balance_usd
