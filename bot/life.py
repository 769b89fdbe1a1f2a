"""The life of a run: tasks start in order, watch each other, and stop in order.

Feeds stop first, unfilled entries are canceled, answers in flight are waited for (bounded), then
the ledger is written. Positions keep their stops at the venue.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from msgspec.structs import replace

from bot.config import Config, load
from bot.core import manager
from bot.core.state import State
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import Entries, Loop
from bot.engine.supervisor import keep_running
from bot.errors import ConfigError
from bot.model.account import HoldCause
from bot.model.events import Event, HeatmapRead, SettingsChanged, StopAsked, TroubleSeen
from bot.model.primitives import Millis
from bot.narrator import Narrator
from bot.ops import control
from bot.ops.answers import Answers
from bot.ops.status import headline
from bot.ops.systemd import Notifier
from bot.ports import Clock, Feed
from bot.request import Request, Ui
from bot.sources import PlayedMarket, WatchingVenue, save_engine
from bot.store.history import History as PollHistory
from bot.store.housekeeping import Housekeeper
from bot.store.recorder import Ledger

if TYPE_CHECKING:
    from bot.link import Link

STOP_WAIT_S = 10.0
"""The longest a stop waits for answers in flight."""
LINGER_S = 5.0
"""Until a task that was canceled and goes on is canceled again."""
HOUSEKEEPING_S = 60.0
PULSE_S = 5.0
"""Between two looks at whether the loop goes on, and at the caches."""
CACHE_S = 300.0
DRAIN_LOOK_S = 0.01
PROGRESS_S = 3600.0
"""Of the market, between two words on how far a recording has been played flat out."""

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

log = structlog.get_logger()


class Parts:
    """All parts of one run."""

    def __init__(  # noqa: PLR0913  (the parts are what they are)
        self,
        *,
        ledger: Ledger,
        market: PlayedMarket,
        clock: Clock,
        engine: Any,
        state: State,
        inbox: Inbox,
        venue: WatchingVenue,
        hands: Hands,
        feed: Feed,
        polls: PollHistory | None,
        narrator: Narrator,
        link: "Link | None" = None,
    ) -> None:
        self.ledger = ledger
        self.market = market
        self.clock = clock
        self.engine = engine
        self.state = state
        self.inbox = inbox
        self.venue = venue
        self.hands = hands
        self.feed = feed
        self.polls = polls
        """Keeps accepted polls; None where that is not wanted."""
        self.narrator = narrator
        self.link = link
        """The line to an exchange; None where nothing leaves this machine."""
        self.notifier = Notifier({})
        self.loop: Loop
        self.on_recorded: Callable[[], None] = lambda: None

    def recorded(self, entries: Entries) -> None:
        """A batch is on disk: tell it, and see whether anything follows from it."""
        self.narrator.tell(entries)
        self.on_recorded()

    def market_emits(self, event: Event) -> None:
        """Hand a market event round: the venue and the engine see it before the core does."""
        self.venue.on_market(event)
        if self.engine is not None:
            self.engine.on_market(event)
        self.inbox.put(event)
        follow = getattr(self.feed, "on_market", None)
        if follow is not None:
            follow(event)

    def feed_emits(self, event: Event) -> None:
        """Keep an accepted poll, and hand it on."""
        if self.polls is not None and isinstance(event, HeatmapRead):
            self.polls.keep(event)
        self.inbox.put(event)

    def trouble(self, cause: HoldCause, detail: str, *, is_over: bool = False) -> None:
        """Let the operating state answer trouble, or its end."""
        event = TroubleSeen(at=self.clock.now(), cause=cause, detail=detail, is_over=is_over)
        self.inbox.put(event)


def socket_path(data_dir: Path) -> Path:
    """$RUNTIME_DIRECTORY of a service, else the data directory."""
    runtime = os.environ.get("RUNTIME_DIRECTORY")
    return (Path(runtime.split(":")[0]) if runtime else data_dir) / "control.sock"


class Life:
    """Moves the parts of one run from start to stop."""

    def __init__(self, request: Request, ui: Ui, parts: Parts, *, is_flat_out: bool) -> None:
        self._request = request
        self._ui = ui
        self._parts = parts
        self._is_flat_out = is_flat_out
        self._stop = asyncio.Event()
        self._why = ""
        self._is_ready = False
        self._last_headline = ""

    async def live(self) -> None:
        """Start everything in order, wait for the end, stop everything in order."""
        parts = self._parts
        parts.on_recorded = self._look
        await parts.venue.start(parts.inbox.put)
        with self._signals():
            async with asyncio.TaskGroup() as group, self._doors():
                moving = group.create_task(parts.hands.run(), name="hands")
                await parts.hands.ready()
                deciding = group.create_task(parts.loop.run(), name="loop")
                reading = [
                    group.create_task(work(), name=name) for name, work in self._work().items()
                ]
                await self._stop.wait()
                self._ui.stopping(self._why)
                parts.notifier.stopping()
                for task in reading:
                    task.cancel()
                await self._drain()
                parts.loop.stop()
                await deciding
                moving.cancel()
                await see_end([*reading, moving])
        await parts.venue.stop()
        if parts.polls is not None:
            await parts.polls.flush()
            parts.polls.close()
        self._save_caches()
        self._ui.stopped(parts.state)

    def stop(self, why: str) -> None:
        """Begin the stop; the first reason is the one that is told."""
        self._why = self._why or why
        self._stop.set()

    # --- what moves

    def _work(self) -> dict[str, Work]:
        parts = self._parts
        work: dict[str, Work] = {
            "market": self._play,
            "venue": parts.venue.run,
            "heatmap": self._supervised("heatmap", lambda: parts.feed.run(parts.feed_emits)),
        }
        if (link := parts.link) is not None:
            work["clocks"] = lambda: link.watch_clocks(parts.inbox.put)
        polls = parts.polls
        if polls is not None:
            work["history"] = self._supervised("history", lambda: polls.run(parts.clock))
        if not self._is_flat_out:
            work["pulse"] = self._pulse
            work["housekeeping"] = self._supervised("housekeeping", self._keep_house)
        elif (end_at := parts.market.end_at()) is not None:
            work["progress"] = lambda: self._show_progress(parts.clock.now(), end_at)
        if self._request.duration_s is not None:
            work["duration"] = self._wait_for_end
        return work

    def _supervised(self, name: str, work: Work) -> Work:
        parts = self._parts
        return lambda: keep_running(name, work, emit=parts.inbox.put, clock=parts.clock)

    async def _play(self) -> None:
        """A market that ends, ends the run; one that fails is a bug or a disk, and ends it too."""
        await self._parts.market.run(self._parts.market_emits)
        self.stop("the recording has ended")

    async def _wait_for_end(self) -> None:
        assert self._request.duration_s is not None, "asked for"
        await asyncio.sleep(self._request.duration_s)
        self.stop(f"{self._request.duration_s:g} s are over")

    async def _show_progress(self, start_at: Millis, end_at: Millis) -> None:
        """Say how far a recording has been played; whoever draws it bounds how often."""
        clock = self._parts.clock
        while True:
            await clock.sleep(PROGRESS_S)
            share = (clock.now() - start_at) / max(end_at - start_at, 1)
            self._ui.progress(min(share, 1.0), "playing the recording")

    async def _pulse(self) -> None:
        """Tell the watchdog of real progress, and save what only costs time to make again."""
        parts, turns, saved_s = self._parts, -1, 0.0
        every_s = min(PULSE_S, (parts.notifier.watchdog_s or 3 * PULSE_S) / 3)
        while True:
            if parts.loop.turns != turns:
                turns = parts.loop.turns
                parts.notifier.alive()
            saved_s += every_s
            if saved_s >= CACHE_S:
                saved_s = 0.0
                self._save_caches()
            await asyncio.sleep(every_s)

    async def _keep_house(self) -> None:
        parts = self._parts
        keeper = Housekeeper(
            parts.ledger,
            self._request.config.store,
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        was_trouble = False
        try:
            while True:
                await asyncio.sleep(HOUSEKEEPING_S)
                trouble = await keeper.tend(at=parts.clock.now(), wall=parts.clock.wall())
                if trouble or was_trouble:
                    parts.trouble(HoldCause.STORE_TROUBLE, trouble, is_over=not trouble)
                was_trouble = bool(trouble)
        finally:
            keeper.close()

    # --- doors, signals, the end

    @contextlib.asynccontextmanager
    async def _doors(self) -> AsyncIterator[None]:
        """The heatmap's routes and the control socket; not in virtual time."""
        if self._is_flat_out:
            yield
            return
        parts, config = self._parts, self._request.config
        answers = Answers(
            parts.state,
            parts.clock,
            parts.inbox.put,
            account=parts.ledger.meta.account_id,
            trouble=lambda: parts.loop.store_trouble,
        )
        async with contextlib.AsyncExitStack() as stack:
            if parts.engine is not None and config.heatmap.serve:
                await stack.enter_async_context(serving(parts, config))
            path = socket_path(self._request.data_dir)
            if len(str(path)) > control.PATH_MAX:
                log.warning("control.refused", text=f"no control socket: {path} is too long")
            else:
                await stack.enter_async_context(control.listening(path, answers.answer))
            yield

    @contextlib.contextmanager
    def _signals(self) -> Any:
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: lambda: self.stop("SIGTERM"),
            signal.SIGINT: lambda: self.stop("Ctrl-C"),
            signal.SIGHUP: self._reload,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _reload(self) -> None:
        """SIGHUP: take over strategies and risk; a file with a mistake changes nothing."""
        parts = self._parts
        try:
            config = load(self._request.config_path)
        except ConfigError as error:
            log.error("config.refused", text=f"the old configuration stays: {error}")  # noqa: TRY400
            return
        fresh = config.core(instance=parts.state.settings.instance)
        settings = replace(
            parts.state.settings,
            strategies=fresh.strategies,
            risk=fresh.risk,
            orders=fresh.orders,
        )
        parts.inbox.put(SettingsChanged(at=parts.clock.now(), settings=settings))
        text = "strategies, risk and orders are as in the file now; other sections need a restart"
        log.info("config.loaded", text=text)

    async def _drain(self) -> None:
        """Cancel unfilled entries and wait, bounded, until nothing is in flight."""
        parts = self._parts
        parts.inbox.put(StopAsked(at=parts.clock.now()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WAIT_S):
                while self._is_under_way():  # noqa: ASYNC110  (four parts, no common event)
                    await asyncio.sleep(DRAIN_LOOK_S)

    def _is_under_way(self) -> bool:
        """Something is being decided, sent or answered, or its outcome is not known yet."""
        parts = self._parts
        is_moving = bool(len(parts.inbox) or parts.hands.in_flight or not parts.loop.is_idle)
        return is_moving or manager.is_busy(parts.state)

    def _look(self) -> None:
        """After each recorded batch: READY once recovered, and the one line for systemd."""
        parts = self._parts
        line = headline(parts.state)
        if not self._is_ready and is_recovered(parts.state):
            self._is_ready = True
            parts.notifier.ready(line)
            self._ui.ready(parts.state)
        elif line != self._last_headline:
            parts.notifier.status(line)
        self._last_headline = line

    def _save_caches(self) -> None:
        """The heatmap's memory: a restart is faster with it, and right without it."""
        if self._parts.engine is not None and not self._is_flat_out:
            save_engine(self._parts.engine, self._request.data_dir)


async def see_end(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Wait for tasks that were canceled; one that goes on is canceled again, with all it waits for.

    A cancellation can get lost on its way through a library, and a stop must end all the same.
    """
    _, left = await asyncio.wait(tasks, timeout=LINGER_S)
    while left:
        names = ", ".join(sorted(task.get_name() for task in left))
        log.error("task.lingers", text=f"{names} did not end when the bot stopped; canceled again")
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=LINGER_S)


def is_recovered(state: State) -> bool:
    """The venue has been read, and every position has its stop."""
    is_bare = any(bracket.unprotected_since is not None for bracket in state.brackets.values())
    return state.last_snapshot_at is not None and not is_bare


@contextlib.asynccontextmanager
async def serving(parts: Parts, config: Config) -> AsyncIterator[None]:
    """The local engine on the provider's routes."""
    from bot.heatmap.serve import HeatmapServer  # noqa: PLC0415  (aiohttp only where it is used)

    server = HeatmapServer(parts.engine, list(config.symbol_settings), parts.clock)
    await server.start(config.heatmap.serve)
    try:
        yield
    finally:
        await server.stop()
