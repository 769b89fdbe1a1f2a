"""Market time: the machine's, a multiple of it, or one that jumps from event to event.

Everything that waits does so through a Clock, and a Clock rests on its event loop. On an
ordinary loop market time runs `speed` times faster than the wall; on a `VirtualLoop` nothing
waits at all: when no callback is ready the loop's time jumps to the next timer.
"""

import asyncio
import random
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from bot.model.primitives import Millis

T = TypeVar("T")


class DeadlockError(RuntimeError):
    """A virtual loop has nothing ready and nothing scheduled: whoever waits, waits for ever."""


class LoopClock:
    """A Clock on the running loop: `start_at` plus the loop's time since, times `speed`.

    Intervals are monotonic by construction: a step of the machine's wall clock moves nothing.
    """

    def __init__(self, *, start_at: Millis, speed: float = 1.0) -> None:
        assert speed > 0, "a market second lasts a positive time"
        self._start_at = start_at
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()

    @property
    def speed(self) -> float:
        """Market seconds per second of the loop."""
        return self._speed

    def now(self) -> Millis:
        """The market instant."""
        elapsed_s = (self._loop.time() - self._zero) * self._speed
        return Millis(self._start_at + int(elapsed_s * 1000.0 + 1e-6))

    def wall(self) -> Millis:
        """The machine's own UTC time."""
        return wall_now()

    async def sleep(self, seconds: float) -> None:
        """Wait for that many market seconds."""
        await asyncio.sleep(max(seconds, 0.0) / self._speed)


def wall_now() -> Millis:
    """The machine's UTC time."""
    return Millis(time.time_ns() // 1_000_000)


def monotonic_s() -> float:
    """Seconds of a clock that only runs forward, for measuring."""
    return time.monotonic()


def boottime_s() -> float:
    """Seconds since the machine started, the time that it slept included.

    Where the system has no such clock (macOS) it is `monotonic_s`: a suspend shows as a step of
    the wall clock then.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def seeded_random(seed: int) -> random.Random:
    """Jitter and chance that a replay repeats."""
    return random.Random(seed)  # noqa: S311  (jitter, not secrets)


class _JumpingSelector:
    """A selector that advances the loop's time instead of waiting for it."""

    def __init__(self, inner: selectors.BaseSelector) -> None:
        self._inner = inner
        self.time_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = self._inner.select(0)
        if ready:
            return ready
        if timeout is None:
            raise DeadlockError("nothing is ready and nothing is scheduled")
        if timeout > 0:
            self.time_s += timeout
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps; executors run inline, so a run is one thread and one order."""

    def __init__(self) -> None:
        selector = _JumpingSelector(selectors.DefaultSelector())
        super().__init__(selector)  # type: ignore[arg-type]  # it serves what the loop calls
        self._jumping = selector

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.time_s

    def run_in_executor(  # type: ignore[override]  # inline: the result is already there
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run `func` now and return a future that is done."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  (carried to whoever awaits)
            future.set_exception(error)
        return future


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a new VirtualLoop to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
