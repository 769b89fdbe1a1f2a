"""What happens to a machine's clocks, and to the machine, lived by the whole bot.

The exchange is emulated and keeps its own time; the machine's clocks are read as the link does.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest

from bot.clock import VirtualLoop
from bot.core import ids
from bot.gateway.time import ExchangeClock, Readings
from bot.link import Link
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import ClosedBy
from bot.model.order import Leg, OrderKind
from bot.model.primitives import ZERO, Millis, Side
from bot.sim.emulator.state import NewOrder, Order
from bot.venue.profiles import profile_of
from tests.fakes.live_stage import FLAT, NOTICED_S, Stage, lost
from tests.fakes.live_world import EXCHANGES, EmulatedVenue
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_market import BASE, T0, Script
from tests.fakes.sim_scenarios import DOWN, UP

both = pytest.mark.parametrize("exchange", EXCHANGES)
HOUR_MS: Final = 3_600_000
ROOT: Final = Path(__file__).parents[2]


def loop_s() -> float:
    return asyncio.get_running_loop().time()


def watched(read: Callable[[], Readings]) -> Callable[[Life], Coroutine[None, None, None]]:
    """The link's look-out for the machine's clocks, beside the bot."""

    async def task(life: Life) -> None:
        assert isinstance(life.venue, EmulatedVenue)
        assert isinstance(life.clock, ExchangeClock)
        link = Link(
            profile=profile_of(life.venue.world.exchange_id),
            client=life.venue.client,
            clock=life.clock,
            limiter=life.venue.limiter,
            read_clocks=read,
        )
        await link.watch_clocks(life.inbox.put)

    return task


def machine(
    *, wall_ms: Callable[[float], float] = lambda _: 0.0, slept_s: Callable[[float], float]
) -> Callable[[], Readings]:
    """The machine's clocks, by the loop's seconds: how far its wall is off, how long it slept."""

    def read() -> Readings:
        now_s = loop_s()
        slept = slept_s(now_s)
        wall = T0 + (now_s + slept) * 1000 + wall_ms(now_s)
        return Readings(boottime_s=now_s + slept, monotonic_s=now_s, wall_at=Millis(int(wall)))

    return read


def awake(_: float) -> float:
    return 0.0


@both
@pytest.mark.parametrize("by_ms", [-HOUR_MS, HOUR_MS])
def test_p20_a_wall_clock_that_is_set_by_an_hour_delays_no_order(exchange: str, by_ms: int) -> None:
    """Between the entry and its stop."""
    stage = Stage(exchange, path=UP)
    read = machine(wall_ms=lambda now_s: by_ms if now_s > 1.1 else 0.0, slept_s=awake)
    stage.tasks.append(watched(read))
    story = stage.plays(9.0 + NOTICED_S, checks=Checks(protected_within_ms=1_000))
    [entry] = stage.asked("place", Leg.ENTRY)
    [stop] = stage.asked("place", Leg.STOP)

    assert stop.at - entry.at < 1_000
    assert [ClosedBy.TARGET] == story.closed_by
    assert [] == story.held(HoldCause.CLOCK_JUMPED)


@both
def test_p21_after_a_suspend_the_account_is_read_before_anything_is_sent(exchange: str) -> None:
    """Ten minutes pass while the loop's time stands still; the stop fires in them."""
    slept_ms = 600_000
    stage = Stage(exchange)
    was_asleep = [False]

    def slept_s(now_s: float) -> float:
        if now_s > 6.0 and not was_asleep[0]:
            was_asleep[0] = True
            for path in (99_000.0, 98_000.0, BASE):
                stage.moves(path)(Millis(T0 + 300_000))
        return slept_ms / 1000 if was_asleep[0] else 0.0

    stage.tasks.append(watched(machine(slept_s=slept_s)))
    stage.ahead_ms = lambda: slept_ms if was_asleep[0] else 0
    story = stage.plays(630.0, checks=Checks(protected_within_ms=620_000))
    turns = story.held(HoldCause.CLOCK_JUMPED)
    woke = next(i for i, row in enumerate(stage.heard) if row.at > T0 + slept_ms)
    then = stage.heard[woke:]
    placed = [i for i, row in enumerate(then) if row.verb == "place"]
    read = [i for i, row in enumerate(then) if not row.verb]

    assert 2 == len(turns)
    assert [ClosedBy.STOP] == story.closed_by
    assert read
    assert not placed or min(read) < min(placed)
    assert 1 == len(stage.sent(Leg.ENTRY))


@both
def test_p22_a_wall_clock_that_is_slewed_is_nothing(exchange: str) -> None:
    stage = Stage(exchange, path=UP)
    read = machine(wall_ms=lambda now_s: now_s * 0.5, slept_s=awake)
    stage.tasks.append(watched(read))
    story = stage.plays(9.0 + NOTICED_S, checks=Checks(protected_within_ms=1_000))

    assert [ClosedBy.TARGET] == story.closed_by
    assert [] == story.held(HoldCause.CLOCK_JUMPED)
    assert [] == story.held(HoldCause.CLOCK_SKEW)


@both
@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.STOP, Leg.TARGET])
def test_p32_a_process_that_starves_for_five_seconds_comes_back_to_one_stop(
    exchange: str, leg: Leg
) -> None:
    """Nothing runs for five seconds from the moment in which the order reaches the exchange."""
    stage = Stage(exchange)

    def starve(_: Millis) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._jumping.time_s += 5.0

    stage.fails("place", leg, is_done=True, before=starve)
    stage.plays(30.0, checks=Checks(protected_within_ms=7_000))
    stops = [row for row in stage.world.resting() if row.order.is_conditional]

    assert 1 == len(stage.names(Leg.ENTRY))
    assert 1 == len(stops)
    assert stage.world.stop_qty() >= stage.world.position() > 0


@both
def test_p27_names_that_cannot_be_resolved_while_the_price_falls(exchange: str) -> None:
    """The stop at the exchange works while the bot is deaf and blind."""
    stage = Stage(exchange, path=DOWN)
    stage.fails(times=1e9, since_s=3.0, until_s=63.0, reply=lost)
    story = stage.plays(100.0)

    assert [ClosedBy.STOP] == story.closed_by
    assert ZERO == stage.world.position()


@both
def test_p9_what_another_bot_with_the_same_key_does_is_left_alone_and_stops_entries(
    exchange: str,
) -> None:
    """Its orders carry names of our making, but none that our ledger explains."""
    stage = Stage(exchange)
    stage.world.see(Script(path=FLAT).price(T0, T0))
    qty = stage.core.instruments[BTC].qty_down(stage.core.instruments[BTC].lot_size * 50)
    entry = NewOrder(
        symbol=BTC,
        client_id=ids.derive("theirs", "1"),
        side=Side.BUY,
        kind=OrderKind.MARKET,
        qty=qty,
    )
    stop = NewOrder(
        symbol=BTC,
        client_id=ids.derive("theirs", "2"),
        side=Side.SELL,
        kind=OrderKind.STOP_MARKET,
        qty=qty,
        trigger_price=stage.core.instruments[BTC].price_down(Decimal(99_000)),
        is_reduce_only=True,
    )
    stage.core.place(entry, T0)
    theirs = stage.core.place(stop, T0)
    story = stage.lives(30.0, checks=_Watching())
    causes = {row.cause for row in story.life.state.operation.holds}

    assert isinstance(theirs, Order)
    assert stage.core.orders[theirs.id].is_working
    assert [] == stage.sent(Leg.ENTRY)
    assert {HoldCause.UNEXPLAINED_POSITION, HoldCause.OTHER_INSTANCE} <= causes
    assert OperatingState.PROTECT is story.life.state.operation.state


class _Watching(Checks):
    """Position and orders are not ours to judge from outside."""

    def look_outside(self, life: Life) -> None:
        del life

    def finish(self, life: Life, *, is_settled: bool = True) -> None:
        super().finish(life, is_settled=False)
        del is_settled


def test_p30_once_it_trades_no_module_is_loaded_any_more() -> None:
    """An upgrade of the libraries under a running bot must not reach it."""
    program = """
        import sys
        import bot.app, bot.life, bot.link
        from tests.fakes.live_stage import Stage
        from tests.fakes.sim_scenarios import UP

        for exchange in ("binanceusdm", "bybit"):
            stage = Stage(exchange, path=UP)
            loaded = set()

            async def look(life):
                loaded.update(sys.modules)

            stage.tasks.append(look)
            stage.plays(25.0)
            print(*sorted(set(sys.modules) - loaded))
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == done.stderr
    assert ["", ""] == [line.strip() for line in done.stdout.splitlines()]
