"""The order manager's front: from a signal to flat, and the timers between."""

from bot.core import manager
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import FundingPaid, OrderMissing, StopAsked
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Usd
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, filled, lost, reads, rejected, reported
from tests.fakes.contracts import BTC
from tests.fakes.playbook import a_bot, in_position, signal


def test_a_trade_from_signal_to_target() -> None:
    bot = a_bot()
    bot.gets(signal())
    said = bot.does()
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    said += bot.does()
    bot.sees(accepted(bot, Leg.STOP))
    said += bot.does()
    bot.sees(accepted(bot, Leg.TARGET), filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    said += bot.does()
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))

    assert [
        "place entry#1 4.545 @1000.5",
        "place stop#1 4.545 @990",
        "place target#1 4.545 @1020",
        "cancel stop#1",
    ] == said
    assert (BracketStatus.CLOSED, ClosedBy.TARGET) == (bot.bracket.status, bot.bracket.closed_by)
    assert ["bracket.opened", "bracket.protected", "bracket.closed"] == bot.told()


def test_the_end_of_a_trade_has_the_account_read_at_once() -> None:
    """I11: the next entry waits for a reading newer than the last write."""
    bot = in_position()
    bot.waits(1_000)
    bot.sees(reads(bot, "4.545"))
    bot.waits(1_000)
    bot.takes()
    bot.sees(filled(bot, Leg.STOP, "4.545", at_price="990"))
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))

    assert "fetch" in bot.does()


def test_i17_two_instances_never_share_an_order_id() -> None:
    """I17: one ledger is one instance; the lock is the store's, the ids are ours."""
    one, other = a_bot(), a_bot()
    other.state.settings = type(other.state.settings)(
        instance="other", symbols=other.state.settings.symbols
    )
    one.gets(signal())
    other.gets(signal())

    assert one.order(Leg.ENTRY).request.client_id != other.order(Leg.ENTRY).request.client_id


def test_the_next_due_instant_is_the_earliest_deadline() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))

    assert Millis(bot.at + 200) == manager.next_due_at(bot.state)


def test_what_had_its_turn_is_not_due_again() -> None:
    """A virtual clock that jumps from due to due must get on."""
    bot = in_position()
    seen = set()
    for _ in range(50):
        due = manager.next_due_at(bot.state)
        assert due is not None
        assert due > bot.at or due not in seen
        seen.add(due)
        bot.waits(max(due - bot.at, 0))


def test_nothing_is_busy_once_stop_and_target_rest() -> None:
    bot = a_bot()
    idle = manager.is_busy(bot.state)
    bot.gets(signal())
    sending = manager.is_busy(bot.state)

    assert (False, True, False) == (idle, sending, manager.is_busy(in_position().state))


def test_a_resting_entry_is_busy_until_it_is_canceled() -> None:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.sees(StopAsked(at=bot.at))
    working = manager.is_busy(bot.state)
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED))

    assert (True, False) == (working, manager.is_busy(bot.state))


def test_an_answer_about_a_stranger_is_ignored() -> None:
    bot = a_bot()
    bot.sees(OrderMissing(at=bot.at, client_id=ClientOrderId("x"), asked_at=bot.at))

    assert bot.facts == 0


def test_a_rejection_of_an_order_that_exists_is_looked_into() -> None:
    bot = in_position()
    bot.sees(rejected(bot, Leg.STOP))

    assert ["query stop#1"] == bot.does()
    assert OrderStatus.OPEN is bot.order(Leg.STOP).status


def test_funding_reaches_the_bracket() -> None:
    bot = in_position()
    bot.sees(FundingPaid(at=bot.at, id="f", symbol=BTC, usd=Usd(bot.bracket.qty * 0 - 1)))

    assert bot.bracket.funding_usd == -1


def test_closing_what_is_not_there_does_nothing() -> None:
    bot = a_bot()
    name = in_position().bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.TIME))

    assert [] == bot.does()
