"""Thirty days of the live bot on both exchanges, with faults of every kind, and not one break (G3).

Watched all the time: one order a signal, a stop on every position, exits that only reduce, rows
before orders. At each midnight the books are the exchange's to the cent. `make soak` lives a year.
"""

import sys
from typing import Final

import pytest

from tests.fakes.live_days import SETTLED_WITHIN_S, Told, live_days
from tests.fakes.live_days_market import DEEDS
from tests.fakes.live_world import EXCHANGES

RUNS: Final = [(exchange, seed) for exchange in EXCHANGES for seed in range(1, 6)]
DAYS: Final = 3
"""A run."""
TRADES_A_DAY: Final = 5
TOLD: Final = Told()


@pytest.mark.parametrize(("exchange", "seed"), RUNS)
def test_days_go_by_without_a_break_and_the_books_are_the_exchanges(
    exchange: str, seed: int
) -> None:
    told = Told()
    live_days(exchange, seed, DAYS, told)
    TOLD.add(told)

    assert DAYS == told.days
    assert told.trades >= 2 * DAYS * TRADES_A_DAY
    assert told.settled_s <= SETTLED_WITHIN_S


def test_enough_has_happened_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts what ran before it; alone it has nothing to count."""
    if TOLD.days < len(RUNS) * DAYS:
        pytest.skip("the days did not all pass")
    with capsys.disabled():
        sys.stdout.write(f"\n{TOLD.text()}\n")

    assert set(DEEDS) - {"silence"} == set(TOLD.deeds)
    assert not [
        name for name in ("reset", "black_hole", "failed", "garbled") if TOLD.met[name] < 100
    ]
    assert TOLD.met["limited"] >= 10
    assert TOLD.kills >= 5
    assert TOLD.stops >= 5
    assert TOLD.funding >= 10
