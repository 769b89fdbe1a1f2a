"""Starts are counted on the machine's clock."""

from pathlib import Path

import pytest

from bot.model.events import ResumeAsked
from bot.model.facts import Decision
from bot.model.primitives import Millis
from bot.store import boots
from tests.fakes.rows import T0, WALL, a_ledger


def crash(folder: Path, wall: int) -> None:
    a_ledger(folder, wall=Millis(wall)).close()


@pytest.mark.parametrize(("crashes", "is_loop"), [(0, False), (2, False), (3, True), (5, True)])
def test_p29_three_crashes_in_ten_minutes_are_a_crash_loop(
    tmp_path: Path, *, crashes: int, is_loop: bool
) -> None:
    for number in range(crashes):
        crash(tmp_path, WALL + number * 60_000)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 400_000))
    ledger.close()

    assert crashes == ledger.boot.crashes
    assert is_loop == ledger.boot.is_crash_loop


def test_p29_crashes_longer_ago_do_not_count(tmp_path: Path) -> None:
    for number in range(4):
        crash(tmp_path, WALL + number)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + boots.CRASH_LOOP_WINDOW_MS + 10))
    ledger.close()

    assert not ledger.boot.is_crash_loop


def test_p29_clean_stops_do_not_count(tmp_path: Path) -> None:
    for number in range(4):
        a_ledger(tmp_path, wall=Millis(WALL + number)).close(wall=Millis(WALL + number + 1))
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 10))
    ledger.close()

    assert 0 == ledger.boot.crashes


def test_p29_what_the_operator_has_forgiven_does_not_count(tmp_path: Path) -> None:
    for number in range(4):
        crash(tmp_path, WALL + number)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 10))
    ledger.writer.run(lambda connection: boots.forgive(connection, ledger.boot.id))
    ledger.close()
    after = a_ledger(tmp_path, wall=Millis(WALL + 20))
    after.close()

    assert ledger.boot.is_crash_loop
    assert 1 == after.boot.crashes


def test_p29_a_resume_that_is_recorded_forgives(tmp_path: Path) -> None:
    """Otherwise one more kill within ten minutes would hold entries again."""
    for number in range(3):
        crash(tmp_path, WALL + number)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 10))
    ledger.record_now([(ResumeAsked(at=T0), Decision())])
    ledger.close()
    after = a_ledger(tmp_path, wall=Millis(WALL + 20))
    after.close()

    assert ledger.boot.is_crash_loop
    assert not after.boot.is_crash_loop
