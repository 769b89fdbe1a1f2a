"""The embedded market as a market: second by second, kept across restarts.

The world itself is handed in. Here it is paced by the clock, told as events, and saved now and
then, so that after a kill it is simulated again from the last checkpoint to where the ledger ends
and goes on with the very prices it would have had.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from bot.errors import DataError
from bot.market import checkpoint
from bot.model.events import Event
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit, History

log = structlog.get_logger()

SECOND_MS: Final = 1_000
SYMBOL_SECONDS_MAX: Final = 300
"""Simulated without a pause at most: about 3 ms, so that nobody else waits for long."""
CHECKPOINT_EVERY_S: Final = 7_200
"""Market seconds between checkpoints: at most this much is simulated again after a kill."""

Report = Callable[[float, str], None]


class World(Protocol):
    """A market that can be built, stepped, told and kept; synchronous and deterministic."""

    @property
    def at(self) -> Millis:
        """The instant it has come to: a whole second."""
        ...

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The contracts in it."""
        ...

    def build(self) -> Iterator[float]:
        """Make it as it is at its start; yields the share that is done."""
        ...

    def step(self) -> None:
        """Let one second pass."""
        ...

    def events(self) -> list[Event]:
        """What the second just stepped looked like."""
        ...

    def past(self, symbol: Symbol) -> History:
        """What is known of a symbol up to `at`."""
        ...

    def dump(self) -> Iterator[bytes]:
        """All that is needed to go on from `at`, in parts that each take about a millisecond."""
        ...

    def restore(self, parts: Sequence[bytes]) -> None:
        """Go on from a dump; raises DataError when it is damaged or of another world."""
        ...


class SimulatedMarket:
    """The Market port over a World; endless."""

    def __init__(
        self, *, world: World, file: Path | None, checkpoint_every_s: int = CHECKPOINT_EVERY_S
    ) -> None:
        """`file` keeps the checkpoint; None: nothing is kept (rehearsals, tests)."""
        self._world = world
        self._file = file
        self._every_ms = checkpoint_every_s * SECOND_MS
        self._clock: Clock | None = None
        self._start_at = world.at
        self._saved_at = world.at
        self._saving: asyncio.Future[None] | None = None

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The contracts that are traded."""
        return self._world.instruments

    def keep_time(self, clock: Clock) -> None:
        """Play by this clock; it can only be made once `start_at` is known."""
        self._clock = clock

    async def prepare(self, resume_at: Millis | None, report: Report) -> None:
        """Build the market for a new ledger, or bring it to where the ledger ends.

        Without a usable checkpoint it is built and simulated anew from its start, which takes
        about a second for every two market days of one symbol, and the report says why.
        """
        if resume_at is None or not self._restore(report):
            for share in self._world.build():
                report(share, "history")
                await asyncio.sleep(0)
        await self._forward(resume_at or self._world.at, report)
        self._start_at = Millis(max(self._world.at, resume_at or 0))
        self._saved_at = self._world.at
        self._save()
        report(1.0, "history")

    def start_at(self) -> Millis:
        """Where the ledger ends, or the world's start."""
        return self._start_at

    def end_at(self) -> Millis | None:
        """Never: it is made as it goes on."""
        return None

    def history(self, symbol: Symbol) -> History:
        """What is known of a symbol up to the start."""
        return self._world.past(symbol)

    async def run(self, emit: Emit) -> None:
        """Emit every second when it is over; what is late is caught up with, nothing is dropped."""
        clock = self._clock
        assert clock is not None, "keep_time comes before run"
        chunk = self._chunk()
        try:
            while True:
                for _ in range(chunk):
                    if self._world.at + SECOND_MS > clock.now():
                        break
                    self._world.step()
                    for event in self._world.events():
                        emit(event)
                await self._save_in_background()
                due_ms = self._world.at + SECOND_MS - clock.now()
                await clock.sleep(max(due_ms, 0) / 1_000.0)
        finally:
            await self._finish()

    def _chunk(self) -> int:
        return max(1, SYMBOL_SECONDS_MAX // max(1, len(self._world.instruments)))

    def _restore(self, report: Report) -> bool:
        """Load the checkpoint; False, and a word about it, where there is none to be used."""
        if self._file is None:
            return False
        try:
            parts = checkpoint.read(self._file)
            if parts is None:
                report(0.0, f"no checkpoint at {self._file}: simulating again from the start")
                return False
            self._world.restore(parts)
        except DataError as error:
            log.warning("checkpoint.refused", reason=str(error))
            report(0.0, f"{error}: simulating again from the start")
            return False
        return True

    async def _forward(self, until: Millis, report: Report) -> None:
        """Simulate untold to the last whole second at or before `until`."""
        world, begin = self._world, self._world.at
        chunk = self._chunk()
        while world.at + SECOND_MS <= until:
            for _ in range(min(chunk, (until - world.at) // SECOND_MS)):
                world.step()
            report((world.at - begin) / (until - begin), "simulating up to where it stopped")
            await asyncio.sleep(0)

    async def _save_in_background(self) -> None:
        """Write a checkpoint when one is due and the last one is written."""
        if self._file is None or self._world.at - self._saved_at < self._every_ms:
            return
        if self._saving is not None:
            if not self._saving.done():
                return
            self._settle(self._saving)
        self._saved_at = self._world.at
        parts = []
        for part in self._world.dump():
            parts.append(part)
            await asyncio.sleep(0)  # The world stands still meanwhile, the bot does not.
        self._saving = asyncio.get_running_loop().run_in_executor(
            None, checkpoint.write, self._file, parts
        )

    async def _finish(self) -> None:
        """Keep where the world is; a disk that refuses costs a longer start, nothing else."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
            self._settle(self._saving)
            self._saving = None
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            try:
                checkpoint.write(self._file, list(self._world.dump()))
            except OSError as error:
                log.warning("checkpoint.failed", reason=str(error))

    def _settle(self, saving: "asyncio.Future[None]") -> None:
        error = saving.exception()
        if error is not None:
            log.warning("checkpoint.failed", reason=str(error))
