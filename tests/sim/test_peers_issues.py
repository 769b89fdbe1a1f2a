"""Bugs of other bots by their numbers in public, and what this one does there.

What cannot be read any more in the thread itself is taken as `orders.md` tells it. As in
`test_peers_bugs`: one position, one stop in the end, and a true ledger in every case.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bot.gateway.http import HttpReply
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import ClosedBy
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ZERO, Millis
from tests.fakes.live_stage import (
    REST_PRICE,
    Stage,
    late,
    lost,
    page,
    resting_stage,
    says,
)
from tests.fakes.live_world import EXCHANGES, EmulatedWorld
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_crash import Points, first_life, next_life, room
from tests.fakes.sim_market import BASE
from tests.fakes.sim_scenarios import DOWN, UP, hunting

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
both = pytest.mark.parametrize("exchange", EXCHANGES)
NOT_FOUND: Final = {BINANCE: says(-2013), BYBIT: says(110001)}
OPEN_STOPS: Final = {BINANCE: "openAlgoOrders", BYBIT: "order/realtime"}


def strict(seconds: float = 5.0) -> Checks:
    return Checks(protected_within_ms=int(seconds * 1000))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_freqtrade_12610_stops_moved_to_another_service_so_nothing_is_opened(
    exchange: str,
) -> None:
    """-4120 since 2025-12-09: it went on to enter, without any stop."""
    stage = Stage(exchange)
    reply = says(-4120) if exchange == BINANCE else says(10017)
    stage.fails("place", "", times=1e9, reply=reply)
    story = stage.plays(30.0)

    assert [] == stage.asked("place", Leg.ENTRY)
    assert HoldCause.STOPS_REFUSED in {row.cause for row in story.life.state.operation.holds}


@both
def test_freqtrade_12681_a_stop_that_cannot_be_canceled_is_not_forgotten(exchange: str) -> None:
    """-2011 for a cancel of a stop that rests: it left it there and placed the next one."""
    stage = Stage(exchange, path=UP)
    no_such = says(-2011) if exchange == BINANCE else says(110001)
    stage.fails("cancel", "stop", times=3, reply=no_such)
    story = stage.plays(60.0)

    assert [ClosedBy.TARGET] == story.closed_by
    assert [] == stage.world.resting()
    assert 1 == len(stage.names(Leg.STOP))


@both
def test_freqtrade_an_order_older_than_five_days_is_not_assumed_to_be_canceled(
    exchange: str,
) -> None:
    """A stop a week old is asked about like any other, after a week in which nobody could."""
    stage = Stage(exchange, settings=hunting(time_stop_s=2_000_000.0))
    with room() as folder:
        points = Points(from_s=3.0, to_s=4.0)
        first_life(stage.plan(), Path(folder) / "first", seconds=4.0, points=points)
        point = points.kept[-1]
        point.second += 7 * 86_400.0 - 60.0
        world = point.outside
        assert isinstance(world, EmulatedWorld)
        life, _ = next_life(stage.plan(), point, Path(folder) / "next")
        after = life.plan.outside

    assert isinstance(after, EmulatedWorld)
    assert after.position() > 0
    assert after.stop_qty() >= after.position()
    assert 1 == len({row.client_id for row in after.sent if row.leg is Leg.STOP})


@both
def test_freqtrade_6907_an_order_that_was_made_behind_an_error_is_found(exchange: str) -> None:
    """The exchange answers with an error page, and has made the order all the same."""
    stage = Stage(exchange)
    stage.fails("place", "entry", is_done=True, reply=page(500))
    stage.plays(30.0, checks=strict(12.0))

    stage.must_be_one_trade()


@both
def test_freqtrade_11461_an_exit_whose_answer_is_lost_is_no_open_trade(exchange: str) -> None:
    stage = Stage(exchange, path=DOWN)
    stage.fails("place", "stop", times=1e9, reply=says(-4045 if exchange == BINANCE else 110009))
    stage.fails("place", "exit", is_done=True, reply=lost)
    story = stage.plays(60.0, checks=strict(20.0))

    assert ZERO == stage.world.position()
    assert {} == story.life.state.brackets
    assert [] == stage.world.resting()


@both
@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.STOP])
def test_barter_206_an_acknowledgment_that_comes_last_makes_no_phantom(
    exchange: str, leg: Leg
) -> None:
    """Filled by the stream and the lists; the answer "new" to the request comes seconds later."""
    stage = Stage(exchange)
    stage.fails("place", leg, is_done=True, reply=late(4.0))
    story = stage.plays(40.0, checks=strict(12.0))
    live = [row for row in story.life.state.orders.values() if not row.is_final]

    stage.must_be_one_trade()
    assert {Leg.STOP, Leg.TARGET} == {row.request.leg for row in live}
    assert {OrderStatus.OPEN} == {row.status for row in live}


@both
def test_nautilus_4152_a_cancel_without_an_answer_is_never_taken_for_canceled(
    exchange: str,
) -> None:
    """After five unanswered questions it resolved the order by itself, and it filled later."""
    stage = resting_stage(exchange)
    stage.fails("cancel", "entry", times=1e9, until_s=140.0, reply=lost)
    stage.fails("query", "entry", times=1e9, until_s=140.0, reply=lost)
    stage.at(120.0, stage.moves(REST_PRICE - 20.0))
    story = stage.plays(180.0, checks=strict(40.0))
    entry = [row for row in story.orders(0.0, float("inf")) if row.request.leg is Leg.ENTRY]

    assert OrderStatus.CANCELED not in {row.status for row in entry}
    assert OrderStatus.FILLED is entry[-1].status
    stage.must_be_one_trade()


@both
def test_hummingbot_8457_accepted_orders_outlive_an_outage_of_names(exchange: str) -> None:
    """Six of them were dropped after errors of the resolver, and filled untracked."""
    stage = resting_stage(exchange, path=((0.0, BASE), (70.0, BASE), (72.0, REST_PRICE - 20.0)))
    stage.fails(times=1e9, since_s=62.0, until_s=242.0, reply=lost)
    story = stage.plays(280.0, checks=strict(200.0))

    assert 1 == len(stage.names(Leg.ENTRY))
    assert OperatingState.PROTECT in {
        fact.operation.state
        for row in story.decided
        for fact in row.decision.facts
        if hasattr(fact, "operation")
    }
    assert stage.world.stop_qty() >= stage.world.position() > 0


@both
def test_passivbot_980_a_stale_list_of_orders_makes_nothing_twice(exchange: str) -> None:
    """New orders are shown two seconds late: what is not listed yet is not placed again."""
    stage = Stage(exchange)

    def lags(_: Millis) -> None:
        stage.core.shows_after_ms = 2_000

    stage.fails("place", "entry", is_done=True, before=lags)
    stage.plays(40.0, checks=strict(12.0))

    stage.must_be_one_trade()
    assert 1 == len(stage.names(Leg.TARGET))


@both
def test_banexg_10_a_fill_that_comes_before_the_answer_is_booked_once(exchange: str) -> None:
    """The account has been read with the fill in it while the answer was on its way."""
    stage = Stage(exchange)
    stage.fails("place", "entry", is_done=True, reply=late(0.9))
    story = stage.plays(30.0, checks=strict(12.0))

    stage.must_be_one_trade()
    assert len(stage.core.trades) == len(story.life.state.fills_seen)


def test_ccxt_27486_open_orders_without_the_conditional_ones_are_half_of_them() -> None:
    """Binance lists stops apart: the bot asks both lists, and believes neither alone."""
    stage = Stage()
    stage.plays(20.0, checks=strict())
    asked = {row.path for row in stage.heard}

    assert {"/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"} <= asked
    stage.must_be_one_trade()
