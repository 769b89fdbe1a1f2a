"""The order side's indexes and doubts."""

from msgspec.structs import replace

from bot.core.desk import Desk
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, Qty
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
