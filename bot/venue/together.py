"""Questions that are asked at the same time, and fail as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.gateway.failures import GatewayError


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first failure ends the others and is raised by itself, not in a group.

    A failure that is no GatewayError goes before those that are: it is a mistake of ours.

    Python 3.11's and 3.12's TaskGroup leaves the task marked as being canceled where a child fails
    while the group is waited for: a timeout around it would then raise CancelledError. That mark
    is taken off again.
    """
    task = asyncio.current_task()
    assert task is not None, "a TaskGroup runs in a task"
    marks = task.cancelling()
    try:
        async with asyncio.TaskGroup() as group:
            yield group
            marks = task.cancelling()
    except BaseExceptionGroup as failures:
        if task.cancelling() > marks:
            task.uncancel()
        flat = _flat(failures)
        raise next((row for row in flat if not isinstance(row, GatewayError)), flat[0]) from None


def _flat(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for row in failures.exceptions:
        found += _flat(row) if isinstance(row, BaseExceptionGroup) else [row]
    return found
