"""The provider gate: how well the provider's levels stand still.

  A  share of reported clusters still reported (same side, within 10 bps) 60 s later;
  F  the same after scaling levels by the provider's price: F > A, levels ride on the price.
Clusters that the price crossed meanwhile do not count. Pooled over symbols, over a rolling hour.
From 200 samples on: open from A >= 0.8, closed below 0.7; floating below 0.7, back from 0.8.
Before that, and in the first hour, the verdict is the loaded one, and a new provider is closed:
paper only.

A verdict is kept over restarts by starting the window with a share of the old samples: enough to
hold it, few enough to give way. Where polls are farther apart than 5 s, the sample is the first
reading at or after 60 s within one period.
"""

from bisect import bisect_left
from collections import deque
from typing import Final

import msgspec

from bot.core.tracker.changes import Sample
from bot.model.cluster import ProviderGate
from bot.model.primitives import Millis, Symbol
from bot.model.settings import CoreSettings

WINDOW_MS: Final = 3_600_000
SLOT_MS: Final = 60_000
"""The rolling hour moves in steps of a minute."""
SAME_WITHIN: Final = 10.0 / 1e4
SAMPLE_SLACK_MS: Final = 2_500
PERIOD_SHORT_S: Final = 5.0
WAITING_MAX: Final = 128
"""Readings of one symbol that wait for their minute to pass."""
REPORT_AFTER_MS: Final = 60_000
"""The figures are told at most once in this time, a switch at once."""


class _Slot:
    """The counts of one minute."""

    __slots__ = ("at", "samples", "scaled", "still")

    def __init__(self, at: int, samples: int = 0, still: int = 0, scaled: int = 0) -> None:
        self.at = at
        self.samples = samples
        self.still = still
        self.scaled = scaled


class _Waiting:
    """A reading that waits to be compared, with the range of the price since."""

    __slots__ = ("high", "low", "sample")

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.high = 0.0
        self.low = float("inf")

    def widen(self, sample: Sample) -> None:
        self.high = max(self.high, sample.high)
        self.low = min(self.low, sample.low)


class Gate:
    """The stability of one provider, pooled over its symbols; `gate` is what was last told."""

    __slots__ = ("_due_ms", "_late_ms", "_settings", "_slots", "_told_at", "_waiting", "gate")

    def __init__(self, *, settings: CoreSettings, gate: ProviderGate) -> None:
        self._settings = settings.tracker
        after_ms = int(settings.tracker.gate_sample_after_s * 1000)
        is_slow = settings.poll_period_s > PERIOD_SHORT_S
        self._due_ms = after_ms - SAMPLE_SLACK_MS
        self._late_ms = after_ms + (
            int(settings.poll_period_s * 1000) if is_slow else SAMPLE_SLACK_MS
        )
        self._waiting: dict[Symbol, deque[_Waiting]] = {}
        self._slots: deque[_Slot] = deque()
        self._told_at: Millis | None = None
        self.gate = gate

    def observe(self, symbol: Symbol, at: Millis, sample: Sample) -> ProviderGate | None:
        """Take a good reading in; the gate as it is now if it is to be told, else None."""
        is_first = self._told_at is None
        self._roll(at)
        waiting = self._waiting.setdefault(symbol, deque(maxlen=WAITING_MAX))
        if waiting and at < waiting[-1].sample.at:
            waiting.clear()  # The clock was set back: ages mean nothing.
        for one in waiting:
            one.widen(sample)
        while waiting and at - waiting[0].sample.at >= self._due_ms:
            one = waiting.popleft()
            if at - one.sample.at <= self._late_ms:
                self._count(one, sample)
        waiting.append(_Waiting(sample))
        told = self._tell(at)
        return self.gate if is_first else told

    def _count(self, one: _Waiting, now: Sample) -> None:
        slot = self._slots[-1]
        scale = now.price / one.sample.price
        for before, after, is_long in (
            (one.sample.longs, now.longs, True),
            (one.sample.shorts, now.shorts, False),
        ):
            for level in before:
                if (level >= one.low) if is_long else (level <= one.high):
                    continue
                slot.samples += 1
                slot.still += _is_reported(level, after)
                slot.scaled += _is_reported(level * scale, after)

    def _roll(self, at: Millis) -> None:
        """Open the slot of this minute and let go of those that are over an hour old."""
        start = at - at % SLOT_MS
        slots = self._slots
        if self._told_at is None:
            slots.append(self._inherited(start))
            self._told_at = at
            if self.gate.first_at is None:
                self.gate = msgspec.structs.replace(self.gate, first_at=at)
        if slots[-1].at != start:
            slots.append(_Slot(start))
        # A clock that was set back leaves slots from the future: they go as well.
        while abs(start - slots[0].at) >= WINDOW_MS:
            slots.popleft()

    def _inherited(self, start: int) -> _Slot:
        gate = self.gate
        samples = min(gate.samples, self._settings.gate_samples_min)
        return _Slot(
            start,
            samples,
            round(samples * (gate.stability or 0.0)),
            round(samples * (gate.scaled_stability or 0.0)),
        )

    def _tell(self, at: Millis) -> ProviderGate | None:
        settings, old = self._settings, self.gate
        samples = sum(slot.samples for slot in self._slots)
        if samples == 0:
            return None
        stability = sum(slot.still for slot in self._slots) / samples
        is_open, is_floating = old.is_open, old.is_floating
        if samples >= settings.gate_samples_min:
            is_steady = stability >= settings.gate_enter
            is_shaky = stability < settings.gate_leave
            is_past_first_hour = old.first_at is not None and at - old.first_at >= WINDOW_MS
            is_open = (is_open or (is_steady and is_past_first_hour)) and not is_shaky
            is_floating = (is_floating or is_shaky) and not is_steady
        is_switch = (is_open, is_floating) != (old.is_open, old.is_floating)
        told_at = at if self._told_at is None else self._told_at
        if not is_switch and old.samples and 0 <= at - told_at < REPORT_AFTER_MS:
            return None
        self._told_at = at
        self.gate = ProviderGate(
            samples=samples,
            stability=stability,
            scaled_stability=sum(slot.scaled for slot in self._slots) / samples,
            is_open=is_open,
            is_floating=is_floating,
            first_at=old.first_at,
        )
        return self.gate


def _is_reported(level: float, levels: tuple[float, ...]) -> bool:
    """A level of the ascending `levels` lies within 10 bps."""
    i = bisect_left(levels, level * (1 - SAME_WITHIN))
    return i < len(levels) and levels[i] <= level * (1 + SAME_WITHIN)
