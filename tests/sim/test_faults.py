"""Seeded faults of line and venue: under them nothing unsafe, after them all is well in time."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import pytest

from bot.model.account import HoldCause
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.events import Event
from bot.model.order import FINAL_STATUSES, Leg, OrderStatus
from bot.model.primitives import ZERO, Millis, Side
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.exchange import Fault
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Plan
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_exchange import World
from tests.fakes.sim_market import BASE, T0, Script
from tests.fakes.sim_runs import Story, settled_after
from tests.fakes.sim_scenarios import BAD
from tests.fakes.sim_venue import Line

SEEDS: Final = 100
OFF_S: Final = 12.0
"""The faults end then."""
LIVE_WITHIN_S: Final = 15.0
Act = Callable[[World], None]


def at(second: float) -> Millis:
    return Millis(T0 + int(second * 1000))


def close_by_hand(world: World) -> None:
    held = world.position()
    if held:
        side = Side.SELL if held > 0 else Side.BUY
        world.trade_by_hand(BTC, side, abs(held), at(4))


def liquidate(world: World) -> None:
    held = world.position()
    if held:
        side = Side.SELL if held > 0 else Side.BUY
        world.trade_by_hand(BTC, side, abs(held), at(4), is_liquidation=True)


def cancel_the_stop(world: World) -> None:
    for order in world.open_orders("stop"):
        world.cancel_by_hand(order.client_id, at(4))


def show_nothing_once(world: World) -> None:
    world.empty_positions = 1


def go_down(world: World) -> None:
    world.is_down = True


def come_up(world: World) -> None:
    world.is_down = False


def stop_streaming(world: World) -> None:
    world.is_streaming = False


def lag(world: World) -> None:
    world.shows_after_ms = 800


ACTS: Final[dict[str, Act]] = {
    "bad line": lambda _: None,
    "manual close": close_by_hand,
    "canceled stop": cancel_the_stop,
    "liquidation": liquidate,
    "empty snapshot": show_nothing_once,
    "outage": go_down,
    "no stream": stop_streaming,
    "stale replicas": lag,
}


def doing(world: World, *acts: tuple[float, Act]) -> list[tuple[float, Callable[[], Event | None]]]:
    """Acts of a script on a world."""

    def bound(act: Act) -> Callable[[], Event | None]:
        def do() -> None:
            act(world)
            world.version += 1

        return do

    return [(second, bound(act)) for second, act in acts]


def plan_of(world: World, *acts: tuple[float, Act], **fields: object) -> Plan:
    """A trade that waits between stop and target while things happen."""
    script = fields.pop("script", None) or Script(acts=doing(world, *acts))
    return Plan(script=script, outside=world, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ACTS)
def test_faults_never_leave_a_position_bare_and_all_settles_once_they_end(name: str) -> None:
    """Liveness in every seed: all protected, no orphan, books and exchange agree, in 15 s."""
    for seed in range(1, SEEDS // len(ACTS) + 2):
        world = scenarios.world(seed)
        acts = [(4.0, ACTS[name]), (OFF_S, come_up)]
        line = BAD if seed % 4 else Line()
        plan = plan_of(world, *acts, line=_ending(line), seed=1_000 * seed + len(name))
        story = Story(plan, seconds=OFF_S + LIVE_WITHIN_S, until=settled_after(OFF_S + 0.5))

        story.checks.must_settle(story.life)


def _ending(line: Line) -> Line:
    return Line(
        stream_s=line.stream_s,
        lost_request=line.lost_request,
        lost_reply=line.lost_reply,
        late_request=line.late_request,
        lost_query=line.lost_query,
        duplicate=line.duplicate,
        until=at(OFF_S),
    )


@pytest.mark.parametrize("leg", ["entry", "stop", "target"])
@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_on_each_leg_settles_without_a_second_order(leg: str, fault: Fault) -> None:
    world = World()
    world.fail_next(fault, leg=leg)
    story = Story(plan_of(world), seconds=40.0, until=settled_after(9.0))
    story.checks.must_settle(story.life)
    covered = world.open_orders("stop")

    assert 1 == len({request.client_id for request in story.entries})
    assert bool(world.position()) == bool(covered)


@pytest.mark.parametrize("late_s", [2.0, 9.0], ids=["inside", "outside"])
def test_a_late_request_inside_its_window_counts_and_outside_it_never_existed(
    late_s: float,
) -> None:
    world = World()
    line = Line(late_request=1.0, late_s=(late_s, late_s), until=at(1.1))
    story = Story(plan_of(world, line=line), seconds=40.0, until=settled_after(9.0))
    story.checks.must_settle(story.life)
    row = story.life.state.orders[story.entries[0].client_id]

    assert (late_s < 5.0) == bool(world.position())
    assert (OrderStatus.FILLED if late_s < 5.0 else OrderStatus.REJECTED) is row.status


def test_under_a_total_outage_no_order_reaches_an_end() -> None:
    world = World()
    plan = plan_of(world, (1.05, go_down), (60.0, come_up))
    plan.script.price_every_s = 0.05
    story = Story(plan, seconds=90.0, until=settled_after(61.0))
    story.checks.must_settle(story.life)
    during = {order.status for order in story.orders(1.06, 60.0)}

    assert not during & FINAL_STATUSES
    assert OrderStatus.UNKNOWN in during
    assert [] == [row for row in story.brackets if row.status is BracketStatus.ENTERING]


def test_a_close_by_hand_is_adopted_and_there_is_no_re_entry() -> None:
    world = World()
    story = Story(plan_of(world, (4.0, close_by_hand)), seconds=40.0)

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert [] == world.open_orders()
    assert 1 == len(story.entries)


def test_a_liquidation_is_booked_as_one() -> None:
    world = World()
    story = Story(plan_of(world, (4.0, liquidate)), seconds=20.0)

    assert [ClosedBy.LIQUIDATION] == story.closed_by
    assert [] == world.open_orders()


def test_a_stop_canceled_by_hand_is_restored_within_one_reconcile() -> None:
    world = World()
    checks = Checks(protected_within_ms=10_000)
    Story(plan_of(world, (4.0, cancel_the_stop)), seconds=30.0, checks=checks)

    assert 1 == len(world.open_orders("stop"))
    assert ZERO != world.position()


def test_a_stop_canceled_by_hand_that_nobody_tells_of_is_missed_by_the_reconcile() -> None:
    world = World()
    acts = [(3.0, stop_streaming), (4.0, cancel_the_stop)]
    checks = Checks(protected_within_ms=20_000)
    Story(plan_of(world, *acts), seconds=60.0, checks=checks)

    assert 1 == len(world.open_orders("stop"))


def test_one_empty_snapshot_changes_nothing() -> None:
    world = World()
    story = Story(plan_of(world, (3.0, show_nothing_once)), seconds=40.0)
    stops = {row.client_id for row in world.sent if row.leg is Leg.STOP}

    assert [BracketStatus.OPEN] == [row.status for row in story.brackets]
    assert 1 == len(stops)


def test_a_refused_stop_is_tried_again_and_then_the_position_goes() -> None:
    world = World()
    world.fail_next(Fault.REJECTED, leg="stop", times=50)
    story = Story(plan_of(world), seconds=40.0, until=settled_after(2.0))

    assert [ClosedBy.UNPROTECTED] == story.closed_by
    assert ZERO == world.position()
    assert story.checks.exposed_ms <= 17_000


def test_a_stop_that_would_trigger_at_once_flattens() -> None:
    world = World()
    world.reject_code = "-2021"
    world.fail_next(Fault.REJECTED, leg="stop")
    story = Story(plan_of(world), seconds=20.0, until=settled_after(2.0))

    assert [ClosedBy.UNPROTECTED] == story.closed_by
    assert ZERO == world.position()
    assert story.checks.exposed_ms <= 2_000


def test_an_unknown_entry_holds_its_symbol_until_it_is_proved() -> None:
    world = World()
    world.fail_next(Fault.LOST_REQUEST, leg="entry")
    story = Story(plan_of(world), seconds=40.0, until=settled_after(2.0))
    began, ended = story.held(HoldCause.ORDER_UNKNOWN)

    assert began < 2.0
    assert ended >= (story.entries[0].valid_until - T0) / 1000
    assert [BracketStatus.ABANDONED] == [row.status for row in story.brackets]


def test_a_gap_beyond_the_stop_costs_more_and_still_ends_flat() -> None:
    world = World()
    script = Script(path=((0.0, BASE), (4.0, BASE), (4.001, 99_000.0)))
    story = Story(plan_of(world, script=script), seconds=20.0)

    assert [ClosedBy.STOP] == story.closed_by
    assert Decimal(99_000) == world.fills[-1].price
