"""What the loop records is what it decided on."""

import asyncio

from bot.clock import LoopClock, run_virtual
from bot.core.state import State
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import Entries, Loop
from bot.model.commands import Command
from bot.model.events import AccountRead, Event, PriceMoved, Ticked
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.ports import Emit
from tests.fakes.rows import T0, a_price
from tests.fakes.views import BTC, INSTRUMENT

SETTINGS = CoreSettings(instance="test", symbols=(BTC,))


class IdleVenue:
    """Is asked for nothing here."""

    async def start(self, emit: Emit) -> None:
        del emit

    async def execute(self, command: Command) -> AccountRead:
        raise AssertionError(command)

    async def stop(self) -> None:
        return


class KeptStore:
    """Keeps what is recorded in a list."""

    can_write = True

    def __init__(self) -> None:
        self.entries: list[Event] = []

    def load(self) -> Snapshot:
        return Snapshot(at=T0)

    async def record(self, entries: Entries) -> None:
        self.entries += [event for event, _ in entries]

    def close(self) -> None:
        return


def test_an_event_that_a_silent_tick_made_late_is_recorded_at_the_time_it_counted_for() -> None:
    """The journal leaves such ticks out, so a replay could not know of them."""
    store = KeptStore()

    async def main() -> None:
        clock, inbox = LoopClock(start_at=T0), Inbox()
        hands = Hands(venue=IdleVenue(), emit=inbox.put)
        state = State(settings=SETTINGS, instruments={BTC: INSTRUMENT}, snapshot=Snapshot(at=T0))
        loop = Loop(
            state=state, inbox=inbox, store=store, hands=hands, clock=clock, observer=lambda _: None
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(loop.run())
            inbox.put(Ticked(at=Millis(T0 + 1_764)))
            await asyncio.sleep(0.01)
            inbox.put(a_price(Millis(T0 + 1_000)))
            await asyncio.sleep(0.01)
            loop.stop()
            await running

    run_virtual(main())

    assert [PriceMoved] == [type(event) for event in store.entries]
    assert [T0 + 1_764] == [event.at for event in store.entries]
