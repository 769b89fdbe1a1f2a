"""Time is injected: it can run faster, and it can jump."""

import asyncio

import pytest

from bot.clock import DeadlockError, LoopClock, VirtualLoop, run_virtual, seeded_random, wall_now
from bot.model.primitives import Millis

DAY_S = 86_400


def test_a_day_of_waiting_takes_no_time() -> None:
    async def main() -> int:
        clock = LoopClock(start_at=Millis(1_000))
        for _ in range(DAY_S // 5):
            await clock.sleep(5)
        return clock.now()

    assert 1_000 + DAY_S * 1000 == pytest.approx(run_virtual(main()), abs=1)


def test_speed_makes_market_seconds_shorter_on_the_loop() -> None:
    async def main() -> tuple[float, int]:
        clock = LoopClock(start_at=Millis(0), speed=60.0)
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        await clock.sleep(120)
        return loop.time() - before_s, clock.now()

    elapsed_s, now = run_virtual(main())

    assert elapsed_s == pytest.approx(2.0)
    assert now == pytest.approx(120_000, abs=1)


def test_waiting_for_nothing_is_a_deadlock_and_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run_virtual(main())


def test_executors_run_inline_in_the_virtual_loop() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        order: list[str] = []
        future = loop.run_in_executor(None, order.append, "inside")
        order.append("after")
        await future
        return order

    assert ["inside", "after"] == run_virtual(main())


def test_an_error_in_the_inline_executor_reaches_whoever_awaits() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, fail)

    with pytest.raises(ValueError, match="no"):
        run_virtual(main())


def test_virtual_time_keeps_the_order_of_timers() -> None:
    async def main() -> list[int]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()
        for delay in (3, 1, 2):
            loop.call_later(delay, seen.append, delay)
        await asyncio.sleep(4)
        return seen

    assert [1, 2, 3] == run_virtual(main())


def test_two_virtual_loops_do_not_share_time() -> None:
    first, second = VirtualLoop(), VirtualLoop()
    first.run_until_complete(asyncio.sleep(100))

    assert first.time() == pytest.approx(100)
    assert second.time() == 0
    first.close()
    second.close()


def test_jitter_is_the_same_for_the_same_seed() -> None:
    assert seeded_random(7).random() == seeded_random(7).random()


def test_the_wall_clock_is_in_this_century() -> None:
    async def main() -> int:
        return LoopClock(start_at=Millis(0)).wall()

    assert run_virtual(main()) > 1_700_000_000_000
    assert wall_now() > 1_700_000_000_000
