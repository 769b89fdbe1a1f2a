"""The hands: carry commands to the venue, one lane a symbol, lanes side by side.

Within a symbol commands go out one after the other, in the order they were decided. A write in
flight is shielded: stopping the bot waits for its outcome (bounded) and never cancels it.
"""

import asyncio

from bot.model.commands import Command
from bot.ports import Emit, Venue

LANE_MAX = 10_000
"""Commands one lane may hold; more means that the venue has stopped answering for hours."""


class Hands:
    """Executes commands and emits their answers; runs until canceled."""

    def __init__(self, *, venue: Venue, emit: Emit) -> None:
        self._venue = venue
        self._emit = emit
        self._lanes: dict[str, asyncio.Queue[Command]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._started = asyncio.Event()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Commands handed over whose answer has not come."""
        return self._in_flight

    async def run(self) -> None:
        """Serve the lanes until canceled; a bug in a lane ends the run."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._started.set()
            await asyncio.Event().wait()

    def submit(self, command: Command) -> None:
        """Queue one recorded command in its symbol's lane."""
        lane = self._lanes.get(command.symbol)
        if lane is None:
            assert self._group is not None, "commands come only while the hands run"
            lane = self._lanes[command.symbol] = asyncio.Queue(maxsize=LANE_MAX)
            self._group.create_task(self._serve(lane), name=f"lane {command.symbol or 'account'}")
        self._in_flight += 1
        self._idle.clear()
        lane.put_nowait(command)

    async def ready(self) -> None:
        """Wait until commands can be taken."""
        await self._started.wait()

    async def drain(self) -> None:
        """Wait until every command handed over has been answered."""
        await self._idle.wait()

    async def _serve(self, lane: "asyncio.Queue[Command]") -> None:
        while True:
            command = await lane.get()
            self._emit(await self._venue.execute(command))
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
