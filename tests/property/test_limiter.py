"""Whatever is asked, and whenever: no span holds more than the budget, and a stop finds room."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import LoopClock, run_virtual
from bot.gateway.connection import DATA, ENTRY, LANES, PROTECT, Budget, Lane
from bot.gateway.limiter import Limiter
from bot.model.primitives import Millis

CAPACITY = 40
SPAN_MS = 5_000
COMES = st.tuples(
    st.integers(0, 20_000), st.sampled_from(LANES), st.integers(1, 20), st.integers(0, 4_000)
)
"""(after ms, lane, cost, gives up after ms; 0 never)"""


class Went(list[tuple[int, Lane, int]]):
    """(ms, lane, cost) of each who got through."""

    def within(self, end: int) -> int:
        return sum(cost for at, _, cost in self if end - SPAN_MS < at <= end)


def played(comes: list[tuple[int, Lane, int, int]]) -> tuple[Went, Limiter]:
    """Let all come, each at its time."""

    async def run() -> tuple[Went, Limiter]:
        clock = LoopClock(start_at=Millis(0))
        limiter = Limiter((Budget(name="w", capacity=CAPACITY, interval_ms=SPAN_MS),), clock=clock)
        went = Went()

        async def come(after_ms: int, lane: Lane, cost: int, patience_ms: int) -> None:
            await clock.sleep(after_ms / 1000)
            try:
                async with asyncio.timeout(patience_ms / 1000 if patience_ms else None):
                    await limiter.acquire(lane, {"w": cost})
            except TimeoutError:
                return
            went.append((clock.now(), lane, cost))

        async with asyncio.TaskGroup() as group:
            for row in comes:
                group.create_task(come(*row))
        return went, limiter

    return run_virtual(run())


@settings(max_examples=60, deadline=None)
@given(st.lists(COMES, max_size=40))
def test_no_span_holds_more_than_the_budget_and_nobody_is_forgotten(
    comes: list[tuple[int, Lane, int, int]],
) -> None:
    went, limiter = played(comes)

    assert all(CAPACITY >= went.within(at) for at, _, _ in went)
    assert 0 == limiter.waiting
    assert len([row for row in comes if not row[3]]) <= len(went)


@settings(max_examples=60, deadline=None)
@given(st.lists(COMES, max_size=40))
def test_without_protection_its_part_stays_free(
    comes: list[tuple[int, Lane, int, int]],
) -> None:
    went, _ = played([row for row in comes if row[1].rank >= ENTRY.rank])

    assert all(CAPACITY * ENTRY.share_max >= went.within(at) for at, _, _ in went)


@settings(max_examples=60, deadline=None)
@given(st.lists(COMES, max_size=40), st.integers(0, 25_000))
def test_a_stop_goes_at_once_whatever_the_market_data_want(
    comes: list[tuple[int, Lane, int, int]], at_ms: int
) -> None:
    data = [(after, DATA, cost, patience) for after, _, cost, patience in comes]
    stop = (at_ms, PROTECT, int(CAPACITY * (1 - DATA.share_max)), 0)
    went, _ = played([*data, stop])

    assert [at_ms] == [at for at, lane, _ in went if lane is PROTECT]
