"""Kill -9 after every step of the loop, from the entry to every way out."""

import sys
from pathlib import Path
from typing import Final

import pytest

from bot.model.bracket import ClosedBy
from bot.model.facts import BracketChanged
from bot.model.order import Leg
from bot.model.primitives import ZERO
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.sim_crash import Points, Sweep, first_life, next_life, room, sweep
from tests.fakes.sim_exchange import World
from tests.fakes.sim_runs import Story
from tests.fakes.sim_scenarios import Scenario

CASES: Final[list[tuple[Scenario, int]]] = [
    *((scenarios.target, seed) for seed in range(1, 7)),
    *((scenarios.stop, seed) for seed in range(1, 7)),
    *((scenarios.time_stop, seed) for seed in range(1, 7)),
    *((scenarios.flatten, seed) for seed in range(1, 7)),
    *((scenarios.bad_line, seed) for seed in range(1, 9)),
    *((scenarios.paper_target, seed) for seed in (1, 2)),
    *((scenarios.paper_stop, seed) for seed in (1, 2)),
    *((scenarios.paper_partial, seed) for seed in (1, 2)),
    *((scenarios.paper_time_stop, seed) for seed in (1, 2)),
]
LIVES_MIN: Final = 1_500
SWEEPS: Final[dict[str, Sweep]] = {}


def name_of(case: tuple[Scenario, int]) -> str:
    return f"{case[0].__name__}-{case[1]}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_p1_killed_before_any_step_the_next_life_finds_the_truth(
    case: tuple[Scenario, int],
) -> None:
    scenario, seed = case
    plan, seconds = scenario(seed)
    found = SWEEPS[name_of(case)] = sweep(plan, seconds=seconds)

    assert found.steps > 100
    assert found.lives > 15


def test_a_kill_while_recovering_from_a_kill_is_survived_too() -> None:
    """Each life that follows dies as well, at each of its moments, until one may live."""
    plan, seconds = scenarios.target(2)
    lives = 0
    with room() as folder:
        points = Points(from_s=1.0, to_s=1.6)
        first_life(plan, Path(folder) / "first", seconds=seconds, points=points)
        for point in points.kept[::4]:
            again = Points()
            next_life(plan, point, Path(folder) / "next", points=again)
            for other in again.kept[::3]:
                next_life(plan, other, Path(folder) / "third", number=4)
                lives += 1

    assert lives > 20


@pytest.mark.parametrize(
    ("scenario", "closed_by"),
    [
        (scenarios.target, ClosedBy.TARGET),
        (scenarios.stop, ClosedBy.STOP),
        (scenarios.time_stop, ClosedBy.TIME),
        (scenarios.flatten, ClosedBy.OPERATOR),
        (scenarios.paper_target, ClosedBy.TARGET),
        (scenarios.paper_stop, ClosedBy.STOP),
        (scenarios.paper_partial, ClosedBy.TARGET),
        (scenarios.paper_time_stop, ClosedBy.TIME),
    ],
)
def test_the_stories_are_told_to_their_end(scenario: Scenario, closed_by: ClosedBy) -> None:
    """A sweep proves nothing where nothing is traded."""
    plan, seconds = scenario(1)
    story = Story(plan, seconds=seconds)
    legs = [request.leg for request in plan.outside.sent]

    assert 1 == legs.count(Leg.ENTRY)
    assert Leg.STOP in legs
    assert [closed_by] == story.closed_by
    assert {} == story.life.state.brackets
    assert not isinstance(plan.outside, World) or ZERO == plan.outside.position()


@pytest.mark.parametrize("scenario", [scenarios.target, scenarios.paper_partial])
def test_an_entry_may_fill_in_part(scenario: Scenario) -> None:
    plan, seconds = scenario(1)
    story = Story(plan, seconds=seconds)
    rows = [
        fact.bracket
        for row in story.decided
        for fact in row.decision.facts
        if isinstance(fact, BracketChanged)
    ]

    assert any(ZERO < row.entered_qty < row.qty for row in rows)


def test_enough_places_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what ran before it; alone it has nothing to count."""
    if len(SWEEPS) < len(CASES):
        pytest.skip("the sweeps did not all run")
    found = SWEEPS.values()
    lives = sum(row.lives for row in found)
    with capsys.disabled():
        sys.stdout.write(
            f"\ncrash points: {sum(row.steps for row in found)} steps, {lives} different second"
            f" lives; longest without a stop {max(row.exposed_ms for row in found)} ms,"
            f" settled within {max(row.settled_s for row in found):.1f} s\n"
        )

    assert lives >= LIVES_MIN
