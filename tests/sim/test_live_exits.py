"""Faults on the way out, and what others do to a position, lived by the whole bot.

Everything happens on an emulated exchange in virtual time, without a stream: what others did is
found by the next reading of the account.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from bot.gateway.http import HttpReply
from bot.model.account import HoldCause
from bot.model.bracket import ClosedBy
from bot.model.events import FlattenAsked, MarketHalted
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ZERO, Millis, Side
from bot.sim.emulator.state import Origin, Why
from tests.fakes.live_stage import NOTICED_S, Stage, lost, says
from tests.fakes.live_world import EXCHANGES
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_scenarios import UP, hunting

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
both = pytest.mark.parametrize("exchange", EXCHANGES)
FOREIGN = Decimal("0.050")


class Shared(Checks):
    """Others trade on the account too: what is ours has a stop, theirs is theirs."""

    def look_outside(self, life: Life) -> None:
        ours = sum((row.open_qty for row in life.state.brackets.values()), ZERO)
        if 3.0 < life.second < 20.0:  # Then it is closed.
            assert ours <= life.plan.outside.stop_qty()  # type: ignore[attr-defined]


def flatten(_: Millis) -> FlattenAsked:
    return FlattenAsked(at=Millis(0))


def strict() -> Checks:
    return Checks(protected_within_ms=3_000)


# --- closes that are refused or lost


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("is_done", [True, False])
def test_e1_e2_a_close_whose_answer_is_lost_closes_once(exchange: str, *, is_done: bool) -> None:
    stage = Stage(exchange)
    stage.at(4.0, flatten)
    stage.fails("place", "exit", is_done=is_done, reply=lost)
    story = stage.plays(30.0, checks=strict())

    assert [ClosedBy.OPERATOR] == story.closed_by
    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()


@both
def test_e21_e22_a_close_that_is_blocked_takes_the_target_away_and_keeps_the_stop(
    exchange: str,
) -> None:
    stage = Stage(exchange)
    stage.at(4.0, flatten)
    covered: list[Decimal] = []

    def block(_: Millis) -> None:
        covered.append(stage.world.stop_qty())
        stage.core.refuse_next(Why.REDUCE_ONLY_BLOCKED, conditional=False)

    stage.fails("place", "exit", is_done=True, times=2, before=block)
    story = stage.plays(20.0, checks=strict())

    assert 3 == len(stage.sent(Leg.EXIT))
    assert covered == [stage.sent(Leg.STOP)[0].qty] * 2
    assert 1 == len(stage.asked("cancel", Leg.TARGET))
    assert [ClosedBy.OPERATOR] == story.closed_by


@both
def test_e22_e40_while_closes_are_refused_the_stop_stays_and_they_go_on(exchange: str) -> None:
    """-4131: no liquidity for it, for half a minute."""
    stage = Stage(exchange)
    stage.at(4.0, flatten)

    def refuse(_: Millis) -> None:
        stage.core.refuse_next(Why.PRICE_TOO_FAR, conditional=False)

    stage.fails("place", "exit", times=1e9, until_s=34.0, is_done=True, before=refuse)
    story = stage.plays(45.0, checks=strict())

    assert len(stage.sent(Leg.EXIT)) > 3
    assert [ClosedBy.OPERATOR] == story.closed_by
    assert ZERO == stage.world.position()


@pytest.mark.parametrize(("exchange", "reply"), [(BINANCE, says(-1008)), (BYBIT, says(110079))])
def test_e6_a_close_turned_away_for_load_goes_again(exchange: str, reply: Reply) -> None:
    stage = Stage(exchange)
    stage.at(4.0, flatten)
    stage.fails("place", "exit", times=2, reply=reply)
    stage.plays(20.0, checks=strict())

    assert 3 == len(stage.sent(Leg.EXIT))
    assert 1 == len(stage.names(Leg.EXIT))
    assert ZERO == stage.world.position()


@both
def test_e13_a_target_that_filled_before_its_cancel_arrived_is_no_loop(exchange: str) -> None:
    """The time stop closes; its cancel of the target meets a target that has just filled."""
    stage = Stage(exchange, settings=hunting(time_stop_s=4.0))
    stage.fails("place", "exit", is_done=True, before=stage.moves(101_300.0))
    stage.plays(25.0, checks=strict())

    assert ZERO == stage.world.position()
    assert len(stage.asked("cancel")) < 6
    assert [] == stage.world.resting()


@both
def test_e24_a_close_that_is_more_than_what_is_left_does_not_turn_the_position(
    exchange: str,
) -> None:
    """A part was sold by hand while the close was on its way."""
    stage = Stage(exchange)
    stage.at(4.0, flatten)
    stage.fails("place", "exit", is_done=True, before=lambda at: sell(stage, at))
    story = stage.plays(25.0)

    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()
    assert {} == story.life.state.brackets


def sell(stage: Stage, at: Millis) -> None:
    stage.core.trade_by_hand(BTC, Side.SELL, FOREIGN, at)


@both
def test_e25_a_remainder_below_the_minimum_notional_is_closed_all_the_same(exchange: str) -> None:
    """0.001 BTC is left by hand; closes may be small, and what is refused for ever is dust."""
    stage = Stage(exchange)

    def leave_little(at: Millis) -> None:
        rest = stage.world.position() - Decimal("0.001")
        stage.core.trade_by_hand(BTC, Side.SELL, rest, at)

    stage.at(4.0, leave_little)
    stage.at(20.0, flatten)
    story = stage.plays(40.0)

    assert ZERO == stage.world.position()
    assert {} == story.life.state.brackets


# --- what others do


@both
def test_e17_a_position_closed_by_hand_is_booked_swept_and_not_opened_again(exchange: str) -> None:
    stage = Stage(exchange)
    stage.by_hand(4.0)
    story = stage.plays(30.0)
    account = story.life.state.account

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert [] == stage.world.resting()
    assert 1 == len(stage.sent(Leg.ENTRY))
    assert account is not None
    assert account.cool_downs[BTC] > story.life.clock.now()


@both
def test_e18_what_the_owner_adds_is_never_touched_and_stops_entries(exchange: str) -> None:
    stage = Stage(exchange)
    stage.by_hand(4.0, -FOREIGN)
    stage.at(20.0, flatten)
    story = stage.lives(40.0, checks=Shared())
    account = story.life.state.account

    assert FOREIGN == stage.world.position()
    assert account is not None
    assert {BTC: FOREIGN} == account.foreign
    assert HoldCause.UNEXPLAINED_POSITION in {row.cause for row in story.life.state.operation.holds}


@both
def test_e29_what_adl_took_is_booked_and_the_rest_goes_on(exchange: str) -> None:
    stage = Stage(exchange)
    stage.by_hand(4.0, FOREIGN, origin=Origin.ADL)
    story = stage.plays(20.0)
    [bracket] = story.brackets

    assert FOREIGN == bracket.exited_qty
    assert bracket.open_qty == stage.world.position() > 0
    assert stage.world.stop_qty() >= stage.world.position()


@both
def test_e29_closed_by_adl_as_a_whole_ends_the_trade(exchange: str) -> None:
    stage = Stage(exchange)
    stage.by_hand(4.0, origin=Origin.ADL)
    story = stage.plays(30.0)

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert [] == stage.world.resting()


@both
def test_e30_a_symbol_that_is_settled_under_a_position_is_booked_and_crashes_nothing(
    exchange: str,
) -> None:
    stage = Stage(exchange)

    def delist(at: Millis) -> MarketHalted:
        held = stage.world.position()
        stage.core.trade_by_hand(BTC, Side.SELL, held, at, origin=Origin.SETTLEMENT)
        halted = MarketHalted(at=at, symbol=BTC, is_halted=True)
        stage.core.on_market(halted)
        return halted

    stage.at(4.0, delist)
    story = stage.plays(40.0)

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert 1 == len(stage.sent(Leg.ENTRY))
    assert ZERO == stage.world.position()


@both
def test_e23_a_target_that_filled_leaves_no_stop_to_open_the_other_side(exchange: str) -> None:
    path = (*UP, (8.0, 101_200.0), (9.0, 99_000.0))
    stage = Stage(exchange, path=path)
    story = stage.plays(10.0 + NOTICED_S)

    assert [ClosedBy.TARGET] == story.closed_by
    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()


# --- stopping


@both
@pytest.mark.parametrize("after_s", [0.02, 0.1, 0.25, 2.0])
def test_p3_stopping_at_any_moment_leaves_the_stop_and_no_entry(
    exchange: str, after_s: float
) -> None:
    """The reading at second 1 leads to an entry; the stop comes so long after it."""
    stage = Stage(exchange)
    story = stage.lives(
        20.0,
        until=lambda life: bool(stage.sent(Leg.ENTRY)) and life.second > 1.0 + after_s,
        checks=strict(),
        is_orderly=True,
    )

    assert story.life.drained_ms < 10_000
    assert stage.world.stop_qty() >= stage.world.position() > 0
    assert [] == [row for row in stage.world.resting() if not row.order.asked.is_reduce_only]


@both
def test_p3_a_stop_whose_answer_is_lost_is_waited_for(exchange: str) -> None:
    stage = Stage(exchange)
    stage.fails("place", "stop", is_done=True, reply=lost)
    story = stage.lives(
        20.0,
        until=lambda _: bool(stage.sent(Leg.STOP)),
        checks=strict(),
        is_orderly=True,
    )
    [stop] = [row for row in story.life.state.orders.values() if row.request.leg is Leg.STOP]

    assert OrderStatus.OPEN is stop.status
    assert story.life.drained_ms < 10_000
    assert stage.world.stop_qty() >= stage.world.position() > 0
