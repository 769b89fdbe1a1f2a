"""The live bot with its user streams on: told early, late, twice or not at all.

The stream only hurries: what ends a trade is known at once, and kills at any step are survived as
without it.
"""

import sys
from typing import Final

import pytest
from msgspec.structs import replace

from bot.model.bracket import ClosedBy
from bot.model.primitives import ZERO
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.live_scenarios import live
from tests.fakes.live_streams import BAD_STREAM, Streaming
from tests.fakes.live_world import EXCHANGES, EmulatedVenue
from tests.fakes.sim_crash import Sweep, sweep
from tests.fakes.sim_runs import Story, settled_after
from tests.fakes.sim_scenarios import Scenario

SEEDS: Final = range(1, 13)
SWEPT: Final = (scenarios.target, scenarios.stop, scenarios.bad_line)
CASES: Final = [
    (exchange, scenario, seed) for exchange in EXCHANGES for scenario in SWEPT for seed in (1, 2)
]
SWEEPS: Final[list[Sweep]] = []


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    ("scenario", "closed_by"),
    [(scenarios.target, ClosedBy.TARGET), (scenarios.stop, ClosedBy.STOP)],
)
def test_what_ends_a_trade_is_known_at_once(
    exchange: str, scenario: Scenario, closed_by: ClosedBy
) -> None:
    """Without a stream it takes until the next reading."""
    plan, seconds = live(scenario, 1, exchange)
    story = Story(replace(plan, streaming=Streaming()), seconds=seconds)
    venue = story.life.venue
    assert isinstance(venue, EmulatedVenue)
    assert venue.streams is not None

    assert [closed_by] == story.closed_by
    assert ZERO == venue.world.position()
    assert venue.streams.told > 5


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_bad_streams_on_a_bad_line_lead_nowhere_wrong(exchange: str) -> None:
    for seed in SEEDS:
        plan, seconds = live(scenarios.bad_line, seed, exchange)
        plan = replace(plan, streaming=BAD_STREAM)
        story = Story(plan, seconds=seconds + 40.0, until=settled_after(seconds))
        story.checks.must_settle(story.life)


@pytest.mark.parametrize(
    ("exchange", "scenario", "seed"), CASES, ids=lambda case: getattr(case, "__name__", str(case))
)
def test_p1_killed_with_streams_on_the_next_life_finds_the_truth(
    exchange: str, scenario: Scenario, seed: int
) -> None:
    plan, seconds = live(scenario, seed, exchange)
    how = BAD_STREAM if scenario is scenarios.bad_line else Streaming()
    found = sweep(replace(plan, streaming=how), seconds=seconds + 4.0, every=2)
    SWEEPS.append(found)

    assert found.lives > 5


def test_enough_places_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what ran before it; alone it has nothing to count."""
    if len(SWEEPS) < len(CASES):
        pytest.skip("the sweeps did not all run")
    with capsys.disabled():
        sys.stdout.write(
            f"\nwith streams: {sum(row.steps for row in SWEEPS)} steps,"
            f" {sum(row.lives for row in SWEEPS)} second lives,"
            f" longest without a stop {max(row.exposed_ms for row in SWEEPS)} ms\n"
        )

    assert sum(row.lives for row in SWEEPS) > 200
