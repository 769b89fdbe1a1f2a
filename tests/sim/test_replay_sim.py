"""The journal of a simulated run, and of one that was killed, replays byte for byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.engine.replay import Outcome, replay
from bot.model.order import Leg
from bot.store.journal import digest_of
from bot.store.reader import Reader
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.sim_bot import Life
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_crash import (
    FAULTY_MS,
    Points,
    first_life,
    laid_out,
    next_life,
    room,
    template,
    watched,
)
from tests.fakes.sim_defects import stop_for_half
from tests.fakes.sim_scenarios import Scenario

ALL = (
    scenarios.target,
    scenarios.stop,
    scenarios.flatten,
    scenarios.bad_line,
    scenarios.paper_partial,
    scenarios.next_cluster,
)


def replayed(ledger: Path) -> Outcome:
    with Reader(ledger) as reader:
        return replay(reader.journal(), digest_of=digest_of)


@contextmanager
def lived(scenario: Scenario, seed: int) -> Iterator[Life]:
    """A life that has been lived, with its files."""
    plan, seconds = scenario(seed)
    with room() as folder:
        life = Life(laid_out(template(), Path(folder) / "data"), plan, number=2)
        watched(life, Checks(protected_within_ms=FAULTY_MS), seconds=seconds)
        yield life


@pytest.mark.parametrize("scenario", ALL)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_replays_byte_for_byte(scenario: Scenario, seed: int) -> None:
    with lived(scenario, seed) as life:
        outcome = replayed(life.files.ledger)

    assert outcome.difference is None
    assert 2 == outcome.runs
    assert outcome.commands > 5
    assert 0 == outcome.skipped


def test_a_run_that_was_killed_replays_with_the_one_that_follows() -> None:
    plan, seconds = scenarios.bad_line(2)
    with room() as folder:
        points = Points()
        first_life(plan, Path(folder) / "first", seconds=seconds, points=points)
        for point in points.kept[::8]:
            life, _ = next_life(plan, point, Path(folder) / "next")
            outcome = replayed(life.files.ledger)

            assert outcome.difference is None
            assert outcome.runs >= 2


def test_a_program_that_decides_otherwise_is_told_from_the_one_that_wrote_the_journal() -> None:
    with lived(scenarios.target, 1) as life:
        with stop_for_half():
            outcome = replayed(life.files.ledger)
        again = replayed(life.files.ledger)

    assert outcome.difference is not None
    assert "commands" == outcome.difference.what
    assert Leg.STOP.value in outcome.difference.expected
    assert again.difference is None
