"""Who may ask the exchange next: budgets over a sliding span, lanes by importance, bans obeyed.

The last part of every budget is kept for protection, so that a stop can always be sent whatever
else has been asked. Bookkeeping is `Span`, a plain object; waiting is `Limiter`.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from bot.gateway.connection import Budget, Lane
from bot.model.primitives import Millis
from bot.ports import Clock

RECHECK_S: Final = 0.25
"""Longest wait between two looks of whoever is first in line."""


class NoRoomError(Exception):
    """There will be no room before the caller's deadline; nothing was taken."""

    def __init__(self, why: str, *, free_at: Millis) -> None:
        super().__init__(why)
        self.why = why
        self.free_at = free_at


class Spending(NamedTuple):
    """What was used at an instant."""

    at: Millis
    cost: int


class Span:
    """What has been used of one budget within its interval."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._spent: deque[Spending] = deque()
        self._total = 0

    def used(self, now: Millis) -> int:
        """How much of the budget the last interval has used."""
        if self._spent and self._spent[-1].at > now:  # the clock has been set by its first look
            self._spent = deque(Spending(min(row.at, now), row.cost) for row in self._spent)
        while self._spent and self._spent[0].at <= now - self.budget.interval_ms:
            self._total -= self._spent.popleft().cost
        return self._total

    def free_at(self, cost: int, share_max: float, now: Millis) -> Millis:
        """The first instant with room for `cost` within that share, if nobody else takes it.

        Raises:
            ValueError: the share is smaller than the cost.

        """
        room = int(self.budget.capacity * share_max + 1e-9)
        if cost > room:
            raise ValueError(f"a cost of {cost} never fits into {room} of {self.budget.name}")
        excess = self.used(now) + cost - room
        at = now
        for row in self._spent:
            if excess <= 0:
                break
            excess -= row.cost
            at = Millis(row.at + self.budget.interval_ms)
        return at

    def take(self, cost: int, now: Millis) -> None:
        """Use so much now."""
        if cost > 0:
            self._spent.append(Spending(now, cost))
            self._total += cost

    def learn(self, used: int, now: Millis) -> None:
        """The exchange has counted so much: others behind our address have used what we did not."""
        self.take(used - self.used(now), now)


class Waiter(NamedTuple):
    """One who waits in line; ordered by importance, then by arrival."""

    rank: int
    number: int
    wake: asyncio.Event


class Limiter:
    """Lets requests go one by one: the important first, none beyond its share of a budget."""

    def __init__(self, budgets: tuple[Budget, ...], *, clock: Clock) -> None:
        self._spans = {budget.name: Span(budget) for budget in budgets}
        self._clock = clock
        self._line: list[Waiter] = []
        self._count = 0
        self._blocked_until = Millis(0)
        self.blocked_why = ""
        """Why nothing may leave, or last might not."""

    @property
    def blocked_until(self) -> Millis | None:
        """Until when nothing may leave at all; None where nothing is held back."""
        return self._blocked_until if self._blocked_until > self._clock.now() else None

    @property
    def waiting(self) -> int:
        """How many wait in line."""
        return len(self._line)

    def used(self) -> dict[str, float]:
        """The share of each budget that is used."""
        now = self._clock.now()
        return {name: span.used(now) / span.budget.capacity for name, span in self._spans.items()}

    async def acquire(
        self, lane: Lane, costs: Mapping[str, int], *, until: Millis | None = None
    ) -> None:
        """Wait for room, and take it; does not yield where there is room at once.

        Raises:
            NoRoomError: `until` comes first, known as soon as it is certain; nothing was taken.
            ValueError: a budget that is not declared, or a cost that never fits.

        """
        unknown = costs.keys() - self._spans.keys()
        if unknown:
            raise ValueError(f"no budget is called {', '.join(sorted(unknown))}")
        self._count += 1
        waiter = Waiter(lane.rank, self._count, asyncio.Event())
        self._line.append(waiter)
        try:
            while (wait_ms := self._wait_ms(waiter, lane, costs, until)) is None or wait_ms > 0:
                await self._pause(waiter, wait_ms)
            now = self._clock.now()
            for name, cost in costs.items():
                self._spans[name].take(cost, now)
        finally:
            self._line.remove(waiter)
            if self._line:
                self._first().wake.set()

    def observe(self, used: Mapping[str, int]) -> None:
        """Take in what the exchange has counted, by budget; names that are not ours are none."""
        now = self._clock.now()
        for name, count in used.items():
            if name in self._spans:
                self._spans[name].learn(count, now)

    def penalize(self, until: Millis, why: str) -> None:
        """Let nothing leave before then; an earlier end than the present one changes nothing."""
        if until > self._blocked_until:
            self._blocked_until = until
            self.blocked_why = why

    def _first(self) -> Waiter:
        return min(self._line, key=lambda waiter: waiter[:2])

    def _wait_ms(
        self, waiter: Waiter, lane: Lane, costs: Mapping[str, int], until: Millis | None
    ) -> int | None:
        """How long yet: 0 is go, None until somebody else has gone."""
        now = self._clock.now()
        free_at = max(
            self._blocked_until,
            now,
            *(self._spans[name].free_at(cost, lane.share_max, now) for name, cost in costs.items()),
        )
        is_first = self._first() is waiter
        if until is not None and (free_at > until or (now > until and not is_first)):
            is_blocked = self._blocked_until > until
            why = self.blocked_why if is_blocked else "the request budget is used up"
            raise NoRoomError(why, free_at=Millis(max(free_at, now)))
        if is_first:
            return free_at - now
        return None if until is None else max(until - now, 1)

    async def _pause(self, waiter: Waiter, wait_ms: int | None) -> None:
        """Wait to be woken, for so long at most."""
        waiter.wake.clear()
        if wait_ms is None:
            await waiter.wake.wait()
            return
        wait_s = max(wait_ms, 1) / 1000.0
        if self._first() is waiter:
            wait_s = min(wait_s, RECHECK_S)
        try:
            async with asyncio.timeout(wait_s / self._clock.speed):
                await waiter.wake.wait()
        except TimeoutError:
            pass
