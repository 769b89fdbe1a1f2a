"""One seed, one run: in any process, whatever order its sets and dictionaries hash in.

The live stack is in it: venue, gateway and ccxt, against the emulator in two exchanges' words.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.fakes.sim_trace import trace

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = ("bad_line", "target", "paper_partial", "next_cluster")
LIVE: Final = (
    "binanceusdm:bad_line",
    "binanceusdm:stop",
    "bybit:bad_line",
    "bybit:flatten",
)


def traced(hash_seed: str) -> list[str]:
    """The digests that a process of its own finds."""
    code = "import sys; from tests.fakes.sim_trace import main; main(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *NAMES, *LIVE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.splitlines()


def test_the_same_seed_gives_the_same_trace_in_every_process() -> None:
    one, other = traced("1"), traced("4242")

    assert (len(NAMES) + len(LIVE)) * 3 == len(one)
    assert one == other


@pytest.mark.parametrize("name", ["bad_line", "binanceusdm:bad_line", "bybit:bad_line"])
def test_another_seed_gives_another_trace(name: str) -> None:
    traces = {trace(name, seed).split()[-1] for seed in range(1, 9)}

    assert 8 == len(traces)


@pytest.mark.parametrize("name", ["bad_line", "binanceusdm:bad_line", "bybit:bad_line"])
def test_the_same_seed_gives_the_same_trace_again(name: str) -> None:
    assert trace(name, 3) == trace(name, 3)
