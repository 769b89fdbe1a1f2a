"""The order manager and the venue's answers: what each leads to, and what none of them may do."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from bot.core import manager
from bot.model.account import HoldCause
from bot.model.events import (
    CancelRejected,
    Event,
    FundingPaid,
    HoldAsked,
    OrderMissing,
    QueryFailed,
    ResumeAsked,
    TroubleSeen,
)
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ClientOrderId, Usd
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, filled, lost, missing, rejected, reported
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position, signal

STRANGER = ClientOrderId("x")


def _closed() -> Bot:
    """A trade that is over: its target has filled, its stop is canceled."""
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "4.545", at_price="1020"))
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))
    bot.takes()
    return bot


def _not_canceled(bot: Bot) -> Event:
    name = bot.order(Leg.STOP).request.client_id
    return CancelRejected(at=bot.at, client_id=name, code="-2011", reason="unknown order")


@pytest.mark.parametrize(
    "answer",
    [_not_canceled, lambda bot: lost(bot, Leg.STOP), lambda bot: rejected(bot, Leg.STOP)],
)
def test_an_answer_that_comes_after_the_end_of_its_order_asks_nothing(
    answer: Callable[[Bot], Event],
) -> None:
    bot = _closed()
    bot.sees(answer(bot))

    assert [] == bot.does()
    assert OrderStatus.CANCELED is bot.order(Leg.STOP).status


@pytest.mark.parametrize(
    "answer",
    [_not_canceled, lambda bot: lost(bot, Leg.STOP), lambda bot: rejected(bot, Leg.STOP)],
)
def test_the_same_answer_about_an_order_that_works_is_looked_into(
    answer: Callable[[Bot], Event],
) -> None:
    bot = in_position()
    bot.sees(answer(bot))

    assert ["query stop#1"] == bot.does()


def test_i4_an_answer_about_a_stranger_says_nothing_of_the_reading_that_is_under_way() -> None:
    """Only a failed reading is asked for again before its time; an order's answer is none."""
    bot = a_bot()
    bot.waits(60_000)
    assert ["fetch"] == bot.does()
    bot.sees(
        QueryFailed(at=bot.at, client_id=STRANGER, reason="503"),
        OrderMissing(at=bot.at, client_id=STRANGER, asked_at=bot.at),
    )
    bot.waits(3_000)

    assert [] == bot.does()
    bot.sees(QueryFailed(at=bot.at, client_id=None, reason="503"))
    bot.waits(3_000)

    assert ["fetch"] == bot.does()


def test_i3_the_answer_that_completes_the_proof_has_the_account_read_at_once() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.waits(6_500)
    read: list[bool] = []
    for _ in range(3):
        bot.takes()
        bot.sees(missing(bot, Leg.ENTRY))
        read.append("fetch" in bot.does())
        bot.waits(100)

    assert [False, False, True] == read


def test_a_refused_stop_is_an_error_and_a_refused_entry_a_warning() -> None:
    """Nothing is at risk where nothing was opened."""
    entering = a_bot()
    entering.gets(signal())
    entering.sees(rejected(entering, Leg.ENTRY))
    bare = a_bot()
    bare.gets(signal())
    bare.sees(accepted(bare, Leg.ENTRY), filled(bare, Leg.ENTRY, "4.545"))
    bare.sees(rejected(bare, Leg.STOP))
    told = [
        note.severity for bot in (entering, bare) for note in bot.notes if "rejected" in note.name
    ]

    assert ["warning", "error"] == told


def test_a_partial_fill_that_loses_the_days_limit_holds_at_once() -> None:
    """250 USD of 10 000 are gone with it, before any price tells."""
    bot = in_position()
    bot.sees(filled(bot, Leg.STOP, "2.5", at_price="900"))

    assert HoldCause.DAY_LOSS in bot.holds()


def test_funding_that_loses_the_days_limit_holds_at_once() -> None:
    bot = in_position()
    bot.sees(FundingPaid(at=bot.at, id="f", symbol=BTC, usd=Usd(Decimal(-201))))

    assert HoldCause.DAY_LOSS in bot.holds()


def test_a_target_that_cannot_rest_waits_until_exits_are_managed_again() -> None:
    bot = in_position()
    trouble = TroubleSeen(at=bot.at, cause=HoldCause.VENUE_ERRORS, detail="503", is_over=False)
    bot.sees(trouble, reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    bot.price("1030")
    before = bot.does()
    over = TroubleSeen(at=bot.at, cause=HoldCause.VENUE_ERRORS, detail="", is_over=True)
    bot.sees(over).price("1030")

    assert [] == before
    assert ["place exit#1 4.545"] == bot.does()


def test_a_signal_that_acts_is_no_longer_remembered_as_denied() -> None:
    bot = a_bot()
    bot.sees(HoldAsked(at=bot.at))
    bot.gets(signal())
    denied = dict(bot.state.desk.denied)
    bot.sees(ResumeAsked(at=bot.at))
    bot.gets(signal())

    assert [signal().id] == list(denied)
    assert {} == bot.state.desk.denied
    assert ["place entry#1 4.545 @1000.5"] == bot.does()


def test_a_stopping_run_waits_for_what_may_still_open_and_for_what_is_being_canceled() -> None:
    resting = a_bot()
    resting.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    resting.sees(accepted(resting, Leg.ENTRY))
    sweeping = in_position()
    sweeping.sees(filled(sweeping, Leg.TARGET, "4.545", at_price="1020"))

    assert OrderStatus.CANCELING is sweeping.order(Leg.STOP).status
    assert [True, True, False] == [manager.is_busy(b.state) for b in (resting, sweeping, _closed())]


def test_a_stopping_run_does_not_wait_for_fills_that_the_next_reading_brings() -> None:
    """The entry has ended by the venue's report; its stop rests, and a restart books the rest."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.sees(accepted(bot, Leg.TARGET))

    assert bot.order(Leg.ENTRY).unbooked_qty
    assert not manager.is_busy(bot.state)
