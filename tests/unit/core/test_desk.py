"""The order side's indexes and doubts."""

from msgspec.structs import replace

from bot.core.desk import DENIED_MAX, Desk
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Qty, SignalId
from bot.model.signal import Rule
from tests.fakes.contracts import NOON
from tests.fakes.playbook import a_bot, signal


def test_an_order_lives_until_it_is_over_and_booked() -> None:
    bot = a_bot()
    bot.gets(signal())
    order = bot.order(Leg.ENTRY)
    name = order.request.client_id
    desk = Desk([order])
    alive = desk.live()
    unbooked = replace(order, status=OrderStatus.FILLED, filled_qty=order.request.qty)
    desk.track(unbooked)
    waiting = desk.live()
    desk.track(replace(unbooked, booked_qty=Qty(order.request.qty)))

    assert ([name], [name], []) == (alive, waiting, desk.live())
    assert [name] == desk.of_bracket(order.request.bracket_id)


def test_a_forgotten_order_leaves_no_trace() -> None:
    bot = a_bot()
    bot.gets(signal())
    order = bot.order(Leg.ENTRY)
    desk = Desk([order])
    desk.forget(order)
    desk.forget(order)

    assert ([], []) == (desk.live(), desk.of_bracket(order.request.bracket_id))


def test_the_account_is_wanted_at_the_earliest_instant_asked_for() -> None:
    desk = Desk([])
    desk.want_account(Millis(NOON + 5))
    desk.want_account(NOON)
    desk.want_account(Millis(NOON + 9))

    assert NOON == desk.fetch_due_at


def test_denials_are_remembered_and_bounded() -> None:
    """A bot that runs for months meets signals without number."""
    desk = Desk([])
    names = [SignalId(str(number)) for number in range(DENIED_MAX + 1)]
    news = [desk.deny(name, Rule.COOL_DOWN) for name in names]
    again = desk.deny(names[-1], Rule.COOL_DOWN)
    other = desk.deny(names[-1], Rule.ORDER_RATE)
    forgotten = desk.deny(names[0], Rule.COOL_DOWN)

    assert all(news)
    assert (False, True, True) == (again, other, forgotten)
    assert DENIED_MAX == len(desk.denied)
