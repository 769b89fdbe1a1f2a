"""One lane a symbol: in order within it, side by side between them."""

import asyncio
import contextlib

import pytest

from bot.clock import LoopClock, run_virtual
from bot.engine.hands import Hands
from bot.model.commands import Command, QueryOrder
from bot.model.events import Event, OrderMissing
from bot.model.primitives import ClientOrderId, Millis, Symbol
from bot.ports import Emit

BTC, ETH = Symbol("BTC/USDT:USDT"), Symbol("ETH/USDT:USDT")


class SlowVenue:
    """Answers every query with "no such order" after a second, and notes when it began."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=Millis(0))
        self.begun: list[tuple[int, str]] = []

    async def start(self, emit: Emit) -> None:
        del emit

    async def execute(self, command: Command) -> Event:
        assert isinstance(command, QueryOrder)
        self.begun.append((self.clock.now(), command.client_id))
        if command.client_id == "bug":
            raise RuntimeError("a bug in the venue")
        await self.clock.sleep(1)
        return OrderMissing(
            at=self.clock.now(), client_id=command.client_id, asked_at=self.clock.now()
        )

    async def stop(self) -> None:
        return


def query(symbol: Symbol, name: str) -> QueryOrder:
    return QueryOrder(symbol=symbol, client_id=ClientOrderId(name))


def test_a_symbol_is_served_in_order_and_symbols_side_by_side() -> None:
    async def main() -> tuple[list[tuple[int, str]], list[Event]]:
        venue, answers = SlowVenue(), list[Event]()
        hands = Hands(venue=venue, emit=answers.append)
        task = asyncio.get_running_loop().create_task(hands.run())
        await hands.ready()
        for command in (query(BTC, "a"), query(BTC, "b"), query(ETH, "c")):
            hands.submit(command)
        await hands.drain()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return venue.begun, answers

    begun, answers = run_virtual(main())

    assert [(0, "a"), (0, "c"), (1000, "b")] == begun
    assert ["a", "c", "b"] == [e.client_id for e in answers if isinstance(e, OrderMissing)]


def test_a_bug_in_a_lane_ends_the_run_and_is_never_silent() -> None:
    async def main() -> None:
        hands = Hands(venue=SlowVenue(), emit=lambda _: None)
        async with asyncio.TaskGroup() as group:
            group.create_task(hands.run())
            await hands.ready()
            hands.submit(query(BTC, "bug"))

    with pytest.raises(ExceptionGroup):
        run_virtual(main())
