"""Calls that may fail: what went wrong is counted and told now and then, and nothing else stops.

An exchange sends what it likes. A reply that no decoder expected costs that one call, never the
job that made it, nor the job's other symbols.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import structlog

from bot.gateway.failures import GatewayError
from bot.model.primitives import Millis
from bot.ports import Clock

T = TypeVar("T")

TOLD_EVERY_MS: Final = 60_000
"""The same trouble is told once in this time, with how often it was met; then half as often."""
TOLD_EVERY_MAX_MS: Final = 3_600_000
QUIET_MS: Final = 600_000
"""Trouble that was not met for so long is a new one."""

log = structlog.get_logger()


class Attempts:
    """The failures of one market."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures: Counter[str] = Counter()
        """By what was tried."""
        self._known: dict[str, _Trouble] = {}

    async def run(self, what: str, call: Awaitable[T], subject: str = "") -> T | None:
        """Await a call; None where it failed, whatever it raised.

        `what` is a noun in the plural ("candles"), `subject` the symbol it was for.
        """
        try:
            return await call
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  (a decoder stumbles over what nobody foresaw)
            self._tell(what, subject, _reason(error))
            return None

    def _tell(self, what: str, subject: str, reason: str) -> None:
        self.failures[what] += 1
        now = self._clock.now()
        known = self._known.get(what)
        if known is None or now - known.met_at > QUIET_MS:
            known = self._known[what] = _Trouble(now)
        known.met_at = now
        known.untold += 1
        if now < known.tell_at:
            return
        about = f" of {subject}" if subject else ""
        again = f" ({known.untold} times)" if known.untold > 1 else ""
        log.warning("market.unread", text=f"no {what}{about}: {reason}{again}")
        known.untold = 0
        known.tell_at = Millis(now + known.every_ms)
        known.every_ms = min(known.every_ms * 2, TOLD_EVERY_MAX_MS)


class _Trouble:
    """One kind of failure, as far as it was told."""

    def __init__(self, now: Millis) -> None:
        self.met_at = self.tell_at = now
        self.every_ms = TOLD_EVERY_MS
        self.untold = 0


async def side_by_side(works: Iterable[Callable[[], Awaitable[None]]], *, most: int) -> None:
    """Do all works, at most so many at a time; the first failure is raised as it came."""
    room = asyncio.Semaphore(most)

    async def one(work: Callable[[], Awaitable[None]]) -> None:
        async with room:
            await work()

    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(one(work))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _reason(error: Exception) -> str:
    if isinstance(error, GatewayError):
        return error.reason
    return f"the reply is not as it should be ({type(error).__name__}: {error})"
