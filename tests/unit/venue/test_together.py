"""Questions at the same time fail as one."""

import asyncio

import pytest

from bot.clock import run_virtual
from bot.gateway.failures import GatewayError, NoAnswerError
from bot.venue.together import together


async def say(text: str, after_s: float = 0.0) -> str:
    await asyncio.sleep(after_s)
    return text


async def fail(error: Exception, after_s: float = 0.0) -> None:
    await asyncio.sleep(after_s)
    raise error


def test_answers_are_there_at_the_end() -> None:
    async def run() -> list[str]:
        async with together() as group:
            tasks = [group.create_task(say("a", 2.0)), group.create_task(say("b", 1.0))]
        return [task.result() for task in tasks]

    assert ["a", "b"] == run_virtual(run())


def test_the_first_failure_is_raised_by_itself_and_ends_the_others() -> None:
    ended: list[str] = []

    async def last() -> None:
        await asyncio.sleep(60.0)
        ended.append("late")

    async def run() -> None:
        async with together() as group:
            group.create_task(last())
            group.create_task(fail(NoAnswerError("first"), 1.0))
            group.create_task(fail(NoAnswerError("second"), 2.0))

    with pytest.raises(NoAnswerError, match="first"):
        run_virtual(run())
    assert [] == ended


def test_a_mistake_of_ours_goes_before_the_exchanges_failures() -> None:
    async def inner() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(KeyError("ours")))

    async def run() -> None:
        async with together() as group:
            group.create_task(fail(GatewayError("theirs")))
            group.create_task(inner())

    with pytest.raises(KeyError):
        run_virtual(run())


def test_a_failure_leaves_no_mark_of_a_cancel_behind() -> None:
    """Python 3.11's TaskGroup leaves one, and the timeout around it would raise CancelledError."""

    async def run() -> int:
        try:
            async with asyncio.timeout(10.0):
                with pytest.raises(NoAnswerError):
                    async with together() as group:
                        group.create_task(fail(NoAnswerError("first"), 1.0))
                await asyncio.sleep(60.0)
        except TimeoutError:
            pass
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert 0 == run_virtual(run())


def test_a_cancel_from_outside_stays_a_cancel() -> None:
    async def work() -> None:
        async with together() as group:
            group.create_task(asyncio.sleep(60.0))

    async def run() -> bool:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work())
            await asyncio.sleep(1.0)
            task.cancel()
        return task.cancelled()

    assert run_virtual(run())
