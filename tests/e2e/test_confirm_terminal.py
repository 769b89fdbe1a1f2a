"""A person at a terminal is asked by `run` itself: the phrase starts it, Ctrl-C ends it."""

import contextlib
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from bot.clock import monotonic_s
from bot.store.reader import Reader
from tests.fakes.emu_process import ROOT, environment
from tests.fakes.live_served import KEYS, serving

PATIENCE_S: Final = 40.0
CTRL_C: Final = "\x03"
RUN: Final = """
import fcntl, termios
from bot.cli import main

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
main()
"""
"""Makes standard input the terminal that Ctrl-C comes from, and is `liqbot` then."""


class Ended(NamedTuple):
    """How the run ended, and all that it wrote on the terminal."""

    code: int
    text: str


def run_at_a_terminal(config: Path, *, typed: str, after: str) -> Ended:
    """A run of two seconds on a terminal of its own; `typed` goes in once `after` is read."""
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-c", RUN, "run", "-c", str(config), "--duration", "2"]
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**environment(), **KEYS},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    text, is_typed, until_s = "", False, monotonic_s() + PATIENCE_S
    try:
        # A terminal whose last user has gone raises EIO.
        with contextlib.suppress(OSError):
            while monotonic_s() < until_s:
                if not select.select([ours], [], [], 0.2)[0]:
                    continue
                text += os.read(ours, 65_536).decode()
                if not is_typed and after in text:
                    is_typed = True
                    os.write(ours, typed.encode())
        return Ended(process.wait(timeout=PATIENCE_S), text)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def confirmed(folder: Path) -> str:
    with Reader(folder / "data" / "ledger.db") as reader:
        return reader.confirmed_account()


@pytest.mark.timeout(120)
def test_the_phrase_starts_the_run(tmp_path: Path) -> None:
    with serving() as exchange:
        phrase = f"trade live on {exchange.account}"
        ended = run_at_a_terminal(exchange.config(tmp_path), typed=f"{phrase}\n", after="> ")

    assert 0 == ended.code, ended.text
    assert "mode: live sends real orders for binanceusdm account 1001." in ended.text
    assert "ready in" in ended.text
    assert exchange.account == confirmed(tmp_path)


@pytest.mark.timeout(120)
def test_ctrl_c_at_the_question_ends_the_run_at_once(tmp_path: Path) -> None:
    with serving() as exchange:
        ended = run_at_a_terminal(exchange.config(tmp_path), typed=CTRL_C, after="> ")
        changes = exchange.changes

    assert 130 == ended.code, ended.text
    assert "Traceback" not in ended.text
    assert "" == confirmed(tmp_path)
    assert [] == changes
