"""Faults of single orders as the live venue meets them: what the core makes of each.

The numbers are those of faults.md. Line faults by chance are in `test_faults`; here each case is
one fault at one call.
"""

from decimal import Decimal

import pytest

from bot.gateway.failures import Verdict
from bot.model.account import HoldCause
from bot.model.bracket import ClosedBy
from bot.model.events import FlattenAsked
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis
from bot.model.signal import EntryStyle
from tests.fakes.contracts import BTC, ETH
from tests.fakes.live_api import no_answer, refused
from tests.fakes.live_trading import LiveTrading, by_hand, in_position, play

LOST = [
    no_answer(),
    refused("-1000", Verdict.UNKNOWN, status=500),
    refused("-1006", Verdict.UNKNOWN),
    refused("-1007", Verdict.UNKNOWN, status=504),
    KeyError("BTC"),
]


def name_of(error: Exception) -> str:
    return getattr(error, "code", type(error).__name__)


# --- entries whose outcome is lost


@pytest.mark.parametrize("error", LOST, ids=name_of)
def test_e1_e4_e8_an_entry_that_was_taken_and_whose_answer_is_lost_is_found(
    error: Exception,
) -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", error, leg="entry", is_carried_out=True, after_s=1)
        trading.world.is_streaming = False
        trading.enters()
        await trading.passes(10)

        assert trading.held
        assert 1 == len(trading.entries())
        trading.must_agree()

    play(act)


@pytest.mark.parametrize("error", LOST, ids=name_of)
def test_e2_an_entry_that_never_arrived_is_proved_absent_and_never_sent_again(
    error: Exception,
) -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", error, leg="entry", after_s=1)
        trading.enters()
        await trading.passes(3)
        during = trading.status(Leg.ENTRY), HoldCause.ORDER_UNKNOWN in trading.bot.holds()
        await trading.passes(12)

        assert (OrderStatus.UNKNOWN, True) == during
        assert OrderStatus.REJECTED is trading.status(Leg.ENTRY)
        assert set() == trading.entries()
        assert [] == trading.bot.holds()
        trading.must_agree()

    play(act)


def test_e7_a_duplicate_id_has_the_order_looked_up() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", refused("-4116"), leg="entry", is_carried_out=True)
        trading.enters()
        await trading.passes(10)

        assert trading.held
        trading.must_agree()

    play(act)


def test_e10_what_is_not_shown_yet_is_not_absent() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.world.shows_after_ms = 1_500
        trading.world.is_streaming = False
        trading.api.fail("place", no_answer(), leg="entry", is_carried_out=True, after_s=0.1)
        trading.enters()
        await trading.passes(15)

        assert 1 == len(trading.entries())
        assert OrderStatus.FILLED is trading.status(Leg.ENTRY)
        trading.must_agree()

    play(act)


def test_e12_a_fill_between_our_cancel_and_its_answer_gets_its_stop() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.enters(entry="999", stop="989", target="1019", style=EntryStyle.POST_ONLY)
        await trading.passes(5)
        trading.world.is_streaming = False
        while "cancel" not in trading.api.calls[-1:]:
            await trading.clock.sleep(0.001)
        trading.world.advance(trading.clock.now(), {BTC: Decimal(999)})
        await trading.passes(3)

        assert trading.held
        assert OrderStatus.FILLED is trading.status(Leg.ENTRY)
        assert trading.held <= trading.covered

    play(act)


# --- stops


def test_e6_a_stop_that_was_turned_away_for_load_goes_again_under_its_own_name() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", refused("-1008"), leg="stop", times=2)
        await in_position(trading)
        stops = [row for row, _, _ in trading.api.placed if row.leg is Leg.STOP and _is_ours(row)]

        assert 3 == len(stops)
        assert 1 == len({row.client_id for row in stops})

    play(act)


def _is_ours(row: object) -> bool:
    return getattr(row, "bracket_id", "") != "probe"


def test_e34_a_stop_waits_as_long_as_the_exchange_says_and_an_entry_is_let_go() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail(
            "place",
            refused("-1003", retry_at=Millis(trading.clock.now() + 1_200), status=429),
            leg="entry",
        )
        trading.enters()
        await trading.passes(5)
        let_go = trading.status(Leg.ENTRY), trading.held
        await trading.passes(60)
        began = trading.clock.now()
        told = Millis(began + 1_500)
        trading.api.fail("place", refused("-1003", retry_at=told, status=429), leg="stop")
        trading.enters(name="s2")
        await trading.passes(4)
        stop = trading.bot.order(Leg.STOP)

        assert (OrderStatus.REJECTED, Decimal(0)) == let_go
        assert stop.accepted_at is not None
        assert told <= stop.accepted_at <= told + 500
        trading.must_agree()

    play(act)


def test_e37_a_stop_outside_of_its_window_goes_again_with_the_right_time() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.off_by_ms.append(-800)
        trading.api.fail("place", refused("-1021"), leg="stop")
        await in_position(trading)
        stop = trading.bot.order(Leg.STOP)

        assert trading.api.syncs >= 1
        assert 1 == stop.request.attempt
        assert stop.accepted_at is not None
        assert stop.accepted_at - stop.intended_at < 500

    play(act)


@pytest.mark.parametrize("code", ["-2021", "110092", "110093"])
def test_e14_a_stop_that_would_trigger_at_once_closes_at_once(code: str) -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", refused(code), leg="stop")
        trading.enters()
        await trading.passes(2)

        assert not trading.held
        assert ClosedBy.UNPROTECTED is trading.bot.bracket.closed_by
        assert 1 == trading.bot.order(Leg.STOP).request.attempt

    play(act)


def test_e15_a_stop_that_is_refused_again_and_again_closes_by_the_deadline() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", refused("-4045"), leg="stop", times=100)
        trading.enters()
        await trading.passes(10)
        before = trading.held, trading.bot.order(Leg.STOP).request.attempt
        await trading.passes(8)

        assert before[0]
        assert before[1] > 3
        assert not trading.held
        assert ClosedBy.UNPROTECTED is trading.bot.bracket.closed_by
        assert "bracket.unprotected" in trading.bot.told()

    play(act)


def test_e19_a_stop_canceled_by_hand_is_restored() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        trading.world.is_streaming = False
        stop = trading.bot.order(Leg.STOP)
        trading.world.cancel_by_hand(stop.request.client_id, trading.clock.now())
        await trading.passes(15)

        assert 2 == trading.bot.order(Leg.STOP).request.attempt
        trading.must_agree()

    play(act)


def test_e33_while_stops_are_refused_nothing_is_opened() -> None:
    def before(trading: LiveTrading) -> None:
        trading.api.fail("place", refused("-4120"), times=1_000)

    async def act(trading: LiveTrading) -> None:
        trading.enters()
        await trading.passes(5)
        held = {(row.cause, row.symbol) for row in trading.bot.state.operation.holds}
        trading.api.mend()
        await trading.passes(310)

        assert {(HoldCause.STOPS_REFUSED, BTC), (HoldCause.STOPS_REFUSED, ETH)} == held
        assert set() == trading.entries()
        assert [] == trading.bot.holds()

    play(act, before=before)


# --- exits


def test_e21_a_close_that_a_resting_target_blocks_has_it_canceled_first_and_the_stop_stays() -> (
    None
):
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        trading.api.fail("place", refused("-4118"), leg="exit")
        asked = len(trading.api.calls)
        trading._take(FlattenAsked(at=trading.clock.now()))
        await trading.passes(3)
        writes = [name for name in trading.api.calls[asked:] if name in {"place", "cancel"}]

        assert ["place", "cancel", "place"] == writes[:3]
        assert not trading.held
        assert [] == trading.world.open_orders()

    play(act)


def test_e25_a_remainder_that_is_too_small_to_close_becomes_dust() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        by_hand(trading, trading.held - Decimal("0.003"))
        await trading.passes(3)
        trading.api.fail("place", refused("-4164"), leg="exit", times=50)
        trading._take(FlattenAsked(at=trading.clock.now()))
        await trading.passes(30)

        assert Decimal("0.003") == trading.held
        assert {} == trading.bot.state.brackets
        assert trading.bot.state.account is not None
        assert {BTC: Decimal("0.003")} == trading.bot.state.account.foreign
        assert [] == trading.world.open_orders()

    play(act)
