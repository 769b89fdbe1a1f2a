"""Orders that no row explains: ours by derivation, or left alone."""

from msgspec.structs import replace

from bot.core import ids
from bot.model.account import HoldCause, OperatingState
from bot.model.events import ResumeAsked
from bot.model.order import Leg, OrderReport, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, VenueOrderId
from tests.fakes.answers import account, position, report_of, reported
from tests.fakes.playbook import Bot, in_position


def derived(bot: Bot, leg: Leg, attempt: int) -> ClientOrderId:
    return ids.client_order_id(instance="test", bracket_id=bot.bracket.id, leg=leg, attempt=attempt)


def shown(bot: Bot, leg: Leg, **changes: object) -> OrderReport:
    report = report_of(bot.order(leg), OrderStatus.OPEN, bot.at)
    return replace(report, venue_id=VenueOrderId("777"), **changes)


def read(bot: Bot, *reports: OrderReport) -> None:
    ours = tuple(
        report_of(bot.order(leg), OrderStatus.OPEN, bot.at) for leg in (Leg.STOP, Leg.TARGET)
    )
    bot.waits(10_000)
    bot.takes()
    bot.sees(account(bot.at, positions=(position("4.545"),), orders=(*ours, *reports)))


def test_i16_an_entry_of_ours_without_a_row_is_canceled() -> None:
    bot = in_position()
    read(bot, shown(bot, Leg.ENTRY, client_id=derived(bot, Leg.ENTRY, 2)))

    assert "cancel foreign 777" in bot.does()


def test_i16_an_exit_of_ours_without_a_row_is_adopted() -> None:
    bot = in_position()
    name = derived(bot, Leg.STOP, 3)
    read(bot, shown(bot, Leg.STOP, client_id=name))

    assert bot.state.orders[name].status in {OrderStatus.OPEN, OrderStatus.CANCELING}
    assert "reconcile.corrected" in bot.told()
    assert bot.bracket.leg(Leg.STOP) is not None


def test_i16_somebody_elses_order_is_left_alone_and_told_of_once() -> None:
    bot = in_position()
    other = shown(bot, Leg.STOP, client_id=ClientOrderId("somebody"))
    nameless = replace(other, client_id=None, venue_id=VenueOrderId("778"))
    read(bot, other, nameless)
    read(bot, other, nameless)

    assert not [said for said in bot.does() if said.startswith("cancel")]
    assert 2 == bot.told().count("reconcile.corrected")


def test_an_order_that_is_over_in_the_books_and_open_at_the_venue_is_canceled() -> None:
    """A late request may come into being after it was proved absent; a row never rises again."""
    bot = in_position()
    ghost = shown(bot, Leg.TARGET)
    bot.sees(reported(bot, Leg.TARGET, OrderStatus.CANCELED))
    bot.at = Millis(bot.at + 1_000)
    bot.sees(account(bot.at, positions=(position("4.545"),), orders=(ghost,)))
    early = bot.does()
    bot.at = Millis(bot.at + 9_000)
    bot.sees(account(bot.at, positions=(position("4.545"),), orders=(ghost,)))

    assert "cancel foreign 777" not in early
    assert "cancel foreign 777" in bot.does()
    assert OrderStatus.CANCELED is bot.order(Leg.TARGET, 1).status


def test_p9_another_bot_on_the_account_means_protect_until_a_person_has_looked() -> None:
    bot = in_position()
    theirs = shown(bot, Leg.STOP, client_id=ClientOrderId(ids.derive("theirs")))
    read(bot, theirs)
    held = bot.state.operation.state
    bot.sees(ResumeAsked(at=bot.at))
    read(bot, theirs)

    assert OperatingState.PROTECT is held
    assert HoldCause.OTHER_INSTANCE not in bot.holds()
    assert not [said for said in bot.does() if said.startswith("cancel foreign")]
