"""Faults of the account and of the exchange as a whole, as the live venue meets them.

The numbers are those of faults.md; everything happens in virtual time.
"""

from decimal import Decimal

import pytest

from bot.gateway.failures import GatewayError
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import ResumeAsked
from bot.model.order import Leg, OrderStatus
from bot.model.signal import EntryStyle
from tests.fakes.contracts import BTC, ETH
from tests.fakes.live_api import no_answer, not_sent, refused
from tests.fakes.live_trading import LiveTrading, by_hand, in_position, play

# --- what others do to the account


def test_e9_one_empty_reading_changes_nothing() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        stop = trading.bot.order(Leg.STOP)
        trading.world.empty_positions = 1
        await trading.passes(30)

        assert 0 == trading.world.empty_positions
        assert stop == trading.bot.order(Leg.STOP)
        assert BracketStatus.OPEN is trading.bot.bracket.status
        trading.must_agree()

    play(act)


def test_e17_a_position_closed_by_hand_is_booked_and_its_orders_go() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        by_hand(trading)
        await trading.passes(5)
        trading.enters(name="again")
        await trading.passes(2)

        assert ClosedBy.EXTERNAL is trading.bot.bracket.closed_by
        assert [] == trading.world.open_orders()
        assert 1 == len(trading.entries())

    play(act)


@pytest.mark.parametrize("what", ["leverage", "margin mode"])
def test_e26_e27_a_changed_symbol_is_held_and_its_stop_stays(what: str) -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        if what == "leverage":
            trading.api.leverages[BTC] = 20.0
        else:
            trading.api.margin_modes[BTC] = "cross"
        await trading.passes(12)
        state = trading.bot.state.operation
        held = state.state_of(BTC), state.state_of(ETH)
        trading.api.leverages[BTC], trading.api.margin_modes[BTC] = 5.0, "isolated"
        await trading.passes(12)
        trading._take(ResumeAsked(at=trading.clock.now()))

        assert (OperatingState.HOLD, OperatingState.TRADING) == held
        assert OperatingState.TRADING is trading.bot.state.operation.state_of(BTC)
        trading.must_agree()

    play(act)


def test_e28_hedge_mode_holds_the_account_and_stops_are_kept() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        trading.api.is_one_way = False
        await trading.passes(12)

        assert OperatingState.HOLD is trading.bot.state.operation.state
        assert [HoldCause.ACCOUNT_CHANGED] == trading.bot.holds()
        trading.must_agree()

    play(act)


# --- the exchange as a whole


def test_e32_maintenance_protects_and_a_good_reading_resumes() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        for call in ("account", "query", "place"):
            trading.api.fail(call, refused("-1016", status=503), times=100)
        await trading.passes(20)
        during = trading.bot.state.operation.state
        trading.api.mend()
        await trading.passes(12)

        assert OperatingState.PROTECT is during
        assert [] == trading.bot.holds()
        trading.must_agree()

    play(act)


@pytest.mark.parametrize("error", [no_answer(), not_sent()], ids=lambda error: type(error).__name__)
def test_e48_no_order_is_dropped_in_an_outage(error: GatewayError) -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        rows = set(trading.bot.state.desk.live())
        for call in ("account", "query", "place", "cancel", "sync_time", "watch"):
            trading.api.fail(call, error, times=1_000, after_s=0.5)
        trading.api.break_stream()
        await trading.passes(120)
        during = trading.bot.state.operation.state, set(trading.bot.state.desk.live())
        trading.api.mend()
        await trading.passes(40)

        assert (OperatingState.PROTECT, rows) == during
        assert [] == trading.bot.holds()
        trading.must_agree()

    play(act)


def test_e48_a_stop_that_fires_in_an_outage_is_booked_after_it() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        trading.world.is_down = True
        await trading.passes(30, "989")
        trading.world.advance(trading.clock.now(), {BTC: Decimal(989)})
        await trading.passes(30)
        trading.world.is_down = False
        await trading.passes(40)

        assert not trading.held
        assert ClosedBy.STOP is trading.bot.bracket.closed_by
        trading.must_agree()

    play(act)


def test_e45_a_revoked_key_ends_the_run_and_leaves_the_stop() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        for call in ("account", "query", "place", "cancel", "watch"):
            trading.api.fail(call, refused("-2015"), times=1_000)
        await trading.passes(40)

        assert trading.access_error is not None
        assert 77 == trading.access_error.exit_code
        assert OperatingState.PROTECT is trading.bot.state.operation.state
        assert trading.held <= trading.covered

    play(act)


def test_e51_a_jump_of_the_exchanges_clock_holds_entries_until_it_is_steady() -> None:
    async def act(trading: LiveTrading) -> None:
        trading.api.off_by_ms.extend([-5_000, 0, 0])
        trading.api.fail("query", refused("-1021"))
        trading.api.fail("account", refused("-1021"))
        await trading.passes(61)
        while HoldCause.CLOCK_SKEW not in trading.bot.holds():
            await trading.clock.sleep(0.1)
        trading.enters()
        await trading.passes(20)

        assert set() == trading.entries()
        assert [] == trading.bot.holds()

    play(act)


def test_e52_an_older_answer_does_not_undo_a_newer_one() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        trading.world.is_streaming = False
        trading.api.slow_accounts_s.append(14.0)
        before = trading.api.calls.count("account")
        while trading.api.calls.count("account") == before:
            await trading.clock.sleep(0.1)
        by_hand(trading)
        await trading.passes(30)

        assert ClosedBy.EXTERNAL is trading.bot.bracket.closed_by
        trading.must_agree()

    play(act)


# --- stopping


@pytest.mark.parametrize("is_lost", [False, True])
def test_p3_a_stop_waits_for_an_order_in_flight_and_leaves_the_stops(*, is_lost: bool) -> None:
    async def act(trading: LiveTrading) -> None:
        if is_lost:
            trading.api.fail("place", no_answer(), leg="stop", is_carried_out=True, after_s=2)
        trading.enters()
        await trading.passes(0.05)
        took_ms = await trading.stops()

        assert took_ms < 10_000
        assert trading.held
        assert trading.held <= trading.covered
        assert OrderStatus.OPEN is trading.status(Leg.STOP)

    play(act)


def test_p3_an_entry_that_rests_is_canceled_and_a_stop_is_not() -> None:
    async def act(trading: LiveTrading) -> None:
        await in_position(trading)
        await trading.passes(12)
        trading.enters(
            symbol=ETH,
            entry="999",
            stop="989",
            target="1019",
            style=EntryStyle.POST_ONLY,
            name="s2",
        )
        await trading.passes(2)
        assert 1 == len(trading.world.open_orders("entry"))
        took_ms = await trading.stops()

        assert took_ms < 2_000
        assert [] == trading.world.open_orders("entry")
        assert trading.held <= trading.covered

    play(act)
