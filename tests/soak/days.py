"""A year of the live bot in simulated days, on both exchanges, with faults of every kind (G3).

In runs of five days, as many at a time as there are processors. The first thing that is wrong ends
it, with the exchange and the seed of its run.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

import structlog

from bot.clock import monotonic_s
from tests.fakes.live_days import Told, live_days
from tests.fakes.live_world import EXCHANGES

DAYS: Final = 365
A_RUN: Final = 5
FIRST_SEED: Final = 1_001
"""Seeds of the ordinary suite are others."""


def lines(days: int = DAYS) -> Iterator[str]:
    """What came of them.

    Raises:
        AssertionError: something was wrong; with the exchange and the seed of that run.

    """
    began_s, total = monotonic_s(), Told()
    with ProcessPoolExecutor() as pool:
        runs = {pool.submit(run, *row): row for row in runs_of(days)}
        for done in as_completed(runs):
            exchange, seed, _ = runs[done]
            error = done.exception()
            if error is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                raise AssertionError(f"{exchange}, seed {seed}: {error}") from error
            total.add(done.result())
            _progress(total.days, days, monotonic_s() - began_s)
    yield from total.text().splitlines()


def runs_of(days: int) -> Iterator[tuple[str, int, int]]:
    """Exchange, seed and length of each run."""
    number = 0
    while days > 0:
        yield EXCHANGES[number % len(EXCHANGES)], FIRST_SEED + number, min(A_RUN, days)
        days -= A_RUN
        number += 1


def run(exchange: str, seed: int, days: int) -> Told:
    """One run, in a process of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    told = Told()
    live_days(exchange, seed, days, told)
    return told


def _progress(done: int, wanted: int, took_s: float) -> None:
    left_s = took_s / max(done, 1) * (wanted - done)
    if sys.stdout.isatty():
        bar = "#" * (30 * done // wanted)
        end = "\r\033[K" if done >= wanted else ""
        text = f"\r[{bar:30}] {done}/{wanted} days, {left_s / 60:.0f} min left {end}"
        sys.stdout.write(text)
        sys.stdout.flush()
