"""The exchange's time as market time, and a look-out for what happens to the machine's clocks.

Signatures and receive windows are judged by the exchange's clock, so that is the clock that we
live by: its reading at the last look, plus the event loop's time since. A step of the machine's
wall clock moves nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from bot.clock import boottime_s, monotonic_s, wall_now
from bot.model.primitives import Millis

SLEW: Final = 0.5
"""While it is ahead, the clock runs at this share of its speed."""
JUMP_MAX_MS: Final = 10_000.0
"""A larger difference is believed when a second look agrees: one garbled reply moves nothing."""
AGREEMENT_MS: Final = 2_000.0
SUSPENDED: Final = "suspended"
WALL_STEPPED: Final = "wall_stepped"
NOTICED_FROM_S: Final = 1.0
LOOK_PERIOD_S: Final = 1.0


class ExchangeClock:
    """A Clock on the running loop that follows the exchange's clock and never goes backwards."""

    def __init__(self, *, start_at: Millis, speed: float = 1.0) -> None:
        assert speed > 0, "a market second lasts a positive time"
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._zero_s = self._loop.time()
        self._base_ms = float(start_at)
        """The exchange's time at `_zero_s`, as far as we know."""
        self._lead_ms = 0.0
        """How far `now` was ahead of that at `_lead_s`; it melts away."""
        self._lead_s = self._zero_s
        self._doubted_ms: float | None = None
        self._observed_s: float | None = None

    @property
    def speed(self) -> float:
        """Market seconds per second of the loop."""
        return self._speed

    @property
    def is_synced(self) -> bool:
        """The exchange has been asked at least once."""
        return self._observed_s is not None

    @property
    def observed_ago_s(self) -> float | None:
        """Loop seconds since the exchange's time was last seen; None before the first time."""
        return None if self._observed_s is None else self._loop.time() - self._observed_s

    def now(self) -> Millis:
        """The market instant."""
        at_s = self._loop.time()
        return Millis(int(self._exchange_ms(at_s) + self._lead_at(at_s) + 1e-3))

    def exchange_now(self) -> Millis:
        """What the exchange's clock shows, as far as we know: for signatures.

        It differs from `now` only while `now` waits for the exchange's clock to catch up.
        """
        return Millis(int(self._exchange_ms(self._loop.time()) + 1e-3))

    def wall(self) -> Millis:
        """The machine's own UTC time."""
        return wall_now()

    async def sleep(self, seconds: float) -> None:
        """Wait for that many market seconds."""
        await asyncio.sleep(max(seconds, 0.0) / self._speed)

    def observe(self, server_at: Millis, *, sent_s: float, got_s: float) -> int:
        """Take in what a time request has told; `sent_s` and `got_s` are the loop's seconds.

        The exchange read its clock somewhere between the two: what lies within half of the round
        trip is no difference, and of a larger one only the rest is corrected. The first look
        sets the clock outright, backwards too: nothing rests on it yet.

        Gives exchange minus ours, in ms, as seen before the correction.
        """
        middle_s = (sent_s + got_s) / 2.0
        difference_ms = server_at - self._exchange_ms(middle_s)
        if self._observed_s is None:
            self._base_ms += difference_ms
            self._lead_ms = 0.0
        elif self._is_believed(difference_ms):
            doubt_ms = (got_s - sent_s) / 2.0 * 1000.0 * self._speed
            excess_ms = max(abs(difference_ms) - doubt_ms, 0.0)
            self._move(excess_ms if difference_ms > 0 else -excess_ms)
        self._observed_s = got_s
        return round(difference_ms)

    def skip_ahead(self, ms: int) -> None:
        """The loop's time stood still for so long, as it does while the machine is suspended."""
        assert ms >= 0, "time never goes backwards"
        self._base_ms += ms

    def _exchange_ms(self, at_s: float) -> float:
        return self._base_ms + (at_s - self._zero_s) * 1000.0 * self._speed

    def _lead_at(self, at_s: float) -> float:
        melted_ms = (at_s - self._lead_s) * 1000.0 * self._speed * (1.0 - SLEW)
        return max(self._lead_ms - melted_ms, 0.0)

    def _move(self, by_ms: float) -> None:
        """Correct the exchange's time; `now` goes ahead with it, and back only by running slow."""
        at_s = self._loop.time()
        self._lead_ms = max(self._lead_at(at_s) - by_ms, 0.0)
        self._lead_s = at_s
        self._base_ms += by_ms

    def _is_believed(self, difference_ms: float) -> bool:
        if abs(difference_ms) <= JUMP_MAX_MS * self._speed:
            self._doubted_ms = None
            return True
        before_ms, self._doubted_ms = self._doubted_ms, difference_ms
        if before_ms is None or abs(before_ms - difference_ms) > AGREEMENT_MS * self._speed:
            return False
        self._doubted_ms = None
        return True


class Readings(NamedTuple):
    """The machine's clocks at one instant."""

    boottime_s: float
    """Counts while the machine is suspended."""
    monotonic_s: float
    """Stands still then, and the event loop with it."""
    wall_at: Millis
    """May be set by anybody."""


def machine_readings() -> Readings:
    """All three now."""
    return Readings(boottime_s(), monotonic_s(), wall_now())


def judge(before: Readings, after: Readings) -> dict[str, int]:
    """What has happened between two readings: ms suspended, ms that the wall clock was set by.

    Steps below a second are none: NTP slews by 0.5 ms a second at most.
    """
    passed_s = after.boottime_s - before.boottime_s
    suspended_s = passed_s - (after.monotonic_s - before.monotonic_s)
    stepped_s = (after.wall_at - before.wall_at) / 1000.0 - passed_s
    found = {}
    if suspended_s >= NOTICED_FROM_S:
        found[SUSPENDED] = round(suspended_s * 1000.0)
    if abs(stepped_s) >= NOTICED_FROM_S:
        found[WALL_STEPPED] = round(stepped_s * 1000.0)
    return found


class Sentinel:
    """Compares the machine's clocks each second, and tells what no timer notices."""

    def __init__(
        self, clock: ExchangeClock, *, read: Callable[[], Readings] = machine_readings
    ) -> None:
        self._clock = clock
        self._read = read

    async def run(self, report: Callable[[str, int], None]) -> None:
        """Watch until canceled; `report(SUSPENDED | WALL_STEPPED, ms)`.

        After a suspend market time has gone ahead before it is reported. A faster clock follows
        an emulator on this machine, which has slept as well: it is left alone.
        """
        before = self._read()
        while True:
            await self._clock.sleep(LOOK_PERIOD_S * self._clock.speed)
            after = self._read()
            for what, ms in judge(before, after).items():
                if what == SUSPENDED and self._clock.speed == 1.0:
                    self._clock.skip_ahead(ms)
                report(what, ms)
            before = after
