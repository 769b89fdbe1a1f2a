"""Market time follows the exchange's clock, and never goes back."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest

from bot.clock import boottime_s, monotonic_s, run_virtual
from bot.gateway.time import (
    SUSPENDED,
    WALL_STEPPED,
    ExchangeClock,
    Readings,
    Sentinel,
    judge,
    machine_readings,
)
from bot.model.primitives import Millis
from bot.ports import Clock

START = Millis(1_770_000_000_000)
HOUR_MS = 3_600_000


def look(clock: ExchangeClock, ahead_ms: float, *, trip_s: float = 0.0) -> int:
    """One look at an exchange whose clock is so far ahead of what we take it for."""
    at_s = asyncio.get_running_loop().time()
    here = clock.exchange_now() - trip_s / 2 * 1000 * clock.speed
    return clock.observe(Millis(round(here + ahead_ms)), sent_s=at_s - trip_s, got_s=at_s)


def with_clock(act: Callable[[ExchangeClock], Coroutine[Any, Any, None]], **how: float) -> None:
    """Run in virtual time with a clock that has been set once."""

    async def run() -> None:
        clock = ExchangeClock(start_at=START, **how)
        look(clock, 0)
        await act(clock)

    run_virtual(run())


def test_it_is_a_clock_that_runs_with_its_loop() -> None:
    async def act(clock: ExchangeClock) -> None:
        port: Clock = clock
        await port.sleep(90)

        assert START + 90_000 == port.now() == clock.exchange_now()
        assert 1.0 == port.speed
        assert port.wall() > START

    with_clock(act)


def test_a_faster_clock_runs_and_sleeps_faster() -> None:
    async def act(clock: ExchangeClock) -> None:
        await clock.sleep(600)

        assert 10.0 == pytest.approx(asyncio.get_running_loop().time())
        assert START + 600_000 == clock.now()

    with_clock(act, speed=60.0)


@pytest.mark.parametrize("ahead_ms", [HOUR_MS, -HOUR_MS, 3, -3])
def test_the_first_look_sets_it_outright(ahead_ms: int) -> None:
    async def run() -> None:
        clock = ExchangeClock(start_at=START)

        assert (False, None) == (clock.is_synced, clock.observed_ago_s)
        assert ahead_ms == look(clock, ahead_ms)
        assert START + ahead_ms == clock.now() == clock.exchange_now()
        assert (True, 0.0) == (clock.is_synced, clock.observed_ago_s)

    run_virtual(run())


def test_the_exchange_has_read_its_clock_in_the_middle_of_the_round_trip() -> None:
    async def run() -> None:
        clock = ExchangeClock(start_at=Millis(0))
        await asyncio.sleep(2)
        clock.observe(START, sent_s=1.0, got_s=2.0)

        assert START + 500 == clock.now()

    run_virtual(run())


def test_what_the_round_trip_can_explain_moves_nothing() -> None:
    async def act(clock: ExchangeClock) -> None:
        await clock.sleep(60)
        before = clock.now()

        assert 90 == look(clock, 90, trip_s=0.2)
        assert -90 == look(clock, -90, trip_s=0.2)
        assert before == clock.now() == clock.exchange_now()

    with_clock(act)


def test_of_more_than_that_only_the_rest_is_corrected() -> None:
    async def act(clock: ExchangeClock) -> None:
        await clock.sleep(60)
        before = clock.now()
        look(clock, 150, trip_s=0.2)

        assert before + 50 == clock.now()

    with_clock(act)


def test_e51_an_exchange_that_is_ahead_is_followed_at_once() -> None:
    async def act(clock: ExchangeClock) -> None:
        await clock.sleep(60)

        assert 1_500 == look(clock, 1_500)
        assert START + 61_500 == clock.now() == clock.exchange_now()

    with_clock(act)


def test_e51_an_exchange_that_is_behind_is_waited_for_at_half_speed() -> None:
    async def act(clock: ExchangeClock) -> None:
        await clock.sleep(60)
        look(clock, -1_000)

        assert START + 60_000 == clock.now()
        assert START + 59_000 == clock.exchange_now()
        await clock.sleep(1)
        assert START + 60_500 == clock.now()
        assert START + 60_000 == clock.exchange_now()
        await clock.sleep(1)
        assert START + 61_000 == clock.now() == clock.exchange_now()
        await clock.sleep(1)
        assert START + 62_000 == clock.now()

    with_clock(act)


def test_e51_whatever_is_seen_it_never_goes_back() -> None:
    async def act(clock: ExchangeClock) -> None:
        seen = [clock.now()]
        for ahead_ms in (-800, 300, -5_000, 40, -40, 9_000, -9_000, -1):
            look(clock, ahead_ms, trip_s=0.05)
            for _ in range(7):
                seen.append(clock.now())
                await clock.sleep(0.13)

        assert sorted(seen) == seen

    with_clock(act)


def test_e51_a_leap_is_believed_when_it_is_seen_twice() -> None:
    async def act(clock: ExchangeClock) -> None:
        assert HOUR_MS == look(clock, HOUR_MS)
        assert START == clock.now()
        look(clock, HOUR_MS + 100)
        assert START + HOUR_MS + 100 == clock.now()

    with_clock(act)


def test_e51_two_leaps_that_do_not_agree_are_believed_neither() -> None:
    async def act(clock: ExchangeClock) -> None:
        look(clock, HOUR_MS)
        look(clock, 3 * HOUR_MS)
        look(clock, 0)
        look(clock, 3 * HOUR_MS)

        assert START == clock.now()

    with_clock(act)


def test_p21_what_the_loop_has_slept_is_skipped() -> None:
    async def act(clock: ExchangeClock) -> None:
        clock.skip_ahead(8 * HOUR_MS)

        assert START + 8 * HOUR_MS == clock.now() == clock.exchange_now()

    with_clock(act)


NOW = Readings(boottime_s=1_000.0, monotonic_s=900.0, wall_at=START)


def later(boot_s: float, *, monotonic_s: float, wall_s: float) -> Readings:
    """The readings after so much of each."""
    return Readings(
        NOW.boottime_s + boot_s, NOW.monotonic_s + monotonic_s, Millis(START + int(wall_s * 1000))
    )


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (later(1, monotonic_s=1, wall_s=1), {}),
        (later(3601, monotonic_s=1, wall_s=3601), {SUSPENDED: HOUR_MS}),
        (later(1, monotonic_s=1, wall_s=3601), {WALL_STEPPED: HOUR_MS}),
        (later(1, monotonic_s=1, wall_s=-3599), {WALL_STEPPED: -HOUR_MS}),
        (
            later(3601, monotonic_s=1, wall_s=1),
            {SUSPENDED: HOUR_MS, WALL_STEPPED: -HOUR_MS},
        ),
        (later(30, monotonic_s=30, wall_s=30), {}),
        (later(1.9, monotonic_s=1, wall_s=1.2), {}),
    ],
)
def test_p20_p21_a_suspend_and_a_step_are_told_apart(
    after: Readings, found: dict[str, int]
) -> None:
    assert found == judge(NOW, after)


def test_p22_a_slewing_wall_clock_is_nothing() -> None:
    readings = [
        Readings(float(s), float(s), Millis(START + int(s * 1000 * 1.0005))) for s in range(7200)
    ]

    assert not any(judge(a, b) for a, b in pairwise(readings))


def watched(readings: list[Readings], *, speed: float = 1.0) -> tuple[list[tuple[str, int]], int]:
    """What a sentinel reports over these readings, and how far market time is ahead of the loop."""
    reports: list[tuple[str, int]] = []
    source: Iterator[Readings] = iter(readings)

    async def run() -> int:
        clock = ExchangeClock(start_at=START, speed=speed)
        sentinel = Sentinel(clock, read=lambda: next(source))
        try:
            async with asyncio.timeout(len(readings) - 1.5):
                await sentinel.run(lambda what, ms: reports.append((what, ms)))
        except TimeoutError:
            pass
        loop_ms = asyncio.get_running_loop().time() * 1000 * speed
        return round(clock.now() - START - loop_ms)

    return reports, run_virtual(run())


def test_p20_a_step_of_the_wall_clock_is_told_and_moves_nothing() -> None:
    readings = [
        NOW,
        later(1, monotonic_s=1, wall_s=-3599),
        later(2, monotonic_s=2, wall_s=-3598),
    ]

    assert ([(WALL_STEPPED, -HOUR_MS)], 0) == watched(readings)


def test_p21_after_a_suspend_market_time_is_where_the_exchange_is() -> None:
    readings = [
        NOW,
        later(1, monotonic_s=1, wall_s=1),
        later(28_802, monotonic_s=2, wall_s=28_802),
        later(28_803, monotonic_s=3, wall_s=28_803),
    ]

    assert ([(SUSPENDED, 8 * HOUR_MS)], 8 * HOUR_MS) == watched(readings)


def test_p21_an_emulator_on_this_machine_has_slept_as_well() -> None:
    readings = [
        NOW,
        later(3601, monotonic_s=1, wall_s=3601),
        later(3602, monotonic_s=2, wall_s=3602),
    ]

    assert ([(SUSPENDED, HOUR_MS)], 0) == watched(readings, speed=60.0)


def test_the_machines_own_readings_agree_with_its_clocks() -> None:
    readings = machine_readings()

    assert readings.monotonic_s <= monotonic_s()
    assert readings.boottime_s <= boottime_s()
    assert {} == judge(readings, machine_readings())
