"""The suite's own checks in one row, cheapest first: what every deliberate defect must run into."""

from bot.core.operation import may_enter
from bot.model.cluster import ClusterEventKind
from bot.model.facts import ClusterEventHappened
from bot.model.order import Leg
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.paper import BTC
from tests.fakes.sim_checks import BrokenError
from tests.fakes.sim_crash import sweep
from tests.fakes.sim_runs import Story, settled_after
from tests.fakes.sim_scenarios import Scenario


def run_all() -> None:
    """Raise at the first thing that is wrong."""
    for seed in (1, 2):
        told(scenarios.target, seed)
        told(scenarios.stop, seed)
    told(scenarios.late_entry, 2)
    told(scenarios.lagging, 1, entries=0)
    told(scenarios.held, 1, entries=0)
    broken_by_its_own_level()
    told(scenarios.next_cluster, 1)
    lost_day()
    for seed in range(1, 9):
        settles(seed)
    sweep(scenarios.target(2)[0], seconds=9.0, every=2)
    sweep(scenarios.bad_line(2)[0], seconds=14.0, every=4)


def told(scenario: Scenario, seed: int, *, entries: int = 1) -> Story:
    """A story without faults, with so many entries in it."""
    plan, seconds = scenario(seed)
    story = Story(plan, seconds=seconds)
    if len(story.entries) != entries:
        raise BrokenError("entries", story.entries)
    return story


def settles(seed: int) -> None:
    """A story on a bad line comes to rest."""
    plan, seconds = scenarios.bad_line(seed)
    story = Story(plan, seconds=seconds + 30.0, until=settled_after(seconds))
    story.checks.must_settle(story.life)


def broken_by_its_own_level() -> None:
    """A cluster that recedes while the price crosses it is broken all the same."""
    story = told(scenarios.receding, 1)
    kinds = [
        fact.event.kind
        for row in story.decided
        for fact in row.decision.facts
        if isinstance(fact, ClusterEventHappened) and fact.event.cluster.strength > 0.5
    ]
    if ClusterEventKind.BROKEN not in kinds:
        raise BrokenError("breaks by the levels known before", kinds)


def lost_day() -> None:
    """After the day's loss there is no other entry, and the next signal is refused for it."""
    story = told(scenarios.lost_day, 1)
    if may_enter(story.life.state, BTC):
        raise BrokenError("day loss", story.life.state.operation)
    if [Leg.ENTRY] != [row.leg for row in story.entries]:
        raise BrokenError("day loss", story.entries)
