"""Faults of entries, lived by the whole bot on an emulated exchange in virtual time.

Every play ends where books, orders, fills and wallet are the exchange's own; while it lasts, what
is held has its stop, and no signal has a second entry.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from bot.gateway.http import HttpReply
from bot.model.account import HoldCause, OperatingState
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ZERO, Millis
from bot.sim.emulator.state import Status, Why
from tests.fakes.live_stage import REST_PRICE, Stage, lost, page, resting_stage, says
from tests.fakes.live_world import EXCHANGES
from tests.fakes.paper import BTC
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_crash import Points, first_life, next_life, room
from tests.fakes.sim_market import BASE
from tests.fakes.sim_runs import Story

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
PROVES_NOTHING: Final = [
    pytest.param(BINANCE, lost, id="binance-lost"),
    pytest.param(BINANCE, says(-1000, status=500), id="binance-1000"),
    pytest.param(BINANCE, says(-1006), id="binance-1006"),
    pytest.param(BINANCE, says(-1007, status=504), id="binance-1007"),
    pytest.param(BINANCE, page(503), id="binance-503-html"),
    pytest.param(BINANCE, page(200), id="binance-200-html"),
    pytest.param(BINANCE, lambda _: HttpReply(status=200), id="binance-empty"),
    pytest.param(BINANCE, lambda _: HttpReply(status=200, body=b"{}"), id="binance-{}"),
    pytest.param(BINANCE, lambda _: HttpReply(status=200, body=b"null"), id="binance-null"),
    pytest.param(BINANCE, lambda r: HttpReply(status=200, body=r.body[:-9]), id="binance-cut"),
    pytest.param(BYBIT, lost, id="bybit-lost"),
    pytest.param(BYBIT, says(10000), id="bybit-10000"),
    pytest.param(BYBIT, says(10016), id="bybit-10016"),
    pytest.param(BYBIT, page(502), id="bybit-502-html"),
    pytest.param(BYBIT, page(200), id="bybit-200-html"),
    pytest.param(BYBIT, lambda _: HttpReply(status=200, body=b"{}"), id="bybit-{}"),
]


both = pytest.mark.parametrize("exchange", EXCHANGES)


def statuses(story: Story, leg: Leg) -> list[OrderStatus]:
    """What the rows of a leg went through."""
    rows = story.orders(0.0, float("inf"))
    return [row.status for row in rows if row.request.leg is leg]


# --- nobody knows what became of it


@pytest.mark.parametrize(("exchange", "reply"), PROVES_NOTHING)
def test_e1_e4_e5_e8_an_entry_that_was_taken_is_found_whatever_came_back(
    exchange: str, reply: Reply
) -> None:
    stage = Stage(exchange)
    stage.fails("place", "entry", is_done=True, reply=reply)
    story = stage.plays(20.0)

    assert OrderStatus.UNKNOWN in statuses(story, Leg.ENTRY)
    assert 1 == len(stage.sent(Leg.ENTRY))
    assert stage.world.position() > 0
    assert stage.world.stop_qty() >= stage.world.position()


@pytest.mark.parametrize(("exchange", "reply"), PROVES_NOTHING)
def test_e2_e4_e5_e8_an_entry_that_was_not_taken_is_proved_absent_whatever_came_back(
    exchange: str, reply: Reply
) -> None:
    stage = Stage(exchange)
    stage.fails("place", "entry", reply=reply)
    story = stage.plays(20.0)
    turns = story.held(HoldCause.ORDER_UNKNOWN)

    assert 1 == len(stage.sent(Leg.ENTRY))
    assert OrderStatus.REJECTED is statuses(story, Leg.ENTRY)[-1]
    # It might have arrived until its window and the clocks' skew were over.
    assert turns[1] - turns[0] > 5.5
    assert len(stage.asked("query", Leg.ENTRY)) >= 4
    assert ZERO == stage.world.position()


@both
def test_e1_the_position_proves_an_entry_whose_queries_are_all_lost(exchange: str) -> None:
    stage = Stage(exchange)
    stage.fails("place", "entry", is_done=True, reply=lost)
    stage.fails("query", "entry", times=1_000, until_s=30.0, reply=lost)
    stage.plays(40.0)

    assert 1 == len(stage.sent(Leg.ENTRY))
    assert stage.world.stop_qty() >= stage.world.position() > 0


@both
def test_e3_a_request_that_is_still_on_its_way_when_the_next_life_begins(exchange: str) -> None:
    """It arrives after the restart has been told that there is no such order."""
    stage = Stage(exchange)
    stage.line = stage.line.__class__(late_request=1.0, late_s=(4.0, 4.0))
    points = Points(to_s=1.4)
    plan = stage.plan()
    with room() as folder:
        first_life(plan, Path(folder) / "first", seconds=1.5, points=points)
        point = points.kept[-1]
        assert isinstance(point.outside, type(stage.world))
        assert "POST" in {row.request.method for row in point.outside.wire.flights}
        life, _ = next_life(plan, point, Path(folder) / "next")
        world = life.plan.outside

    assert isinstance(world, type(stage.world))
    assert world.position() > 0
    assert world.stop_qty() >= world.position()
    assert 1 == len({row.client_id for row in world.sent if row.leg is Leg.ENTRY})


@both
def test_e10_an_order_is_not_shown_for_a_while_and_is_not_taken_for_absent(exchange: str) -> None:
    stage = Stage(exchange)

    def lags(_: Millis) -> None:
        stage.core.shows_after_ms = 1_500

    stage.fails("place", "entry", is_done=True, before=lags, reply=lost)
    story = stage.plays(20.0)

    assert OrderStatus.REJECTED not in statuses(story, Leg.ENTRY)
    assert stage.world.position() > 0


# --- turned away


@pytest.mark.parametrize(
    ("exchange", "reply"), [(BINANCE, says(-1008, status=503)), (BYBIT, says(110079))]
)
def test_e6_an_entry_turned_away_for_load_is_let_go_and_never_sent_late(
    exchange: str, reply: Reply
) -> None:
    stage = Stage(exchange)
    stage.fails("place", "entry", reply=reply)
    story = stage.plays(20.0)

    assert 1 == len(stage.sent(Leg.ENTRY))
    assert [] == story.held(HoldCause.ORDER_UNKNOWN)
    assert {} == story.life.state.brackets


@both
@pytest.mark.parametrize("why", [Why.NO_MARGIN, Why.PRICE_TOO_FAR, Why.REDUCE_ONLY_MODE])
def test_e31_e39_e40_a_refused_entry_is_over_and_trading_goes_on(exchange: str, why: Why) -> None:
    """-2019, -4131 and -4400 say nothing about the key, and no stop is left without an entry."""
    stage = Stage(exchange)
    stage.core.refuse_next(why, conditional=False)
    story = stage.plays(20.0)

    assert OrderStatus.REJECTED is statuses(story, Leg.ENTRY)[-1]
    assert [] == stage.sent(Leg.STOP)
    assert [] == story.held(HoldCause.VENUE_ERRORS)
    assert OperatingState.TRADING is story.life.state.operation.state_of(BTC)


# --- filled in part, late, or not as expected


@both
def test_e11_the_stop_is_for_the_part_that_has_filled(exchange: str) -> None:
    stage = Stage(exchange)
    stage.core.partial_usd = Decimal(6_000)
    stage.plays(4.0)
    stops = {row.qty for row in stage.sent(Leg.STOP)}

    assert stage.sent(Leg.ENTRY)[0].qty > stage.world.position()
    assert {stage.world.position()} == stops


@both
def test_e11_a_resting_entry_that_filled_in_part_is_canceled_and_protected_as_it_is(
    exchange: str,
) -> None:
    """The price touches the bid, finds a part of it, and turns; 30 s later the rest is canceled."""
    path = ((0.0, BASE), (63.0, BASE), (64.0, REST_PRICE - 0.2), (65.0, 99_800.0))
    stage = resting_stage(exchange, path=path)
    stage.core.partial_usd = Decimal(6_000)
    story = stage.plays(110.0)
    entry = stage.sent(Leg.ENTRY)[0]
    held = stage.world.position()

    assert entry.qty > held > 0
    assert [OrderStatus.CANCELING, OrderStatus.CANCELED] == statuses(story, Leg.ENTRY)[-2:]
    assert {held} == {row.qty for row in stage.sent(Leg.STOP)}


@both
def test_e12_e13_a_fill_between_the_cancel_and_its_arrival_gets_its_stop(exchange: str) -> None:
    """-2011, 110001: no such open order. It is no proof that the order was canceled."""
    stage = resting_stage(exchange)
    stage.fails("cancel", "entry", is_done=True, before=stage.moves(REST_PRICE - 20.0))
    story = stage.plays(110.0)

    assert 1 == len(stage.asked("cancel", Leg.ENTRY))
    assert OrderStatus.FILLED is statuses(story, Leg.ENTRY)[-1]
    assert stage.world.position() == stage.sent(Leg.ENTRY)[0].qty
    assert stage.world.stop_qty() >= stage.world.position()


@pytest.mark.parametrize(("exchange", "reply"), [(BINANCE, says(-2011)), (BYBIT, says(110001))])
def test_e13_a_cancel_that_is_said_to_be_of_no_order_is_looked_into_and_no_loop(
    exchange: str, reply: Reply
) -> None:
    """The order is there all the same: one replica has not heard of it."""
    stage = resting_stage(exchange)
    stage.fails("cancel", "entry", times=3, reply=reply)
    story = stage.plays(130.0)

    assert OrderStatus.CANCELED is statuses(story, Leg.ENTRY)[-1]
    assert 4 == len(stage.asked("cancel", Leg.ENTRY))
    assert [] == stage.world.resting()


@both
def test_e42_an_entry_pays_no_more_than_its_cap_when_the_price_has_run_away(exchange: str) -> None:
    stage = Stage(exchange)
    # The stop is some 0.4 % away; the price runs 0.3 % while the order is on its way.
    stage.fails("place", "entry", is_done=True, before=stage.moves(100_300.0))
    story = stage.plays(8.0)
    entry = stage.sent(Leg.ENTRY)[0]

    assert ZERO == stage.world.position()
    assert entry.price is not None
    assert entry.price < 100_100
    assert OrderStatus.CANCELED is statuses(story, Leg.ENTRY)[-1]
    assert [] == [row for row in stage.core.orders.values() if row.status is Status.FILLED]


@both
def test_e42_what_a_gap_cost_beyond_the_stop_counts_to_the_days_loss(exchange: str) -> None:
    stage = Stage(exchange)
    stage.at(4.0, stage.moves(97_000.0))
    story = stage.plays(20.0, checks=Checks(protected_within_ms=20_000))
    account = story.life.state.account

    assert account is not None
    assert account.balance_usd == stage.world.wallet_usd()
    assert HoldCause.DAY_LOSS in {hold.cause for hold in story.life.state.operation.holds}
