"""Keeps market time to the exchange's: looked at regularly, and after every refusal for lateness.

Signatures carry a time that the exchange judges, and it may drift, or jump (faults.md, E37, E51).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from bot.gateway.failures import GatewayError
from bot.ports import Clock
from bot.venue.answers import careful
from bot.venue.trouble import Troubles

PERIOD_S: Final = 1_800.0
"""Between two looks (venues.md, 6)."""
AGAIN_S: Final = 5.0
"""The same while the clock is doubted, or has not answered."""

GAP_S: Final = 1.0
"""At least, between two looks that refusals ask for."""

SyncTime = Callable[[], Awaitable[int]]
"""Reads the exchange's time; gives exchange minus ours, in ms, before it was corrected."""


class TimeKeeper:
    """Looks at the exchange's clock."""

    def __init__(self, sync_time: SyncTime, *, clock: Clock, troubles: Troubles) -> None:
        self._sync_time = sync_time
        self._clock = clock
        self._troubles = troubles

    async def run(self) -> None:
        """Look regularly, and when a refusal asks for it, until canceled."""
        is_read = True
        while True:
            is_doubted = self._troubles.is_clock_doubted or not is_read
            pause_s = AGAIN_S if is_doubted else PERIOD_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s / self._clock.speed):
                    await self._troubles.clock_refused.wait()
            is_read = await self.look()
            await self._clock.sleep(GAP_S)

    async def look(self) -> bool:
        """Look now; False where there is no answer."""
        self._troubles.clock_refused.clear()
        try:
            off_by_ms = await careful(self._sync_time())
        except GatewayError as error:
            self._troubles.failed(error, is_write=False)
            return False
        self._troubles.clock_read(off_by_ms)
        return True
