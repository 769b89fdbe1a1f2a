"""Keeps a task that may fail going: its death is told, entries stop, and it starts again.

For tasks that only read the world (feeds, servers, housekeeping). Whoever owns the state or
writes to the venue is not supervised: a bug there ends the process, and the restart recovers.
"""

from collections.abc import Awaitable, Callable

import structlog

from bot.errors import LiqbotError, StoreError
from bot.model.account import HoldCause
from bot.model.events import TroubleSeen
from bot.ports import Clock, Emit

PAUSE_S = 1.0
PAUSE_MAX_S = 60.0

log = structlog.get_logger()


async def keep_running(
    name: str, work: Callable[[], Awaitable[None]], *, emit: Emit, clock: Clock
) -> None:
    """Run `work` until it returns; start it again after a failure, ever more slowly."""
    pause_s = PAUSE_S
    while True:
        started_at = clock.now()
        try:
            return await work()
        except StoreError:
            raise
        except Exception as error:
            what = error.what if isinstance(error, LiqbotError) else repr(error)
            log.exception("task.died", task=name, text=f"{name} failed: {what}")
            _tell(emit, clock, name, what, is_over=False)
        if clock.now() - started_at > PAUSE_MAX_S * 1000:
            pause_s = PAUSE_S
        await clock.sleep(pause_s)
        pause_s = min(pause_s * 2, PAUSE_MAX_S)
        _tell(emit, clock, name, "", is_over=True)


def _tell(emit: Emit, clock: Clock, name: str, what: str, *, is_over: bool) -> None:
    emit(
        TroubleSeen(
            at=clock.now(),
            cause=HoldCause.TASK_FAILED,
            detail=f"{name} failed and is started again: {what}",
            is_over=is_over,
        )
    )
