"""Entries: taking with a cap, resting with a timeout, and never twice."""

from decimal import Decimal

from bot.core import manager
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import HoldAsked, OrderNotProcessed, StopAsked
from bot.model.order import Leg, OrderStatus, TimeInForce
from bot.model.primitives import Millis, PositionSide
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, filled, lost, rejected, reported
from tests.fakes.contracts import BTC, ETH
from tests.fakes.playbook import Bot, a_bot, signal


def resting() -> Bot:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.takes()
    return bot


def test_an_ioc_entry_may_slip_up_to_its_cap() -> None:
    bot = a_bot()
    bot.gets(signal())
    request = bot.order(Leg.ENTRY).request

    assert (request.price, request.time_in_force) == (Decimal("1000.5"), TimeInForce.IOC)


def test_a_short_slips_downwards() -> None:
    bot = a_bot()
    bot.gets(signal(side=PositionSide.SHORT, stop="1010", target="980"))

    assert ["place entry#1 4.545 @999.5"] == bot.does()


def test_a_resting_entry_is_canceled_at_its_timeout() -> None:
    bot = resting()
    bot.waits(29_000)
    early = [said for said in bot.does() if said.startswith("cancel")]
    bot.waits(1_000)

    assert [] == early
    assert "cancel entry#1" in bot.does()


def test_an_entry_that_ends_unfilled_abandons_its_bracket() -> None:
    bot = resting()
    bot.waits(30_000)
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED))

    assert (bot.bracket.status, bot.state.brackets) == (BracketStatus.ABANDONED, {})


def test_a_rejected_entry_abandons_its_bracket() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(rejected(bot, Leg.ENTRY))

    assert bot.bracket.status is BracketStatus.ABANDONED


def test_e34_an_entry_that_was_turned_away_is_not_tried_again() -> None:
    """Its price belongs to the moment of its signal."""
    bot = a_bot()
    bot.gets(signal())
    bot.takes()
    name = bot.order(Leg.ENTRY).request.client_id
    retry_at = Millis(bot.at + 500)
    bot.sees(OrderNotProcessed(at=bot.at, client_id=name, reason="429", retry_at=retry_at))
    bot.waits(1_000)

    assert bot.bracket.status is BracketStatus.ABANDONED
    assert not [said for said in bot.does() if said.startswith("place")]


def test_e11_a_part_that_filled_before_the_timeout_is_protected_as_it_is() -> None:
    """E11: the stop is for what has filled, the rest is canceled."""
    bot = resting()
    bot.sees(filled(bot, Leg.ENTRY, "2"))
    first = bot.does()
    bot.sees(accepted(bot, Leg.STOP))
    bot.waits(30_000)
    bot.takes()
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED, filled_qty="2"))

    assert ["place stop#1 2 @990"] == first
    assert ["place target#1 2 @1020"] == bot.does()


def test_e12_a_fill_between_the_cancel_and_its_answer_is_protected() -> None:
    bot = resting()
    bot.waits(30_000)
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "1"))
    protected = bot.does()
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.CANCELED, filled_qty="1"))

    assert ["place stop#1 1 @990"] == protected
    assert bot.bracket.status is BracketStatus.OPEN


def test_a_hold_cancels_what_rests() -> None:
    bot = resting()
    bot.sees(HoldAsked(at=bot.at))
    bot.waits(1)

    assert "cancel entry#1" in bot.does()


def test_p3_stopping_cancels_entries_and_leaves_stops() -> None:
    bot = resting()
    bot.sees(filled(bot, Leg.ENTRY, "1"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.takes()
    bot.sees(StopAsked(at=bot.at))

    assert ["cancel entry#1"] == bot.does()
    assert manager.is_busy(bot.state)


def test_an_entry_accepted_after_it_became_unwanted_is_canceled() -> None:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    name = bot.bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.THESIS_GONE))
    bot.takes()
    bot.sees(accepted(bot, Leg.ENTRY))

    assert ["cancel entry#1"] == bot.does()


def test_an_entry_that_fills_after_it_became_unwanted_is_closed() -> None:
    bot = resting()
    name = bot.bracket.id
    bot.decides(lambda s, d: manager.close_bracket(s, d, name, ClosedBy.THESIS_GONE))
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "4.545"))

    assert "place exit#1 4.545" in bot.does()
    assert bot.bracket.status is BracketStatus.CLOSING


def test_entries_of_one_symbol_are_canceled_once() -> None:
    bot = resting()
    bot.decides(lambda s, d: manager.cancel_entries(s, d, BTC, "the feed is stale"))
    bot.decides(lambda s, d: manager.cancel_entries(s, d, BTC, "the feed is stale"))

    assert ["cancel entry#1"] == bot.does()


def test_an_unknown_entry_is_not_canceled_but_asked_about() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.takes()
    bot.waits(40_000)

    assert {"query entry#1", "fetch"} == set(bot.does())


def test_entries_of_other_symbols_stay() -> None:
    bot = resting()
    bot.decides(lambda s, d: manager.cancel_entries(s, d, ETH, "the feed is stale"))

    assert [] == bot.does()
