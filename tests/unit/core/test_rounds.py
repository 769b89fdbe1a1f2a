"""When the venue is read whole."""

from bot.core import rounds
from bot.model.events import QueryFailed
from bot.model.primitives import Millis
from tests.fakes.answers import account, reads
from tests.fakes.contracts import NOON
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, a_bot, in_position, settings


def fetches(bot: Bot, ms: int, qty: str = "0") -> int:
    """How often the account is asked for, each answered at once."""
    count = 0
    for _ in range(ms // 500):
        bot.waits(500)
        asked = bot.does().count("fetch")
        count += asked
        if asked:
            bot.sees(reads(bot, qty))
    return count


def test_i9_with_a_position_the_venue_is_read_every_10_seconds() -> None:
    bot = in_position()
    bot.sees(reads(bot, "4.545"))
    bot.takes()

    assert 5 <= fetches(bot, 60_000, "4.545") <= 7


def test_i9_a_bot_at_rest_reads_every_minute() -> None:
    assert fetches(a_bot(), 300_000) in {4, 5}


def test_readings_keep_their_distance_and_do_not_pile_up() -> None:
    bot = a_bot()
    bot.waits(1_000)
    bot.takes()
    for _ in range(5):
        bot.state.desk.want_account(bot.at)
        bot.waits(100)

    assert bot.does().count("fetch") <= 1


def test_a_reading_that_does_not_answer_is_asked_for_again() -> None:
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts()
    bot.takes()
    bot.waits(9_999)
    waiting = bot.does()
    bot.waits(2)

    assert ([], ["fetch"]) == (waiting, bot.does())


def test_a_reading_that_failed_is_asked_for_soon() -> None:
    bot = Bot(settings(), Ledger(), NOON)
    bot.starts()
    bot.takes()
    bot.sees(QueryFailed(at=bot.at, client_id=None, reason="503"))
    bot.waits(2_000)

    assert ["fetch"] == bot.does()


def test_fills_are_asked_for_from_before_the_cursor() -> None:
    bot = a_bot()
    bot.waits(600_000)
    bot.sees(account(bot.at))
    at = bot.at

    assert Millis(at - rounds.OVERLAP_MS) == rounds.fills_since(bot.state, at)
    assert Millis(0) == rounds.fills_since(Bot(settings(), Ledger(), NOON).state, Millis(5))


def test_who_is_alone_with_the_venue_reads_it_rarely_but_after_each_write() -> None:
    """An entry needs a reading newer than the last write, and must not wait an hour for it."""
    bot = in_position(core=settings(is_alone=True))
    after_the_write = fetches(bot, 3_000, "4.545")
    later = fetches(bot, 600_000, "4.545")

    assert (1, 0) == (after_the_write, later)
