"""What other bots have been seen to do with orders and money, and what this one does there.

Each case is lived by the whole bot on an emulated exchange in virtual time. In every one of them
there is one position at most, one stop for it in the end, and a ledger that says what the exchange
says: `Stage.plays` ends only where that holds.

A chat webhook that hangs is not among them as such: this bot has none. What can hang beside it is
the heatmap's provider, which is here, and whoever reads what it logs: that is P26 in `test_logs`.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from bot.gateway.http import HttpReply
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import ClosedBy
from bot.model.order import Leg, Order, OrderStatus
from bot.model.primitives import ZERO
from tests.fakes.contracts import BTC, ETH
from tests.fakes.live_stage import (
    POSITIONS,
    REST_PRICE,
    Stage,
    lost,
    resting_stage,
    rows_of,
    says,
)
from tests.fakes.live_trading import LiveTrading, play
from tests.fakes.live_world import EXCHANGES, EmulatedWorld
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_crash import Point, Points, first_life, next_life, room
from tests.fakes.sim_market import BASE
from tests.fakes.sim_scenarios import UP

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
both = pytest.mark.parametrize("exchange", EXCHANGES)
NOT_FOUND: Final = {BINANCE: says(-2013), BYBIT: says(110001)}
OPEN_STOPS: Final = {BINANCE: "openAlgoOrders", BYBIT: "order/realtime"}


def strict(seconds: float = 5.0) -> Checks:
    return Checks(protected_within_ms=int(seconds * 1000))


# --- freqtrade 2026.9, as it was measured (orders.md)


@both
def test_three_lost_replies_do_not_stack_positions(exchange: str) -> None:
    """It took each of them for a failure and entered again: four positions, a stop for one."""
    stage = Stage(exchange)
    stage.fails("place", "entry", is_done=True, times=3, reply=lost)
    stage.fails("place", "stop", is_done=True, times=3, reply=lost)
    stage.fails("query", times=3, reply=lost)
    stage.plays(40.0, checks=strict(12.0))

    stage.must_be_one_trade()


def killed(stage: Stage, is_moment: Callable[[EmulatedWorld], bool]) -> EmulatedWorld:
    """Kill the bot in the first moment of a kind; the world after the next life has settled."""
    points = Points(to_s=2.5)
    plan = stage.plan()
    with room() as folder:
        first_life(plan, Path(folder) / "first", seconds=2.6, points=points)
        point = next(row for row in points.kept if _is(row, is_moment))
        life, _ = next_life(plan, point, Path(folder) / "next")
        world = life.plan.outside
    assert isinstance(world, EmulatedWorld)
    return world


def _is(point: Point, is_moment: Callable[[EmulatedWorld], bool]) -> bool:
    return isinstance(point.outside, EmulatedWorld) and is_moment(point.outside)


@both
@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.STOP])
def test_a_kill_between_an_order_and_the_commit_of_its_answer_doubles_nothing(
    exchange: str, leg: Leg
) -> None:
    """The exchange has it; the answer was never written down."""

    def has_taken(world: EmulatedWorld) -> bool:
        names = {row.client_id for row in world.sent if row.leg is leg}
        return any(row.client_id in names for row in world.core.orders.values())

    world = killed(Stage(exchange), has_taken)
    stops = [row for row in world.resting() if row.order.is_conditional]

    assert 1 == len({row.client_id for row in world.sent if row.leg is Leg.ENTRY})
    assert world.position() > 0
    assert [world.position()] == [row.order.asked.qty for row in stops]


def test_a_stop_that_is_refused_for_ever_while_the_price_falls_costs_no_more_than_a_stop() -> None:
    """It switched its own stop off because "the stop is on the exchange": down to -90 %."""
    stage = Stage(path=((0.0, BASE), (3.0, BASE), (60.0, 90_000.0)))
    stage.fails("place", "stop", times=1e9, reply=says(-4045))
    story = stage.plays(70.0, checks=strict(20.0))
    [bracket] = story.brackets

    assert ZERO == stage.world.position()
    assert bracket.r is not None
    assert bracket.r > -1.5


@both
def test_a_live_stop_whose_query_says_not_found_is_not_placed_again(exchange: str) -> None:
    """Its list shows it; asked by name it is denied for half a minute (freqtrade #12681)."""
    stage = Stage(exchange)
    stage.fails("query", "stop", times=1e9, since_s=3.0, until_s=33.0, reply=NOT_FOUND[exchange])
    _denied_once(stage)
    stage.plays(70.0, checks=strict())

    assert len(stage.asked("query", Leg.STOP)) >= 1
    assert 1 == len(stage.names(Leg.STOP))
    stage.must_be_one_trade()


def _denied_once(stage: Stage) -> None:
    """One reading of the list leaves the stop out, so that it is asked about."""
    path = OPEN_STOPS[stage.exchange]
    stage.fails(path=path, since_s=9.0, is_done=True, reply=rows_of(_without_stops))


@both
def test_a_live_stop_that_all_deny_for_half_a_minute_ends_as_one_stop(exchange: str) -> None:
    """What is denied by its name, again and again, and by the list too, is replaced."""
    stage = Stage(exchange)
    stage.fails("query", "stop", times=1e9, since_s=3.0, until_s=33.0, reply=NOT_FOUND[exchange])
    stage.fails(
        path=OPEN_STOPS[exchange],
        times=1e9,
        since_s=3.0,
        until_s=33.0,
        is_done=True,
        reply=rows_of(_without_stops),
    )
    stage.plays(70.0, checks=strict())

    assert len(stage.names(Leg.STOP)) <= 4
    stage.must_be_one_trade()


def _without_stops(rows: list[Any]) -> Sequence[Any]:
    return [row for row in rows if not ("algoId" in row or row.get("stopOrderType"))]


@both
def test_a_part_of_a_resting_entry_is_protected_while_the_rest_waits_and_the_price_falls(
    exchange: str,
) -> None:
    """It placed the stop only once the entry was over."""
    path = ((0.0, BASE), (63.0, BASE), (64.0, REST_PRICE - 0.2), (66.0, 99_800.0), (80.0, 99_000.0))
    stage = resting_stage(exchange, path=path)
    stage.core.partial_usd = Decimal(6_000)
    story = stage.plays(110.0, checks=strict(25.0))
    [bracket] = [row for row in story.brackets if row.entered_qty]

    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()
    assert bracket.closed_by in {ClosedBy.STOP, ClosedBy.UNPROTECTED}
    assert bracket.r is not None
    assert bracket.r > -2.0


@both
def test_a_position_closed_from_outside_leaves_no_stop_that_could_open_another(
    exchange: str,
) -> None:
    stage = Stage(exchange, path=((0.0, BASE), (8.0, BASE), (10.0, 99_000.0)))
    stage.by_hand(4.0)
    story = stage.plays(30.0)

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()


def test_one_symbol_that_raises_a_keyerror_leaves_the_other_to_trade() -> None:
    """Its loop over all pairs ended with the first one that was broken."""

    async def act(trading: LiveTrading) -> None:
        trading.api.fail("place", KeyError("filled"), leg="entry", after_s=0.1)
        trading.api.fail("query", KeyError("filled"), times=1_000)
        trading.enters(name="broken")
        await trading.passes(12)
        trading.enters(symbol=ETH, name="whole")
        await trading.passes(5)
        operation = trading.bot.state.operation
        held = {symbol: qty for symbol, qty in trading.world.positions.items() if qty}
        stops = [row.request for row in trading.bot.state.orders.values() if _is_stop(row)]

        assert [ETH] == list(held)
        assert [(ETH, held[ETH])] == [(row.symbol, row.qty) for row in stops]
        assert OperatingState.HOLD is operation.state_of(BTC)
        assert OperatingState.TRADING is operation.state_of(ETH)

    play(act)


def _is_stop(row: Order) -> bool:
    return row.request.leg is Leg.STOP and row.status is OrderStatus.OPEN


def test_a_row_of_another_symbol_that_cannot_be_read_does_not_blind_the_bot() -> None:
    """A contract that is not ours, with fields that nobody has seen before."""
    strange = {"symbol": "NEWUSDT_991231", "positionAmt": "", "surprise": None}
    stage = Stage(path=UP)
    stage.fails(
        path=POSITIONS[BINANCE],
        times=1e9,
        is_done=True,
        reply=rows_of(lambda rows: [*rows, strange]),
    )
    story = stage.plays(25.0)

    assert [ClosedBy.TARGET] == story.closed_by
    assert [] == story.held(HoldCause.VENUE_ERRORS)


@both
def test_a_page_that_cannot_be_read_at_all_leaves_the_stop_and_opens_nothing(exchange: str) -> None:
    """Of our own symbol: nothing is concluded from it."""
    stage = Stage(exchange)
    strange = {"symbol": "BTCUSDT", "surprise": None}
    stage.fails(
        path=POSITIONS[exchange],
        times=1e9,
        since_s=3.0,
        until_s=40.0,
        is_done=True,
        reply=rows_of(lambda _: [strange]),
    )
    story = stage.plays(70.0, checks=strict())

    assert story.held(HoldCause.VENUE_ERRORS)
    stage.must_be_one_trade()


@both
def test_a_provider_that_hangs_keeps_no_stop_waiting(exchange: str) -> None:
    """The heatmap never answers again after its first good reading; the position is managed."""
    stage = Stage(exchange, path=((0.0, BASE), (60.0, BASE), (63.0, 99_400.0)))
    plan = stage.plan()
    plan.script.readings_end = 2.0
    plan.script.failure = "timeout"
    story = stage.plays(90.0, checks=strict())

    assert [ClosedBy.STOP] == story.closed_by
    assert story.held(HoldCause.HEATMAP_STALE)
    assert 1 == len(stage.sent(Leg.ENTRY))
