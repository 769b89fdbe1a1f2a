"""The live bot over days: lives that are killed, stopped and begun again, and books that agree.

At each midnight of the script the faults pause, all must settle, and ledger and exchange must be
the same to the cent; then the next day begins. Everything in between is watched by `Checks`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from bot.clock import seeded_random
from bot.gateway.http import Transport
from bot.gateway.time import ExchangeClock
from bot.model.events import Event, HeatmapFailed, HeatmapRead, ResumeAsked
from bot.model.heatmap import ReadingFailure
from bot.model.order import Leg, OrderRequest
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from tests.fakes.live_days_market import DAY_S, DaysScript, funding_at, is_minute
from tests.fakes.live_line import Chance
from tests.fakes.live_storm import Storm, StormyLine
from tests.fakes.live_streams import Streaming
from tests.fakes.live_world import EmulatedWorld
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import SETTINGS, Life, Plan
from tests.fakes.sim_checks import BrokenError, Checks, examine, is_settled
from tests.fakes.sim_crash import Files, kept, laid_out, room, template
from tests.fakes.sim_loop import SteppedLoop
from tests.fakes.sim_market import T0

CALM_S: Final = 30.0
"""Before midnight: the faults pause."""
SETTLED_WITHIN_S: Final = 15.0
BARE_MS: Final = 30_000
"""A stop that somebody cancels is missed by the next reading, which may fail."""
OVERTIME_S: Final = 60.0
TICK_S: Final = 15.0
LOOK_S: Final = 15.0
BREAK_SHARE: Final = 0.5
"""Of lives that do not see their midnight."""
LONG_SHARE: Final = 0.4
"""Of lives that see two."""
STREAMING: Final = Streaming(delay_s=(0.01, 0.9), duplicate=0.05, dropped=0.05, broken=0.01)
"""With every second seed; the others only poll."""
KEPT_ORDERS: Final = 30
"""Of those that were sent: the position of before a break is judged by them."""


def settings() -> CoreSettings:
    """Prices and readings come each minute at night; losses hold nothing up."""
    return replace(
        SETTINGS,
        poll_period_s=60.0,
        tracker=replace(SETTINGS.tracker, stale_after_s=150.0, price_hole_s=90.0),
        strategies=replace(
            SETTINGS.strategies, hunt=replace(SETTINGS.strategies.hunt, time_stop_s=1_200.0)
        ),
        orders=replace(SETTINGS.orders, reconcile_idle_s=240.0),
        risk=replace(
            SETTINGS.risk,
            cool_down_s=60.0,
            losses_in_a_row=50,
            day_loss_pct=20.0,
            drawdown_pct=50.0,
        ),
    )


class Told(msgspec.Struct, kw_only=True):
    """What came of some days."""

    days: int = 0
    lives: int = 0
    trades: int = 0
    entries: int = 0
    funding: int = 0
    settled_s: float = 0.0
    exposed_ms: int = 0
    met: Counter[str] = msgspec.field(default_factory=Counter)
    """Faults of the line."""
    deeds: Counter[str] = msgspec.field(default_factory=Counter)
    kills: int = 0
    stops: int = 0

    def add(self, other: "Told") -> None:
        """Take in what came of other days."""
        for name in ("days", "lives", "trades", "entries", "funding", "kills", "stops"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.settled_s = max(self.settled_s, other.settled_s)
        self.exposed_ms = max(self.exposed_ms, other.exposed_ms)
        self.met += other.met
        self.deeds += other.deeds

    def text(self) -> str:
        """All of it in a few lines."""
        met = ", ".join(f"{count} {name}" for name, count in sorted(self.met.items()))
        deeds = ", ".join(f"{count} x {name}" for name, count in sorted(self.deeds.items()))
        return (
            f"{self.days} live days, {self.lives} lives ({self.kills} killed, {self.stops} stopped)"
            f": {self.entries} entries, {self.trades} trades, {self.funding} fundings\n"
            f"  requests: {met}\n  from outside: {deeds}\n"
            f"  longest without a stop {self.exposed_ms} ms,"
            f" settled at most {self.settled_s:.1f} s after midnight"
        )


class DayLife(Life):
    """A life among days."""

    def __init__(self, folder: Path, plan: Plan, *, number: int, storm: Storm, told: Told) -> None:
        super().__init__(folder, plan, number=number)
        self.look_every_s = LOOK_S
        self.storm = storm
        self.told = told
        self.checks = Checks(protected_within_ms=BARE_MS, is_over_days=True)
        self._wire: StormyLine | None = None

    def _assemble(self) -> None:
        running = asyncio.get_running_loop()
        assert isinstance(running, SteppedLoop)
        running.allow(float("inf"))
        super()._assemble()
        self.loop._tick_ms = int(TICK_S * 1000)

    def _line(self, world: EmulatedWorld, clock: ExchangeClock, seed: int) -> Transport:
        self._wire = StormyLine(
            world.wire, clock=clock, chance=seeded_random(seed), storm=self.storm
        )
        return self._wire

    def count(self) -> None:
        """Add what the line did."""
        if self._wire is not None:
            self.told.met += self._wire.met
            self._wire.met.clear()

    async def _play(self) -> None:
        script = self.plan.script
        assert isinstance(script, DaysScript)
        at = self.started_at
        since = at
        self._hand_over(funding_at(at))
        while True:
            await self.clock.sleep((at - self.clock.now()) / 1000)
            self._moved(script, at, since)
            self._do(script, since, at)
            self._read(script, at)
            if is_minute(at):
                self._hand_over(funding_at(at))
            since, at = at, script.next_at(at)

    def _do(self, script: DaysScript, since: Millis, at: Millis) -> None:
        world = self.plan.outside
        assert isinstance(world, EmulatedWorld)
        second = (at - T0) / 1000
        for deed in script.day(second).deeds:
            if (since - T0) / 1000 < deed.second <= second:
                self.told.deeds[deed.name] += 1
                event = deed.do(world)
                if event is not None:
                    self._hand_over(msgspec.structs.replace(event, at=self.clock.now()))
                world.core.desk.book.version += 1
        if at % 600_000 == 0:
            # Whoever looks after the bot lets it go on once things are as they were.
            self.inbox.put(ResumeAsked(at=self.clock.now()))

    def _read(self, script: DaysScript, at: Millis) -> None:
        self._sequence += 1
        reading = script.read((at - T0) / 1000, script.mark(at))
        if reading is None:
            failure = ReadingFailure(kind="unreachable", reason="as the script says")
            self.inbox.put(
                HeatmapFailed(at=at, symbol=BTC, failure=failure, sequence=self._sequence)
            )
        else:
            self.inbox.put(
                HeatmapRead(at=at, reading=reading, asked_at=at, sequence=self._sequence)
            )

    def _hand_over(self, event: Event) -> None:
        self.venue.on_market(event)
        self.inbox.put(event)


class Audit:
    """A task beside the bot: at each midnight all settles, and the books agree."""

    def __init__(self, midnights: Sequence[float]) -> None:
        self.midnights = midnights
        self.passed = 0

    @property
    def is_done(self) -> bool:
        return self.passed == len(self.midnights)

    async def __call__(self, life: Life) -> None:
        assert isinstance(life, DayLife)
        for midnight in self.midnights:
            await life.clock.sleep(midnight - life.second)
            await self._look(life, midnight)
            self.passed += 1

    async def _look(self, life: "DayLife", midnight: float) -> None:
        while not (is_settled(life) and life.loop.is_idle and not life.loop._unrecorded):
            if life.second > midnight + SETTLED_WITHIN_S:
                orders = [life.state.orders[name] for name in life.state.desk.live()]
                raise BrokenError("settles", (orders, life.state.desk.doubts))
            await life.clock.sleep(0.05)
        life.told.settled_s = max(life.told.settled_s, life.second - midnight)
        life.checks.finish(life)
        life.told.days += 1
        assert isinstance(life.plan.outside, EmulatedWorld)
        _cleared(life.plan.outside)


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """How a life is to end."""

    at_s: float
    """The script's second; infinite: at its last midnight."""
    is_kill: bool
    down_s: float
    nights: int


def live_days(exchange: str, seed: int, days: int, told: Told) -> EmulatedWorld:
    """Live so many days, and add to what is told; raises at the first thing that is wrong."""
    world, files = EmulatedWorld(exchange), template()
    chance = seeded_random(seed * 7)
    second, number = 0.0, 2
    with room() as folder:
        while second < days * DAY_S:
            found = _break(chance, second, days)
            one = _Stretch(Path(folder), seed=seed, number=number, second=second, told=told)
            files, world, second = one.live(files, world, found)
            number += 1
    told.trades += len(world.core.trades)
    told.funding += sum(row.kind == "funding" for row in world.core.incomes)
    return world


def _break(chance: Chance, second: float, days: int) -> Break:
    today = second // DAY_S
    midnight = (today + 1) * DAY_S
    roll, is_kill = chance.random(), chance.random() < 0.7
    at_s = chance.uniform(second + 1.0, midnight)
    down_s = chance.uniform(0.5, 20.0)
    nights = 2 if chance.random() < LONG_SHARE and today + 2 <= days else 1
    if roll >= BREAK_SHARE:
        at_s, is_kill = float("inf"), False
    return Break(at_s=at_s, is_kill=is_kill, down_s=down_s, nights=nights)


class _Stretch:
    """One life, from a second of the script to its break or its last midnight."""

    def __init__(self, folder: Path, *, seed: int, number: int, second: float, told: Told) -> None:
        self.folder = folder
        self.seed = seed
        self.number = number
        self.second = second
        self.told = told

    def live(
        self, files: Files, world: EmulatedWorld, found: Break
    ) -> tuple[Files, EmulatedWorld, float]:
        """What is on disk afterwards, the world, and the second at which the next one begins."""
        first = self.second // DAY_S + 1
        midnights = [(first + night) * DAY_S for night in range(found.nights)]
        life, audit = self._life(files, world, midnights)
        sent = len(world.sent)
        dead: list[tuple[Files, EmulatedWorld, float]] = []

        def look(now: Life) -> None:
            if not dead and now.second >= found.at_s:
                dead.append((kept(now.files.folder), world.fork(), now.second + found.down_s))

        life.run(
            lambda now: bool(dead) or audit.is_done or now.second >= found.at_s,
            most_s=midnights[-1] - self.second + OVERTIME_S,
            look=look if found.is_kill else None,
            is_orderly=not found.is_kill,
        )
        self._count(life, world.sent[sent:])
        if dead:
            self.told.kills += 1
            return dead[0]
        examine(life)
        self.told.stops += 1
        return kept(life.files.folder), world, life.second + found.down_s

    def _life(
        self, files: Files, world: EmulatedWorld, midnights: Sequence[float]
    ) -> tuple[DayLife, Audit]:
        audit = Audit(midnights)
        calm = tuple((at(night - CALM_S), at(night + CALM_S)) for night in midnights)
        plan = Plan(
            script=DaysScript(self.seed),
            outside=world,
            settings=settings(),
            seed=self.seed * 31 + self.number,
            start_s=self.second,
            is_first=False,
            tasks=(audit,),
            streaming=STREAMING if self.seed % 2 else None,
        )
        start = laid_out(files, self.folder / "data")
        storm = Storm(calm=calm)
        life = DayLife(start, plan, number=self.number, storm=storm, told=self.told)
        plan.judge, life.watch = life.checks.judge, life.checks
        del world.sent[:-KEPT_ORDERS]
        world.fills_from = at(self.second)
        return life, audit

    def _count(self, life: DayLife, sent: Sequence[OrderRequest]) -> None:
        life.count()
        self.told.lives += 1
        self.told.exposed_ms = max(self.told.exposed_ms, life.checks.exposed_ms)
        self.told.entries += sum(row.leg is Leg.ENTRY for row in sent)


def at(second: float) -> Millis:
    """A second of the script as an instant."""
    return Millis(T0 + int(second * 1000))


def _cleared(world: EmulatedWorld) -> None:
    """Forget what nobody asks for any more."""
    world.wire.received.clear()
    world.wire.answers.clear()
    if world.wire.handle == world.dialect.handle:
        world.core.take_happenings()  # Nobody listens.
