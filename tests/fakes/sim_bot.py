"""A life of the whole bot in virtual time: real loop, hands, inbox, core and ledger.

What it meets is a script; where it trades is a world outside that goes on when the bot dies.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from bot.app import first_events, with_past
from bot.clock import LoopClock, seeded_random
from bot.core import manager
from bot.core.state import State
from bot.core.step import step
from bot.engine import loop as engine_loop
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import Entries, Loop
from bot.gateway.http import Transport
from bot.gateway.time import ExchangeClock
from bot.model.commands import Command
from bot.model.events import Event, StopAsked
from bot.model.facts import Decision
from bot.model.primitives import Millis, Symbol
from bot.model.settings import CoreSettings
from bot.ports import History
from bot.store.files import DataFiles
from bot.store.opening import OpenRequest, open_ledger
from bot.store.recorder import Ledger
from tests.fakes.live_line import Line as WireLine
from tests.fakes.live_streams import Streaming, Streams
from tests.fakes.live_world import EmulatedVenue, EmulatedWorld, weather_of
from tests.fakes.paper import BTC
from tests.fakes.replacing import replaced
from tests.fakes.sim_exchange import Outside, World
from tests.fakes.sim_loop import SteppedLoop
from tests.fakes.sim_market import INSTRUMENTS, MINUTE_MS, T0, Script, history
from tests.fakes.sim_venue import ExchangeVenue, Line, NotedPaper

WALL_APART_MS: Final = 900_000
"""Wall time between two starts: more than the window in which crashes are a loop."""
SETTINGS: Final = CoreSettings(instance="simulated", symbols=(BTC,))
STOP_WAIT_S: Final = 10.0

_encode = msgspec.json.Encoder().encode
Judge = Callable[["Life", Event, Decision], None]


class Watch(Protocol):
    """Looks at what leaves and at what is outside."""

    def before_send(self, life: "Life", command: Command) -> None: ...

    def look_outside(self, life: "Life") -> None: ...


class Plan(msgspec.Struct, kw_only=True):
    """What a life is made of."""

    script: Script
    outside: Outside
    """A World for the exchange; a plain Outside for the paper venue."""
    settings: CoreSettings = SETTINGS
    line: Line = Line()
    streaming: Streaming | None = None
    """How a live venue's user streams are; None: there are none."""
    seed: int = 1
    start_s: float = 0.0
    """Script seconds at which the life begins."""
    is_first: bool = True
    tasks: Sequence[Callable[["Life"], Coroutine[None, None, None]]] = ()
    """What runs beside it."""
    judge: Judge | None = None
    """Called after every decision."""


class Life:
    """One process, from start to stop."""

    def __init__(self, folder: Path, plan: Plan, *, number: int = 1) -> None:
        self.plan = plan
        self.files = DataFiles(folder=folder)
        self.number = number
        self.started_at = Millis(T0 + int(plan.start_s * 1000))
        self.ledger: Ledger
        self.state: State
        self.clock: LoopClock | ExchangeClock
        self.inbox: Inbox
        self.hands: Hands
        self.loop: Loop
        self.venue: ExchangeVenue | EmulatedVenue | NotedPaper
        self.trace = hashlib.blake2b(digest_size=16)
        self.decisions = 0
        self.steps = 0
        self.drained_ms = 0
        self.busy_timeout_ms: int | None = None
        """How long the ledger waits for another program's lock; None: as it does."""
        self.is_done = False
        """What `run` was to wait for has come."""
        self.watch: Watch | None = None
        self.tell: Judge | None = None
        """Called after every decision, before it is judged."""
        self.look_every_s = 0.25
        """How often it is asked whether what is waited for has come."""
        self._finish: Callable[[Life], None] = lambda _: None
        self._sequence = int(plan.start_s * 1000) + 1_000_000

    @property
    def second(self) -> float:
        """The script's time."""
        return (self.clock.now() - T0) / 1000

    @property
    def writes(self) -> int:
        """Rows changed on disk since the life began."""
        connection = self.ledger.writer._connection
        assert connection is not None
        return int(getattr(connection.connection.driver_connection, "total_changes", 0))

    def run(
        self,
        until: Callable[["Life"], bool],
        *,
        most_s: float,
        look: Callable[["Life"], None] | None = None,
        finish: Callable[["Life"], None] = lambda _: None,
        is_orderly: bool = False,
    ) -> None:
        """Live until `until` holds or `most_s` have passed.

        `look` is called before each step, `finish` when all is written and the ledger still open.
        The first failure of any task is raised as it is.
        """
        self._finish = finish
        try:
            with (
                replaced(engine_loop, "step", self._judged),
                asyncio.Runner(loop_factory=SteppedLoop) as runner,
            ):
                runner.run(self._live(until, most_s, look, is_orderly=is_orderly))
        except BaseExceptionGroup as group:
            raise _first(group) from group

    # --- inside

    async def _live(
        self,
        until: Callable[["Life"], bool],
        most_s: float,
        look: Callable[["Life"], None] | None,
        *,
        is_orderly: bool,
    ) -> None:
        self.ledger = open_ledger(self._request())
        try:
            self._assemble()
            if self.busy_timeout_ms is not None:
                pragma = f"PRAGMA busy_timeout = {self.busy_timeout_ms}"
                self.ledger.writer.run_outside(lambda connection: connection.execute(pragma))
            running = asyncio.get_running_loop()
            assert isinstance(running, SteppedLoop)
            await self.venue.start(self.inbox.put)
            if look is not None:
                running.before_step(lambda: look(self))
            async with asyncio.TaskGroup() as group:
                hands = group.create_task(self.hands.run())
                await self.hands.ready()
                loop = group.create_task(self.loop.run())
                beside = [group.create_task(task(self)) for task in self.plan.tasks]
                beside.append(group.create_task(self._play()))
                if isinstance(self.venue, EmulatedVenue):
                    beside.append(group.create_task(self.venue.run()))
                await self._wait(until, most_s)
                for task in beside:
                    task.cancel()
                if is_orderly:
                    await self._drain()
                running.before_step(lambda: None)
                self.loop.stop()
                await loop
                hands.cancel()
            self._finish(self)
        finally:
            self.ledger.close(wall=self._wall() if is_orderly else None)

    def _assemble(self) -> None:
        plan = self.plan
        kind = ExchangeClock if isinstance(plan.outside, EmulatedWorld) else LoopClock
        self.clock = kind(start_at=self.started_at)
        past: dict[Symbol, History] = {BTC: history(self.started_at)}
        settings = msgspec.structs.replace(plan.settings, instance=self.ledger.meta.instance)
        started = with_past(self.ledger.load(), past, settings.provider)
        self.state = State(settings=settings, instruments=dict(INSTRUMENTS), snapshot=started)
        self.inbox = Inbox()
        seed = plan.seed * 1_000 + self.number
        if isinstance(plan.outside, World):
            self.venue = ExchangeVenue(plan.outside, clock=self.clock, seed=seed, line=plan.line)
        elif isinstance(plan.outside, EmulatedWorld):
            assert isinstance(self.clock, ExchangeClock)
            line = self._line(plan.outside, self.clock, seed)
            streams = self._streams(plan.outside, self.clock, seed)
            self.venue = EmulatedVenue(plan.outside, clock=self.clock, line=line, streams=streams)
        else:
            self.venue = NotedPaper(
                plan.outside, clock=self.clock, seed=seed, books=self.ledger.paper_books
            )
        if (watch := self.watch) is not None:
            self.venue.before = lambda command: watch.before_send(self, command)
            self.venue.after = lambda: watch.look_outside(self)
        self.hands = Hands(venue=self.venue, emit=self.inbox.put)
        self.loop = Loop(
            state=self.state,
            inbox=self.inbox,
            store=self.ledger,
            hands=self.hands,
            clock=self.clock,
            observer=self._recorded,
        )
        for event in first_events(self.ledger, started, past, self.state, self.clock.now()):
            self.inbox.put(event)

    def _line(self, world: EmulatedWorld, clock: ExchangeClock, seed: int) -> Transport:
        weather = weather_of(self.plan.line)
        return WireLine(world.wire, clock=clock, chance=seeded_random(seed), weather=weather)

    def _streams(self, world: EmulatedWorld, clock: ExchangeClock, seed: int) -> Streams | None:
        how = self.plan.streaming
        if how is None:
            return None
        chance, take = seeded_random(-seed), world.core.take_happenings
        return Streams(world.dialect, take, clock=clock, chance=chance, how=how)

    async def _play(self) -> None:
        """Prices, bars, readings and acts of the script, each at its second."""
        script, since = self.plan.script, self.started_at
        acts = [act for act in script.acts if act[0] >= self.plan.start_s]
        every_ms, read_ms = int(script.price_every_s * 1000), int(script.read_every_s * 1000)
        due_at = Millis(since - (since - T0) % every_ms)
        first_at = T0 + int(script.read_from_s * 1000)
        read_at = Millis(since + read_ms - (since - first_at) % read_ms)
        while True:
            at = max(due_at, self.started_at)
            await self.clock.sleep((at - self.clock.now()) / 1000)
            self._moved(script, at, since)
            since = at
            while acts and T0 + acts[0][0] * 1000 <= at:
                event = acts.pop(0)[1]()
                if event is not None:
                    self.inbox.put(msgspec.structs.replace(event, at=self.clock.now()))
            if read_at <= at:
                self._sequence += 1
                self.inbox.put(script.heatmap(at, self._sequence))
                read_at = Millis(read_at + read_ms)
            due_at = Millis(due_at + every_ms)

    def _moved(self, script: Script, at: Millis, since: Millis) -> None:
        price = script.price(at, since)
        self.venue.on_market(price)
        self.inbox.put(price)
        if at % MINUTE_MS == 0:
            self.inbox.put(script.candle(at))

    async def _wait(self, until: Callable[["Life"], bool], most_s: float) -> None:
        """Look again and again; a fault in a task ends the wait through its group."""
        end = self.clock.now() + most_s * 1000
        while self.clock.now() < end:
            if until(self):
                self.is_done = True
                return
            await self.clock.sleep(self.look_every_s)

    async def _drain(self) -> None:
        """Stop as `bot.life` does: cancel entries, wait for answers, bounded."""
        started_at = self.clock.now()
        self.inbox.put(StopAsked(at=started_at))
        while self.clock.now() < started_at + STOP_WAIT_S * 1000 and (
            len(self.inbox)
            or self.hands.in_flight
            or not self.loop.is_idle
            or manager.is_busy(self.state)
        ):
            await self.clock.sleep(0.01)
        self.drained_ms = self.clock.now() - started_at

    def _judged(self, state: State, event: Event) -> Decision:
        decision = step(state, event)
        self.decisions += 1
        if self.tell is not None:
            self.tell(self, event, decision)
        if self.plan.judge is not None and state is self.state:
            self.plan.judge(self, event, decision)
        return decision

    def _recorded(self, entries: Entries) -> None:
        for event, decision in entries:
            self.trace.update(_encode(event))
            self.trace.update(_encode(decision))

    def _request(self) -> OpenRequest:
        return OpenRequest(
            files=self.files,
            mode="paper",
            instance="simulated",
            wall=self._wall(),
            pid=self.number,
            host="here",
            version="1.0.0",
            is_synced=False,
        )

    def _wall(self) -> Millis:
        return Millis(T0 + self.number * WALL_APART_MS)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def loaded_differences(life: Life) -> Sequence[str]:
    """What a restart would know otherwise than memory does, by name."""
    state, found = life.state, life.ledger.load()
    live = {
        (cluster.id, cluster.gen): cluster
        for symbol in state.symbols.values()
        for cluster in symbol.tracker.live()
    }
    loaded = {
        (cluster.id, cluster.gen): cluster
        for symbol in found.symbols
        for cluster in symbol.clusters
        if cluster.is_live
    }
    pairs = {
        "orders": (state.orders, {row.request.client_id: row for row in found.orders}),
        "brackets": (state.brackets, {row.id: row for row in found.brackets}),
        "account": (state.account, found.account),
        "operation": (state.operation, found.operation),
        "signals_used": (state.signals_used, set(found.signals_used)),
        "fills_seen": (state.fills_seen, set(map(str, found.fills_seen))),
        "funding_seen": (state.funding_seen, set(found.funding_seen)),
        "gate": (state.gate.gate, found.gate),
        "next_cluster_id": (state.next_cluster_id, found.next_cluster_id),
        "clusters": (live, loaded),
    }
    return [
        f"{name}: memory {memory} ledger {ledger}"
        for name, (memory, ledger) in pairs.items()
        if memory != ledger
    ]
