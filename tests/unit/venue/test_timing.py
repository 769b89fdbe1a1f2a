"""When the exchange's clock is looked at."""

import asyncio

from bot.clock import LoopClock, run_virtual
from bot.model.events import Event, TroubleSeen
from bot.venue.timing import AGAIN_S, PERIOD_S, TimeKeeper
from bot.venue.trouble import Troubles
from tests.fakes.live_api import FakeApi, no_answer, refused
from tests.fakes.paper import NOW
from tests.fakes.sim_exchange import World


def looks_of(
    seconds: float, *, off_by_ms: tuple[int, ...] = (), failures: int = 0, refusal_s: float = 0.0
) -> tuple[int, list[Event]]:
    """How often the clock was looked at within so many seconds, and what was told."""

    async def main() -> tuple[int, list[Event]]:
        clock, told = LoopClock(start_at=NOW), list[Event]()
        api, troubles = FakeApi(World(), clock=clock), Troubles(clock=clock)
        api.off_by_ms.extend(off_by_ms)
        api.fail("sync_time", no_answer(), times=failures)
        troubles.emit = told.append
        keeper = TimeKeeper(api.sync_time, clock=clock, troubles=troubles)
        running = asyncio.get_running_loop().create_task(keeper.run())
        if refusal_s:
            await clock.sleep(refusal_s)
            troubles.failed(refused("-1021"), is_write=False)
            await clock.sleep(seconds - refusal_s)
        else:
            await clock.sleep(seconds)
        running.cancel()
        await asyncio.wait((running,))
        return api.calls.count("sync_time"), told

    return run_virtual(main())


def test_the_clock_is_looked_at_every_half_hour() -> None:
    assert (2, []) == looks_of(2 * PERIOD_S + 60)


def test_without_an_answer_it_is_looked_at_again_soon() -> None:
    assert (3, []) == looks_of(PERIOD_S + 3 * AGAIN_S, failures=2)


def test_e51_after_a_jump_it_is_looked_at_until_two_looks_agree() -> None:
    looks, told = looks_of(PERIOD_S + 60, off_by_ms=(-4_000, 3, 3))

    assert 3 == looks
    assert [False, True] == [row.is_over for row in told if isinstance(row, TroubleSeen)]


def test_e37_a_refusal_for_lateness_brings_the_next_look_forward() -> None:
    assert (1, []) == looks_of(60, refusal_s=30)
