"""The hands: carry commands to the venue, in lanes, lanes side by side.

A symbol has two lanes: one for what changes something, one for questions. Within a lane commands
go out one after the other, in the order they were decided; but none waits longer than
LANE_PATIENCE_S for the one before it, so that a stop is not held up by a request that nobody
answers. A write in flight is the venue's to shield: stopping the bot waits for its outcome
(bounded) and never cancels it.
"""

import asyncio
import contextlib

from bot.model.commands import Command, FetchAccount, QueryOrder
from bot.ports import Emit, Venue

IN_FLIGHT_MAX = 10_000
"""Commands without an answer; more means that the venue has stopped answering for hours."""
LANE_PATIENCE_S = 1.5
"""Market seconds that a command waits at most, once the one before it in its lane has left."""


class _Turn:
    """One command's turn in its lane."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.left_s = 0.0
        """The loop's time then."""
        self.answered = asyncio.Event()


class Hands:
    """Executes commands and emits their answers; runs until canceled."""

    def __init__(self, *, venue: Venue, emit: Emit, speed: float = 1.0) -> None:
        """`speed`: market seconds per second of the loop, as the clock has it."""
        self._venue = venue
        self._emit = emit
        self._patience_s = LANE_PATIENCE_S / speed
        self._last: dict[tuple[str, bool], _Turn] = {}
        """The newest turn of each lane."""
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
        """Give one recorded command its turn in its lane."""
        assert self._group is not None, "commands come only while the hands run"
        assert self._in_flight < IN_FLIGHT_MAX, "the venue has stopped answering"
        lane = command.symbol, isinstance(command, QueryOrder | FetchAccount)
        before, turn = self._last.get(lane), _Turn()
        self._last[lane] = turn
        self._in_flight += 1
        self._idle.clear()
        self._group.create_task(self._carry_out(command, turn, before))

    async def ready(self) -> None:
        """Wait until commands can be taken."""
        await self._started.wait()

    async def drain(self) -> None:
        """Wait until every command handed over has been answered."""
        await self._idle.wait()

    async def _carry_out(self, command: Command, turn: _Turn, before: _Turn | None) -> None:
        if before is not None and not before.answered.is_set():
            await before.left.wait()
            # Nobody may ever answer that one, and this may be a stop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(before.left_s + self._patience_s):
                    await before.answered.wait()
        turn.left_s = asyncio.get_running_loop().time()
        turn.left.set()
        self._emit(await self._venue.execute(command))
        turn.answered.set()
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()
