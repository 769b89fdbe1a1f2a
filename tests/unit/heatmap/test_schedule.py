"""Polls keep their grid, and a host in trouble is asked less."""

from bot.clock import seeded_random
from bot.heatmap.schedule import Schedule
from bot.model.primitives import Millis


def longest(_: float, high: float) -> float:
    return high


def a_schedule(first_at: int = 1000) -> Schedule:
    return Schedule(Millis(first_at), 5.0, longest)


def test_slots_follow_the_first_one_whatever_a_poll_takes() -> None:
    schedule = a_schedule()
    due = []
    for took_ms in (0, 4_900, 100, 4_999):
        due.append(schedule.due_at)
        schedule.went_well(Millis(schedule.due_at + took_ms))

    assert [1000, 6000, 11000, 16000] == due
    assert 21000 == schedule.due_at


def test_a_slot_that_passed_is_skipped() -> None:
    schedule = a_schedule()
    schedule.went_well(Millis(17_500))

    assert 21000 == schedule.due_at


def test_a_timer_that_is_early_does_not_make_a_slot_twice() -> None:
    schedule = a_schedule()
    schedule.went_well(Millis(999))

    assert 6000 == schedule.due_at


def test_the_wait_doubles_from_the_third_failure_in_a_row_up_to_a_minute() -> None:
    schedule = a_schedule(0)
    waits = []
    for _ in range(9):
        now = schedule.due_at
        schedule.went_wrong(now)
        waits.append((schedule.due_at - now) / 1000)

    assert [5.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0] == waits


def test_jitter_spreads_the_wait_and_never_exceeds_a_minute() -> None:
    uniform = seeded_random(1).uniform
    waits = set()
    for _ in range(50):
        schedule = Schedule(Millis(0), 5.0, uniform)
        for _ in range(7):
            schedule.went_wrong(schedule.due_at)
        now = schedule.due_at
        schedule.went_wrong(now)
        waits.add(schedule.due_at - now)

    assert len(waits) > 40
    assert 30_000 <= min(waits) <= max(waits) <= 60_000


def test_one_good_answer_ends_the_back_off_and_returns_to_the_grid() -> None:
    schedule = Schedule(Millis(0), 5.0, seeded_random(2).uniform)
    for _ in range(5):
        schedule.went_wrong(schedule.due_at)
    now = schedule.due_at
    schedule.went_well(now)

    assert 0 == schedule.due_at % 5000
    assert 0 < schedule.due_at - now <= 5000
    schedule.went_wrong(schedule.due_at)
    assert 0 == schedule.due_at % 5000


def test_a_host_that_wants_quiet_is_asked_at_the_first_slot_after_it() -> None:
    schedule = a_schedule()
    schedule.was_put_off(Millis(1100), 3600.0)

    assert 3_606_000 == schedule.due_at
