"""Real processes that write a ledger, to be killed and starved by the tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from bot.errors import StoreError
from bot.store import migrate
from bot.store.db import open_engine
from bot.store.writer import Writer
from tests.fakes.rows import a_ledger, an_intent

ROOT = Path(__file__).parents[2]
HELD = "held"
ACKED = "acked"


def command(verb: str, *words: object) -> list[str]:
    code = f"import sys; from tests.fakes import store_process as p; p.{verb}(*sys.argv[1:])"
    return [sys.executable, "-c", code, *map(str, words)]


def start(argv: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(argv: list[str], **environment: str) -> tuple[list[str], str]:
    """Lines of stdout, and stderr, of a process that ends by itself or is killed."""
    process = start(argv, **environment)
    out, err = process.communicate(timeout=60)
    return out.splitlines(), err


def write(folder: str, count: str) -> None:
    """Record `count` intents; say so after each; stop at the first failure, after one more try."""
    ledger = a_ledger(Path(folder))
    for number in range(int(count)):
        try:
            ledger.record_now([an_intent(f"c{ledger.seq + 1}")])
        except StoreError as error:
            say(f"failed {number} {error.what}")
            try:
                ledger.record_now([an_intent("again")])
            except StoreError as second:
                say(f"again {second.what}")
            break
        say(f"{ACKED} {ledger.seq}")
    ledger.close()


def hold(folder: str, count: str) -> None:
    """Record `count` intents, say so, and wait to be killed, the -wal full."""
    ledger = a_ledger(Path(folder))
    for _ in range(int(count)):
        ledger.record_now([an_intent(f"c{ledger.seq + 1}")])
    say(HELD)
    signal.pause()


def upgrade(ledger: str, folder: str) -> None:
    """Run the migrations in `folder`."""
    writer = Writer(open_engine(Path(ledger)), where=ledger)
    migrate.upgrade(writer, Path(folder))
    writer.close()


def say(line: str) -> None:
    """Past all buffers: a killed process loses nothing of it."""
    os.write(1, f"{line}\n".encode())
