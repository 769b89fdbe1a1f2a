"""A position has a stop at the venue, or is being flattened."""

from decimal import Decimal

from msgspec.structs import replace

from bot.core import protect
from bot.model.account import OperatingState
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import HoldAsked, InstrumentsChanged, OrderNotProcessed, TroubleSeen
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, PositionSide, Side
from tests.fakes.answers import (
    accepted,
    filled,
    lost,
    outside,
    rejected,
    reported,
)
from tests.fakes.contracts import BTC
from tests.fakes.playbook import Bot, a_bot, in_position, signal


def just_filled(qty: str = "4.545") -> Bot:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY))
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, qty))
    return bot


def placed(bot: Bot) -> list[str]:
    return [said for said in bot.does() if not said.startswith(("query", "fetch"))]


def test_i13_the_first_fill_of_any_size_places_the_stop_before_anything_else() -> None:
    bot = just_filled("0.001")

    assert ["place stop#1 0.001 @990"] == bot.does()


def test_i13_a_report_of_a_fill_is_enough() -> None:
    """The report may come long before the fill that brings the money."""
    bot = a_bot()
    bot.gets(signal())
    bot.takes()
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.OPEN, filled_qty="2"))

    assert ["place stop#1 2 @990", "fetch"] == bot.does()


def test_i13_a_short_is_protected_from_above() -> None:
    bot = a_bot()
    bot.gets(signal(side=PositionSide.SHORT, stop="1010", target="980"))
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "4.545"))

    assert ["place stop#1 4.545 @1010"] == bot.does()


def test_i13_the_target_waits_for_the_stop() -> None:
    bot = just_filled()
    bot.sees(reported(bot, Leg.ENTRY, OrderStatus.FILLED, filled_qty="4.545"))
    before = placed(bot)
    bot.sees(accepted(bot, Leg.STOP))

    assert ["place stop#1 4.545 @990"] == before
    assert ["place target#1 4.545 @1020"] == placed(bot)
    assert bot.bracket.stop_confirmed_at == bot.at


def test_i13_no_confirmed_stop_within_15_s_flattens() -> None:
    bot = just_filled()
    bot.sees(lost(bot, Leg.STOP))
    bot.waits(14_900)
    early = placed(bot)
    bot.waits(200)

    assert ["place stop#1 4.545 @990", "place stop#2 4.545 @990"] == early
    assert ["place exit#1 4.545"] == placed(bot)
    assert bot.bracket.closed_by is ClosedBy.UNPROTECTED
    assert "bracket.unprotected" in bot.told()


def test_i13_a_second_stop_goes_out_in_time_beside_one_that_is_unknown() -> None:
    """Bare is worse than two reduce-only stops; the one that proves to be too many is canceled."""
    bot = just_filled()
    bot.sees(lost(bot, Leg.STOP))
    bot.waits(1_900)
    before = placed(bot)
    bot.waits(200)
    second = placed(bot)
    bot.sees(lost(bot, Leg.STOP))
    bot.waits(3_000)

    assert ["place stop#1 4.545 @990"] == before
    assert ["place stop#2 4.545 @990"] == second
    assert not placed(bot), "never a third while two are unknown"


def test_e15_no_second_stop_goes_out_beside_one_that_has_only_just_left() -> None:
    """Refused again and again, stops would use up the orders that the exit needs."""
    bot = just_filled()
    for _ in range(4):
        bot.sees(rejected(bot, Leg.STOP))
        bot.waits(1_500)
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP))
    bot.waits(5_000)
    last = placed(bot)
    bot.waits(900)
    soon = placed(bot)
    bot.waits(200)

    assert 1 == len(last)
    assert [] == soon
    assert 1 == len(placed(bot)), "a second late is in doubt"


def test_i13_the_software_stop_is_armed_until_the_venue_has_confirmed() -> None:
    bot = just_filled()
    bot.takes()
    bot.price("989.9")

    assert ["place exit#1 4.545"] == bot.does()
    assert bot.bracket.closed_by is ClosedBy.STOP


def test_i13_the_software_stop_leaves_a_confirmed_stop_to_the_venue() -> None:
    bot = in_position()
    bot.price("989.9")

    assert [] == bot.does()


def test_e20_a_confirmed_stop_that_does_not_fire_is_helped_after_15_s() -> None:
    bot = in_position()
    bot.price("989.9")
    bot.waits(15_000)
    bot.takes()
    bot.price("989.9")

    assert ["place exit#1 4.545"] == bot.does()
    assert bot.bracket.closed_by is ClosedBy.STOP


def test_e20_a_price_that_came_back_starts_the_wait_anew() -> None:
    bot = in_position()
    bot.price("989.9").price("991").waits(15_000)
    bot.takes()
    bot.price("989.9")

    assert [] == bot.does()


def test_i15_a_stop_grows_by_placing_confirming_and_only_then_canceling() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "1"))
    bot.sees(accepted(bot, Leg.STOP))
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "3.545"))
    grown = placed(bot)
    bot.sees(accepted(bot, Leg.STOP, attempt=2))

    assert ["place stop#2 4.545 @990"] == grown
    assert ["cancel stop#1", "place target#1 4.545 @1020"] == placed(bot)


def test_i15_a_larger_stop_that_is_refused_leaves_the_old_one() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "1"))
    bot.sees(accepted(bot, Leg.STOP), filled(bot, Leg.ENTRY, "3.545"))
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP, attempt=2))

    assert ["place stop#3 4.545 @990"] == placed(bot)
    assert bot.order(Leg.STOP, 1).status is OrderStatus.OPEN


def test_further_fills_wait_for_the_stop_that_is_on_its_way() -> None:
    bot = just_filled("1")
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "3.545"))
    waiting = placed(bot)
    bot.sees(accepted(bot, Leg.STOP))

    assert [] == waiting
    assert ["place stop#2 4.545 @990"] == placed(bot)


def test_e14_a_stop_that_would_trigger_at_once_flattens_at_once() -> None:
    bot = just_filled()
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP, code="-2021"))

    assert ["place exit#1 4.545"] == placed(bot)
    assert bot.bracket.closed_by is ClosedBy.UNPROTECTED


def test_e15_a_stop_rejected_again_and_again_flattens_by_15_s() -> None:
    bot = just_filled()
    for _ in range(60):
        stop = bot.order(Leg.STOP)
        if stop.status is OrderStatus.INTENDED:
            bot.sees(rejected(bot, Leg.STOP, attempt=stop.request.attempt))
        if bot.bracket.leg(Leg.EXIT) is not None:
            break
        bot.waits(500)
    opened_at = bot.bracket.opened_at

    assert bot.bracket.status is BracketStatus.CLOSING
    assert bot.at - opened_at <= 16_000


def test_e39_a_stop_refused_for_margin_is_tried_again_and_alarms() -> None:
    bot = just_filled()
    bot.takes()
    bot.sees(rejected(bot, Leg.STOP, code="-2019"))

    assert ["place stop#2 4.545 @990"] == placed(bot)
    assert "order.rejected" in bot.told()


def test_e38_with_new_ticks_the_next_stop_and_the_target_are_on_them() -> None:
    bot = just_filled()
    bot.takes()
    coarse = replace(bot.state.instruments[BTC], tick_size=Decimal(7))
    bot.sees(InstrumentsChanged(at=bot.at, instruments=(coarse,)))
    bot.sees(rejected(bot, Leg.STOP, code="-4014"))
    stops = placed(bot)
    bot.sees(accepted(bot, Leg.STOP))

    assert ["place stop#2 4.545 @987"] == stops
    assert bot.bracket.stop_price == Decimal(987)
    assert ["place target#1 4.545 @1022"] == placed(bot)


def test_e19_a_stop_canceled_by_hand_is_restored_at_once() -> None:
    bot = in_position()
    bot.sees(reported(bot, Leg.STOP, OrderStatus.CANCELED))

    assert ["place stop#2 4.545 @990"] == placed(bot)


def test_e6_a_stop_that_was_turned_away_is_sent_again_under_its_id() -> None:
    bot = just_filled()
    bot.takes()
    request = bot.order(Leg.STOP).request
    retry_at = Millis(bot.at + 700)
    bot.sees(
        OrderNotProcessed(
            at=bot.at, client_id=request.client_id, reason="overloaded", retry_at=retry_at
        )
    )
    bot.waits(600)
    early = placed(bot)
    bot.waits(100)

    assert [] == early
    assert ["place stop#1 4.545 @990"] == placed(bot)
    assert bot.order(Leg.STOP).request.valid_until > request.valid_until


def test_i21_protection_passes_whatever_the_order_rate() -> None:
    """I21: entries are limited so that protection need not be."""
    bot = a_bot()
    bot.gets(signal())
    bot.state.placed_at.extend([bot.at] * 100)
    bot.takes()
    bot.sees(filled(bot, Leg.ENTRY, "4.545"))

    assert ["place stop#1 4.545 @990"] == bot.does()


def test_i19_protection_passes_in_every_operating_state() -> None:
    for trouble in ("venue_errors", "crash_loop", "clock_skew", "store_trouble"):
        bot = a_bot()
        bot.gets(signal())
        bot.sees(TroubleSeen(at=bot.at, cause=trouble, detail="x"), HoldAsked(at=bot.at))
        bot.takes()
        bot.sees(filled(bot, Leg.ENTRY, "4.545"))

        assert "place stop#1 4.545 @990" in bot.does(), trouble
        assert bot.state.operation.state is not OperatingState.TRADING


def test_a_stop_larger_than_what_is_left_stays() -> None:
    """It is reduce-only: the venue cuts it to the position, and replacing it opens a gap."""
    bot = in_position()
    bot.sees(filled(bot, Leg.TARGET, "2", at_price="1020"))

    assert [] == placed(bot)
    assert bot.bracket.unprotected_since is None


def test_the_next_deadline_is_known() -> None:
    bot = just_filled()
    due = protect.next_due_at(bot.state, bot.bracket)

    assert bot.at + 2_000 == due


def test_e16_liquidated_before_the_stop_was_placed() -> None:
    bot = just_filled()
    bot.sees(outside(bot, Side.SELL, "4.545", at_price="700", is_liquidation=True))
    bot.sees(rejected(bot, Leg.STOP, code="-2022"))

    assert (BracketStatus.CLOSED, ClosedBy.LIQUIDATION) == (
        bot.bracket.status,
        bot.bracket.closed_by,
    )
