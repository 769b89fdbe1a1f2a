"""SIGTERM at any moment of a live story: a quick end, no entry left, the stop left (G14).

Where the line is good the end is judged at once; where it is bad, once all that was on its way
has arrived.
"""

import sys
from typing import Final

import pytest

from bot.clock import seeded_random
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis
from bot.sim.emulator.state import Order, Origin
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.live_scenarios import live
from tests.fakes.live_world import EXCHANGES, EmulatedWorld, probe_names
from tests.fakes.sim_market import BASE
from tests.fakes.sim_runs import Story
from tests.fakes.sim_scenarios import Scenario

MOMENTS: Final = 14
"""A story and exchange."""
SCENARIOS: Final = (scenarios.target, scenarios.stop, scenarios.flatten, scenarios.bad_line)
ENDS_WITHIN_MS: Final = 10_000
LATE_MS: Final = 30_000
"""Nothing is on its way for longer."""
SPANS_S: Final = (0.9, 6.0)
TOOK_MS: Final[list[int]] = []


def working(world: EmulatedWorld) -> list[Order]:
    """Orders of the bot that rest, but for probes."""
    probes = probe_names(world)
    rows = world.core.desk.book.working(None, conditional=None)
    return [row for row in rows if row.client_id not in probes]


def is_far(order: Order) -> bool:
    """A probe is a stop that nobody would place on a position."""
    trigger = order.asked.trigger_price
    return trigger is not None and abs(float(trigger) / BASE - 1.0) > 0.05


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_p3_a_stop_asked_at_any_moment_ends_soon_and_leaves_only_protection(
    exchange: str, scenario: Scenario
) -> None:
    chance = seeded_random(len(exchange) * 1_000 + SCENARIOS.index(scenario))
    for number in range(MOMENTS):
        plan, _ = live(scenario, 2 + number % 4, exchange)
        story = Story(plan, seconds=chance.uniform(*SPANS_S), is_orderly=True)
        world, state = plan.outside, story.life.state
        assert isinstance(world, EmulatedWorld)
        rows = [state.orders[client_id] for client_id in state.desk.live()]
        is_good = scenario is not scenarios.bad_line
        TOOK_MS.append(story.life.drained_ms)
        at_the_end = working(world)
        world.pass_time(Millis(story.life.clock.now() + LATE_MS))
        orders = world.core.orders.values()
        ours = {row.client_id for row in orders if row.asked.origin is Origin.CLIENT}
        probes = {row.client_id for row in orders if is_far(row)}

        assert story.life.drained_ms < ENDS_WITHIN_MS
        assert not [row for row in rows if row.status is OrderStatus.INTENDED]
        assert not is_good or not [row for row in rows if row.request.leg is Leg.ENTRY]
        assert not [row for row in at_the_end if not row.asked.is_reduce_only and is_good]
        assert not is_good or abs(world.position()) <= world.stop_qty()
        assert ours - probes <= state.orders.keys()


def test_enough_moments_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what ran before it; alone it has nothing to count."""
    if len(TOOK_MS) < MOMENTS * len(SCENARIOS) * len(EXCHANGES):
        pytest.skip("the stories did not all run")
    with capsys.disabled():
        sys.stdout.write(
            f"\nstops asked at {len(TOOK_MS)} moments of live stories:"
            f" the longest took {max(TOOK_MS)} ms\n"
        )

    assert len(TOOK_MS) >= 100
