"""A thousand real SIGKILLs of the live process, over both exchanges and many seeds."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.fakes.live_kills import battery

EXCHANGES: Final = ("binanceusdm", "bybit")
KILLS: Final = 1_000
KILLS_A_LIFE: Final = 100
"""Of one emulated exchange, whose account begins with 10,000 and pays fees for it."""


def lines() -> Iterator[str]:
    """Kill, a battery on each exchange at a time; one line for each. AssertionError: a failure."""
    rounds = KILLS // (KILLS_A_LIFE * len(EXCHANGES))
    with ThreadPoolExecutor(len(EXCHANGES)) as at_once:
        for seed in range(100, 100 + rounds):
            yield from at_once.map(lambda exchange, seed=seed: _line(exchange, seed), EXCHANGES)


def _line(exchange: str, seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="liqbot-soak-") as folder:
        found = battery(Path(folder), exchange, kills=KILLS_A_LIFE, seed=seed)
    return f"{exchange} seed {seed}: {found}"
