"""Orders come into being in one place: derived id, row, command."""

import pytest

from bot.core import placing
from bot.core.draft import Draft
from bot.model.commands import PlaceOrder
from bot.model.facts import OrderChanged
from bot.model.order import Leg, OrderKind, OrderStatus
from bot.model.primitives import Millis, Qty
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, filled, lost, rejected
from tests.fakes.contracts import NOON
from tests.fakes.playbook import a_bot, in_position, settings, signal


def test_i1_the_row_and_the_command_come_of_one_decision() -> None:
    """I1: the loop commits the facts before the commands leave."""
    bot = a_bot()
    draft = Draft(bot.state, bot.at)
    bot.gets(signal())
    bracket = bot.bracket
    bot.sees(accepted(bot, Leg.ENTRY))
    placing.place(
        bot.state,
        draft,
        bracket,
        leg=Leg.STOP,
        kind=OrderKind.STOP_MARKET,
        qty=bracket.qty,
        trigger_price=bracket.stop_price,
    )
    rows = [fact.order.request for fact in draft.facts if isinstance(fact, OrderChanged)]
    sent = [command.request for command in draft.commands if isinstance(command, PlaceOrder)]

    assert rows == sent
    assert sent[0].is_reduce_only
    assert sent[0].valid_until == bot.at + 5_000


def test_i2_no_further_attempt_while_the_last_is_in_doubt() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.sees(lost(bot, Leg.STOP))
    bot.takes()
    bot.waits(1_900)

    assert not [said for said in bot.does() if said.startswith("place stop")]
    with pytest.raises(AssertionError, match="in doubt"):
        placing.place(
            bot.state,
            Draft(bot.state, bot.at),
            bot.bracket,
            leg=Leg.STOP,
            kind=OrderKind.STOP_MARKET,
            qty=Qty(bot.bracket.qty),
        )


def test_i2_the_attempt_rises_after_a_refusal() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP))

    assert ["place stop#2 4.545 @990", "fetch"] == bot.does()


def test_repeated_failures_wait_longer_each_time() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    waits = []
    for attempt in range(1, 5):
        bot.sees(rejected(bot, Leg.STOP, attempt=attempt))
        due = placing.next_attempt_at(bot.state, bot.bracket, Leg.STOP)
        waits.append(max(due - bot.at, 0))
        bot.waits(waits[-1])

    assert [0, 500, 1_000, 2_000] == waits


def test_only_an_order_that_works_is_canceled() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.takes()
    bot.decides(lambda _, draft: placing.cancel(draft, bot.order(Leg.ENTRY)))

    assert [] == bot.does()
    assert bot.order(Leg.ENTRY).status is OrderStatus.INTENDED


def test_every_exit_is_reduce_only() -> None:
    """Part of I14."""
    bot = in_position()
    requests = [order.request for order in bot.state.orders.values()]

    assert [False, True, True] == [request.is_reduce_only for request in requests]


def test_i18_nothing_at_the_venue_ends_a_stop_by_a_timer() -> None:
    """I18: no dead-man switch; entries end by themselves and stops rest."""
    bot = in_position()
    stop = bot.order(Leg.STOP).request
    entry = bot.order(Leg.ENTRY).request

    assert (stop.kind, stop.time_in_force) == (OrderKind.STOP_MARKET, "gtc")
    assert entry.time_in_force == "ioc"


def test_a_request_can_arrive_no_later_than_its_window_and_the_skew() -> None:
    bot = a_bot(core=settings())
    bot.gets(signal(style=EntryStyle.POST_ONLY))
    until = placing.unsettled_until(bot.state, bot.order(Leg.ENTRY))

    assert Millis(bot.at + 6_000) == until
    assert until > NOON
