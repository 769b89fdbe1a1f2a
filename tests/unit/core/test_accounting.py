"""Money by our own books."""

from decimal import Decimal
from itertools import permutations

from msgspec.structs import replace

from bot.core import accounting, booking, operation
from bot.core.state import State
from bot.model.account import HoldCause
from bot.model.bracket import Bracket, BracketStatus
from bot.model.events import FundingPaid, OrderFilled
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Usd
from bot.model.snapshot import SymbolSnapshot
from tests.fakes.answers import accepted, account, filled, reported
from tests.fakes.contracts import BALANCE, BTC, INSTRUMENTS, NOON
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, a_bot, in_position, settings, signal


def stopped_out(exit_price: str = "990") -> Bot:
    bot = in_position()
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price=exit_price))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    return bot


def test_the_balance_is_moved_by_profit_and_fees() -> None:
    bot = stopped_out()
    assert bot.state.account is not None
    fees = Decimal("4.545") * (1000 + 990) * 5 / 10_000

    assert Decimal("-45.45") == bot.state.account.realized_usd
    assert fees == bot.state.account.fees_usd
    assert BALANCE - Decimal("45.45") - fees == bot.state.account.balance_usd
    assert bot.bracket.pnl_usd == -Decimal("45.45") - fees


def test_i6_fills_in_any_order_end_in_the_same_money() -> None:
    outcomes = set()
    for order in permutations(range(4)):
        bot = a_bot()
        bot.gets(signal())
        bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "0.001", name="first"))
        fills: list[OrderFilled] = [
            filled(bot, Leg.ENTRY, "1.111", at_price="999.9"),
            filled(bot, Leg.ENTRY, "0.777", at_price="1000.3"),
            filled(bot, Leg.STOP, "0.0005", at_price="990.1", name="a"),
            filled(bot, Leg.STOP, "0.0005", at_price="989.7", name="b"),
        ]
        bot.sees(*(fills[index] for index in order))
        assert bot.state.account is not None
        outcomes.add((bot.state.account.balance_usd, bot.state.account.fees_usd))

    assert len(outcomes) == 1


def test_equity_counts_what_is_open_at_the_mark() -> None:
    bot = in_position()
    bot.price("1010")
    assert bot.state.account is not None
    unrealized = Decimal("45.45")

    assert bot.state.account.balance_usd + unrealized == accounting.equity_usd(bot.state)


def test_funding_is_booked_once_on_the_bracket_and_the_account() -> None:
    bot = in_position()
    assert bot.state.account is not None
    before = bot.state.account.balance_usd
    event = FundingPaid(at=bot.at, id="f1", symbol=BTC, usd=Usd(Decimal("-1.5")))
    bot.sees(event, event)

    assert before - Decimal("1.5") == bot.state.account.balance_usd
    assert Decimal("-1.5") == bot.bracket.funding_usd
    assert Decimal("-1.5") == bot.state.account.funding_usd


def test_funding_without_a_bracket_is_the_accounts() -> None:
    bot = a_bot()
    bot.sees(FundingPaid(at=bot.at, id="f1", symbol=BTC, usd=Usd(Decimal(2))))
    assert bot.state.account is not None

    assert BALANCE + 2 == bot.state.account.balance_usd


def test_a_losing_trade_lengthens_the_streak_and_a_winner_ends_it() -> None:
    bot = stopped_out()
    assert bot.state.account is not None
    losses = bot.state.account.losses_in_a_row
    bot.waits(700_000)
    bot.price("1000").sees(account(bot.at, balance=Decimal(bot.state.account.balance_usd)))
    bot.at = Millis(bot.at + 1)
    bot.decides(lambda s, d: operation.end_hold(s, d, HoldCause.HEATMAP_STALE))
    bot.gets(signal(name="again"))
    bot.sees(filled(bot, Leg.ENTRY, "1", name="e2"))
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED, filled_qty="1"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.sees(filled(bot, Leg.TARGET, "1", at_price="1020", name="t2"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))

    assert losses == 1
    assert bot.bracket.status is BracketStatus.CLOSED
    assert bot.state.account.losses_in_a_row == 0


def test_the_day_rolls_over_at_utc_midnight() -> None:
    bot = a_bot()
    bot.price("1000")
    bot.waits(12 * 3_600_000 - 1_001)
    assert bot.state.account is not None
    before = bot.state.account.day
    bot.waits(2)

    assert ("2026-02-02", "2026-02-03") == (before, bot.state.account.day)


def test_the_first_price_of_a_day_begins_it_before_its_loss_is_judged() -> None:
    """Else yesterday's loss, seen a moment after midnight, would hold all of today."""
    bot = in_position()
    bot.at = Millis(NOON + 12 * 3_600_000 + 1)
    bot.price("950")
    assert bot.state.account is not None

    assert "2026-02-03" == bot.state.account.day
    assert HoldCause.DAY_LOSS not in bot.holds()


def test_a_restart_is_no_profit_while_the_first_price_is_awaited() -> None:
    """The peak and the day's start must not be taken as if nothing were lost at the mark."""
    bot = in_position()
    bot.price("995")
    known = SymbolSnapshot(symbol=BTC, last_price=995.0, last_price_at=bot.at)
    again = State(
        settings=settings(),
        instruments=INSTRUMENTS,
        snapshot=replace(bot.ledger.snapshot(bot.at), symbols=(known,)),
    )

    assert accounting.equity_usd(bot.state) == accounting.equity_usd(again)


def test_midnight_and_the_date_of_an_instant() -> None:
    assert "2026-02-02" == accounting.utc_day(NOON)
    assert Millis(NOON + 12 * 3_600_000) == accounting.next_midnight(NOON)


def test_the_peak_only_rises() -> None:
    bot = stopped_out()
    assert bot.state.account is not None

    assert BALANCE == bot.state.account.equity_peak_usd


def test_a_deposit_is_neither_profit_nor_drawdown() -> None:
    bot = a_bot()
    bot.decides(lambda s, d: accounting.take_balance(s, d, Usd(BALANCE - 4_000)))
    assert bot.state.account is not None

    assert (Decimal(6_000), Decimal(6_000), Decimal(6_000)) == (
        bot.state.account.balance_usd,
        bot.state.account.equity_peak_usd,
        bot.state.account.day_start_equity_usd,
    )


def test_a_fill_larger_than_what_was_assumed_books_the_rest() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.OPEN, filled_qty="2"))
    bot.decides(lambda s, d: booking.assume(s, d, bot.order(Leg.ENTRY)))
    bot.sees(filled(bot, Leg.ENTRY, "3"))

    assert Decimal(3) == bot.bracket.entered_qty


def test_what_was_assumed_pays_its_fee_once() -> None:
    bot, assuming = a_bot(), a_bot()
    for each in (bot, assuming):
        each.gets(signal())
    assuming.sees(reported(assuming, Leg.ENTRY, OrderStatus.OPEN, filled_qty="2"))
    assuming.decides(lambda s, d: booking.assume(s, d, assuming.order(Leg.ENTRY)))
    for each in (bot, assuming):
        each.sees(filled(each, Leg.ENTRY, "3"))

    assert round(bot.bracket.fees_usd, 2) == round(assuming.bracket.fees_usd, 2)


def test_before_the_first_reading_there_is_no_money() -> None:
    bot = Bot(settings(), Ledger(), NOON)
    bot.decides(lambda s, d: accounting.take_balance(s, d, Usd(Decimal(5))))
    bot.decides(lambda s, d: accounting.add_foreign(s, d, BTC, Decimal(1)))
    bot.sees(FundingPaid(at=bot.at, id="f", symbol=BTC, usd=Usd(Decimal(1))))
    bot.decides(operation.check_limits)

    assert 0 == accounting.equity_usd(bot.state)
    assert bot.state.account is None


def test_a_bracket_ends_also_where_there_are_no_books_yet() -> None:
    bot = stopped_out()
    bracket = replace(bot.bracket, status=BracketStatus.OPEN)
    bot.state.account = None
    ended: list[Bracket] = []
    bot.decides(lambda s, d: ended.append(accounting.close(s, d, bracket)))

    assert [BracketStatus.CLOSED] == [row.status for row in ended]
