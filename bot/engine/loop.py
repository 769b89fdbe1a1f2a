"""The loop, whole: take an event, decide, record, act.

Nothing is handed to the venue before the transaction that holds it has been synced. Decisions
without commands may share a transaction with later ones, for at most `commit_delay_s`: losing
them to a kill sets the state back to an earlier truth, from which the world is read again.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import structlog

from bot.core.state import State
from bot.core.step import counted, next_due_at, step
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.errors import StoreError
from bot.model.events import Event, Ticked
from bot.model.facts import BracketChanged, Decision, FillBooked, OperationChanged, OrderChanged
from bot.ports import Clock, Store

BATCH_MAX = 256
"""Events taken at once; also the most that share one transaction."""

STORE_RETRY_S = 2.0
"""Until a batch that could not be written is tried again."""

_MONEY = frozenset({BracketChanged, FillBooked, OperationChanged, OrderChanged})

log = structlog.get_logger()

Entries: TypeAlias = Sequence[tuple[Event, Decision]]
Observer: TypeAlias = Callable[[Entries], None]
"""Told of every recorded batch, after it is on disk: the story on the terminal, the log."""


class Loop:
    """The one task that owns the state."""

    def __init__(
        self,
        *,
        state: State,
        inbox: Inbox,
        store: Store,
        hands: Hands,
        clock: Clock,
        observer: Observer,
        commit_delay_s: float = 0.2,
        tick_s: float = 1.0,
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._store = store
        self._hands = hands
        self._clock = clock
        self._observer = observer
        self._commit_delay_s = commit_delay_s
        self._tick_ms = int(tick_s * 1000)
        self._unrecorded: list[tuple[Event, Decision]] = []
        self._commit_by_s = math.inf
        """Loop time at which what waits unrecorded must be written."""
        self._has_money_waiting = False
        """An order, a fill, a bracket or the operating state is among what waits unrecorded."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self._is_waiting = False
        self.store_trouble = ""
        """Why nothing can be written at the moment, one sentence; nothing is decided meanwhile."""
        self.turns = 0
        """Batches decided: what the watchdog watches."""

    async def run(self) -> None:
        """Decide, record, act, until `stop`; then write what is left and return."""
        while not self._is_stopping:
            self._arm_timer()
            self._is_waiting = True
            batch = await self._inbox.take(BATCH_MAX)
            self._is_waiting = False
            for event in batch:
                await self._decide(event)
            if self._must_commit():
                await self.commit()
            self.turns += 1
        if self._timer is not None:
            self._timer.cancel()
        await self.commit()

    @property
    def is_idle(self) -> bool:
        """Nothing is being decided or written, and no money waits to be."""
        return self._is_waiting and not self._has_money_waiting

    def stop(self) -> None:
        """Let `run` return after the turn it is in."""
        self._is_stopping = True
        self._tick()

    async def commit(self) -> None:
        """Write what has been decided; then, and only then, let commands leave."""
        entries, self._unrecorded = self._unrecorded, []
        self._commit_by_s = math.inf
        self._has_money_waiting = False
        if not entries:
            return
        await self._record(entries)
        for _, decision in entries:
            for command in decision.commands:
                self._hands.submit(command)
        self._observer(entries)

    async def _record(self, entries: Entries) -> None:
        """Write a batch. While the disk is full or the file locked, nothing is decided or sent.

        Raises StoreError where only a new start can go on, and where a stop would wait for ever.
        """
        while True:
            try:
                await self._store.record(entries)
            except StoreError as error:
                if self._is_stopping or not (self._store.can_write and error.can_pass):
                    raise
                self._tell_trouble(f"{error.what} {error.remedy}")
            else:
                return self._tell_trouble("")
            self.turns += 1
            await asyncio.sleep(STORE_RETRY_S)

    def _tell_trouble(self, trouble: str) -> None:
        """Say once that it began, once when it changes, and once that it is over."""
        before, self.store_trouble = self.store_trouble, trouble
        if trouble and trouble != before:
            log.critical("store.failed", text=f"Nothing is decided: {trouble}")
        elif before and not trouble:
            log.info("store.recovered", text="The ledger can be written again.")

    async def _decide(self, event: Event) -> None:
        # The journal has no ticks that led to nothing, so what they made late must say it itself.
        event = counted(self._state, event)
        decision = step(self._state, event)
        if isinstance(event, Ticked) and decision.is_empty:
            return
        if not self._unrecorded:
            self._commit_by_s = asyncio.get_running_loop().time() + self._commit_delay_s
        self._unrecorded.append((event, decision))
        self._has_money_waiting = self._has_money_waiting or _touches_money(decision)
        if decision.commands:
            await self.commit()

    def _must_commit(self) -> bool:
        """Money is written at once; evidence may wait for company."""
        return (
            len(self._unrecorded) >= BATCH_MAX
            or asyncio.get_running_loop().time() >= self._commit_by_s
            or self._has_money_waiting
        )

    def _arm_timer(self) -> None:
        """See that a tick comes when the core or the unrecorded want one, or the pulse is due."""
        now = self._clock.now()
        due = next_due_at(self._state)
        wait_ms = self._tick_ms if due is None else min(max(due - now, 0), self._tick_ms)
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        by_s = min(loop.time() + wait_ms / 1000.0 / self._clock.speed, self._commit_by_s)
        self._timer = loop.call_at(by_s, self._tick)

    def _tick(self) -> None:
        self._inbox.put(Ticked(at=self._clock.now()))


def _touches_money(decision: Decision) -> bool:
    return any(type(fact) in _MONEY for fact in decision.facts)
