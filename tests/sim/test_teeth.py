"""The suite has teeth: each deliberate defect is caught, and nothing is caught without one."""

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from bot.clock import DeadlockError
from bot.errors import StoreError
from tests.fakes import sim_battery
from tests.fakes.sim_checks import BrokenError
from tests.fakes.sim_defects import DEFECTS

NOTICED: Final = (AssertionError, DeadlockError, StoreError)
CAUGHT: Final[dict[str, str]] = {}


def name_of(defect: Callable[[], Any]) -> str:
    return defect.__name__


def test_without_a_defect_nothing_is_caught() -> None:
    sim_battery.run_all()


@pytest.mark.parametrize("defect", DEFECTS, ids=name_of)
def test_a_defect_is_caught(defect: Callable[[], Any]) -> None:
    with defect(), pytest.raises(NOTICED) as caught:
        sim_battery.run_all()
    error = caught.value
    if isinstance(error, BrokenError):
        by = error.name
    else:
        by = f"the bot stops: {error.what if isinstance(error, StoreError) else error}"
    CAUGHT[name_of(defect)] = by

    assert by


def test_what_caught_which_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    if len(CAUGHT) < len(DEFECTS):
        pytest.skip("the defects did not all run")
    with capsys.disabled():
        lines = [f"  {defect.replace('_', ' '):30} {by}" for defect, by in CAUGHT.items()]
        sys.stdout.write(
            "\n".join([f"\n{len(CAUGHT)} deliberate defects, each caught:", *lines, ""])
        )

    assert len(CAUGHT) >= 12
