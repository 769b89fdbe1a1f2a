"""The tools as tests, so that pytest is the one command."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_format() -> None:
    run("-m", "ruff", "format", "--check", "bot", "tests", "migrations")


def test_lint() -> None:
    run("-m", "ruff", "check", "bot", "tests", "migrations")


@pytest.mark.timeout(300)
def test_types() -> None:
    run("-m", "mypy")


def test_layers() -> None:
    run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
