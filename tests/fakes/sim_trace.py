"""One run as a digest over all that happened and all that was decided, for a process of its own."""

import sys
from pathlib import Path

import structlog

from tests.fakes import sim_scenarios as scenarios
from tests.fakes.live_scenarios import live
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_crash import FAULTY_MS, laid_out, room, template, watched


def trace(name: str, seed: int) -> str:
    """The digest of a scenario under a seed; `bybit:target` is the target through Bybit's words."""
    plan, seconds = _plan(name, seed)
    with room() as folder:
        life = Life(laid_out(template(), Path(folder) / "data"), plan, number=2)
        watched(life, Checks(protected_within_ms=FAULTY_MS), seconds=seconds)
    return f"{name} {seed} {life.decisions} {life.trace.hexdigest()}"


def _plan(name: str, seed: int) -> tuple[Plan, float]:
    exchange, _, story = name.rpartition(":")
    scenario: scenarios.Scenario = getattr(scenarios, story)
    return live(scenario, seed, exchange) if exchange else scenario(seed)


def main(*names: str) -> None:
    """Write the digests of three seeds each."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    sys.stdout.writelines(f"{trace(name, seed)}\n" for name in names for seed in (1, 2, 3))
