"""What only reads the world may fail: entries stop meanwhile, and it starts again (P5)."""

import asyncio
import contextlib

import pytest

from bot.clock import LoopClock, run_virtual
from bot.engine.supervisor import PAUSE_MAX_S, keep_running
from bot.errors import FeedError, StoreError
from bot.model.account import HoldCause
from bot.model.events import Event, TroubleSeen
from bot.model.primitives import Millis


class Worker:
    """Fails so many times, each time after a while, and then works on."""

    def __init__(self, *errors: Exception, after_s: float = 0.0, is_endless: bool = True) -> None:
        self.errors = list(errors)
        self.after_s = after_s
        self.is_endless = is_endless
        self.clock = LoopClock(start_at=Millis(0))
        self.begun_s: list[float] = []
        self.told: list[TroubleSeen] = []

    async def work(self) -> None:
        self.begun_s.append(self.clock.now() / 1000)
        if self.errors:
            await self.clock.sleep(self.after_s)
            raise self.errors.pop(0)
        if self.is_endless:
            await asyncio.Event().wait()

    def emit(self, event: Event) -> None:
        assert isinstance(event, TroubleSeen)
        self.told.append(event)

    async def supervised(self, seconds: float) -> "Worker":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await keep_running("heatmap", self.work, emit=self.emit, clock=self.clock)
        return self


def kept(
    *errors: Exception, after_s: float = 0.0, seconds: float = 600.0, is_endless: bool = True
) -> Worker:
    async def main() -> Worker:
        return await Worker(*errors, after_s=after_s, is_endless=is_endless).supervised(seconds)

    return run_virtual(main())


def test_p5_a_task_that_dies_is_told_and_starts_again() -> None:
    worker = kept(FeedError("no route to the provider"))

    assert [0.0, 1.0] == worker.begun_s
    assert [(HoldCause.TASK_FAILED, False), (HoldCause.TASK_FAILED, True)] == [
        (event.cause, event.is_over) for event in worker.told
    ]
    assert "heatmap" in worker.told[0].detail
    assert "no route to the provider" in worker.told[0].detail


def test_p5_a_bug_in_a_task_is_kept_going_too() -> None:
    worker = kept(ZeroDivisionError("division by zero"))

    assert [0.0, 1.0] == worker.begun_s
    assert "ZeroDivisionError" in worker.told[0].detail


def test_p5_failures_in_a_row_are_tried_ever_more_slowly_up_to_a_minute() -> None:
    worker = kept(*[FeedError("no") for _ in range(9)], seconds=1_000)
    gaps_s = [b - a for a, b in zip(worker.begun_s, worker.begun_s[1:], strict=False)]

    assert [1, 2, 4, 8, 16, 32, PAUSE_MAX_S, PAUSE_MAX_S, PAUSE_MAX_S] == gaps_s


def test_p5_a_task_that_had_worked_for_long_starts_again_at_once() -> None:
    worker = kept(*[FeedError("no") for _ in range(3)], after_s=120.0, seconds=1_000)

    assert [0.0, 121.0, 242.0, 363.0] == worker.begun_s


def test_a_disk_error_is_not_papered_over() -> None:
    """What cannot be written ends the run: the restart knows what is."""
    with pytest.raises(StoreError):
        kept(StoreError("The disk reported an error."))


def test_a_task_that_ends_is_left_alone() -> None:
    worker = kept(is_endless=False)

    assert [0.0] == worker.begun_s
    assert [] == worker.told
