"""Attempts: a failure costs one call, and is told now and then."""

import asyncio

import pytest
import structlog

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NoAnswerError
from bot.market.attempts import Attempts, side_by_side
from bot.model.primitives import Millis


async def value() -> int:
    return 7


async def failing(error: Exception) -> int:
    raise error


def test_what_a_call_brings_is_given_on() -> None:
    async def story() -> int | None:
        return await Attempts(LoopClock(start_at=Millis(0))).run("candles", value())

    assert 7 == run_virtual(story())


@pytest.mark.parametrize("error", [NoAnswerError("gone"), KeyError("x"), TypeError("no list")])
def test_whatever_a_call_raises_costs_that_call(error: Exception) -> None:
    async def story() -> Attempts:
        attempts = Attempts(LoopClock(start_at=Millis(0)))

        assert await attempts.run("candles", failing(error)) is None
        return attempts

    assert 1 == run_virtual(story()).failures["candles"]


def test_a_broken_invariant_is_never_caught() -> None:
    async def story() -> None:
        await Attempts(LoopClock(start_at=Millis(0))).run("candles", failing(AssertionError("x")))

    with pytest.raises(AssertionError):
        run_virtual(story())


def test_the_same_trouble_is_told_ever_more_rarely_with_how_often() -> None:
    async def story() -> list[str]:
        clock = LoopClock(start_at=Millis(0))
        attempts = Attempts(clock)
        with structlog.testing.capture_logs() as lines:
            for _ in range(200):
                await attempts.run("candles", failing(NoAnswerError("gone")), "BTCUSDT")
                await clock.sleep(1.0)
        return [line["text"] for line in lines]

    assert [
        "no candles of BTCUSDT: gone",
        "no candles of BTCUSDT: gone (60 times)",
        "no candles of BTCUSDT: gone (120 times)",
    ] == run_virtual(story())


def test_trouble_that_comes_back_after_a_while_is_told_at_once() -> None:
    async def story() -> int:
        clock = LoopClock(start_at=Millis(0))
        attempts = Attempts(clock)
        with structlog.testing.capture_logs() as lines:
            for pause_s in (70.0, 601.0, 0.0):
                await attempts.run("candles", failing(NoAnswerError("gone")))
                await clock.sleep(pause_s)
        return len(lines)

    assert 3 == run_virtual(story())


def test_works_go_side_by_side_and_no_more_than_allowed() -> None:
    async def story() -> tuple[float, int]:
        clock = LoopClock(start_at=Millis(0))
        now, most = 0, 0

        async def work() -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await clock.sleep(1.0)
            now -= 1

        await side_by_side([work] * 10, most=4)
        return clock.now() / 1000, most

    assert (3.0, 4) == run_virtual(story())


def test_the_first_failure_is_raised_as_it_came() -> None:
    async def bad() -> None:
        await asyncio.sleep(0)
        raise NoAnswerError("gone")

    with pytest.raises(NoAnswerError):
        run_virtual(side_by_side([bad], most=1))
