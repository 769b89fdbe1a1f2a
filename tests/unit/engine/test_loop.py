"""Decide, record, act: in this order, whatever the disk does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.clock import LoopClock, run_virtual
from bot.core.state import State
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import BATCH_MAX, STORE_RETRY_S, Entries, Loop
from bot.errors import StoreError
from bot.model.commands import Command, FetchAccount
from bot.model.events import AccountRead, Event, HeatmapRead, HoldAsked, PriceMoved, Started, Ticked
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.ports import Emit
from tests.fakes.answers import account
from tests.fakes.rows import T0, a_price, a_reading
from tests.fakes.views import BTC, INSTRUMENT

SETTINGS = CoreSettings(instance="test", symbols=(BTC,))


class EmptyVenue:
    """Has neither orders nor positions, and notes what it is asked and when."""

    def __init__(self, told: list[str], now: Callable[[], Millis]) -> None:
        self._told = told
        self._now = now

    async def start(self, emit: Emit) -> None:
        del emit

    async def execute(self, command: Command) -> AccountRead:
        assert isinstance(command, FetchAccount)
        self._told.append("asked the venue")
        return account(self._now())

    async def stop(self) -> None:
        return


class KeptStore:
    """Keeps what is recorded, batch by batch; refuses as long as `refusals` are left."""

    def __init__(self, told: list[str]) -> None:
        self._told = told
        self.batches: list[list[Event]] = []
        self.refusals = 0
        self.refusal = StoreError("The disk is full.", remedy="Free some space.")
        self.can_write = True

    def load(self) -> Snapshot:
        return Snapshot(at=T0)

    async def record(self, entries: Entries) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.refusal
        self._told.append(f"recorded {len(entries)}")
        self.batches.append([event for event, _ in entries])

    def close(self) -> None:
        return

    @property
    def kinds(self) -> list[type[Event]]:
        return [type(event) for batch in self.batches for event in batch]


class Running:
    """A loop that runs, between its inbox and its venue; `told` has what happened, in order."""

    def __init__(self, **delays: float) -> None:
        self.told: list[str] = []
        self.clock = LoopClock(start_at=T0)
        self.inbox = Inbox()
        self.store = KeptStore(self.told)
        self.seen: list[Entries] = []
        self.hands = Hands(venue=EmptyVenue(self.told, self.clock.now), emit=self.inbox.put)
        self.state = State(
            settings=SETTINGS, instruments={BTC: INSTRUMENT}, snapshot=Snapshot(at=T0)
        )
        self.loop = Loop(
            state=self.state,
            inbox=self.inbox,
            store=self.store,
            hands=self.hands,
            clock=self.clock,
            observer=self.seen.append,
            **delays,
        )

    async def until(self, at_s: float) -> None:
        """Wait until so many seconds after the start."""
        await asyncio.sleep(at_s - (self.clock.now() - T0) / 1000)


def run(act: Callable[[Running], Coroutine[Any, Any, None]], **delays: float) -> Running:
    """Let `act` work on a running loop, then stop it."""

    async def main() -> Running:
        running = Running(**delays)
        async with asyncio.TaskGroup() as group:
            moving = group.create_task(running.hands.run())
            await running.hands.ready()
            deciding = group.create_task(running.loop.run())
            await act(running)
            running.loop.stop()
            await deciding
            moving.cancel()
        return running

    return run_virtual(main())


def started() -> Started:
    return Started(at=T0, snapshot=Snapshot(at=T0), settings_digest="")


def test_a_command_leaves_only_after_its_decision_is_recorded() -> None:
    async def act(running: Running) -> None:
        running.inbox.put(started())
        await running.until(0.1)

    told = run(act).told

    assert ["recorded 1", "asked the venue"] == told[:2]


def test_the_observer_is_told_after_the_disk() -> None:
    """What a person reads has happened, even if the next moment is a power cut."""

    async def act(running: Running) -> None:
        running.store.refusals = 1
        running.inbox.put(HoldAsked(at=T0))
        await running.until(STORE_RETRY_S - 0.5)

        assert not running.seen

    seen = run(act).seen

    assert [HoldAsked] == [type(event) for event, _ in seen[0]]


def test_evidence_waits_for_company_and_then_shares_a_transaction() -> None:
    async def act(running: Running) -> None:
        running.inbox.put(a_price(T0))
        await running.until(0.1)
        running.inbox.put(a_reading(T0))
        await running.until(0.19)

        assert not running.store.batches

        await running.until(0.21)

        assert [[PriceMoved, HeatmapRead]] == [
            [type(event) for event in batch] for batch in running.store.batches
        ]

    run(act)


def test_a_full_batch_does_not_wait() -> None:
    async def act(running: Running) -> None:
        for number in range(BATCH_MAX):
            running.inbox.put(a_price(Millis(T0 + number)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await running.until(0.1)

    store = run(act, commit_delay_s=3600.0).store

    assert BATCH_MAX == len(store.batches[0])


def test_money_is_written_at_once_with_what_waited_before_it() -> None:
    async def act(running: Running) -> None:
        running.inbox.put(a_price(T0))
        await running.until(0.05)
        running.inbox.put(HoldAsked(at=T0))
        await running.until(0.06)

        assert [PriceMoved, HoldAsked] == running.store.kinds

    run(act)


def test_while_the_disk_is_full_nothing_is_decided_or_sent_and_then_it_goes_on() -> None:
    async def act(running: Running) -> None:
        running.store.refusals = 2
        running.inbox.put(started())
        await running.until(0.1)
        running.inbox.put(HoldAsked(at=T0))
        turns = running.loop.turns
        await running.until(STORE_RETRY_S + 0.1)

        assert not running.told
        assert not running.state.operation.holds[1:], "the second event has not been looked at"
        assert running.loop.turns > turns, "waiting for a disk is no hang: the watchdog is fed"
        assert running.loop.store_trouble

        await running.until(2 * STORE_RETRY_S + 0.1)

        assert [Started, HoldAsked] == running.store.kinds[:2]
        assert "asked the venue" in running.told
        assert not running.loop.store_trouble

    run(act)


def test_a_store_that_is_closed_ends_the_run() -> None:
    """After a disk error only a new start can know what is written."""

    async def act(running: Running) -> None:
        running.store.refusals, running.store.can_write = 1, False
        running.inbox.put(HoldAsked(at=T0))
        await running.until(60)

    with pytest.RaisesGroup(StoreError):
        run(act)


def test_a_row_that_exists_already_ends_the_run_instead_of_being_tried_for_ever() -> None:
    async def act(running: Running) -> None:
        running.store.refusals = 1
        running.store.refusal.can_pass = False
        running.inbox.put(HoldAsked(at=T0))
        await running.until(60)

    with pytest.RaisesGroup(StoreError):
        run(act)


def test_a_stop_does_not_wait_for_a_disk_that_stays_full() -> None:
    """Whoever presses Ctrl-C is answered; what was not recorded was not done."""
    asked_at: list[float] = []

    async def act(running: Running) -> None:
        running.store.refusals = 10_000
        running.inbox.put(HoldAsked(at=T0))
        await running.until(30)
        asked_at.append(asyncio.get_running_loop().time())
        running.loop.stop()
        await running.until(60)

    with pytest.RaisesGroup(StoreError):
        run(act)
    assert [30] == asked_at


def test_time_is_told_once_a_second_and_a_tick_that_does_nothing_leaves_no_trace() -> None:
    async def act(running: Running) -> None:
        turns = running.loop.turns
        await running.until(10.5)

        assert 10 <= running.loop.turns - turns <= 12

    assert Ticked not in run(act).store.kinds


def test_a_timer_of_the_core_is_not_kept_waiting_for_the_pulse() -> None:
    """A stop that is overdue must not wait for the next whole second."""

    async def act(running: Running) -> None:
        running.inbox.put(started())
        await running.until(0.1)

        assert running.state.last_snapshot_at is not None

        await running.until(70)

    kinds = run(act, tick_s=3600.0).told

    assert 2 <= kinds.count("asked the venue"), "an idle account is read once a minute"


def test_stopping_writes_what_is_left() -> None:
    async def act(running: Running) -> None:
        running.inbox.put(a_price(T0))
        await running.until(0.05)

    store = run(act, commit_delay_s=3600.0).store

    assert [PriceMoved] == store.kinds


def test_a_loop_with_money_unwritten_is_not_idle() -> None:
    async def act(running: Running) -> None:
        await running.until(0.1)

        assert running.loop.is_idle

        running.store.refusals = 1
        running.inbox.put(HoldAsked(at=T0))
        await running.until(1.0)

        assert not running.loop.is_idle

    run(act)


def test_an_event_that_a_silent_tick_made_late_is_recorded_at_the_time_it_counted_for() -> None:
    """The journal leaves such ticks out, so a replay could not know of them."""

    async def act(running: Running) -> None:
        running.inbox.put(Ticked(at=Millis(T0 + 1_764)))
        await running.until(0.01)
        running.inbox.put(a_price(Millis(T0 + 1_000)))
        await running.until(0.02)

    [batch] = run(act).store.batches

    assert [(PriceMoved, T0 + 1_764)] == [(type(event), event.at) for event in batch]
