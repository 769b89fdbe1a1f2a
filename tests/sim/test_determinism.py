"""One seed, one run: in any process, whatever order its sets and dictionaries hash in."""

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.sim_trace import trace

ROOT = Path(__file__).parents[2]
NAMES = ("bad_line", "target", "paper_partial", "next_cluster")


def traced(hash_seed: str) -> list[str]:
    """The digests that a process of its own finds."""
    code = "import sys; from tests.fakes.sim_trace import main; main(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *NAMES],
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

    assert len(NAMES) * 3 == len(one)
    assert one == other


def test_another_seed_gives_another_trace() -> None:
    traces = {trace("bad_line", seed).split()[-1] for seed in range(1, 9)}

    assert 8 == len(traces)


def test_the_same_seed_gives_the_same_trace_again() -> None:
    assert trace("bad_line", 3) == trace("bad_line", 3)
