"""The live suite has teeth: each deliberate defect of the live parts is caught.

With those of `test_teeth` there are more than forty.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from bot.clock import DeadlockError
from bot.errors import StoreError
from bot.gateway.failures import GatewayError
from tests.fakes import live_battery
from tests.fakes.live_defects import LIVE_DEFECTS
from tests.fakes.sim_checks import BrokenError
from tests.fakes.sim_defects import DEFECTS

NOTICED: Final = (AssertionError, DeadlockError, GatewayError, StoreError)
CAUGHT: Final[dict[str, str]] = {}


def name_of(defect: Callable[[], Any]) -> str:
    return defect.__name__


def test_without_a_defect_nothing_is_caught() -> None:
    live_battery.run_all()


@pytest.mark.parametrize("defect", LIVE_DEFECTS, ids=name_of)
def test_a_defect_of_the_live_parts_is_caught(defect: Callable[[], Any]) -> None:
    with defect(), pytest.raises(NOTICED) as caught:
        live_battery.run_all()
    error = caught.value
    CAUGHT[name_of(defect)] = by = error.name if isinstance(error, BrokenError) else repr(error)

    assert by


def test_what_caught_which_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    if len(CAUGHT) < len(LIVE_DEFECTS):
        pytest.skip("the defects did not all run")
    with capsys.disabled():
        lines = [f"  {name.replace('_', ' '):32} {by[:60]}" for name, by in CAUGHT.items()]
        sys.stdout.write(
            "\n".join([f"\n{len(CAUGHT)} defects of the live parts, each caught:", *lines, ""])
        )

    assert len(CAUGHT) + len(DEFECTS) >= 40
