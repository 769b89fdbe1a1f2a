"""When the next poll is due: a grid that does not drift, and pauses while a host is in trouble."""

from collections.abc import Callable
from typing import Final, TypeAlias

from bot.model.primitives import Millis
from bot.model.wiring import ProviderLimits

Uniform: TypeAlias = Callable[[float, float], float]
"""Draws between two bounds, as `random.Random.uniform` does."""

_LIMITS: Final = ProviderLimits()


class Schedule:
    """The polls of one symbol: a slot every period from `first_at`, whatever a poll takes.

    A slot that passed while a poll was under way is skipped, never made up for.
    """

    __slots__ = ("_failures", "_first_at", "_period_ms", "_uniform", "due_at")

    def __init__(self, first_at: Millis, period_s: float, uniform: Uniform) -> None:
        self._first_at = first_at
        self._period_ms = round(period_s * 1000)
        self._uniform = uniform
        self._failures = 0
        self.due_at = first_at
        """The instant of the next poll."""

    def went_well(self, now: Millis) -> None:
        """Move on after an answer, good or bad, that gives no reason to ask less."""
        self._failures = 0
        self.due_at = self._slot_after(now)

    def went_wrong(self, now: Millis) -> None:
        """Move on after trouble at the host: from the third time in a row, wait longer."""
        self._failures += 1
        self.due_at = self._slot_after(now)
        excess = self._failures - _LIMITS.back_off_from_failure
        if excess >= 0:
            longest_ms = _LIMITS.back_off_max_s * 1000.0
            wait_ms = min(self._period_ms * 2.0 ** min(excess + 1, 10), longest_ms)
            wait_ms *= self._uniform(0.5, 1.0)
            self.due_at = Millis(max(now + round(wait_ms), self.due_at))

    def was_put_off(self, now: Millis, wait_s: float) -> None:
        """Move on to the first slot after the time for which the host wants to be left alone."""
        self.due_at = self._slot_after(Millis(now + round(wait_s * 1000)))

    def _slot_after(self, at: Millis) -> Millis:
        """Return the first slot after `at` and after the one that was due: timers can be early."""
        slots = (max(at, self.due_at) - self._first_at) // self._period_ms + 1
        return Millis(self._first_at + slots * self._period_ms)
