"""Kill -9 between any two steps of a life, and a second life from what was on disk then.

One life is lived to its end; before each of its steps the data directory and the world outside are
kept as they stand. Where neither has changed since the step before, a kill there is the same kill.
"""

import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from bot.clock import seeded_random
from bot.model.primitives import Millis
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_checks import PROTECTED_WITHIN_MS, Checks, examine, is_settled
from tests.fakes.sim_exchange import Exchange, Outside, World
from tests.fakes.sim_market import T0, Script
from tests.fakes.sim_venue import Line

SETTLED_WITHIN_S: Final = 40.0
FAULTY_MS: Final = 20_000
"""The longest without a stop while the line is bad: then the position must be gone."""
IN_DOUBT_MS: Final = 8_000
"""The same after a kill on a bad line: an exit and two stops may be in doubt together, and nothing
goes out beside them before their window (5 s) and the clocks' skew (1 s) are over."""
KEPT: Final = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.seen")
Files = dict[str, bytes]


class Point(msgspec.Struct, kw_only=True):
    """A moment at which the process may die."""

    second: float
    step: int
    files: Files
    outside: Outside


class Points:
    """Looks before each step and keeps every moment that differs from the one before."""

    def __init__(self, *, from_s: float = -float("inf"), to_s: float = float("inf")) -> None:
        self.kept: list[Point] = []
        self.steps = 0
        self._span = (from_s, to_s)
        self._seen: tuple[int, int] = (-1, -1)

    def __call__(self, life: Life) -> None:
        outside = life.plan.outside
        self.steps += 1
        now = (life.writes, outside.version)
        if now == self._seen or not self._span[0] <= life.second <= self._span[1]:
            return
        self._seen = now
        self.kept.append(
            Point(
                second=life.second,
                step=self.steps,
                files=kept(life.files.folder),
                outside=outside.fork(),
            )
        )


class Sweep(msgspec.Struct, kw_only=True):
    """What came of killing one life everywhere."""

    steps: int = 0
    """Places where it was killed."""
    lives: int = 0
    """Second lives: kills that found another disk or another world than the one before."""
    exposed_ms: int = 0
    """The longest without a stop at the venue."""
    settled_s: float = 0.0
    """The longest until all was settled again."""


def room() -> "tempfile.TemporaryDirectory[str]":
    """A directory in memory where there is one."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)


@cache
def template() -> Files:
    """The files of a bot that has followed the market for a minute and stopped cleanly."""
    with room() as folder:
        plan = Plan(script=Script(), outside=World(), start_s=-60.0)
        Life(Path(folder), plan).run(lambda _: False, most_s=59.5, is_orderly=True)
        return kept(Path(folder))


def kept(folder: Path) -> Files:
    """The files as they stand."""
    return {name: (folder / name).read_bytes() for name in KEPT if (folder / name).exists()}


def laid_out(files: Files, folder: Path) -> Path:
    """A data directory with these files and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def watched(
    life: Life,
    checks: Checks,
    *,
    seconds: float,
    look: Callable[[Life], None] | None = None,
    until: Callable[[Life], bool] = lambda _: False,
    is_orderly: bool = False,
) -> None:
    """Run a life under checks."""

    def finish(life: Life) -> None:
        checks.finish(life, is_settled=life.is_done or is_settled(life))

    life.plan.judge = checks.judge
    life.watch = checks
    life.run(until, most_s=seconds, look=look, finish=finish, is_orderly=is_orderly)
    examine(life)


def first_life(plan: Plan, folder: Path, *, seconds: float, points: Points) -> Life:
    """Live once under all checks, and keep every moment in which a kill differs from the last."""
    life = Life(laid_out(template(), folder), plan, number=2)
    watched(life, Checks(protected_within_ms=FAULTY_MS), seconds=seconds, look=points)
    return life


def next_life(
    plan: Plan, point: Point, folder: Path, *, number: int = 3, points: Points | None = None
) -> tuple[Life, Checks]:
    """Start on what the dead left, and run until all is settled; raises where it never is."""
    down_s = seeded_random(plan.seed * 7_919 + point.step).uniform(0.2, 3.0)
    outside = point.outside.fork()
    start_s = point.second + down_s
    if isinstance(outside, Exchange):
        _go_on(outside, plan.script, point.second, start_s)
    again = msgspec.structs.replace(
        plan,
        outside=outside,
        start_s=start_s,
        is_first=False,
        line=Line(),
        seed=plan.seed + point.step,
    )
    is_good = plan.line == Line()
    checks = Checks(protected_within_ms=PROTECTED_WITHIN_MS if is_good else IN_DOUBT_MS)
    life = Life(laid_out(point.files, folder), again, number=number)
    watched(life, checks, seconds=SETTLED_WITHIN_S, until=is_settled, look=points)
    checks.must_settle(life)
    return life, checks


def sweep(plan: Plan, *, seconds: float, every: int = 1) -> Sweep:
    """Kill a life before each of its steps, and see every second life settle."""
    points = Points()
    with room() as folder:
        first_life(plan, Path(folder) / "first", seconds=seconds, points=points)
        found = Sweep(steps=points.steps)
        for point in points.kept[::every]:
            life, checks = next_life(plan, point, Path(folder) / "next")
            found.lives += 1
            found.exposed_ms = max(found.exposed_ms, checks.exposed_ms)
            found.settled_s = max(found.settled_s, life.second - life.plan.start_s)
    return found


def _go_on(world: Exchange, script: Script, dead_s: float, start_s: float) -> None:
    """The world goes on while nobody looks."""
    since = Millis(T0 + int(dead_s * 1000))
    for second in range(int(dead_s) + 1, int(start_s) + 1):
        at = Millis(T0 + second * 1000)
        world.see(script.price(at, since))
        since = at
