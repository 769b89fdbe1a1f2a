"""A draft writes memory and facts in one move."""

import pytest
from msgspec.structs import replace

from bot.core.draft import Draft, fill_key
from bot.model.bracket import BracketStatus
from bot.model.facts import BracketChanged, FillBooked, Noted, OrderChanged
from bot.model.order import Leg
from bot.model.primitives import Millis
from tests.fakes.answers import fill_of
from tests.fakes.contracts import NOON
from tests.fakes.playbook import a_bot, signal


def test_of_each_row_only_the_newest_is_a_fact() -> None:
    bot = a_bot()
    bot.gets(signal())
    order = bot.order(Leg.ENTRY)
    draft = Draft(bot.state, NOON)
    draft.put_order(replace(order, reason="one"))
    draft.put_order(replace(order, reason="two"))

    assert [OrderChanged(order=replace(order, reason="two"))] == list(draft.facts)
    assert bot.state.orders[order.request.client_id].reason == "two"


def test_the_same_row_is_no_fact() -> None:
    bot = a_bot()
    bot.gets(signal())
    draft = Draft(bot.state, NOON)
    draft.put_order(bot.order(Leg.ENTRY))
    draft.put_bracket(bot.bracket)
    draft.put_operation(bot.state.operation)
    assert bot.state.account is not None
    draft.put_account(bot.state.account)

    assert draft.decision().is_empty


def test_an_ended_bracket_leaves_the_open_ones() -> None:
    bot = a_bot()
    bot.gets(signal())
    draft = Draft(bot.state, NOON)
    ended = replace(bot.bracket, status=BracketStatus.ABANDONED)
    draft.put_bracket(ended)

    assert {} == bot.state.brackets
    assert (BracketChanged(bracket=ended),) == draft.facts


def test_a_fill_is_booked_once_or_it_is_a_bug() -> None:
    bot = a_bot()
    bot.gets(signal())
    fill = fill_of(bot.order(Leg.ENTRY), "1", Millis(NOON))
    draft = Draft(bot.state, NOON)
    draft.put_fill(fill, None)

    assert (FillBooked(fill=fill, bracket_id=None),) == draft.facts
    with pytest.raises(AssertionError, match="booked already"):
        draft.put_fill(fill, None)
    assert fill_key(fill) in bot.state.fills_seen


def test_i1_an_order_without_a_row_cannot_be_sent() -> None:
    """I1: intent before send."""
    bot = a_bot()
    bot.gets(signal())
    order = bot.order(Leg.ENTRY)
    del bot.state.orders[order.request.client_id]

    with pytest.raises(AssertionError, match="intent before send"):
        Draft(bot.state, NOON).place(order.request)


def test_one_question_a_decision_is_enough() -> None:
    bot = a_bot()
    bot.gets(signal())
    draft = Draft(bot.state, NOON)
    draft.query(bot.order(Leg.ENTRY))
    draft.query(bot.order(Leg.ENTRY))

    assert len(draft.commands) == 1


def test_notes_are_kept_side_by_side() -> None:
    draft = Draft(a_bot().state, NOON)
    draft.note("info", "order.filled", "one")
    draft.note("info", "order.filled", "two")

    assert ["one", "two"] == [fact.text for fact in draft.facts if isinstance(fact, Noted)]
