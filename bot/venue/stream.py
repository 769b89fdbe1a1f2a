"""The user stream, opened again whenever it breaks; it only wakes, and polls go on beside it."""

from collections.abc import Callable
from typing import Final

import structlog

from bot.gateway.failures import GatewayError
from bot.ports import Clock, Emit
from bot.venue.answers import careful
from bot.venue.api import PrivateApi
from bot.venue.trouble import Troubles

PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Before it is opened again, after so many times in a row; the last one repeats."""
STEADY_MS: Final = 60_000
"""A stream that held for so long breaks for the first time again."""

log = structlog.get_logger()


async def follow(
    api: PrivateApi,
    *,
    clock: Clock,
    troubles: Troubles,
    told: Emit,
    wake: Callable[[str], None],
) -> None:
    """Follow until canceled; `wake(why)` asks for a reading of the account."""
    breaks = 0
    while True:
        opened_at = clock.now()
        reason = "it ended"
        try:
            await careful(api.watch(told, wake))
        except GatewayError as error:
            reason = error.reason
            troubles.failed(error, is_write=False)
        if clock.now() - opened_at >= STEADY_MS:
            breaks = 0
        pause_s = PAUSES_S[min(breaks, len(PAUSES_S) - 1)]
        breaks += 1
        text = f"The exchange's stream of our orders broke: {reason}. Polls go on."
        log.info("stream.broken", text=text, again_in_s=pause_s)
        wake("the stream broke")
        await clock.sleep(pause_s)
