"""A write goes on when nobody waits for it, and the end of the bot waits for it."""

import asyncio

from bot.clock import LoopClock, run_virtual
from bot.model.primitives import Millis
from bot.venue.writes import Writes

START = Millis(0)


async def carried_out(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def given_up(writes: Writes, told: list[str], seconds: float) -> None:
    """Somebody waits for a write, and is canceled after half a second."""
    waiting = asyncio.get_running_loop().create_task(
        writes.shielded(carried_out(seconds), late=told.append)
    )
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait((waiting,))


def test_whoever_waits_gets_the_outcome_and_it_is_not_late() -> None:
    async def main() -> tuple[str, list[str]]:
        told: list[str] = []
        writes = Writes(LoopClock(start_at=START))
        return await writes.shielded(carried_out(1), late=told.append), told

    assert ("done", []) == run_virtual(main())


def test_an_outcome_that_nobody_waits_for_is_told_when_it_comes() -> None:
    async def main() -> tuple[list[str], list[str], float]:
        told: list[str] = []
        writes = Writes(LoopClock(start_at=START))
        await given_up(writes, told, 3)
        before = list(told)
        await writes.finish(10)
        return before, told, asyncio.get_running_loop().time()

    assert ([], ["done"], 3.0) == run_virtual(main())


def test_the_end_waits_only_so_long_in_market_time() -> None:
    async def main() -> float:
        writes = Writes(LoopClock(start_at=START, speed=10.0))
        await given_up(writes, [], 600)
        await writes.finish(10)
        return asyncio.get_running_loop().time()

    assert 1.5 == run_virtual(main())


def test_where_nothing_is_in_flight_there_is_nothing_to_wait_for() -> None:
    async def main() -> float:
        await Writes(LoopClock(start_at=START)).finish(10)
        return asyncio.get_running_loop().time()

    assert 0.0 == run_virtual(main())
