"""READY is said once the bot has recovered, and not before."""

from bot.core.state import State
from bot.life import is_recovered
from bot.model.order import Leg
from tests.fakes.answers import accepted, account, filled
from tests.fakes.playbook import a_bot, signal


def test_ready_waits_for_the_venue() -> None:
    bot = a_bot()
    again = bot.restarts().starts()
    unread = is_recovered(again.state)
    again.sees(account(again.at))

    assert (False, True) == (unread, is_recovered(again.state))


def test_ready_waits_for_the_stop_of_every_position() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    state: State = bot.state
    bare = is_recovered(state)
    bot.sees(accepted(bot, Leg.STOP))

    assert (False, True) == (bare, is_recovered(state))
