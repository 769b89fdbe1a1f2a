"""How many small defects in the order manager, the reconciler and the risk gate are noticed.

`make mutation [ARGS="risk manager"]` prints each defect that no test saw, and the score. Each
mutant runs in a process of its own, forked from one that has everything imported.
"""

import contextlib
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tests.mutation.mutants import Mutant, mutants_of, put_in

TARGETS: Final = ("manager", "reconcile", "risk")
WORKERS: Final = os.cpu_count() or 1
SECONDS_MAX: Final = 60
"""A mutant that runs for longer is noticed too: it never ends."""
TESTS: Final = (
    "tests/unit/core/test_manager.py",
    "tests/unit/core/test_reconcile.py",
    "tests/unit/core/test_risk.py",
    "tests/unit/core",
)
SCORE_MIN: Final = 0.85


def main() -> int:
    """Print the score of each module; 1 where one is below the bar."""
    names = sys.argv[1:] or list(TARGETS)
    if _passes() != 0:
        sys.stdout.write("The tests fail without any defect; nothing was measured.\n")
        return 1
    scores = [_score(name) for name in names]
    return int(min(scores) < SCORE_MIN)


def _score(name: str) -> float:
    module = importlib.import_module(f"bot.core.{name}")
    path = Path(str(module.__file__))
    mutants = list(mutants_of(path.read_text(encoding="utf-8"), str(path)))
    seen = 0
    running: dict[int, Mutant] = {}
    waiting = list(reversed(mutants))
    while waiting or running:
        while waiting and len(running) < WORKERS:
            mutant = waiting.pop()
            running[_start(module, mutant)] = mutant
        pid, status = os.wait()
        mutant = running.pop(pid)
        if status:
            seen += 1
        else:
            sys.stdout.write(f"  not seen  {name}.py:{mutant.line}  {mutant.what}\n")
        sys.stdout.flush()
    score = seen / len(mutants)
    sys.stdout.write(f"{name}: {seen} of {len(mutants)} defects noticed, {score:.1%}\n")
    return score


def _start(module: ModuleType, mutant: Mutant) -> int:
    """Fork a process that lives with the defect; it ends with 0 where no test notices."""
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(SECONDS_MAX)
    put_in(module, mutant.codes)
    os._exit(_passes())


def _passes() -> int:
    """0 where every test passes."""
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *TESTS]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(bool(pytest.main(arguments)))


if __name__ == "__main__":
    sys.exit(main())
