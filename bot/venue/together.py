"""Questions that are asked at the same time, and fail as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.gateway.failures import GatewayError


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first failure ends the others and is raised by itself, not in a group.

    A failure that is no GatewayError goes before those that are: it is a mistake of ours.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        flat = _flat(failures)
        raise next((row for row in flat if not isinstance(row, GatewayError)), flat[0]) from None


def _flat(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for row in failures.exceptions:
        found += _flat(row) if isinstance(row, BaseExceptionGroup) else [row]
    return found
