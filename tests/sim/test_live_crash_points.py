"""Kill -9 after every step with the live venue, the gateway and ccxt in the bot's hands.

The exchange is the emulator in Binance's words and in Bybit's, in virtual time. A request that has
left arrives whoever has died; the second life starts from what was on disk.
"""

import sys
from pathlib import Path
from typing import Final

import pytest

from bot.model.bracket import ClosedBy
from bot.model.order import Leg
from bot.model.primitives import ZERO
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.live_scenarios import live
from tests.fakes.live_world import EXCHANGES
from tests.fakes.sim_crash import Points, Sweep, first_life, next_life, room, sweep
from tests.fakes.sim_runs import Story
from tests.fakes.sim_scenarios import Scenario

SEEDS: Final = 10
SCENARIOS: Final[tuple[Scenario, ...]] = (
    scenarios.target,
    scenarios.stop,
    scenarios.time_stop,
    scenarios.flatten,
    scenarios.bad_line,
)
CASES: Final = [
    (exchange, scenario, seed)
    for exchange in EXCHANGES
    for scenario in SCENARIOS
    for seed in range(1, SEEDS + 1)
]
NOTICED_S: Final = 13.0
"""Without a stream an end is found by the next reading of the account."""
STEPS_MIN: Final = 10_000
SWEEPS: Final[dict[str, Sweep]] = {}


def name_of(case: tuple[str, Scenario, int]) -> str:
    exchange, scenario, seed = case
    return f"{exchange}-{scenario.__name__}-{seed}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_p1_killed_before_any_step_the_next_life_finds_the_truth(
    case: tuple[str, Scenario, int],
) -> None:
    exchange, scenario, seed = case
    plan, seconds = live(scenario, seed, exchange)
    found = SWEEPS[name_of(case)] = sweep(plan, seconds=seconds + NOTICED_S)

    assert found.steps > 100
    assert found.lives > 15


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_kill_while_recovering_from_a_kill_is_survived_too(exchange: str) -> None:
    plan, seconds = live(scenarios.target, 2, exchange)
    lives = 0
    with room() as folder:
        points = Points(from_s=1.0, to_s=1.6)
        first_life(plan, Path(folder) / "first", seconds=seconds, points=points)
        for point in points.kept[::2]:
            again = Points()
            next_life(plan, point, Path(folder) / "next", points=again)
            for other in again.kept[::2]:
                next_life(plan, other, Path(folder) / "third", number=4)
                lives += 1

    assert lives > 20


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    ("scenario", "closed_by"),
    [
        (scenarios.target, ClosedBy.TARGET),
        (scenarios.stop, ClosedBy.STOP),
        (scenarios.time_stop, ClosedBy.TIME),
        (scenarios.flatten, ClosedBy.OPERATOR),
    ],
)
def test_the_stories_are_told_to_their_end(
    exchange: str, scenario: Scenario, closed_by: ClosedBy
) -> None:
    """A sweep proves nothing where nothing is traded."""
    plan, seconds = live(scenario, 1, exchange)
    story = Story(plan, seconds=seconds + NOTICED_S)
    legs = [request.leg for request in plan.outside.sent]

    assert 1 == legs.count(Leg.ENTRY)
    assert Leg.STOP in legs
    assert [closed_by] == story.closed_by
    assert {} == story.life.state.brackets
    assert ZERO == story.life.venue.world.position()  # type: ignore[union-attr]  # it is live


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_bad_line_is_traded_on(exchange: str) -> None:
    """The faults do not simply keep the bot from trading."""
    traded = 0
    for seed in range(1, 9):
        plan, seconds = live(scenarios.bad_line, seed, exchange)
        Story(plan, seconds=seconds)
        traded += any(request.leg is Leg.STOP for request in plan.outside.sent)

    assert traded >= 4


def test_enough_places_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what ran before it; alone it has nothing to count."""
    if len(SWEEPS) < len(CASES):
        pytest.skip("the sweeps did not all run")
    found = SWEEPS.values()
    steps = sum(row.steps for row in found)
    with capsys.disabled():
        sys.stdout.write(
            f"\nlive crash points: {steps} steps over {len(CASES)} seeds,"
            f" {sum(row.lives for row in found)} different second lives;"
            f" longest without a stop {max(row.exposed_ms for row in found)} ms,"
            f" settled within {max(row.settled_s for row in found):.1f} s\n"
        )

    assert steps >= STEPS_MIN
