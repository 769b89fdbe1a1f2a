"""Kill the run at every decision and every command of a trade's life, and start it again.

Whatever the point: no second entry, no position without a stop, and books that agree with the
exchange; final exposure is zero or what was intended.
"""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot.core import exposure, manager
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.bracket import ClosedBy
from bot.model.signal import EntryStyle
from tests.fakes.contracts import BTC
from tests.fakes.exchange import Fault
from tests.fakes.playbook import signal
from tests.fakes.trading import CrashedError, CrashPoint, Trading

FAULTS = (None, Fault.LOST_REPLY, Fault.LATE_REQUEST)
DECISIONS = 26
COMMANDS = 14


def points() -> Iterator[CrashPoint]:
    for n in range(DECISIONS):
        yield CrashPoint(decision=n)
    for n in range(COMMANDS):
        yield CrashPoint(command=n)
        yield CrashPoint(command=n, is_sent=True)


def a_trade(world: Trading, *, ends: str) -> None:
    """Entry in two parts, stop, replaced stop, target, and an end."""
    world.bot.gets(signal(style=EntryStyle.POST_ONLY, entry="999.5", stop="990", target="1020"))
    world.settle()
    world.exchange.liquidity = Decimal(2)
    world.move("999.5")
    world.exchange.liquidity = None
    world.run(2_000)
    match ends:
        case "target":
            world.move("1020")
        case "stop":
            world.move("989.5")
        case "close":
            world.bot.decides(_close)
        case _:
            raise AssertionError(ends)
    world.run(2_000)


def _close(state: State, draft: Draft) -> None:
    for bracket_id in list(state.brackets):
        manager.close_bracket(state, draft, bracket_id, ClosedBy.TIME)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("ends", ["target", "stop", "close"])
def test_p1_a_crash_anywhere_leaves_one_trade_that_is_protected(
    ends: str, fault: Fault | None
) -> None:
    """P1, I1, I2, I3, E3: also where the last request before the crash arrives only after it."""
    for leg in ("entry", "stop", "target", "exit"):
        for point in points():
            world = Trading()
            if fault is not None:
                world.exchange.fail_next(fault, leg=leg)
            world.crash_at(point)
            try:
                a_trade(world, ends=ends)
            except CrashedError:
                world.crash()
                world.start()
            world.crash_at(CrashPoint())
            world.run(30_000)
            state = world.bot.state
            entries = [row for row in world.exchange.received if not row.is_reduce_only]

            where = f"{ends} {fault} {leg} {point}"
            assert len(entries) <= 1, where
            assert not state.desk.doubts, where
            assert world.exchange.positions.get(BTC, 0) == exposure.books_qty(state, BTC), where
            assert len(world.bot.ledger.brackets) <= 1, where
            assert not [key for key in world.bot.ledger.fills if "-" in key], where
            held = [exposure.held_qty(state, row) for row in state.brackets.values()]
            stops = [row.qty for row in world.exchange.open_orders("stop")]
            assert len(stops) == len(held), where
            assert all(stop >= qty for stop, qty in zip(stops, held, strict=True)), where
        if fault is None:
            break
