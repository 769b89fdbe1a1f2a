"""Whole-bot cases of the catalogue that are no matter of the line: heatmap, process, clusters."""

import sqlite3
from pathlib import Path
from typing import Final

import pytest

from bot.engine.supervisor import keep_running
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.cluster import ClusterState
from bot.model.commands import Command, PlaceOrder
from bot.model.events import Event
from bot.model.heatmap import Reading
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ZERO, PositionSide
from bot.store.files import DataFiles
from bot.store.sqlite import driver
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_checks import Checks, is_settled
from tests.fakes.sim_crash import (
    Points,
    first_life,
    laid_out,
    next_life,
    room,
    template,
    watched,
)
from tests.fakes.sim_exchange import Outside, World
from tests.fakes.sim_market import BASE, LEVEL, T0, Script, a_reading, a_row, rows_at
from tests.fakes.sim_runs import Story

STALE_AFTER_S: Final = 20.0
START_S: Final = T0 / 1000
SIX_HOURS_S: Final = 6 * 3600.0
LATE_UP: Final = ((0.0, BASE), (40.0, BASE), (43.0, 101_200.0))


def trading(script: Script, **fields: object) -> Plan:
    return Plan(script=script, outside=World(), **fields)  # type: ignore[arg-type]


# --- the heatmap


@pytest.mark.parametrize("kind", ["unreachable", "http", "malformed"])
def test_h01_h05_h06_a_silent_heatmap_holds_entries_and_positions_are_managed(kind: str) -> None:
    """The trade goes on to its target; entries are held from 20 s after the last good poll."""
    script = Script(path=LATE_UP, readings_end=2.0, readings_again=50.0, failure=kind)
    story = Story(trading(script), seconds=60.0)
    began, ended = story.held(HoldCause.HEATMAP_STALE)

    assert [ClosedBy.TARGET] == story.closed_by
    assert 1.0 + STALE_AFTER_S <= began <= 1.0 + STALE_AFTER_S + 1.5
    assert 50.0 <= ended <= 56.0
    assert OperatingState.TRADING is story.life.state.operation.state


def test_h01_nothing_is_entered_on_a_silent_heatmap() -> None:
    """The cluster is known from before, and the price is right: silence alone says no."""
    script = Script(readings_end=0.0, readings_again=60.0)
    story = Story(trading(script), seconds=80.0)

    assert 1 == len(story.entries)
    assert story.brackets[0].opened_at / 1000 - START_S >= 60.0


@pytest.mark.parametrize("factor", [10.0, 1000.0, 0.001])
def test_h18_a_price_on_another_scale_is_refused(factor: float) -> None:
    script = Script(reading=lambda _, mark: a_reading(mark * factor, rows_at(mark)))
    story = Story(trading(script), seconds=30.0)

    assert [] == story.entries
    assert 1 == len(story.held(HoldCause.HEATMAP_STALE))


def test_h19_a_price_that_lags_holds_entries() -> None:
    plan, seconds = scenarios.lagging(1)
    story = Story(plan, seconds=seconds)

    assert [] == story.entries
    assert 1 == len(story.held(HoldCause.HEATMAP_STALE))


def test_h20_h23_an_answer_that_stands_still_while_the_market_moves_is_frozen() -> None:
    """Nothing but the content tells: every answer comes in time and with a good status."""

    def reading(second: float, mark: float) -> Reading:
        return a_reading(mark if second < 2.0 else BASE, rows_at(BASE))

    path = ((0.0, BASE), (10.0, BASE), (40.0, BASE * 1.0025))
    script = Script(path=path, reading=reading, acts=((0.0, scenarios.hold),))
    story = Story(trading(script), seconds=90.0)
    (began,) = story.held(HoldCause.HEATMAP_STALE)

    assert 30.0 <= began <= 65.0
    assert [] == story.entries


def test_h26_ids_made_anew_in_each_answer_are_one_cluster_and_one_trade() -> None:
    def reading(second: float, mark: float) -> Reading:
        rows = [
            a_row(row.side, row.level, row.notional_usd, row.strength, mark, id_=int(second) + n)
            for n, row in enumerate(rows_at(mark))
        ]
        turn = int(second) % 3
        return a_reading(mark, rows[turn:] + rows[:turn])

    story = Story(trading(Script(reading=reading)), seconds=120.0)
    known = story.life.state.symbols[BTC].tracker.snapshot_clusters()
    strong = [row for row in known if row.strength > 0.5]

    assert 1 == len(story.entries)
    assert 1 == len(strong)


def test_h27_a_cluster_that_flaps_is_entered_at_most_once() -> None:
    def reading(second: float, mark: float) -> Reading:
        rows = rows_at(mark)
        return a_reading(mark, rows if int(second) % 10 < 5 else rows[1:])

    settings = scenarios.hunting(time_stop_s=5.0)
    settings = scenarios.risking(settings, cool_down_s=0.0)
    story = Story(trading(Script(reading=reading), settings=settings), seconds=240.0)

    assert 1 == len(story.entries)
    assert list(Leg) == [request.leg for request in story.plan.outside.sent]


def test_h31_after_six_hours_of_silence_another_map_is_looked_at_anew() -> None:
    """All that was known expires; what is there now needs its readings and its minute."""
    back_s = SIX_HOURS_S + 10.0

    def reading(second: float, mark: float) -> Reading | None:
        if second < back_s:
            return None
        return a_reading(mark, (a_row(PositionSide.SHORT, LEVEL + 40.0, 9e6, 0.9, mark),))

    script = Script(reading=reading, price_every_s=10.0, read_every_s=10.0, read_from_s=0.0)
    settings = scenarios.hunting(stop_atr=4.0)  # Six hours of calm bars make stops near.
    story = Story(trading(script, settings=settings), seconds=back_s + 120.0)
    known = story.life.state.symbols[BTC].tracker.snapshot_clusters()
    entry = story.brackets[0]

    assert 1 == len(story.entries)
    assert entry.opened_at / 1000 - START_S >= back_s + 60.0
    assert {LEVEL + 40.0} == {row.level for row in known if row.is_live}


# --- the process


@pytest.mark.parametrize(
    "scenario", [scenarios.target, scenarios.bad_line, scenarios.paper_partial]
)
def test_p3_a_stop_asked_at_any_moment_leaves_stops_and_no_entries(
    scenario: scenarios.Scenario,
) -> None:
    """SIGTERM: answers in flight are waited for, unfilled entries go, protection stays."""
    for number in range(24):
        plan, _ = scenario(2 + number % 2)
        story = Story(plan, seconds=0.9 + 0.05 * number, is_orderly=True)
        state = story.life.state
        live = [state.orders[client_id] for client_id in state.desk.live()]

        assert story.life.drained_ms <= 10_000
        assert not [row for row in live if row.status is OrderStatus.INTENDED]
        if scenario is not scenarios.bad_line:
            assert not [row for row in live if row.request.leg is Leg.ENTRY]


def test_p3_after_an_orderly_stop_the_next_run_goes_on_with_the_same_trade() -> None:
    plan, _ = scenarios.target(3)
    with room() as folder:
        first = Life(laid_out(template(), Path(folder) / "data"), plan, number=2)
        watched(first, Checks(), seconds=3.0, is_orderly=True)
        again = scenarios.later(plan, 3.5)
        life = Life(first.files.folder, again, number=3)
        watched(life, Checks(), seconds=6.0)
        second = Life(first.files.folder, scenarios.later(plan, 10.0), number=4)
        watched(second, Checks(), seconds=3.0)

    assert 1 == len([row for row in plan.outside.sent if row.leg is Leg.ENTRY])
    assert 1 == len([row for row in plan.outside.sent if row.leg is Leg.STOP])
    assert {} == second.state.brackets
    assert isinstance(plan.outside, World)
    assert ZERO == plan.outside.position()


def test_p5_a_task_that_dies_is_told_held_for_and_started_again() -> None:
    """The bot goes on with what it holds; entries wait until the task is back."""
    starts: list[float] = []

    async def feed(life: Life) -> None:
        async def work() -> None:
            starts.append(life.second)
            if len(starts) < 3:
                raise ZeroDivisionError("a bug")
            await life.clock.sleep(1e6)

        await keep_running("heatmap", work, emit=life.inbox.put, clock=life.clock)

    story = Story(trading(Script(), tasks=(feed,)), seconds=10.0)
    turns = story.held(HoldCause.TASK_FAILED)

    assert 3 == len(starts)
    assert 4 == len(turns)
    assert 1 == len(story.entries)
    assert story.brackets[0].opened_at / 1000 - START_S >= turns[-1]


def test_p5_a_bug_in_the_hands_ends_the_run_and_the_next_one_protects() -> None:
    """Whoever writes to the venue is not started again in place: recovery is."""

    class BugError(Exception):
        pass

    class Broken(Checks):
        def before_send(self, life: Life, command: Command) -> None:
            super().before_send(life, command)
            if isinstance(command, PlaceOrder) and command.request.leg is Leg.STOP:
                raise BugError

    plan, _ = scenarios.target(2)
    with room() as folder:
        first = Life(laid_out(template(), Path(folder) / "data"), plan, number=2)
        with pytest.raises(BugError):
            watched(first, Broken(), seconds=5.0)
        life = Life(first.files.folder, scenarios.later(plan, 2.0), number=3)
        checks = Checks()
        watched(life, checks, seconds=20.0, until=is_settled)
        checks.must_settle(life)


def test_p13_while_the_ledger_is_locked_nothing_leaves_and_then_all_goes_on(
    tmp_path: Path,
) -> None:
    other: list[sqlite3.Connection] = []
    path = DataFiles(folder=tmp_path / "data").ledger

    def lock() -> Event | None:
        other.append(driver().connect(path, isolation_level=None))
        other[0].execute("BEGIN IMMEDIATE")
        return None

    def unlock() -> Event | None:
        other[0].rollback()
        other[0].close()
        return None

    script = Script(acts=((0.5, lock), (8.0, unlock)), price_every_s=0.5)
    plan = trading(script)
    life = Life(laid_out(template(), tmp_path / "data"), plan, number=2)
    life.busy_timeout_ms = 1
    sent_at: list[float] = []

    class Timed(Checks):
        def before_send(self, life: Life, command: Command) -> None:
            super().before_send(life, command)
            sent_at.append(life.second)

    watched(life, Timed(), seconds=20.0)

    assert not [second for second in sent_at if 0.5 < second < 8.0]
    assert [second for second in sent_at if second > 8.0]


# --- clusters


def test_case_43_killed_between_the_record_and_the_order_the_signal_acts_once() -> None:
    """The entry is on disk and has not left: it is proved absent, and not made again."""
    for make in (World, Outside):
        plan = Plan(script=Script(), outside=make())
        points = Points()
        with room() as folder:
            first_life(plan, Path(folder) / "first", seconds=2.0, points=points)
            unsent = [point for point in points.kept if not point.outside.sent]
            life, _ = next_life(plan, unsent[-1], Path(folder) / "next")
            entries = [row for row in life.plan.outside.sent if row.leg is Leg.ENTRY]

        assert 1 == len(life.state.signals_used)
        assert [] == entries
        assert {} == life.state.brackets


@pytest.mark.parametrize(
    ("mark", "closed_by"), [(BASE, None), (100_950.0, ClosedBy.THESIS_GONE)], ids=["far", "near"]
)
def test_case_54_a_target_that_expires_closes_the_trade_only_where_little_is_left(
    mark: float, closed_by: ClosedBy | None
) -> None:
    def reading(second: float, price: float) -> Reading:
        rows = rows_at(price)
        return a_reading(price, rows if second < 2.0 else rows[1:])

    path = ((0.0, BASE), (4.0, BASE), (8.0, mark))
    story = Story(trading(Script(path=path, reading=reading)), seconds=90.0)
    signal = story.brackets[0].signal
    assert signal is not None
    cluster = story.life.state.symbols[BTC].tracker.get(signal.cluster_id)

    assert cluster is None or cluster.state is ClusterState.EXPIRED
    assert [closed_by] == story.closed_by
    assert (closed_by is None) == (story.brackets[0].status is BracketStatus.OPEN)
