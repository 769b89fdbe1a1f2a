"""Writes that end with what the exchange has to say, whoever has stopped waiting for them.

A request that is given up in the middle leaves its order in doubt, so none is: a bot that stops
waits for those in flight, for a while.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bot.ports import Clock

T = TypeVar("T")


class Writes:
    """The writes in flight."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()

    async def shielded(
        self, work: Coroutine[Any, Any, T], *, late: Callable[[T], None] = lambda _: None
    ) -> T:
        """Wait for a write; `late` gets its outcome where the waiting was canceled before."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def tell(ended: "asyncio.Task[T]") -> None:
            if not ended.cancelled() and ended.exception() is None:
                late(ended.result())

        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(tell)
            raise

    async def finish(self, most_s: float) -> None:
        """Wait for what is in flight, at most so many market seconds."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=most_s / self._clock.speed)
