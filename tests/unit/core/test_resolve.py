"""Orders in doubt: asked about, proved, never ended by a timer."""

from bot.core import resolve
from bot.model.account import HoldCause
from bot.model.bracket import BracketStatus
from bot.model.events import CancelRejected, OrderNotProcessed, OrderOutcomeUnknown, QueryFailed
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Side
from bot.model.signal import EntryStyle
from tests.fakes.answers import accepted, filled, lost, missing, outside, position, reads, reported
from tests.fakes.answers import account as account_read
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position, signal


def unknown_entry() -> Bot:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.takes()
    return bot


def asked_until_enough(bot: Bot) -> None:
    """Three authenticated answers after the request can no longer arrive."""
    bot.waits(6_500)
    for _ in range(3):
        bot.sees(missing(bot, Leg.ENTRY))
        bot.waits(500)


def test_e1_an_unknown_order_is_asked_about_and_not_sent_again() -> None:
    bot = unknown_entry()
    bot.waits(60_000)

    assert not [said for said in bot.does() if said.startswith("place")]
    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN


def test_e1_the_questions_come_at_02_05_1_2_and_4_seconds() -> None:
    bot = unknown_entry()
    asked = []
    for _ in range(50):
        bot.waits(100)
        if "query entry#1" in bot.does():
            asked.append(bot.at - bot.order(Leg.ENTRY).intended_at)

    assert [200, 500, 1_000, 2_000, 4_000] == asked


def test_e1_an_order_that_was_accepted_is_found() -> None:
    bot = unknown_entry()
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))

    assert "place stop#1 4.545 @990" in bot.does()
    assert HoldCause.ORDER_UNKNOWN not in bot.holds()


def test_e2_a_request_that_never_arrived_is_proved_absent_by_four_things() -> None:
    bot = unknown_entry()
    asked_until_enough(bot)
    undecided = bot.order(Leg.ENTRY).status
    bot.sees(reads(bot))

    assert undecided is OrderStatus.UNKNOWN
    assert bot.order(Leg.ENTRY).status is OrderStatus.REJECTED
    assert bot.bracket.status is BracketStatus.ABANDONED
    assert "order.resolved" in bot.told()


def test_e3_not_found_before_the_window_has_passed_proves_nothing() -> None:
    """E3: the request may still be on its way."""
    bot = unknown_entry()
    for _ in range(5):
        bot.waits(500)
        bot.sees(missing(bot, Leg.ENTRY))
    bot.sees(reads(bot))

    assert bot.order(Leg.ENTRY).not_found_answers == 0
    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN


def test_i3_two_answers_are_not_enough() -> None:
    bot = unknown_entry()
    bot.waits(7_000)
    bot.sees(missing(bot, Leg.ENTRY), missing(bot, Leg.ENTRY), reads(bot))

    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN


def test_a_position_that_the_order_would_explain_forbids_the_proof() -> None:
    bot = unknown_entry()
    asked_until_enough(bot)
    bot.sees(reads(bot, "4.545"))

    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN


def test_the_position_proves_the_order_at_the_second_reading() -> None:
    """Adopting it as foreign would count it twice once its fills come."""
    bot = unknown_entry()
    bot.waits(2_000)
    bot.sees(reads(bot, "4.545"))
    bot.waits(1_500)
    bot.sees(reads(bot, "4.545"))

    assert bot.order(Leg.ENTRY).status is OrderStatus.FILLED
    assert "place stop#1 4.545 @990" in bot.does()


def test_i4_a_failed_query_proves_nothing() -> None:
    bot = unknown_entry()
    name = bot.order(Leg.ENTRY).request.client_id
    for _ in range(20):
        bot.waits(5_000)
        bot.sees(QueryFailed(at=bot.at, client_id=name, reason="503"))
        bot.sees(QueryFailed(at=bot.at, client_id=None, reason="503"))

    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN
    assert bot.order(Leg.ENTRY).not_found_answers == 0


def test_i12_an_unknown_entry_makes_its_symbol_reduce_only() -> None:
    bot = unknown_entry()
    hold = next(h for h in bot.state.operation.holds if h.cause is HoldCause.ORDER_UNKNOWN)

    assert (hold.symbol, hold.needs_operator) == (BTC, False)


def test_e7_a_duplicate_id_means_that_it_exists() -> None:
    bot = unknown_entry()
    name = bot.order(Leg.ENTRY).request.client_id
    bot.sees(OrderOutcomeUnknown(at=bot.at, client_id=name, reason="-4116", unsettled_until=bot.at))

    assert ["query entry#1"] == bot.does()


def test_no_answer_at_all_becomes_a_doubt_and_nothing_else() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.waits(5_900)
    waiting = bot.order(Leg.ENTRY).status
    bot.waits(200)

    assert (waiting, bot.order(Leg.ENTRY).status) == (OrderStatus.INTENDED, OrderStatus.UNKNOWN)


def test_e13_a_cancel_of_an_unknown_order_is_answered_by_a_question_not_a_loop() -> None:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.waits(30_000)
    bot.takes()
    name = bot.order(Leg.ENTRY).request.client_id
    bot.sees(CancelRejected(at=bot.at, client_id=name, code="-2011", reason="unknown order"))
    answered = bot.does()
    bot.waits(900)

    assert ["query entry#1"] == answered
    assert [] == [said for said in bot.does() if said != "fetch"]


def test_a_cancel_without_an_answer_is_sent_again_with_a_question() -> None:
    bot = a_bot()
    bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5"))
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.waits(30_000)
    bot.takes()
    bot.waits(1_000)

    assert ["cancel entry#1", "query entry#1"] == [s for s in bot.does() if s != "fetch"]


def test_an_order_that_should_have_ended_is_asked_about() -> None:
    """The stream may have lost the news of an IOC order's end."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.takes()
    bot.waits(500)

    assert ["query entry#1"] == bot.does()


def test_e48_accepted_orders_outlive_every_network_error() -> None:
    """E48, E49: nothing is dropped because nobody answers."""
    bot = in_position()
    for _ in range(30):
        bot.waits(10_000)
        for name in list(bot.state.orders):
            bot.sees(QueryFailed(at=bot.at, client_id=name, reason="dns"))
        bot.sees(QueryFailed(at=bot.at, client_id=None, reason="dns"))
    alive = [row.request.leg for row in bot.state.orders.values() if not row.is_final]

    assert {Leg.STOP, Leg.TARGET} <= set(alive)


def test_an_accepted_order_that_is_gone_ends_as_canceled() -> None:
    bot = in_position()
    bot.waits(5_000)
    gone = account_read(bot.at, positions=(position("4.545"),))
    bot.sees(gone)
    for _ in range(3):
        bot.sees(missing(bot, Leg.TARGET))
        bot.sees(reported(bot, Leg.STOP, OrderStatus.OPEN))
        bot.waits(600)
    bot.sees(account_read(bot.at, positions=(position("4.545"),)))

    assert bot.order(Leg.TARGET, 1).status is OrderStatus.CANCELED


def test_when_an_order_is_due_is_known_beforehand() -> None:
    bot = unknown_entry()
    order = bot.order(Leg.ENTRY)

    assert Millis(bot.at + 200) == resolve.next_due_at(bot.state, order)
    assert resolve.next_due_at(bot.state, in_position().order(Leg.STOP)) is None


def test_a_late_fill_of_an_unknown_order_resolves_it() -> None:
    bot = unknown_entry()
    bot.sees(filled(bot, Leg.ENTRY, "4.545"))

    assert bot.order(Leg.ENTRY).status is OrderStatus.FILLED
    assert HoldCause.ORDER_UNKNOWN not in bot.holds()


def test_a_stop_that_was_turned_away_and_is_no_longer_wanted_is_not_sent_again() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    name = bot.order(Leg.STOP).request.client_id
    retry_at = Millis(bot.at + 500)
    bot.sees(OrderNotProcessed(at=bot.at, client_id=name, reason="429", retry_at=retry_at))
    bot.sees(outside(bot, Side.SELL, "4.545"))
    bot.takes()
    bot.waits(600)

    assert not [said for said in bot.does() if said.startswith("place")]
    assert bot.order(Leg.STOP).status is OrderStatus.REJECTED
    assert bot.bracket.status is BracketStatus.CLOSED


def test_what_is_not_in_doubt_is_not_doubted() -> None:
    bot = in_position()
    stop = bot.order(Leg.STOP)
    bot.decides(lambda s, d: resolve.doubt(s, d, stop, "again", bot.at))

    assert bot.order(Leg.STOP) is stop
    assert resolve.next_due_at(bot.state, bot.order(Leg.ENTRY)) is None


def test_a_reading_older_than_the_window_proves_nothing() -> None:
    bot = unknown_entry()
    early = reads(bot)
    asked_until_enough(bot)
    bot.state.last_snapshot_at = None
    bot.sees(early)

    assert bot.order(Leg.ENTRY).status is OrderStatus.UNKNOWN
