"""The user stream is opened again, ever more slowly, and wakes the polls meanwhile."""

import asyncio

from bot.clock import LoopClock, run_virtual
from bot.model.account import HoldCause
from bot.model.events import Event, TroubleSeen
from bot.venue.stream import PAUSES_S, follow
from bot.venue.trouble import Troubles
from tests.fakes.live_api import FakeApi, no_answer
from tests.fakes.paper import NOW
from tests.fakes.sim_exchange import World


class Followed:
    """A stream that is followed, and what it led to."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=NOW)
        self.api = FakeApi(World(), clock=self.clock)
        self.troubles = Troubles(clock=self.clock)
        self.told: list[Event] = []
        self.troubles.emit = self.told.append
        self.woken: list[str] = []

    async def run(self, seconds: float, *breaks_s: float) -> None:
        """Follow for so long, and cut the stream at some moments."""
        running = asyncio.get_running_loop().create_task(
            follow(
                self.api,
                clock=self.clock,
                troubles=self.troubles,
                told=self.told.append,
                wake=self.woken.append,
            )
        )
        for second in breaks_s:
            await self.clock.sleep(NOW / 1000 + second - self.clock.now() / 1000)
            self.api.break_stream()
        await self.clock.sleep(NOW / 1000 + seconds - self.clock.now() / 1000)
        running.cancel()
        await asyncio.wait((running,))


def test_a_stream_that_breaks_is_opened_again_and_the_account_is_wanted() -> None:
    async def main() -> Followed:
        followed = Followed()
        await followed.run(20, 5)
        return followed

    followed = run_virtual(main())

    assert 2 == followed.api.streams
    assert ["connected", "the stream broke", "connected"] == followed.woken


def test_one_that_cannot_be_opened_is_tried_ever_more_slowly() -> None:
    async def main() -> Followed:
        followed = Followed()
        followed.api.fail("watch", no_answer(), times=100)
        await followed.run(sum(PAUSES_S) + PAUSES_S[-1] + 1)
        return followed

    followed = run_virtual(main())

    assert len(PAUSES_S) + 2 == followed.api.calls.count("watch")
    assert [HoldCause.VENUE_ERRORS] == [
        row.cause for row in followed.told if isinstance(row, TroubleSeen)
    ]


def test_one_that_held_for_a_minute_breaks_for_the_first_time_again() -> None:
    async def main() -> tuple[int, int]:
        followed = Followed()
        followed.api.fail("watch", no_answer(), times=3)
        await followed.run(95, 90)
        steady = followed.api.streams
        hasty = Followed()
        hasty.api.fail("watch", no_answer(), times=3)
        await hasty.run(25, 20)
        return steady, hasty.api.streams

    assert (2, 1) == run_virtual(main())


def test_a_bug_in_it_breaks_the_stream_and_not_the_bot() -> None:
    async def main() -> Followed:
        followed = Followed()
        followed.api.fail("watch", KeyError("c"))
        await followed.run(5)
        return followed

    assert 1 == run_virtual(main()).api.streams
