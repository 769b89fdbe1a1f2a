"""The important go first, none goes beyond its share, and a ban is a ban."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.clock import LoopClock, run_virtual
from bot.gateway.connection import CANCEL, DATA, ENTRY, PROTECT, QUERY, Budget, Lane
from bot.gateway.limiter import Limiter, NoRoomError, Span
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis

START = Millis(1_000_000)
WEIGHT = Budget(name="weight", capacity=100, interval_ms=60_000)
ORDERS = Budget(name="orders", capacity=10, interval_ms=10_000)


class Line:
    """A limiter, and who has come through when."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=START)
        self.limiter = Limiter((WEIGHT, ORDERS), clock=self.clock)
        self.passed: list[tuple[str, int]] = []
        """(name, ms since the start)"""

    def passed_ms(self) -> int:
        return self.clock.now() - START

    async def come(
        self, name: str, lane: Lane, weight: int, *, orders: int = 0, until_ms: int | None = None
    ) -> None:
        until = None if until_ms is None else Millis(START + until_ms)
        costs = {"weight": weight, **({"orders": orders} if orders else {})}
        await self.limiter.acquire(lane, costs, until=until)
        self.passed.append((name, self.passed_ms()))


def with_line(act: Callable[[Line], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await act(Line())

    run_virtual(run())


def test_where_there_is_room_nobody_waits_or_gives_way() -> None:
    async def act(line: Line) -> None:
        pending = line.come("a", DATA, 1)
        with pytest.raises(StopIteration):
            pending.send(None)

        assert [("a", 0)] == line.passed
        assert {"weight": 0.01, "orders": 0.0} == line.limiter.used()

    with_line(act)


def test_what_was_used_is_free_again_after_the_interval() -> None:
    async def act(line: Line) -> None:
        await line.come("a", DATA, 30)
        await line.clock.sleep(20)
        await line.come("b", DATA, 40)
        await line.come("c", DATA, 30)
        await line.come("d", DATA, 40)

        assert [("a", 0), ("b", 20_000), ("c", 60_000), ("d", 80_000)] == line.passed

    with_line(act)


@pytest.mark.parametrize(
    ("lane", "room"), [(PROTECT, 100), (CANCEL, 95), (QUERY, 90), (ENTRY, 80), (DATA, 70)]
)
def test_each_lane_reaches_as_far_as_its_share(lane: Lane, room: int) -> None:
    async def act(line: Line) -> None:
        for number in range(room + 1):
            await line.come(str(number), lane, 1)

        assert [0] * room + [60_000] == [at for _, at in line.passed]

    with_line(act)


def test_data_that_fills_its_share_leaves_room_for_a_stop() -> None:
    async def act(line: Line) -> None:
        await line.come("data", DATA, 70)
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(line.come(f"more {number}", DATA, 10))
            await line.clock.sleep(1)
            await line.come("stop", PROTECT, 30)

            assert ("stop", 1_000) == line.passed[-1]

    with_line(act)


def test_the_important_go_first_and_in_a_lane_who_came_first() -> None:
    async def act(line: Line) -> None:
        await line.come("full", PROTECT, 100)
        async with asyncio.TaskGroup() as group:
            for name, lane in (
                ("data", DATA),
                ("entry", ENTRY),
                ("query 1", QUERY),
                ("query 2", QUERY),
                ("cancel", CANCEL),
                ("stop", PROTECT),
            ):
                group.create_task(line.come(name, lane, 1))

        assert ["full", "stop", "cancel", "query 1", "query 2", "entry", "data"] == [
            name for name, _ in line.passed
        ]
        assert {60_000} == {at for _, at in line.passed[1:]}

    with_line(act)


def test_the_unimportant_do_not_slip_past_one_who_needs_more() -> None:
    async def act(line: Line) -> None:
        await line.come("data", DATA, 60)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.come("query", QUERY, 40))
            group.create_task(line.come("data", DATA, 1))

        assert ["data", "query", "data"] == [name for name, _ in line.passed]

    with_line(act)


def test_every_budget_has_to_have_room() -> None:
    async def act(line: Line) -> None:
        for number in range(9):
            await line.come(str(number), ENTRY, 1, orders=1)

        assert [0] * 8 + [10_000] == [at for _, at in line.passed]

    with_line(act)


def test_one_who_gave_up_leaves_no_trace() -> None:
    async def act(line: Line) -> None:
        await line.come("full", PROTECT, 100)
        async with asyncio.TaskGroup() as group:
            quitter = group.create_task(line.come("quitter", PROTECT, 50))
            group.create_task(line.come("patient", DATA, 70))
            await line.clock.sleep(5)
            quitter.cancel()

        assert [("full", 0), ("patient", 60_000)] == line.passed
        assert 0 == line.limiter.waiting
        assert 0.7 == line.limiter.used()["weight"]

    with_line(act)


def test_e36_what_others_behind_the_same_address_use_counts_too() -> None:
    async def act(line: Line) -> None:
        await line.come("a", DATA, 10)
        line.limiter.observe({"weight": 65, "unheard": 9})
        await line.come("b", DATA, 5)
        await line.come("c", DATA, 1)

        assert [("a", 0), ("b", 0), ("c", 60_000)] == line.passed

    with_line(act)


def test_e36_a_lower_count_than_ours_is_not_believed() -> None:
    async def act(line: Line) -> None:
        await line.come("a", DATA, 70)
        line.limiter.observe({"weight": 3})
        await line.come("b", DATA, 1)

        assert [("a", 0), ("b", 60_000)] == line.passed

    with_line(act)


def test_e34_e35_nothing_leaves_until_a_penalty_is_over() -> None:
    async def act(line: Line) -> None:
        line.limiter.penalize(Millis(START + 120_000), "banned")
        line.limiter.penalize(Millis(START + 10_000), "too many requests")

        assert START + 120_000 == line.limiter.blocked_until
        assert "banned" == line.limiter.blocked_why
        async with asyncio.TaskGroup() as group:
            group.create_task(line.come("data", DATA, 1))
            group.create_task(line.come("stop", PROTECT, 1))
        assert [("stop", 120_000), ("data", 120_000)] == line.passed
        assert line.limiter.blocked_until is None

    with_line(act)


def test_e35_a_penalty_stops_those_who_wait_already() -> None:
    async def act(line: Line) -> None:
        await line.come("full", PROTECT, 100)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.come("stop", PROTECT, 1))
            await line.clock.sleep(59.9)
            line.limiter.penalize(Millis(START + 100_000), "banned")

        assert [("full", 0), ("stop", 100_000)] == line.passed

    with_line(act)


def test_e35_one_who_cannot_wait_so_long_is_told_at_once() -> None:
    async def act(line: Line) -> None:
        line.limiter.penalize(Millis(START + 3 * 86_400_000), "banned")
        with pytest.raises(NoRoomError, match="banned") as caught:
            await line.come("stop", PROTECT, 1, until_ms=5_000)

        assert START + 3 * 86_400_000 == caught.value.free_at
        assert 0 == line.passed_ms()
        assert 0 == line.limiter.waiting
        assert 0.0 == line.limiter.used()["weight"]

    with_line(act)


def test_one_who_cannot_wait_for_the_budget_is_told_when_there_is_room() -> None:
    async def act(line: Line) -> None:
        await line.come("full", PROTECT, 100)
        await line.clock.sleep(10)
        with pytest.raises(NoRoomError, match="budget") as caught:
            await line.come("late", PROTECT, 1, until_ms=59_999)

        assert START + 60_000 == caught.value.free_at
        assert 10_000 == line.passed_ms()
        await line.come("in time", PROTECT, 1, until_ms=60_000)
        assert ("in time", 60_000) == line.passed[-1]

    with_line(act)


def test_one_behind_others_is_told_when_its_time_is_over() -> None:
    async def act(line: Line) -> None:
        await line.come("data", DATA, 60)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.come("query", QUERY, 40))
            await line.clock.sleep(0)
            with pytest.raises(NoRoomError):
                await line.come("impatient", DATA, 1, until_ms=3_000)

            assert 3_000 == pytest.approx(line.passed_ms(), abs=2)

    with_line(act)


def test_a_cost_that_never_fits_and_a_budget_that_is_none_are_mistakes() -> None:
    async def act(line: Line) -> None:
        with pytest.raises(ValueError, match="a cost of 71 never fits into 70 of weight"):
            await line.come("huge", DATA, 71)
        with pytest.raises(ValueError, match="no budget is called wait"):
            await line.limiter.acquire(DATA, {"wait": 1})

        assert 0 == line.limiter.waiting

    with_line(act)


def test_a_faster_clock_waits_less_of_the_loops_time() -> None:
    async def run() -> None:
        clock = LoopClock(start_at=START, speed=60.0)
        limiter = Limiter((WEIGHT,), clock=clock)
        await limiter.acquire(DATA, {"weight": 70})
        await clock.sleep(10.1)
        await limiter.acquire(DATA, {"weight": 70})

        assert 1.0 == pytest.approx(asyncio.get_running_loop().time(), abs=0.01)

    run_virtual(run())


def test_p21_a_clock_that_jumps_is_noticed_by_one_who_waits() -> None:
    async def run() -> None:
        clock = ExchangeClock(start_at=START)
        limiter = Limiter((WEIGHT,), clock=clock)
        await limiter.acquire(DATA, {"weight": 70})
        async with asyncio.TaskGroup() as group:
            group.create_task(limiter.acquire(DATA, {"weight": 1}))
            await clock.sleep(1)
            clock.skip_ahead(60_000)

        assert 1.25 >= asyncio.get_running_loop().time()

    run_virtual(run())


def test_a_clock_that_is_set_back_does_not_keep_what_was_used_for_longer() -> None:
    span = Span(WEIGHT)
    span.take(70, Millis(10_000_000))

    assert 70 == span.used(Millis(1_000_000))
    assert 1_060_000 == span.free_at(1, 0.7, Millis(1_000_000))
    assert 0 == span.used(Millis(1_060_000))
