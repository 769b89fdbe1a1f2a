"""The hands: carry commands to the venue, in lanes, lanes side by side.

A symbol has two lanes: one for what changes something, one for questions. Within a lane commands
go out one after the other, in the order they were decided; but none waits longer than
LANE_PATIENCE_S for the one before it, so that a stop is not held up by a request that nobody
answers. A write in flight is the venue's to shield: stopping the bot waits for its outcome
(bounded) and never cancels it.
"""

import asyncio
from typing import TypeAlias

from bot.model.commands import Command, FetchAccount, QueryOrder
from bot.ports import Emit, Venue

LANE_MAX = 10_000
"""Commands one lane may hold; more means that the venue has stopped answering for hours."""
LANE_PATIENCE_S = 1.5
"""Market seconds that a command waits at most for the answer to the one before it in its lane."""

_Lane: TypeAlias = "asyncio.Queue[Command]"


class Hands:
    """Executes commands and emits their answers; runs until canceled."""

    def __init__(self, *, venue: Venue, emit: Emit, speed: float = 1.0) -> None:
        """`speed`: market seconds per second of the loop, as the clock has it."""
        self._venue = venue
        self._emit = emit
        self._patience_s = LANE_PATIENCE_S / speed
        self._lanes: dict[tuple[str, bool], _Lane] = {}
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
        """Queue one recorded command in its lane."""
        group = self._group
        assert group is not None, "commands come only while the hands run"
        is_question = isinstance(command, QueryOrder | FetchAccount)
        key = (command.symbol, is_question)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = asyncio.Queue(maxsize=LANE_MAX)
            kind = "questions" if is_question else "writes"
            name = f"{kind} on {command.symbol or 'the account'}"
            group.create_task(self._serve(group, lane), name=name)
        self._in_flight += 1
        self._idle.clear()
        lane.put_nowait(command)

    async def ready(self) -> None:
        """Wait until commands can be taken."""
        await self._started.wait()

    async def drain(self) -> None:
        """Wait until every command handed over has been answered."""
        await self._idle.wait()

    async def _serve(self, group: asyncio.TaskGroup, lane: _Lane) -> None:
        while True:
            command = await lane.get()
            task = group.create_task(self._carry_out(command))
            await asyncio.wait((task,), timeout=self._patience_s)

    async def _carry_out(self, command: Command) -> None:
        self._emit(await self._venue.execute(command))
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()
