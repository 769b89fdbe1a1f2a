"""A virtual loop that can be looked at between any two callbacks, where a kill may come."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from bot.clock import VirtualLoop

T = TypeVar("T")
STEPS_MAX = 300_000


class EndlessError(AssertionError):
    """A run goes on and on."""


class _Watched(deque[Any]):
    """The queue of ready callbacks; says so before each one is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], None] = lambda: None
        self.taken = 0
        self.most: float = STEPS_MAX

    def popleft(self) -> Any:
        self.before()
        self.taken += 1
        if self.taken > self.most:
            self.most = float("inf")  # What is left is to be wound up.
            raise EndlessError(f"{self.taken} steps and no end")
        return super().popleft()


class SteppedLoop(VirtualLoop):
    """One callback is one step; `before_step` runs outside of any of them."""

    def __init__(self) -> None:
        super().__init__()
        self._watched = _Watched()
        self._ready = self._watched

    @property
    def steps(self) -> int:
        """Callbacks that have run."""
        return self._watched.taken

    def allow(self, steps: float) -> None:
        """So many steps are no endless run."""
        self._watched.most = steps

    def before_step(self, look: Callable[[], None]) -> None:
        """Call `look` before each step from now on: what is on disk then survives a kill."""
        self._watched.before = look

    def run_in_executor(  # type: ignore[override]  # a step of its own, as a thread's work is
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "Any":
        """Run `func` in the next step, so that a kill may come before and after it."""
        del executor
        future = self.create_future()

        def work() -> None:
            try:
                outcome = func(*args)
            except Exception as error:  # noqa: BLE001  (carried to whoever awaits)
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(outcome)

        self.call_soon(work)
        return future
